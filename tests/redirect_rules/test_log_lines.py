"""Lines of access logs: what each means, and that the quick way to read many says what the careful way says of each."""

import io
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from redirect_rules.log_lines import LoggedRequest, WholeLines, cut, decoded, parse_line, read_odd, request_of

HOST = "dichvucong.langson.gov.vn"
AT = "[01/Jul/2025:00:00:00 +0700]"
AGENT = "Mozilla/5.0 (Linux; Android 14)"


def combined(target: str = "/vi", *, host: str = HOST, method: str = "GET", agent: str = AGENT) -> str:
    """A line of Combined Log Format, with the virtual host in front."""
    return f'{host} 203.0.113.7 - - {AT} "{method} {target} HTTP/1.1" 200 512 "https://a.example/" "{agent}"'


# line                                                                       host         target    method   agent       why
READ = [
    (combined(),                                                             HOST,        "/vi",    "GET",   AGENT,      "with the virtual host"),
    (combined(host=f"{HOST}:443"),                                           HOST,        "/vi",    "GET",   AGENT,      "and its port"),
    (combined().partition(" ")[2],                                           "",          "/vi",    "GET",   AGENT,      "without the virtual host"),
    (f'203.0.113.7 - lan {AT} "POST /nop-ho-so HTTP/2.0" 302 0',             "",          "/nop-ho-so", "POST", "",      "Common Log Format: no agent"),
    (f'203.0.113.7 - - {AT} "GET /vi" 200 -',                                "",          "/vi",    "GET",   "",         "HTTP/0.9"),
    (combined(agent='a \\"b\\" c'),                                          HOST,        "/vi",    "GET",   'a \\"b\\" c', "quotes in quotes"),
    (combined("/a%20b?x=1&y=%2F"),                                           HOST,        "/a%20b?x=1&y=%2F", "GET", AGENT, "as it was asked for"),
    ('{"host": "a.vn", "request_uri": "/vi", "request_method": "HEAD", "http_user_agent": "x"}', "a.vn", "/vi", "HEAD", "x", "nginx's names"),
    ('{"vhost": "a.vn", "uri": "/vi"}',                                      "a.vn",      "/vi",    "GET",   "",         "other names, and no method"),
    ('{"server_name": "a.vn", "request": "POST /vi HTTP/1.1", "ua": "x"}',   "a.vn",      "/vi",    "POST",  "x",        "the request line in one"),
    ('{"host": "", "http_host": "a.vn", "path": "/vi"}',                     "a.vn",      "/vi",    "GET",   "",         "an empty field is none"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "host", "target", "method", "agent", "why"), READ, ids=[why for *_, why in READ])
def test_a_line_is_read(line: str, host: str, target: str, method: str, agent: str, why: str) -> None:
    assert parse_line(line) == LoggedRequest(host, target, method, agent)


UNREADABLE = [
    "",
    "nonsense",
    f'{HOST} 203.0.113.7 - - {AT} "-" 408 0 "-" "-"',
    f'{HOST} 203.0.113.7 - - {AT} "\\x16\\x03\\x01" 400 0 "-" "-"',
    f'{HOST} 203.0.113.7 - - {AT} "GET /vi HTTP/1.1"',
    "{" + combined(),
    "{",
    "{}",
    "[]",
    "{not json}",
    '{"request": "GET"}',
    '{"request_uri": 5}',
    '{"uri": null}',
]


@pytest.mark.parametrize("line", UNREADABLE)
def test_what_is_no_request_is_not_read(line: str) -> None:
    assert parse_line(line) is None


