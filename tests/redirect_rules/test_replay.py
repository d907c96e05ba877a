"""Old access logs → what the rules would say: how visits are counted."""

import io
import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from redirect_rules import replay as replaying
from redirect_rules.clients import client_class
from redirect_rules.log_lines import LoggedRequest, parse_line
from redirect_rules.replay import Report, Tally, fate_of, replay, visit_of
from tests.conftest import AUTUMN

MODEL = "dichvucong.langson.gov.vn"
AT = "[01/Jul/2025:00:00:00 +0700]"
AGENT = "Mozilla/5.0 (Linux; Android 14)"


def combined(target: str = "/vi", *, host: str = MODEL, method: str = "GET", agent: str = AGENT) -> str:
    """A line of Combined Log Format, with the virtual host in front."""
    return f'{host} 203.0.113.7 - - {AT} "{method} {target} HTTP/1.1" 200 512 "https://a.example/" "{agent}"'


def in_json(target: str = "/vi", **more: str) -> str:
    """The same as a line of JSON."""
    return json.dumps({"host": MODEL, "request_uri": target, "user_agent": AGENT} | more)


def octets_of(lines: Iterable[str]) -> bytes:
    """A log."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def report_of(packs: Packs, lines: Iterable[str], host: str = "") -> Report:
    return replay([octets_of(lines)], packs.snapshot, now=AUTUMN, crawlers=packs.crawlers, host=host)


def test_visits_are_counted_by_what_becomes_of_them(packs: Packs) -> None:
    report = report_of(
        packs,
        [
            combined("/vi"),
            combined("/vi?utm_source=zalo"),
            combined("/khong-co?x=1"),
            combined("/khong-co/"),
            combined("/khac"),
            combined("/nop-ho-so/7"),
            combined("/", host="evil.example"),
            combined("/vi", host="dichvucong.hanoi.gov.vn", agent="Googlebot/2.1"),
            combined("/%zz"),
            "nonsense",
        ],
    )
    assert report.as_json(10) == {
        "lines": 10,
        "unreadable": 1,
        "elsewhere": 1,
        "pages": 6,
        "mapped": 3,
        "coverage": 0.5,
        "outcomes": {"notice": 5, "refuse": 2, "pass": 1, "redirect": 1},
        "portals": {"langson": 6, "hanoi": 1},
        "unmapped": [{"key": f"{MODEL}/khong-co", "count": 2}, {"key": f"{MODEL}/khac", "count": 1}],
        "unmapped_not_named": 0,
    }


# line                                                        pages  why
NOT_PAGES = [
    (combined("/nop-ho-so/7"),                                0,     "it lives on"),
    (combined("/logo.png"),                                   0,     "no page, and let through"),
    (combined("/vi", method="POST"),                          0,     "a form: it was sent, not opened"),
    (combined("/vi"),                                         1,     "a page"),
    (combined("/vi", agent="curl/8.5"),                       1,     "asked for by a program, but a page"),
    (combined("/", host="evil.example"),                      0,     "nobody's"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "pages", "why"), NOT_PAGES, ids=[why for *_, why in NOT_PAGES])
def test_coverage_is_about_pages_that_people_open(packs: Packs, line: str, pages: int, why: str) -> None:
    assert report_of(packs, [line]).pages == pages


def test_there_is_no_coverage_of_nothing(packs: Packs) -> None:
    assert report_of(packs, []).coverage is None
    assert report_of(packs, ["nonsense"]).coverage is None


# line                                                          host given       outcome    why
HOSTS = [
    (combined("/vi").partition(" ")[2],                         MODEL,           "notice",  "the log does not say"),
    (combined("/vi").partition(" ")[2],                         "",              None,      "and nobody else does: unreadable"),
    (combined("/vi"),                                           "evil.example",  "notice",  "what the log says counts"),
    (combined(f"http://{MODEL}/vi", host="proxy.example"),      "",              "notice",  "a whole address in the request line counts more"),
    (combined(f"http://{MODEL}?keyword=a/b", host="proxy.example"), "",          "notice",  "with no path"),
    (combined("/vi", host="a/b@c"),                             "",              None,      "no host at all"),
    (combined("http://[::1/", host=MODEL),                      "",              None,      "no address at all"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "host", "outcome", "why"), HOSTS, ids=[why for *_, why in HOSTS])
def test_the_host_is_the_logs_or_the_operators(
    packs: Packs, line: str, host: str, outcome: str | None, why: str
) -> None:
    report = report_of(packs, [line], host)
    assert report.outcomes.most_common() == ([(outcome, 1)] if outcome else [])
    assert report.unreadable == (outcome is None)


def by_deciding_each(packs: Packs, octets: bytes, host: str = "") -> Report:
    """The slow way, for comparison: every line read as text by the careful expression, and decided for itself."""
    report = Report()
    for line in io.TextIOWrapper(io.BytesIO(octets), "utf-8", "replace"):
        report.lines += 1
        logged = parse_line(line)
        visit = visit_of(logged, host, packs.crawlers) if logged else None
        report.count(fate_of(visit, packs.snapshot, AUTUMN), 1)
    return report


_TARGETS = [
    "/vi",
    "/khong-co",
    "/khong-co?x=1",
    "/robots.txt",
    "/logo.png",
    "/nop-ho-so/7",
    "/%zz",
    "*",
    "/a b",
    "/\u2028",
]
_LINES = st.builds(
    combined,
    st.sampled_from(_TARGETS),
    host=st.sampled_from([MODEL, f"{MODEL}:443", "evil.example", "a/b@c", "", "x:y", "[::1]", "{x}"]),
    method=st.sampled_from(["GET", "POST", "get", "OPTIONS", ""]),
    agent=st.sampled_from([AGENT, "Googlebot/2.1", "", "curl/8", 'a \\"b\\" c', "\t", "facebookexternalhit/1.1"]),
)
_JSON = st.builds(
    in_json,
    st.sampled_from(_TARGETS),
    host=st.sampled_from([MODEL, "", "evil.example"]),
    method=st.sampled_from(["GET", "HEAD", "", "gêt"]),
    user_agent=st.sampled_from([AGENT, "Googlebot/2.1", ""]),
)
_PIECES = st.lists(
    st.sampled_from(
        [
            *('"', " ", "[", "]", "-", "{", "200", "GET /vi HTTP/1.1", AT, MODEL, "\\", "\xa0", "٢٠٠", "\x00", "\x85"),
            *("\n", "\r\n", "\r"),
            *("\udcff", "\udce1\udcba"),  # octets that are no UTF-8
        ]
    )
)
_BROKEN = st.builds(
    lambda line, at, piece: line[:at] + "".join(piece) + line[at:], _LINES, st.integers(0, 150), _PIECES
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(_LINES, _BROKEN, _JSON), max_size=12), st.sampled_from(["", MODEL]), st.integers(1, 400))
def test_what_is_remembered_is_counted_exactly_as_what_is_decided(
    packs: Packs, lines: list[str], host: str, cut: int
) -> None:
    log = octets_of([*lines, *lines])
    expected = by_deciding_each(packs, log, host)
    for pieces in ([log], [log[begin : begin + cut] for begin in range(0, len(log), cut)]):
        report = replay(pieces, packs.snapshot, now=AUTUMN, crawlers=packs.crawlers, host=host)
        assert report == expected
        assert list(report.unmapped) == list(expected.unmapped), "named in the order in which they came"


def test_lines_one_by_one_are_read_as_octets_are(packs: Packs) -> None:
    lines = [combined("/khong-có\u2028"), in_json(), "nonsense", "", combined()]
    report = replay(lines, packs.snapshot, now=AUTUMN, crawlers=packs.crawlers)
    assert report == report_of(packs, lines)
    assert report.lines == 5


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n"])
def test_the_last_line_counts_however_it_ends(packs: Packs, end: str) -> None:
    log = f"{combined()}\n{combined('/khong-co')}{end}".encode()
    report = replay([log], packs.snapshot, now=AUTUMN, crawlers=packs.crawlers)
    assert report == by_deciding_each(packs, log)
    assert report.pages == 2


# visits                                                                                  decisions  why
ALIKE = [
    ([combined(), combined(), combined()],                                                1,         "asked for again"),
    ([combined(), combined().replace("203.0.113.7", "2001:db8::1").replace("512", "0")],  1,         "by somebody else"),
    ([combined(), combined(agent="Opera/9"), combined(agent="x" * 2_000)],                1,         "by another browser"),
    ([combined(), combined(agent="Googlebot/2.1"), combined(agent="Googlebot/2.2")],      2,         "by crawlers, too"),
    ([combined(), combined(method="POST"), combined(method="POST")],                      2,         "a form"),
    ([in_json(), in_json(), in_json(user_agent="Opera/9", time="later")],                 1,         "in a log of JSON"),
    ([combined(agent='a\\"'), combined(agent='b\\"')],                                    1,         "with something escaped"),
    ([combined("/" + "a" * 2_000)] * 3,                                                   3,         "too long to be remembered"),
    (["nonsense", "nonsense"],                                                            2,         "unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "decisions", "why"), ALIKE, ids=[why for *_, why in ALIKE])
def test_visits_that_are_alike_are_decided_once_and_counted_each(
    packs: Packs, lines: list[str], decisions: int, why: str
) -> None:
    decided: list[LoggedRequest | None] = []
    counted: list[int] = []
    tally = Tally(packs.crawlers, decided.append, lambda _, times: counted.append(times))
    tally.read(octets_of(lines))
    tally.finish()
    assert (len(decided), sum(counted), tally.lines) == (decisions, len(lines), len(lines))


def test_however_little_is_remembered_the_counts_are_the_same(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [combined(f"/khong-{number // 2 % 7}", agent=f"a{number % 3}") for number in range(60)]
    lines += [in_json(f"/khong-{number // 2 % 5}", user_agent=f"a{number % 3}") for number in range(40)]
    expected = by_deciding_each(packs, octets_of(lines))
    for most in (1, 2, 5):
        monkeypatch.setattr(replaying, "MOST_REMEMBERED", most)
        assert report_of(packs, lines) == expected


def test_reports_of_several_logs_add_up_to_that_of_all(packs: Packs) -> None:
    lines = [combined(target) for target in ("/vi", "/khong-1", "/khong-2", "/%zz", "/nop-ho-so/7", "/khong-1")]
    whole = Report()
    for part in (lines[:2], lines[2:], []):
        whole.add(report_of(packs, part))
    assert whole == report_of(packs, lines)


@pytest.mark.parametrize("target", ["/robots.txt", "/sitemap.xml", "/.well-known/security.txt"])
def test_what_is_about_the_host_is_no_page(packs: Packs, target: str) -> None:
    report = report_of(packs, [combined(target)])
    assert (report.pages, len(report.unmapped)) == (0, 0)


def test_keys_beyond_the_most_are_counted_but_not_named(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MOST_KEYS", 2)
    report = report_of(packs, [combined(f"/khong-{number % 4}") for number in range(12)])
    assert sum(report.unmapped.values()) == 6
    assert len(report.unmapped) == 2
    assert report.as_json(10)["unmapped_not_named"] == 6


def test_only_the_most_frequent_are_shown(packs: Packs) -> None:
    report = report_of(packs, [combined(f"/khong-{number}") for number in range(5)])
    assert len(report.as_json(3)["unmapped"]) == 3


def test_nothing_of_a_person_is_in_a_report(packs: Packs) -> None:
    lines = [combined("/khong-co?ten=Lan&sid=abc&token=def"), combined("/vi?keyword=Lan")]
    written = json.dumps(report_of(packs, lines).as_json(10), ensure_ascii=False)
    for secret in ("Lan", "abc", "def", "203.0.113.7", "a.example"):
        assert secret not in written.replace("langson", "")


# a line that would stop everything after it        why
NASTY = [
    ('{"a":' * 50_000,                              "brackets without end"),
    (f'{{"host": "{MODEL}", "uri": "/\\ud800"}}',   "half a character"),
    ('{"host": "\\ud800", "uri": "/"}',             "in the host"),
    (f'{{"host": "{MODEL}", "uri": "/", "method": "\\u0000"}}', "no method"),
    ("\udce9\udcff",                                "bytes that were no text"),
    (combined("/\udce9"),                           "in the target"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), NASTY, ids=[why for _, why in NASTY])
def test_no_line_stops_the_replay(packs: Packs, line: str, why: str) -> None:
    assert report_of(packs, [line, combined()]).lines == 2


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=80), st.builds(combined, st.text(max_size=40), host=st.text(max_size=20)))))
def test_whatever_is_in_a_log_every_line_is_counted(packs: Packs, lines: list[str]) -> None:
    log = "\n".join([*lines, ""]).encode("utf-8", "replace")
    report = replay([log], packs.snapshot, now=AUTUMN, crawlers=packs.crawlers)
    assert report.lines == log.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
    assert report.unreadable + sum(report.outcomes.values()) == report.lines


_ENDINGS = st.sampled_from(
    ["", "pdf", ".pdf", ".PDF", ".js;v=1", ".", "..zip", ".webmanifest", ".tar.gz", ".é", ".x/y", "?a.pdf"]
)


@settings(deadline=None)
@given(
    st.sampled_from(["GET", "POST", "OPTIONS"]),
    st.lists(st.sampled_from(["/", "/vi", "/a.b", "file", "//"]), max_size=3).map("".join),
    _ENDINGS,
    st.sampled_from(["", AGENT, "Googlebot/2.1", "curl/8.0"]),
)
def test_a_visitor_of_the_log_is_of_the_class_that_headers_would_tell(
    packs: Packs, method: str, path: str, ending: str, agent: str
) -> None:
    target = f"/{path}{ending}"
    visit = visit_of(LoggedRequest(MODEL, target, method, agent), "", packs.crawlers)
    headers = {"user-agent": agent or "Mozilla/5.0", "accept": "text/html"}
    assert visit is not None
    assert visit.client is client_class(method, target.partition("?")[0], headers, packs.crawlers)
