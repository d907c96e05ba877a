"""The shortest way to a redirect: it goes where the others go, or not at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access_log import Lines
from proxy.audiences import Audience, Facts, Kind
from proxy.metrics import Labels
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.prepared import Sketch
from proxy.redirects import Redirects, plain_address
from proxy.shortcuts import Course, Hop, Shortcuts, ends_after
from proxy.verdicts import Verdicts
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule, Shape
from redirect_rules.exact_complaints import complaint
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import (
    Action,
    ClientClass,
    Life,
    Literal,
    PathTemplate,
    Portal,
    PortalKind,
    Rule,
    Schedule,
)
from redirect_rules.packed_rules import Alone, Packed
from tests.conftest import AUTUMN
from tests.proxy.conftest import host_of
from tests.proxy.lanes import lane_over, same

NATIONAL = "https://dichvucong.gov.vn"
SCOPES: Mapping[str, frozenset[str]] = {"dichvucong.gov.vn": frozenset({"p"}), "a.example": frozenset()}
HOST = host_of("settled", Life.GONE)
PORTAL = HOST.replace(".", "-")
CRAWLER = "User-Agent: Googlebot\r\nAccept: text/html\r\n"

SKETCH = Sketch(b"[", b" to ", b", to ", b" of ", b" at ", b"]", body=True)
LINES = Lines("", "")
LABELS = Labels("langson", "redirect", "crawler", "301")


def rule(path: str, **said: Any) -> ExactRule:
    basics: dict[str, Any] = {"query": (), "action": Action.NOTICE, "id": f"{PORTAL}/i-17/{path}"}
    return ExactRule(portal=PORTAL, path=path, **{**basics, **said})


def request_for(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n{CRAWLER}\r\n".encode()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else answers fast what was not asked for before."""
    monkeypatch.setattr(Verdicts, "find", lambda *_: None)
    monkeypatch.setattr(Redirects, "find", lambda *_: None)


# what the rules say                                                                                       short?
SAID: Mapping[str, tuple[Mapping[str, Any], str, bool]] = {
    "an address":                 ({"url": NATIONAL + "/tin/{n}"},                              "/cu/{n}",        True),
    "its query":                  ({"url": NATIONAL + "/tin/xem?a={n}&b=/c"},                   "/cu/{n}",        False),
    "a query without a slash":    ({"url": NATIONAL + "/tin/xem?a={n}"},                        "/cu/{n}",        True),
    "an address of one segment":  ({"url": NATIONAL + "/tin-{n}"},                              "/cu/{n}",        True),
    "a page of one segment":      ({"url": NATIONAL + "/tin-{n}.html"},                         "/cu/{n}",        False),
    "where we answer":            ({"url": NATIONAL + "/p"},                                    "/cu/{n}",        False),
    "an escape":                  ({"url": NATIONAL + "/tin/%C3%A1{n}"},                        "/cu/{n}",        False),
    "a page with an extension":   ({"url": NATIONAL + "/tin/{n}"},                              "/cu/{n}.aspx",   True),
    "a place in a page":          ({"destination": "procedure", "arguments": (("code", "1.00019{n}"),)}, "/cu/{n}", True),
    "a search":                   ({"destination": "procedure-search", "arguments": (("keyword", "số {n}"),)}, "/cu/{n}", True),
    "somebody's number":          ({"url": NATIONAL + "/tin/{n}"},                              "/cu/012345678{n}", True),
    "a parameter":                ({"url": NATIONAL + "/tin/{n}", "query": (("id", "{n}"),)},   "/cu/{n}?id={n}", False),
}  # fmt: skip


def filled(value: object, number: int) -> object:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    assert isinstance(value, tuple)
    return tuple((name, text.replace("{n}", str(number))) for name, text in value)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("kind", SAID)
async def test_the_third_of_a_kind_is_answered_alike_and_at_once(every_state: Packs, pages: Pages, kind: str) -> None:
    said, target, is_short = SAID[kind]
    rules = [
        rule(target.partition("?")[0].format(n=number), **{name: filled(value, number) for name, value in said.items()})
        for number in range(5)
    ]
    packs = replace(every_state, snapshot=replace(every_state.snapshot, exact=DictIndex(rules)))
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for number in (0, 1, 2, 3, 4, 4, 4):
                asked = request_for(target.format(n=number))
                assert same(await fast.ask(asked)) == same(await slow.ask(asked))
        assert ours.fast == (5 if is_short else 2)  # of what was asked again, two answers are known anyway
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


class Torn(Alone):
    """Records whose ids end in half a character."""

    def __init__(self, whole: Alone) -> None:
        self._whole = whole

    def find(self, path: bytes, cut: int) -> Packed | None:
        found = self._whole.find(path, cut)
        return None if found is None else Packed(found.number, b"\xff", found.rest)


class TornIndex(DictIndex):
    def alone(self, portal: str) -> Alone:
        return Torn(super().alone(portal))


