"""Plain addresses are answered from octets, and in the octets, the lines and the counts of the slow lane."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.access_log import Lines, Second
from proxy.audiences import ASSET, PAGE, Audience, Facts
from proxy.journal import Account
from proxy.metrics import Labels
from proxy.pages import Pages
from proxy.path_traits import look, without_people
from proxy.plain_answers import Asked, Form, PlainAnswers, Precedent, counted_as
from proxy.prepared import Prepared, Sketch
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.hits import HitCounter, shown_and_counted
from redirect_rules.matching import TemplateIndex, significant_names
from redirect_rules.model import Action, ClientClass
from redirect_rules.packs import Packs
from redirect_rules.parsing import parse_portal_rules
from redirect_rules.plain_ways import PlainWays
from redirect_rules.sources import Document
from tests.conftest import AUTUMN
from tests.proxy.lanes import Lane, lane_over, same

HOST = "dichvucong.langson.gov.vn"
CRAWLERS = ("User-Agent: Googlebot/2.1\r\n", "User-Agent: bingbot/2.0\r\nAccept-Language: en\r\n")
PERSON = "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\nAccept-Language: vi\r\n"
RULES = """\
portal = "langson"
[[rule]]
id = "news"
paths = ["/tin-tuc/{id:number}", "/{lang:language}/tin/{id:number}/xem"]
action = "redirect"
to = [{ destination = "procedure-search", keyword = "{id}" }, "home"]
[[rule]]
id = "words"
paths = ["/hoi-dap/{w:word}/{v:word}"]
action = "notice"
to = [{ destination = "procedure-search", keyword = "{v}" }, "home"]
[[rule]]
id = "code"
paths = ["/thu-tuc/{code:procedure}"]
action = "notice"
to = [{ destination = "procedure", code = "{code}" }, "home"]
[[rule]]
id = "looked-up"
paths = ["/ho-so/{id:number}"]
action = "redirect"
to = [{ destination = "procedure", code = "{id|procedure}" }, "procedure-list"]
[[rule]]
id = "file"
paths = ["/tep/{name:word}"]
action = "redirect"
to = ["procedure-list"]
[[rule]]
id = "page"
paths = ["/trang-{n:number}.html"]
action = "notice"
to = [{ destination = "procedure-search", keyword = "{n}" }, "home"]
[[rule]]
id = "flagged"
paths = ["/tin-tuc/{id:number}"]
when = ["noi-bo=1"]
action = "gone"
[[rule]]
id = "gone"
paths = ["/bo/{rest:path}"]
action = "gone"
[[rule]]
id = "refused"
paths = ["/quan-tri/{rest:path}"]
action = "refuse"
"""


@pytest.fixture(scope="module")
def ruled(packs: Packs) -> Packs:
    """The shipped rules, with some more on Lạng Sơn's portal, and one exact address."""
    snapshot = packs.snapshot
    _, own = parse_portal_rules(Document("rules/langson.toml", RULES), destinations=snapshot.destinations.by_name)
    index = snapshot.indexes["langson"]
    index = replace(
        index,
        own=TemplateIndex([own], fold_case=True),
        rules=(*own, *index.rules),
        significant=index.significant | significant_names(own),
    )
    listed = ExactRule("langson", "/tin-tuc/7", (), Action.NOTICE, "langson/listed", "procedure-list")
    return replace(
        packs,
        snapshot=replace(
            snapshot,
            indexes={**snapshot.indexes, "langson": index},
            exact=DictIndex([listed]),
            lookups={("langson", "procedure"): {"17": "1.001193", "18": "1.999999", "19": "no code: a b"}},
        ),
    )


