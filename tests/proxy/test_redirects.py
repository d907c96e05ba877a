"""Redirects by exact rules: made from sketches, they are what the slow lane would have answered."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.packs import Packs
from proxy.pages import Pages
from proxy.redirects import Redirects, plain_address
from proxy.verdicts import Verdicts
from redirect_rules.canonical import BadTarget, canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.model import Action, Life
from tests.proxy.conftest import host_of
from tests.proxy.lanes import Connection, Lane, lane_over, same

NATIONAL = "https://dichvucong.gov.vn"
# which rules                   what they say                                                             fast?
KINDS: Mapping[str, tuple[Mapping[str, Any], bool]] = {
    "an address":               ({"url": NATIONAL + "/bai-viet/{n}?so={n}"},                               True),
    "an address at once":       ({"url": NATIONAL + "/tin/{n}", "action": Action.REDIRECT},                True),
    "with dots in it":          ({"url": NATIONAL + "/a/../tin/{n}"},                                      True),
    "on another allowed host":  ({"url": "https://vpcp.dichvucong.gov.vn/tin/{n}"},                        True),
    "a named page":             ({"destination": "home"},                                                  True),
    "a page that takes a place": ({"destination": "procedure", "arguments": (("code", "1.00119{n}"),)},     True),
    "a search":                 ({"destination": "procedure-search", "arguments": (("keyword", "số {n}"),)}, True),
    "closed for good":          ({"destination": "home", "action": Action.GONE},                           False),
    "passed on":                ({"action": Action.PASS},                                                  False),
    "refused":                  ({"action": Action.REFUSE},                                                False),
    "where we answer":          ({"url": NATIONAL + "/p/home/{n}"},                                        False),
    "what is not allowed":      ({"url": "https://dichvucong.gov.vn.example/{n}"},                         False),
    "with parameters":          ({"url": NATIONAL + "/tin/q{n}", "query": (("id", "{n}"),)},               True),
}  # fmt: skip
CRAWLER = "User-Agent: Googlebot\r\nAccept: text/html\r\n"
PERSON = "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nAccept-Encoding: br, gzip\r\n"
PLACED = PERSON + "Cookie: _edge_place=new:00004\r\n"
HOSTS = [host_of(phase, life) for phase in ("notice", "direct", "settled", "retired", "live") for life in Life]


def rules_of(portal: str) -> Iterator[ExactRule]:
    for at, (said, _) in enumerate(KINDS.values()):
        for number in range(4):
            made = {
                name: _filled(value, f"{at}{number}") if name in {"url", "arguments", "query"} else value
                for name, value in said.items()
            }
            basics: dict[str, Any] = {"action": Action.NOTICE, "query": (), "id": f"{portal}/exact-{at}-{number}"}
            yield ExactRule(portal=portal, path=f"/cu/{at}/{number}.html", **{**basics, **made})


def _filled(value: object, number: str) -> object:
    if isinstance(value, str):
        return value.replace("{n}", number)
    assert isinstance(value, tuple)
    return tuple((name, text.replace("{n}", number)) for name, text in value)


def request_for(host: str, target: str, headers: str, method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


@pytest.fixture(scope="module")
def with_exact(every_state: Packs) -> Packs:
    rules = [rule for host in HOSTS for rule in rules_of(host.replace(".", "-"))]
    return replace(every_state, snapshot=replace(every_state.snapshot, exact=DictIndex(rules)))


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else answers fast what was not asked for before."""
    monkeypatch.setattr(Verdicts, "find", lambda *_: None)


async def compared(fast: Connection, slow: Connection, request: bytes) -> None:
    ours, theirs = await fast.ask(request), await slow.ask(request)
    assert same(ours) == same(theirs), request