# line                                                                 plain  why
PLAIN = [
    (combined(),                                                       True,  "with the virtual host"),
    (combined().partition(" ")[2],                                     True,  "without it"),
    (combined(host=f"{HOST}:443", method="POST"),                      True,  "with its port"),
    (combined() + " 0.012 upstream",                                   True,  "what servers append"),
    (combined() + ' "203.0.113.8"',                                    True,  "in quotes, too"),
    (combined("/tìm-kiếm\u2028\x85\x00", agent="Cốc Cốc\t"),           True,  "letters of all kinds, which are left as they are"),
    (combined("-").replace("GET - HTTP/1.1", "-"),                     True,  "no request, but a plain line"),
    (combined(host="tỉnh.vn"),                                         False, "a host that is to be looked at"),
    (combined(agent='a \\"b\\"'),                                      False, "escaped quotes"),
    (combined("/\\x22"),                                               False, "a backslash"),
    (combined().replace(" - - ", " - Lan Anh "),                       False, "a user of two words"),
    (combined().replace("GET /vi HTTP/1.1", ""),                       False, "an empty request"),
    (f'203.0.113.7 - - {AT} "GET /vi HTTP/1.1" 200 5',                 False, "Common Log Format"),
    ("{" + combined(),                                                 False, "it begins as JSON"),
    ("",                                                               False, "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "plain", "why"), PLAIN, ids=[why for *_, why in PLAIN])
def test_plain_lines_are_cut_and_others_left_whole(line: str, plain: bool, why: str) -> None:  # noqa: FBT001
    ((host, asked, agent, odd),) = cut(line.encode() + b"\n")
    assert bool(asked) == plain
    assert (host, asked, agent) == (b"", b"", b"") or not odd
    assert plain or decoded(odd) == line


def test_of_a_plain_line_host_request_and_agent_are_left() -> None:
    lines = f"{combined()}\n{combined().partition(' ')[2]}\n".encode()
    asked = b"GET /vi HTTP/1.1", AGENT.encode(), b""
    assert cut(lines) == [(HOST.encode(), *asked), (b"", *asked)]


def careful(octets: bytes) -> list[LoggedRequest | None]:
    """The slow way, for comparison: as text, line by line."""
    return [parse_line(line) for line in io.TextIOWrapper(io.BytesIO(octets), "utf-8", "replace")]


def quick(octets: bytes) -> list[LoggedRequest | None]:
    """The way of replays."""
    whole = WholeLines()
    return [
        request_of(host, asked, agent) if asked else read_odd(odd)
        for lines in (whole.of(octets), whole.last())
        for host, asked, agent, odd in cut(lines)
    ]


ODD = [
    b"",
    b"\n\n",
    b"\r",
    b"\r\n\r",
    combined().encode(),
    f"{combined()}\r\n{combined()}\r{combined()}".encode(),
    f"\ufeff{combined()}".encode(),
    combined("/\u2028\u2029\x85\x0b\x0c\x1c").encode(),
    combined().encode().replace(b"/vi", b"/\xe1\xba\xff"),
    combined().encode().replace(b"Linux", b"\xe1\xba"),
    combined().encode().replace(b"Mozilla/5.0", b"\x00"),
    combined(agent='a"b').encode(),
    combined('/a" 200 5 "b').encode(),
    combined("/a b").encode(),
    combined().replace(AT, "[day]").encode(),
    combined().replace(AT, "[[day] [zone]").encode(),
    combined().replace(AT, '[day "zone]').encode(),
    combined(host="a:b:c").encode(),
    combined(host="[::1]").encode(),
    combined(host="{a}").encode(),
    combined().partition(" ")[2].replace("203", "{203").encode(),
    combined().replace("200", "\u0662\u0660\u0660").encode(),
    combined().replace(" 512 ", " 5\u00a012 ").encode(),
    combined().replace("HTTP/1.1", "HTTP/\u0661.1").encode(),
    combined().encode("utf-16"),
    combined()[:-1].encode() + b"\n" + combined().encode(),
    b'{"uri": "/a", "uri": "/b"}',
    b'{"uri": "/a", "rt": NaN, "n": -Infinity, "big": 1e999}',
    b'{"uri": "/\\ud83d\\ude00 \\u1ea5"}',
    b'{"uri": "/\\ud800"}',
    b'{"uri": "/\xff"}',
    b'{"uri": "/\xc2\x85\xe2\x80\xa8"}',
    b'{"uri": "/\t"}',
    b'{"uri": "/\x00"}',
    b'{"uri": "/a"} ',
    b'{"uri": "/a"} x',
    b'{"uri": "/a"}\x00',
    b'{"uri": "/a",}',
    b'{"uri": "/a", "n": 01}',
    b'{"uri": "/a", "n": ' + b"1" * 4_300 + b"}",
    b'{"uri": "/a", "n": ' + b"1" * 4_301 + b"}",
    b'{"uri": "/a", "n": ' + b"[" * 300 + b"]" * 300 + b"}",
    b'{"uri": "/a", "n": ' + b"[" * 50_000 + b"}",
]
_PIECES = st.sampled_from(
    [
        *(b'"', b" ", b"[", b"]", b"-", b"{", b":", b"\\", b"200", b"GET /vi HTTP/1.1", AT.encode(), HOST.encode()),
        *(b"\n", b"\r", b"\r\n", b"\x00", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1c", b"\x0b"),
        *(b"\xa0", b"\xff", b"\xe1\xba"),  # no UTF-8
    ]
)
_LINES = st.builds(
    combined,
    st.sampled_from(["/vi", "/%zz", "*", "/a b", "", "/vi HTTP/1.1"]),
    host=st.sampled_from([HOST, f"{HOST}:443", "a/b@c", "", "x:y", "[::1]", "{x}"]),
    method=st.sampled_from(["GET", "POST", "get", ""]),
    agent=st.sampled_from([AGENT, "", 'a \\"b\\" c', "\t"]),
).map(str.encode)
_BROKEN = st.builds(
    lambda line, at, pieces: line[:at] + b"".join(pieces) + line[at:],
    _LINES,
    st.integers(0, 150),
    st.lists(_PIECES, min_size=1, max_size=5),
)
_OBJECT = b'{"host": "a.vn", "request": "GET /vi HTTP/1.1", "rt": 0.5, "ua": "a\\u1ea5\\"", "t": [{}, null, true]}'
_OBJECTS = st.builds(
    lambda at, left_out, piece: _OBJECT[:at] + piece + _OBJECT[at + left_out :],
    st.integers(0, len(_OBJECT)),
    st.integers(0, 3),
    st.one_of(
        _PIECES, st.sampled_from([b"", b"}", b",", b"-", b"1", b"NaN", b"\\ud800", b'"uri": "/b",', b"\xef\xbb\xbf"])
    ),
)
_LOGS = st.lists(st.one_of(_LINES, _BROKEN, _OBJECTS, _PIECES, st.binary(max_size=20)), max_size=8).map(b"\n".join)


@pytest.mark.parametrize("octets", ODD, ids=range(len(ODD)))
def test_the_quick_way_says_of_odd_lines_what_the_careful_one_says(octets: bytes) -> None:
    assert quick(octets) == careful(octets)


@given(_LOGS)
@example(b"\n".join(ODD))
def test_the_quick_way_says_of_every_line_what_the_careful_one_says(octets: bytes) -> None:
    assert quick(octets) == careful(octets)


@given(
    st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\xe2\x80\xa8", b"\x85", b"\x0b"]), max_size=30), st.data()
)
def test_wherever_a_log_is_cut_its_lines_are_those_of_a_text_file(pieces: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    whole = WholeLines()
    given_out = [whole.of(octets[begin:end]) for begin, end in pairwise((0, *cuts, len(octets)))]
    given_out.append(whole.last())
    assert all(lines.endswith(b"\n") for lines in given_out if lines)
    expected = [line.removesuffix("\n") for line in io.TextIOWrapper(io.BytesIO(octets), "utf-8", "replace")]
    assert decoded(b"".join(given_out)).split("\n")[:-1] == expected


def test_a_log_that_is_read_to_its_end_begins_anew() -> None:
    whole = WholeLines()
    assert (whole.of(b"a"), whole.last(), whole.last()) == (b"", b"a\n", b"")
    assert whole.of(b"b\n") == b"b\n"
