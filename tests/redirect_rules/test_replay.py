"""Old access logs → what the rules would say: how lines are read, and how visits are counted."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from redirect_rules import replay as replaying
from redirect_rules.clients import client_class
from redirect_rules.replay import LoggedRequest, Report, cut, fate_of, parse_line, replay, request_of, visit_of
from tests.conftest import AUTUMN

MODEL = "dichvucong.langson.gov.vn"
AT = "[01/Jul/2025:00:00:00 +0700]"
AGENT = "Mozilla/5.0 (Linux; Android 14)"


def combined(target: str = "/vi", *, host: str = MODEL, method: str = "GET", agent: str = AGENT) -> str:
    """A line of Combined Log Format, with the virtual host in front."""
    return f'{host} 203.0.113.7 - - {AT} "{method} {target} HTTP/1.1" 200 512 "https://a.example/" "{agent}"'


# line                                                                       host         target    method   agent       why
READ = [
    (combined(),                                                             MODEL,       "/vi",    "GET",   AGENT,      "with the virtual host"),
    (combined(host=f"{MODEL}:443"),                                          MODEL,       "/vi",    "GET",   AGENT,      "and its port"),
    (combined().partition(" ")[2],                                           "",          "/vi",    "GET",   AGENT,      "without the virtual host"),
    (f'203.0.113.7 - lan {AT} "POST /nop-ho-so HTTP/2.0" 302 0',             "",          "/nop-ho-so", "POST", "",      "Common Log Format: no agent"),
    (f'203.0.113.7 - - {AT} "GET /vi" 200 -',                                "",          "/vi",    "GET",   "",         "HTTP/0.9"),
    (combined(agent='a \\"b\\" c'),                                          MODEL,       "/vi",    "GET",   'a \\"b\\" c', "quotes in quotes"),
    (combined("/a%20b?x=1&y=%2F"),                                           MODEL,       "/a%20b?x=1&y=%2F", "GET", AGENT, "as it was asked for"),
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
    f'{MODEL} 203.0.113.7 - - {AT} "-" 408 0 "-" "-"',
    f'{MODEL} 203.0.113.7 - - {AT} "\\x16\\x03\\x01" 400 0 "-" "-"',
    f'{MODEL} 203.0.113.7 - - {AT} "GET /vi HTTP/1.1"',
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


def report_of(packs: Packs, lines: Iterable[str], host: str = "") -> Report:
    return replay(lines, packs.snapshot, now=AUTUMN, crawlers=packs.crawlers, host=host)


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


def by_deciding_each(packs: Packs, lines: Iterable[str], host: str = "") -> Report:
    """The slow way, for comparison: every line read by the one expression, and decided for itself."""
    report = Report()
    for line in lines:
        report.lines += 1
        logged = parse_line(line)
        visit = visit_of(logged, host, packs.crawlers) if logged else None
        report.count(fate_of(visit, packs.snapshot, AUTUMN), 1)
    return report


_LINES = st.builds(
    combined,
    st.sampled_from(
        ["/vi", "/khong-co", "/khong-co?x=1", "/robots.txt", "/logo.png", "/nop-ho-so/7", "/%zz", "*", "/a b"]
    ),
    host=st.sampled_from([MODEL, f"{MODEL}:443", "evil.example", "a/b@c", "", "x:y", "[::1]"]),
    method=st.sampled_from(["GET", "POST", "get", "OPTIONS", ""]),
    agent=st.sampled_from([AGENT, "Googlebot/2.1", "", "curl/8", 'a \\"b\\" c', "\t", "facebookexternalhit/1.1"]),
)
_PIECES = st.lists(
    st.sampled_from(['"', " ", "[", "]", "-", "200", "GET /vi HTTP/1.1", AT, MODEL, "\\", "\xa0", "٢٠٠", "\n"])
)
_BROKEN = st.builds(
    lambda line, at, piece: line[:at] + "".join(piece) + line[at:], _LINES, st.integers(0, 150), _PIECES
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(_LINES, _BROKEN), max_size=12), st.sampled_from(["", MODEL]))
def test_what_is_remembered_is_counted_exactly_as_what_is_decided(packs: Packs, lines: list[str], host: str) -> None:
    twice = [*lines, *lines]
    assert report_of(packs, twice, host) == by_deciding_each(packs, twice, host)


@given(st.one_of(_LINES, _BROKEN))
def test_the_quick_way_to_read_a_line_says_what_the_careful_one_says(line: str) -> None:
    if (found := cut(line)) is not None and (logged := request_of(found)) is not None:
        assert logged == parse_line(line)


def test_a_plain_line_is_read_the_quick_way() -> None:
    assert cut(combined()) == (MODEL, "GET /vi HTTP/1.1", AGENT)
    assert cut(combined().partition(" ")[2] + "\n") == ("", "GET /vi HTTP/1.1", AGENT)


def test_however_little_is_remembered_the_counts_are_the_same(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [combined(f"/khong-{number % 7}", agent=f"a{number % 3}") for number in range(60)]
    expected = by_deciding_each(packs, lines)
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
    report = report_of(packs, lines)
    assert report.lines == len(lines)
    assert report.unreadable + sum(report.outcomes.values()) == len(lines)


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