@pytest.mark.usefixtures("alone")
async def test_what_cannot_be_told_of_an_answer_is_no_visitors_affair(
    every_state: Packs, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    rules = [rule(f"/cu/{number}", url=f"{NATIONAL}/tin/{number}") for number in range(6)]
    packs = replace(every_state, snapshot=replace(every_state.snapshot, exact=TornIndex(rules)))
    async with lane_over(packs, pages) as lane, lane.connected() as connection:
        answers = [await connection.ask(request_for(f"/cu/{number}")) for number in range(6)]
        assert all(f"Location: {NATIONAL}/tin/{number}\r\n".encode() in answers[number] for number in range(6))
    assert caplog.text.count("cannot be accounted for") == 1, "said once, and not at each of them"


# an address up to its last slash               what may follow    what must not
HEADS = [
    (NATIONAL + "/",                              b"tin-1",          {b"", b"p"}),
    (NATIONAL + "/tin/",                          b"1.html?a=b",     set()),
    (NATIONAL + "/tin/hai/",                      b"1",              set()),
    ("https://a.example/",                        b"1",              {b""}),
    (NATIONAL + "/p/",                            None,              None),
    (NATIONAL + "/P/",                            None,              None),
    (NATIONAL + "/tin/../",                       None,              None),
    (NATIONAL + "//",                             None,              None),
    (NATIONAL + "/tin?a=/",                       None,              None),
    (NATIONAL + "/tin#/",                         None,              None),
    (NATIONAL + "/%70/",                          None,              None),
    ("https://b.example/",                        None,              None),
    ("https://dichvucong.gov.vn:444/",            None,              None),
    ("https://a@dichvucong.gov.vn/",              None,              None),
    ("http://dichvucong.gov.vn/",                 None,              None),
    ("",                                          None,              None),
]  # fmt: skip


@pytest.mark.parametrize(("head", "follows", "taken"), HEADS)
def test_what_follows_an_address_is_judged_by_what_it_begins_with(
    head: str, follows: bytes | None, taken: set[bytes] | None
) -> None:
    found = ends_after(head, SCOPES)
    if follows is None:
        assert found is None
    else:
        assert found is not None
        assert not follows.translate(None, found[0])
        assert found[1] == frozenset(taken or ())


@given(
    head=st.sampled_from([NATIONAL + "/", NATIONAL + "/tin/", NATIONAL + "/a/b/"]),
    end=st.text("pPtin0./;%2e?#\\ &=-_{á", max_size=12).filter(lambda text: "/" not in text),
)
def test_nothing_is_let_through_that_the_guard_would_stop(packs: Packs, head: str, end: str) -> None:
    redirects = Redirects(packs.snapshot)
    found = ends_after(head, redirects._scopes)
    assert found is not None
    octets = end.encode()
    if octets.translate(None, found[0]) or octets[:1] == b"." or octets.lower() in found[1]:
        return
    assert packs.snapshot.destinations.guard.admit(head + end) == head + end


def shortcuts_to(
    rules: list[ExactRule], earlier: Mapping[str, TemplateIndex] | None = None
) -> tuple[Shortcuts, Audience]:
    """Shortcuts of one portal that was answered about already."""
    index = DictIndex(rules)

    def plan(_who: Audience, shape: Shape, _kind: Kind, _texts: tuple[str, ...], _now: object) -> tuple[Course, bytes]:
        ends = ends_after(shape.url_head, SCOPES)
        assert ends is not None
        return Course(shape.id_head, "", SKETCH, LINES, LABELS, HOST, shape.url_head.encode(), ends), b""

    portal = Portal(PORTAL, PortalKind.PROVINCE, {}, (HOST,), Schedule())
    facts = Facts("GET", HOST, (ClientClass.BOT,) * 3, "vi", "", None)
    return Shortcuts(index, {HOST: portal}, earlier or {}, plan), Audience(facts)


def found_by(shortcuts: Shortcuts, audience: Audience, target: bytes) -> Hop | None:
    desk = shortcuts.desk(audience)
    assert desk is not None
    return shortcuts.find(desk, audience, target, AUTUMN)


@given(target=st.text("abcXYZ019-._~/?=&%;+_e place", max_size=40).map("/".__add__))
def test_whatever_is_found_is_a_plain_address(target: str) -> None:
    plain = plain_address(target.encode(), fold_case=True)
    stands = rule(target.partition("?")[0].lower(), url=NATIONAL + "/tin/1")
    if complaint(stands) is not None:
        return
    shortcuts, audience = shortcuts_to([stands])
    found = found_by(shortcuts, audience, target.encode())
    if found is not None:
        assert plain is not None
        assert plain.path == found.path.decode()
        assert found.to == b"https://dichvucong.gov.vn/tin/1"


def test_the_portals_own_pins_are_looked_at_first() -> None:
    pin = Rule("own/pin", (PathTemplate((Literal("cu"), Literal("1")), None, "/cu/1"),), Action.REFUSE)
    rules = [rule(f"/cu/{number}", url=f"{NATIONAL}/tin/{number}") for number in (1, 2)]
    shortcuts, audience = shortcuts_to(rules, {PORTAL: TemplateIndex([[pin]], fold_case=True)})
    assert found_by(shortcuts, audience, b"/cu/1") is None
    assert found_by(shortcuts, audience, b"/CU/2") is not None


def test_what_was_common_can_be_forgotten() -> None:
    shortcuts, audience = shortcuts_to([rule("/cu/1", url=NATIONAL + "/tin/1")])
    assert found_by(shortcuts, audience, b"/cu/1") is not None
    assert shortcuts._desks != {}
    shortcuts.forget()
    assert shortcuts._desks == {}