def request_for(target: str, headers: str = CRAWLERS[0], method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n".encode()


PATHS = [
    "/tin-tuc/{n}", "/vi/tin/{n}/xem", "/en-US/tin/{n}/xem", "/hoi-dap/a-{n}/b_{n}", "/thu-tuc/1.00{n:04}", "/ho-so/{n}",
    "/tep/{n}.pdf", "/trang-{n}.html", "/khong/ai-biet/{n}",
]  # fmt: skip


@pytest.mark.parametrize("headers", [*CRAWLERS, PERSON])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_kind_of_page_is_answered_alike(ruled: Packs, pages: Pages, headers: str, method: str) -> None:
    async with lane_over(ruled, pages) as ours, lane_over(ruled, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for number in (1, 2, 3, 4, 4, 4, 12_345_678, 17, 18, 19, 7):
                for path in PATHS:
                    request = request_for(path.format(n=number), headers, method)
                    assert same(await fast.ask(request)) == same(await slow.ask(request)), request
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits
        if headers is not PERSON:
            assert ours.fast > 50  # of 99


# ── changed in one place or another ───────────────────────────────────────────────────────────────────────────────

_VALUES = st.one_of(
    st.integers(0, 10**20).map(str),
    st.sampled_from(["17", "18", "19", "7", "0", "1.001193", "1.001193.000.00.00.H37", "C08_XPHCDB", "C08-12.34"]),
    st.sampled_from(
        ["000.00.53.H48-220921-0099", "H48-220921-0099", "H48-220921", "12_220921-1", "a" * 32, "0912345678"]
    ),
    st.sampled_from(["a@b.vn", "x;jsessionid=1", "%31%32", "%2e%2e", "..", ".", "a%2Fb", "~x", "a+b", "Ti%E1%BA%BFng"]),
    st.sampled_from(
        ["index.html", "default.aspx", "a.css", "a.pdf", "x.html", "robots.txt", "_edge", "a.b.c", "x" * 480]
    ),
    st.from_regex(r"[A-Za-z0-9._~-]{1,12}", fullmatch=True),
)
_SHAPES = st.sampled_from(
    ["/tin-tuc/{}", "/TIN-tuc/{}", "/{}/tin/5/xem", "/vi/tin/{}/xem", "/hoi-dap/{}/x", "/hoi-dap/x/{}", "/thu-tuc/{}", "/ho-so/{}",
     "/tep/{}", "/trang-{}.html", "/bo/{}", "/quan-tri/{}", "/khong/{}", "/{}", "/a/b/{}/c", "/vi/procedure/detail/{}", "/a//{}", "/{}//b"]
)  # fmt: skip
_ENDS = st.sampled_from([""] * 8 + ["/", "//", "?", "?a=1", "?noi-bo=1", "?ma=1.001193", "?_lang=en", "#x", "/x" * 62])
_TARGETS = st.builds(lambda shape, value, end: shape.format(value) + end, _SHAPES, _VALUES, _ENDS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_TARGETS, min_size=4, max_size=12))
async def test_whatever_is_changed_in_a_path_both_lanes_answer_alike(
    known: tuple[Lane, Lane], targets: list[str]
) -> None:
    ours, theirs = known
    before = len(ours.lines)
    async with ours.connected() as fast, theirs.connected() as slow:
        for target in targets:
            request = request_for(target)
            assert same(await fast.ask(request)) == same(await slow.ask(request)), request
    assert ours.lines[before:] == theirs.lines[before:]
    assert ours.hits == theirs.hits


@pytest.fixture
async def known(ruled: Packs, pages: Pages):  # type: ignore[no-untyped-def]  # noqa: ANN201 - two lanes, as they stand
    """Two edges, one of which knows how crawlers are answered about pages, files and documents."""
    async with lane_over(ruled, pages) as ours, lane_over(ruled, pages, enabled=False) as theirs:
        for path in PATHS:
            for number in (1, 2, 3):
                for ending in ("", ".css"):
                    request = request_for(path.format(n=number) + ending)
                    await ours.asked(request)
                    await theirs.asked(request)
        yield ours, theirs


# ── one answer by itself ──────────────────────────────────────────────────────────────────────────────────────────

SKETCH = Sketch(b"[", b" to ", b", to ", b" of ", b" at ", b"]", body=True)
LABELS = Labels("langson", "redirect", "bot", "301")
LINES = Lines('", "method": "GET", "status": 301, "bytes": ', ', "portal": "langson", "outcome": "redirect", "rule": ')
CRAWLER = Audience(Facts("GET", HOST, (ClientClass.BOT,) * 3, "vi", "", None))


@pytest.fixture(scope="module")
def answers(ruled: Packs) -> tuple[PlainAnswers, HitCounter]:
    hits = HitCounter(1_000)
    precedents: dict[Asked, Precedent] = {
        (CRAWLER, PAGE, manner): Precedent(Form(None, SKETCH, 301, 0), LINES, LABELS, "redirect", "bot")
        for manner in ("redirect", "notice", "notice, with a commune")
    }
    found = PlainAnswers(precedents, hits)
    found.admit(CRAWLER, ruled.snapshot.portals[HOST], PlainWays(ruled.snapshot, AUTUMN))
    return found, hits


SEARCH = "https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword="
# asked for                     where it leads; None: it is not answered here
LEADS = [
    (b"/tin-tuc/5",             SEARCH + "5"),
    (b"/Tin-Tuc/5",             SEARCH + "5"),
    (b"/hoi-dap/a/B-c_d.e~f",   SEARCH + "B-c_d.e~f"),  # the value keeps its case
    (b"/hoi-dap/a/b.html",      SEARCH + "b.html"),
    (b"/vi/tin/0912345678/xem", SEARCH + "0912345678"),
    (b"/tin-tuc/" + b"5" * 19,  None),  # no number: nobody knows it, and of that there is no precedent
    (b"/tin-tuc/7",             None),  # listed
    (b"/tin-tuc/5/",            None),
    (b"//tin-tuc/5",            None),
    (b"/tin-tuc//5",            None),
    (b"/tin-tuc/5?a=1",         None),
    (b"/tin-tuc/%35",           None),
    (b"/hoi-dap/a/..",          None),
    (b"/hoi-dap/./b",           None),
    (b"/hoi-dap/a/.b",          None),
    (b"/hoi-dap/a/index.html",  None),
    (b"/hoi-dap/a/Default.aspx", None),
    (b"/hoi-dap/a/b.css",       None),  # of files there is no precedent
    (b"/hoi-dap/a/b@c",         None),
    (b"/hoi-dap/a/b;c",         None),
    (b"/_edge/hoi-dap",         None),
    (b"/robots.txt",            None),
    (b"/quan-tri/5",            None),
    (b"/",                      None),
    (b"",                       None),
    (b"*",                      None),
    (b"tin-tuc/5",              None),
    (b"/hoi-dap/a/" + b"x" * 489, SEARCH + "x" * 489),
    (b"/hoi-dap/a/" + b"x" * 490, None),
]  # fmt: skip


@pytest.mark.parametrize(("target", "leads"), LEADS)
def test_what_is_plain_is_answered_and_nothing_else(
    answers: tuple[PlainAnswers, HitCounter], target: bytes, leads: str | None
) -> None:
    answer = answers[0].find(CRAWLER, target)
    assert (answer and answer.to.decode()) == leads
    if answer is not None and leads is not None:
        octets = leads.encode()
        assert answer.sent(b"id", b"now") == b"[id to %b, to %b of %d at now]%b\n" % (
            octets,
            octets,
            len(leads) + 1,
            octets,
        )


PERSONAL = [
    "/tin-tuc/0912345678",
    "/hoi-dap/h48-220921-0099/x",
    "/hoi-dap/a-1/" + "f" * 40,
    "/hoi-dap/x/000.00.53.H48-220921-0099",
]


@pytest.mark.parametrize("target", [*PERSONAL, "/tin-tuc/5", "/hoi-dap/A/b", "/thu-tuc/1.001193"])
def test_its_line_and_its_hit_are_those_of_its_account(answers: tuple[PlainAnswers, HitCounter], target: str) -> None:
    found, hits = answers
    answer = found.find(CRAWLER, target.encode())
    assert answer is not None
    account, second = answer.account(), Second(UTC)
    told = answer.line(second, 1_700_000_000_000_000_000, b"speakable", 12)
    assert told == second.begin(1_700_000_000_000_000_000) + b"speakable" + account.before + b"12" + account.after
    assert account.hit is not None
    before = hits.counted.get(account.hit, 0)
    answer.count()
    assert hits.counted[account.hit] == before + 1
    if target in PERSONAL:
        assert b"***" in told
        assert target.rpartition("/")[2].encode() not in told or "/x" in target
    assert answer.prepared().sent(b"id", b"now") == answer.sent(b"id", b"now")


_PLAIN_PATHS = st.lists(
    st.one_of(
        st.from_regex(r"[A-Za-z0-9._~-]{1,12}", fullmatch=True),
        st.integers(10**6, 10**45).map(str),
        st.sampled_from(
            ["000.00.53.h48-220921-0099", "h48-220921-0099", "h48_220921_1", "a" * 31, "f" * 32, "f1" * 40]
        ),
    ),
    min_size=1,
    max_size=4,
).map(lambda segments: "/" + "/".join(segments))


@given(_PLAIN_PATHS)
def test_what_a_page_is_counted_as_is_what_the_slow_lane_counts(path: str) -> None:
    octets = path.encode()
    shown, counted = shown_and_counted(HOST, path)
    hidden = without_people(octets, look(octets))
    assert (hidden.decode(), HOST + counted_as(octets, hidden)) == (shown, counted)


# a page that no rule knows      is it answered here?
UNKNOWN = [
    (b"/khong/ai/biet",           True),
    (b"/Khong/ai/biet",           True),
    (b"/khong//ai",               False),  # to canonicalisation, another address
    (b"//khong",                  False),
    (b"/khong/.ai",               False),
    (b"/" + b"/".join([b"a"] * 64), True),
    (b"/" + b"/".join([b"a"] * 65), False),  # it cannot be read
    (b"/khong/index.html",        False),
    (b"/sw.js",                   False),
    (b"/_edge",                   False),
]  # fmt: skip


@pytest.mark.parametrize(("target", "here"), UNKNOWN)
def test_a_page_that_no_rule_knows_is_answered_as_all_of_them_are(ruled: Packs, target: bytes, here: bool) -> None:  # noqa: FBT001
    labels = Labels("langson", "gone", "bot", "404", unmapped=True)
    whole = Prepared(b"[", b" at ", b"]", Account(labels, b"", b"", None))
    precedent = Precedent(Form(whole, None, 404, 7), Lines("", ""), labels, "gone", "bot")
    found = PlainAnswers({(CRAWLER, kind, ""): precedent for kind in (PAGE, ASSET)})
    found.admit(CRAWLER, ruled.snapshot.portals[HOST], PlainWays(ruled.snapshot, AUTUMN))
    answer = found.find(CRAWLER, target)
    assert (answer is not None) is here
    if answer is not None:
        assert answer.sent(b"id", b"now") == b"[id at now]"
        account = answer.account()
        assert account.hit == ("langson", HOST + target.decode().lower(), "gone", "bot", "")
        assert b'"unmapped"' in account.after
        assert answer.prepared().account.hit == account.hit


def test_nobody_is_answered_who_was_not_admitted(answers: tuple[PlainAnswers, HitCounter]) -> None:
    stranger = Audience(CRAWLER.facts)
    assert answers[0].find(stranger, b"/tin-tuc/5") is None


def test_what_is_forgotten_is_not_answered(ruled: Packs) -> None:
    precedent = Precedent(Form(None, SKETCH, 301, 0), LINES, LABELS, "redirect", "bot")
    found = PlainAnswers({(CRAWLER, PAGE, "redirect"): precedent})
    found.admit(CRAWLER, ruled.snapshot.portals[HOST], PlainWays(ruled.snapshot, AUTUMN))
    answer = found.find(CRAWLER, b"/tin-tuc/5")
    assert answer is not None
    answer.count()  # into nothing: visits are not counted
    found.forget()
    assert found.find(CRAWLER, b"/tin-tuc/5") is None