@pytest.mark.parametrize(("host", "method"), [*((host, "GET") for host in HOSTS), (HOSTS[0], "HEAD")])
async def test_each_is_answered_as_the_slow_lane_answers_it(
    with_exact: Packs, pages: Pages, host: str, method: str
) -> None:
    async with lane_over(with_exact, pages) as ours, lane_over(with_exact, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for headers in (CRAWLER, PERSON, PLACED):
                for at, (said, _) in enumerate(KINDS.values()):
                    for number in range(4):
                        query = f"?id={at}{number}&x=1" if "query" in said else ""
                        target = f"/cu/{at}/{number}.html{query}"
                        await compared(fast, slow, request_for(host, target, headers, method))
                        await compared(fast, slow, request_for(host, target.replace("cu", "Cu"), headers, method))
        assert [line | {"bytes": 0} if line["status"] == 503 else line for line in ours.lines] == [
            line | {"bytes": 0} if line["status"] == 503 else line for line in theirs.lines
        ]
        assert ours.hits == theirs.hits


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("kind", KINDS)
async def test_the_third_of_a_kind_is_not_decided_anew(with_exact: Packs, pages: Pages, kind: str) -> None:
    at, (said, is_fast) = list(KINDS).index(kind), KINDS[kind]
    async with lane_over(with_exact, pages) as lane, lane.connected() as connection:
        for number in range(4):
            query = f"?id={at}{number}" if "query" in said else ""
            target = f"/cu/{at}/{number}.html{query}"
            await connection.ask(request_for(host_of("notice", Life.GONE), target, CRAWLER))
        assert lane.fast == (2 if is_fast else 0)


@pytest.mark.usefixtures("alone")
async def test_who_has_chosen_a_commune_is_decided_about(with_exact: Packs, pages: Pages) -> None:
    async with lane_over(with_exact, pages) as lane, lane.connected() as connection:
        for number in range(4):
            await connection.ask(request_for(host_of("settled", Life.GONE), f"/cu/0/{number}.html", PLACED))
        assert lane.fast == 0


@pytest.mark.usefixtures("alone")
async def test_the_portals_own_templates_have_their_say_first(with_exact: Packs, pages: Pages) -> None:
    """A pin of the portal's own wins over an exact rule, on both lanes."""
    snapshot = with_exact.snapshot
    portal = snapshot.portals[host_of("notice", Life.GONE)]
    from redirect_rules.matching import TemplateIndex  # noqa: PLC0415 - only here
    from redirect_rules.model import Literal, PathTemplate, Rule  # noqa: PLC0415 - as above

    pin = Rule(
        "own/pin",
        (PathTemplate((Literal("cu"), Literal("0"), Literal("3.html")), None, "/cu/0/3.html"),),
        Action.REFUSE,
    )
    index = replace(snapshot.indexes[portal.id], own=TemplateIndex([[pin]], fold_case=True))
    pinned = replace(with_exact, snapshot=replace(snapshot, indexes={**snapshot.indexes, portal.id: index}))
    async with lane_over(pinned, pages) as lane, lane.connected() as connection:
        statuses = [
            (await connection.ask(request_for(portal.hosts[0], f"/cu/0/{number}.html", CRAWLER))).split()[1]
            for number in (0, 1, 2, 3)
        ]
        assert statuses == [b"301", b"301", b"301", b"403"]
        assert lane.fast == 1


# target                              why it is left alone
NOT_PLAIN = [
    (b"/",                            "the root is a rule's own affair"),
    (b"/a/",                          "a slash at the end goes"),
    (b"/a//b",                        "a doubled slash goes"),
    (b"/a/./b",                       "a dot segment"),
    (b"/a/../b",                      "two dots"),
    (b"/.well-known/security.txt",    "ours"),
    (b"/robots.txt",                  "ours"),
    (b"/ROBOTS.txt",                  "ours in any case"),
    (b"/sw.js",                       "ours where a worker retires"),
    (b"/_edge/locality",              "ours"),
    (b"/_EDGE/locality",              "ours in any case"),
    (b"/a/index.html",                "an index file goes"),
    (b"/a/Default.aspx",              "another"),
    (b"/a%20b",                       "an escape"),
    (b"/a;jsessionid=1",              "a session"),
    (b"/a\r\nX:b",                    "a line end"),
    (b"/a b",                         "a blank"),
    ("/á".encode(),                   "beyond ASCII"),
    (b"/a\\b",                        "a backslash"),
    (b"/a?b=%20",                     "an escape in the query"),
    (b"/a?b=1+2",                     "a plus is a blank"),
    (b"/a?_stay=1",                   "said to us"),
    (b"/a?x=1&_place=new:00004",      "said to us"),
    (b"/a?amp;x=1",                   "copied out of HTML"),
    (b"/a?b=1#c",                     "a fragment"),
    (b"/" + b"a" * 500,               "longer than anybody's"),
    (b"http://a.example/b",           "in absolute form"),
    (b"*",                            "about no page"),
    (b"",                             "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "why"), NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_slow_lane(target: bytes, why: str) -> None:
    assert plain_address(target, fold_case=True) is None


@given(target=st.text("abcXYZ019-._~/?=&%;+_ place", max_size=40).map("/".__add__), fold_case=st.booleans())
def test_a_plain_address_is_its_key(target: str, fold_case: bool) -> None:  # noqa: FBT001 - hypothesis names it
    found = plain_address(target.encode(), fold_case=fold_case)
    if found is None:
        return
    try:
        key = canonical_key("a.example", target, fold_case=fold_case)
    except BadTarget as error:
        raise AssertionError(f"{target!r} is no address at all") from error
    assert (found.path, found.as_sent, found.pairs) == (key.path, key.path_as_sent, key.pairs)
    assert not key.devious


# url                                              admitted?
URLS = [
    (NATIONAL + "/tin/1",                          True),
    (NATIONAL + "/tin/1?a=%20&b=c/../d",           True),
    (NATIONAL,                                     True),
    (NATIONAL + "/",                               True),
    (NATIONAL + "/p/home",                         False),
    (NATIONAL + "/P/home",                         False),
    (NATIONAL + "/%70/home",                       False),
    (NATIONAL + "/a/../p/home",                    False),
    (NATIONAL + "/a/..;x/p/home",                  False),
    (NATIONAL + "//p/home",                        False),
    (NATIONAL + "/./p/home",                       False),
    (NATIONAL + "/p;jsessionid=1/home",            False),
    (NATIONAL + ":444/tin",                        False),
    (NATIONAL + "/tin\r\nX: a",                    False),
    (NATIONAL + "/tin\\a",                         False),
    (NATIONAL + "/" + "a" * 2_048,                 False),
    ("http://dichvucong.gov.vn/tin",               False),
    ("https://a@dichvucong.gov.vn/tin",            False),
    ("https://dichvucong.gov.vn@a.example/tin",    False),
    ("https://a.example/tin",                      False),
    ("https://dichvucong.langson.gov.vn/tin",      False),
    ("https:///tin",                               False),
    ("javascript:alert(1)",                        False),
    ("",                                           False),
]  # fmt: skip


@pytest.mark.parametrize(("url", "admitted"), URLS)
def test_an_address_passes_as_the_guard_lets_it(packs: Packs, url: str, admitted: bool) -> None:  # noqa: FBT001
    redirects = Redirects(packs.snapshot)
    assert redirects._admitted(url) == (url if admitted else None)


@given(rest=st.text("pPj./;%2e70?#\\ aA-_", max_size=20))
def test_nothing_passes_that_the_guard_would_stop(packs: Packs, rest: str) -> None:
    from redirect_rules.destinations import TargetRefused  # noqa: PLC0415 - only here

    url = NATIONAL + rest
    try:
        allowed: str | None = packs.snapshot.destinations.guard.admit(url)
    except TargetRefused:
        allowed = None
    assert Redirects(packs.snapshot)._admitted(url) == allowed


def test_a_lane_without_exact_rules_looks_for_none(packs: Packs) -> None:
    assert len(packs.snapshot.exact) == 0
    assert Redirects(packs.snapshot)._portals == {}


async def test_sketches_are_forgotten_at_an_instant(with_exact: Packs, pages: Pages) -> None:
    """On the day that probation ends a 302 becomes a 301, for addresses never asked for before too."""
    host = host_of("direct", Life.GONE)
    end = with_exact.snapshot.portals[host].schedule.instants[-1]

    async def status(lane: Lane, number: int) -> bytes:
        return (await lane.asked(request_for(host, f"/cu/0/{number}.html", PERSON)))[0].split()[1]

    async with lane_over(with_exact, pages) as lane:
        assert [await status(lane, number) for number in (0, 1, 2)] == [b"302"] * 3
        assert lane.fast == 1
        lane.clock[0] = end
        assert [await status(lane, number) for number in (3, 2, 1, 0)] == [b"301"] * 4
