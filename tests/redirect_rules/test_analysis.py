"""What is found in a draft: each kind of flaw planted alone; and nothing is called dead that a visit can reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from redirect_rules.analysis import MOST_WEIGHT, Finding, Flaw, Severity, analyse
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.destinations import Destination, UrlForm
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.model import (
    HO_CHI_MINH,
    Action,
    Argument,
    Condition,
    Family,
    Goal,
    Lookup,
    Portal,
    QueryCapture,
    Rule,
)
from redirect_rules.parsing import parse_template
from redirect_rules.snapshot import compile_snapshot
from tests.conftest import AUTUMN

HOST: Final = "dichvucong.langson.gov.vn"
NATIONAL: Final = "https://dichvucong.gov.vn"
PAST, LATER = datetime(2026, 1, 1, tzinfo=HO_CHI_MINH), datetime(2027, 1, 1, tzinfo=HO_CHI_MINH)


def rule(*paths: str, name: str = "langson/own", to: str = "home", **more: Any) -> Rule:
    action = more.pop("action", Action.NOTICE)
    goals = more.pop("goals", (Goal(to),) if action is Action.NOTICE else ())
    return Rule(name, tuple(map(parse_template, paths)), action, goals, **more)


def listed(path: str, name: str = "langson/listed", *, portal: str = "langson", **more: Any) -> ExactRule:
    action = more.pop("action", Action.NOTICE)
    leads = action is Action.NOTICE and "url" not in more
    query = more.pop("query", ())
    return ExactRule(portal, path, query, action, name, more.pop("to", "help" if leads else ""), **more)


@dataclass(frozen=True)
class Draft:
    """Two portals (Lạng Sơn's and the national one), with these rules and no others."""

    own: Sequence[Rule] = ()
    listed: Sequence[ExactRule] = ()
    families: Sequence[Family] = ()
    destinations: Sequence[Destination] = ()
    lookups: Mapping[str, Mapping[str, str]] | None = None
    offices: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    national: Sequence[Rule] = ()

    def packs(self, packs: Packs) -> Packs:
        named = tuple(family.name for family in self.families if family.name != "nobodys")
        changes: dict[str, dict[str, Any]] = {
            "langson": {"families": named, "office_hosts": self.offices},
            "national-2019": {"families": ()},
        }
        portals = [replace(portal, **changes[portal.id]) for portal in packs.book.portals if portal.id in changes]
        book = replace(
            packs.book,
            portals=portals,
            families=self.families,
            portal_rules={"langson": self.own, "national-2019": self.national},
            destinations=(*packs.book.destinations, *self.destinations),
            allowed_hosts=packs.book.allowed_hosts | self.allowed,
            lookups=[Lookup("langson", name, entries) for name, entries in (self.lookups or {}).items()],
        )
        instants = [at for one in self.listed for at in (one.valid_from, one.valid_until) if at is not None]
        snapshot = compile_snapshot(book, number=0, exact=DictIndex(self.listed), instants=instants)
        return replace(packs, book=book, snapshot=snapshot)

    def findings(self, packs: Packs) -> list[Finding]:
        made = self.packs(packs)
        return list(analyse(made, made.snapshot.exact, now=AUTUMN))


def to(destination: str, **arguments: str) -> tuple[Goal, ...]:
    return (Goal(destination, tuple(Argument(name, capture=text) for name, text in arguments.items())),)


BY_TABLE = (Goal("procedure", (Argument("code", capture="id", lookup="numbers"),)), Goal("home"))
ENDED = Destination("ended", (UrlForm(f"{NATIONAL}/cu", valid_until=PAST),))
ENDING = Destination("ending", (UrlForm(f"{NATIONAL}/cu", valid_until=LATER),))
WORDS = Destination("words", (UrlForm(f"{NATIONAL}/tim?keyword={{keyword}}"),))
FIRST = Family("first", 1, (rule("/a/{rest:path}", name="first/a"),))
SECOND = Family("second", 1, (rule("/a/b", name="second/ab"), rule("/c", name="second/c")))

# what is planted                                       the draft                                                                        kind               severity          rule             words
PLANTED = {
    "an address on a host nobody may be sent to":       (Draft(listed=[listed("/a", url="https://evil.example/")]),                      Flaw.TARGET,       Severity.ERROR,   "langson/listed", "write an https address on one of"),
    "a plain http address":                             (Draft(own=[rule("/a", goals=(Goal("", url="http://dichvucong.gov.vn/x"),))]),   Flaw.TARGET,       Severity.ERROR,   "langson/own",   "not https"),
    "a place that nothing fills":                       (Draft(listed=[listed("/a", url=f"{NATIONAL}/{{code}}")]),                       Flaw.TARGET,       Severity.ERROR,   "langson/listed", "spell the whole address"),
    "a loop of one":                                    (Draft(listed=[listed("/a", url=f"https://{HOST}/a")]),                          Flaw.LOOP,         Severity.ERROR,   "langson/listed", f"https://{HOST}/a → https://{HOST}/a"),
    "a loop of two":                                    (Draft(listed=[listed("/a", url=f"https://{HOST}/b"), listed("/b", "langson/b", url=f"https://{HOST}/a")]), Flaw.LOOP, Severity.ERROR, "langson/b", f"https://{HOST}/b → https://{HOST}/a → https://{HOST}/b"),
    "a loop over an allowed host":                      (Draft(listed=[listed("/a", url=f"https://{HOST}/a")], allowed=frozenset({HOST})), Flaw.LOOP,       Severity.ERROR,   "langson/listed", "nobody arrives"),
    "a chain":                                          (Draft(listed=[listed("/a", url=f"https://{HOST}/b"), listed("/b", "langson/b")]), Flaw.CHAIN,      Severity.ERROR,   "langson/listed", "write https://dichvucong.gov.vn/huong-dan-su-dung/huong-dan-chung"),
    "a chain over another portal":                      (Draft(own=[rule("/a", goals=(Goal("", url=f"{NATIONAL}/p/home"),))], national=[rule("/p/home", name="national/home", to="help")]), Flaw.CHAIN, Severity.ERROR, "langson/own", f"{HOST}/a → {NATIONAL}/p/home → {NATIONAL}/huong-dan"),
    "a way to what passes":                             (Draft(listed=[listed("/a", url=f"https://{HOST}/b"), listed("/b", "langson/b", action=Action.PASS)]), Flaw.CHAIN, Severity.ERROR, "langson/listed", "name a destination"),
    "a destination that is over":                       (Draft(own=[rule("/a", to="ended")], destinations=[ENDED]),                      Flaw.FORM,         Severity.ERROR,   "langson/own",   "no form in force now"),
    "a destination that will be over":                  (Draft(listed=[listed("/a", to="ending")], destinations=[ENDING]),               Flaw.FORM,         Severity.WARNING, "langson/listed", "from 2027-01-01"),
    "a destination that lacks a parameter":             (Draft(listed=[listed("/a", to="words")], destinations=[WORDS]),                 Flaw.FORM,         Severity.ERROR,   "langson/listed", "can be filled from nothing"),
    "no such destination":                              (Draft(listed=[listed("/a", to="nowhere")]),                                     Flaw.FORM,         Severity.ERROR,   "langson/listed", "there is no destination 'nowhere'"),
    "a second destination that lacks a parameter":      (Draft(listed=[listed("/a", to="help", otherwise="words")], destinations=[WORDS]), Flaw.FORM,       Severity.ERROR,   "langson/listed", "can be filled from nothing"),
    "a listed rule under a pin":                        (Draft(own=[rule("/a/{rest:path}", action=Action.PASS)], listed=[listed("/a/b")]), Flaw.SHADOWED,   Severity.WARNING, "langson/listed", "decides every visit"),
    "a listed rule under a listed pin":                 (Draft(listed=[listed("/a", "langson/pin", action=Action.PASS), listed("/a", query=(("id", "1"),))]), Flaw.SHADOWED, Severity.WARNING, "langson/listed", "langson/pin"),
    "an exact rule under a pin":                        (Draft(own=[rule("/{rest:path}", name="langson/pin", action=Action.PASS), rule("/a", exact=True)]), Flaw.SHADOWED, Severity.WARNING, "langson/own", "langson/pin"),
    "a template under a pin":                           (Draft(own=[rule("/a/{rest:path}", name="langson/pin", action=Action.REFUSE), rule("/a/{x:number}")]), Flaw.SHADOWED, Severity.WARNING, "langson/own", "takes every path of /a/{x:number}"),
    "a template under one of an earlier family":        (Draft(families=[FIRST, SECOND]),                                                Flaw.SHADOWED,     Severity.WARNING, "second/ab",     "first/a"),
    "a family's rule under the portal's own":           (Draft(own=[rule("/c")], families=[SECOND]),                                     Flaw.SHADOWED,     Severity.WARNING, "second/c",      "langson/own"),
    "an exact and a listed rule of one address":        (Draft(own=[rule("/a", exact=True)], listed=[listed("/a")]),                     Flaw.CONFLICT,     Severity.ERROR,   "langson/listed", "keep one of the two"),
    "the same on the back office":                      (Draft(own=[rule("/a", exact=True)], listed=[listed("/a")], offices=("motcua.example",)), Flaw.CONFLICT, Severity.ERROR, "langson/listed", "keep one of the two"),
    "an exact and a listed rule that say the same":     (Draft(own=[rule("/a", exact=True, to="help")], listed=[listed("/a")]),          Flaw.SHADOWED,     Severity.WARNING, "langson/listed", "remove one of the two"),
    "a rule outside the scope":                         (Draft(national=[rule("/vi", name="national/vi")]),                              Flaw.UNREACHABLE,  Severity.WARNING, "national/vi",   "outside the retired paths"),
    "a listed rule outside the scope":                  (Draft(listed=[listed("/vi", portal="national-2019")]),                               Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "outside the retired paths"),
    "a rule of nobody's":                               (Draft(listed=[listed("/vi", portal="nobody")]),                                 Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "there is no portal 'nobody'"),
    "a family that nobody names":                       (Draft(families=[Family("nobodys", 1, (rule("/a", name="nobodys/a"),))]),        Flaw.UNREACHABLE,  Severity.NOTE,    "nobodys/a",     "no portal names this family"),
    "a rule whose time is over":                        (Draft(own=[rule("/a", valid_until=PAST)]),                                      Flaw.UNREACHABLE,  Severity.WARNING, "langson/own",   "was over on 2026-01-01"),
    "a listed rule whose time is over":                 (Draft(listed=[listed("/a", valid_until=PAST)]),                                 Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "was over on 2026-01-01"),
    "a rule that ends before it begins":                (Draft(own=[rule("/a", valid_from=LATER, valid_until=PAST)]),                    Flaw.UNREACHABLE,  Severity.WARNING, "langson/own",   "not later than valid_from"),
    "our own file":                                     (Draft(own=[rule("/robots.txt")]),                                               Flaw.UNREACHABLE,  Severity.WARNING, "langson/own",   "by the edge itself"),
    "our own file, listed":                             (Draft(listed=[listed("/.well-known/security.txt")]),                            Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "by the edge itself"),
    "our own paths":                                    (Draft(own=[rule("/_edge/{rest:path}")]),                                        Flaw.UNREACHABLE,  Severity.WARNING, "langson/own",   "/_edge is the edge's own"),
    "an index file":                                    (Draft(listed=[listed("/vi/index.html")]),                                       Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "write /vi"),
    "capitals where case is folded":                    (Draft(listed=[listed("/Vi")]),                                                  Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "write /vi"),
    "more parts than are read":                         (Draft(listed=[listed("/a" * 65)]),                                              Flaw.UNREACHABLE,  Severity.WARNING, "langson/listed", "too many parts"),
    "a table that is not there":                        (Draft(own=[rule("/{id:number}", goals=BY_TABLE)]),                              Flaw.LOOKUP,       Severity.WARNING, "langson/own",   "numbers of langson is not there"),
    "an empty table":                                   (Draft(own=[rule("/{id:number}", goals=BY_TABLE)], lookups={"numbers": {}}),     Flaw.LOOKUP,       Severity.WARNING, "langson/own",   "or empty"),
    "a table that nobody of a family has":              (Draft(families=[Family("f", 1, (rule("/{id:number}", name="f/x", goals=BY_TABLE),))]), Flaw.LOOKUP, Severity.NOTE,    "f/x",           "no portal that names the family"),
    "a table that nobody asks":                         (Draft(lookups={"numbers": {"1": "1.001193"}}),                                  Flaw.LOOKUP,       Severity.WARNING, "",              "no rule asks the table numbers"),
    "a tie":                                            (Draft(own=[rule("/{a:word}", name="langson/one"), rule("/{b:word}")]),          Flaw.TIE,          Severity.ERROR,   "langson/own",   "known as well by langson/one"),
    "templates that hold a worker too long":            (Draft(own=[rule(f"/{{x:word}}-{number}.html", name=f"langson/{number}") for number in range(MOST_WEIGHT)]), Flaw.WEIGHT, Severity.ERROR, "", "µs to look up"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_flaw_is_found(packs: Packs, name: str) -> None:
    draft, kind, severity, rule_id, words = PLANTED[name]
    found = [one for one in draft.findings(packs) if (one.kind, one.rule) == (kind, rule_id)]
    assert [one.severity for one in found[:1]] == [severity], draft.findings(packs)
    assert words in found[0].say


SOUND = {
    "other listed addresses":             Draft(listed=[listed("/a"), listed("/b", "langson/b", query=(("id", "1"),))]),
    "a pin that ends":                    Draft(own=[rule("/a", action=Action.PASS, valid_until=LATER)], listed=[listed("/a")]),
    "a pin that asks for something":      Draft(own=[rule("/a", action=Action.PASS, conditions=(Condition("x", None),))], listed=[listed("/a")]),
    "a pin over a template, that ends":  Draft(own=[rule("/{rest:path}", name="langson/pin", action=Action.PASS, valid_until=LATER), rule("/a")]),
    "a pin that asks for less":          Draft(own=[rule("/{rest:path}", name="langson/pin", action=Action.PASS, conditions=(Condition("x", None),)), rule("/a", conditions=(Condition("x", "1"), Condition("y", None)))]),
    "a pin beside":                       Draft(own=[rule("/a", action=Action.PASS)], listed=[listed("/a/b")]),
    "what an earlier family leaves":      Draft(families=[FIRST, Family("second", 1, (rule("/{x:word}/b", name="second/xb"),))]),
    "an own file of the back office":     Draft(listed=[listed("/robots.txt")], offices=("motcua.example",)),
    "a table that is asked":              Draft(own=[rule("/{id:number}", goals=BY_TABLE)], lookups={"numbers": {"1": "1.001193"}}),
    "rules that follow each other":       Draft(listed=[listed("/a", valid_until=LATER), listed("/a", "langson/b", valid_from=LATER, to="home")]),
    "an address with its letters' case":  Draft(listed=[listed("/a", url=f"{NATIONAL}/Tin-Tuc/A.aspx")]),
    "the archive of the old path":        Draft(listed=[listed("/a", to="archive")]),
    "a captured word":                    Draft(own=[rule("/a", goals=(*to("procedure-search", keyword="k"), Goal("home")), captures=(QueryCapture("k", "text", ("q",)),))]),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_where_nothing_is_wrong(packs: Packs, name: str) -> None:
    assert SOUND[name].findings(packs) == []


def test_expressions_that_cannot_be_compiled_are_findings(packs: Packs) -> None:
    made = Draft().packs(packs)
    wrong = replace(made, book=replace(made.book, portal_rules={"langson": [rule(regex="(")]}))
    (found,) = analyse(wrong, (), now=AUTUMN)
    assert (found.kind, found.severity, found.rule) == (Flaw.EXPRESSION, Severity.ERROR, "langson/own")


def test_what_is_not_compiled_yet_is_compared_with_what_is(packs: Packs) -> None:
    made = Draft(listed=[listed("/a", "langson/old")]).packs(packs)
    found = list(analyse(made, [listed("/a", to="home")], now=AUTUMN))
    assert [(one.kind, one.rule, one.other) for one in found] == [(Flaw.CONFLICT, "langson/listed", "langson/old")]


def test_the_shipped_rules_have_no_error_and_no_warning(packs: Packs) -> None:
    assert {one.severity for one in analyse(packs, (), now=AUTUMN)} <= {Severity.NOTE}


def test_progress_is_told(packs: Packs) -> None:
    told: list[tuple[str, int]] = []
    made = Draft(listed=[listed(f"/a{number}", f"langson/{number}") for number in range(20_001)]).packs(packs)
    list(analyse(made, made.snapshot.exact, now=AUTUMN, progress=lambda *seen: told.append(seen)))
    assert told == [("templates", 0), ("listed rules", 10_000), ("listed rules", 20_000), ("listed rules", 20_001)]


# ── what is called dead is dead ───────────────────────────────────────────────────────────────────────────────────

_PARTS = st.sampled_from(
    ["a", "b", "vi", "robots.txt", "_edge", "{w:word}", "{n:number}", "{l:language}", "{w:word}.x"]
)
_PATHS = st.builds(
    lambda parts, tail: "/" + "/".join([*parts, *tail]),
    st.lists(_PARTS, max_size=2),
    st.sampled_from([[], ["{rest:path}"]]),
)
_TIMES = st.sampled_from([None, None, None, PAST, LATER])
_CONDITIONS = st.sampled_from([(), (), (Condition("x", None),), (Condition("x", "1"),)])
_RULES = st.builds(
    lambda path, action, begin, end, conditions: (path, action, begin, end, conditions),
    _PATHS, st.sampled_from([Action.NOTICE, Action.PASS]), _TIMES, _TIMES, _CONDITIONS,
)  # fmt: skip
_LISTED = st.tuples(
    st.sampled_from(["/", "/a", "/a/b", "/vi", "/robots.txt", "/_edge/a", "/A", "/1"]),
    st.sampled_from([(), (("x", "1"),), (("x", "2"), ("y", "1"))]),
    st.sampled_from([Action.NOTICE, Action.PASS]),
    _TIMES,
)
_VISITS = st.tuples(
    st.lists(st.sampled_from(["a", "b", "vi", "robots.txt", "_edge", "1", "q", "q.x", "A"]), max_size=3),
    st.sampled_from(["", "?x=1", "?x=2&y=1", "?x=1&x=2", "?y=1"]),
    st.sampled_from([AUTUMN, AUTUMN + timedelta(days=365)]),
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(_RULES, max_size=5),
    st.lists(_RULES, max_size=3),
    st.lists(_LISTED, max_size=4, unique_by=lambda one: one[:2]),
    st.lists(_VISITS, min_size=20, max_size=40),
)
def test_a_rule_that_is_called_dead_never_decides(
    packs: Packs, own: list[Any], shared: list[Any], exact: list[Any], visits: list[Any]
) -> None:
    def made(name: str, rows: list[Any]) -> tuple[Rule, ...]:
        return tuple(
            rule(path, name=f"{name}/{number}", action=action, valid_from=begin, valid_until=end, conditions=conditions)
            for number, (path, action, begin, end, conditions) in enumerate(rows)
        )

    lists = [
        listed(path, f"langson/l{number}", query=query, action=action, valid_until=until)
        for number, (path, query, action, until) in enumerate(exact)
    ]
    draft = Draft(own=made("langson", own), listed=lists, families=[Family("f", 1, made("f", shared))])
    dead = {one.rule for one in draft.findings(packs) if one.kind in {Flaw.UNREACHABLE, Flaw.SHADOWED, Flaw.CONFLICT}}
    whole = {one.id for one in (*made("langson", own), *made("f", shared)) if len(one.templates) == 1}
    whole |= {one.id for one in lists}
    snapshot = draft.packs(packs).snapshot
    for words, query, at in visits:
        if words[:1] == ["_edge"]:
            continue  # never asked of the rules
        decision = decide(Visit(HOST, "/" + "/".join(words) + query), snapshot, at)
        if isinstance(decision, Decision) and decision.way is not None and decision.rule is not None:
            assert decision.rule.id not in dead & whole, decision.trace


def test_a_portal_is_a_portal(packs: Packs) -> None:
    """The world of these tests: one portal without a scope, one with."""
    portals: Sequence[Portal] = Draft().packs(packs).book.portals
    assert {portal.id: bool(portal.scope) for portal in portals} == {"langson": False, "national-2019": True}
