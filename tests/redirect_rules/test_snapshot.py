"""The compiled rules: who is asked before whom, and what a target may never be."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redirect_rules.canonical import BadTarget, canonical_key
from redirect_rules.destinations import TargetRefused
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.matching import TemplateIndex, significant_names
from redirect_rules.model import HO_CHI_MINH, Action, Goal, Rule
from redirect_rules.parsing import parse_template
from redirect_rules.regexes import Expression, RegexSet
from redirect_rules.snapshot import PortalIndex, Snapshot
from tests.conftest import AUTUMN

HOST: Final = "dichvucong.langson.gov.vn"
RULES: Final = {
    # whose, and what it is         exact   action           path
    "own pin":                     (False,  Action.PASS,     "/a/b"),
    "listed pin":                  (True,   Action.PASS,     "/a/b"),
    "own exact":                   (True,   Action.NOTICE,   "/a/b"),
    "listed":                      (True,   Action.NOTICE,   "/a/b"),
    "second family, exact":        (True,   Action.NOTICE,   "/a/b"),
    "own template":                (False,  Action.NOTICE,   "/a/{x:word}"),
    "own template, vague":         (False,  Action.NOTICE,   "/{rest:path}"),
    "first family":                (False,  Action.NOTICE,   "/a/b"),
    "first family, pin":           (False,  Action.PASS,     "/a/{x:word}"),
    "first family, vague":         (False,  Action.NOTICE,   "/{rest:path}"),
    "second family":               (False,  Action.NOTICE,   "/a/{x:word}"),
    "expression":                  (False,  Action.NOTICE,   "/{rest:path}"),
}  # fmt: skip
"""In the order in which they are asked: portal pins, portal exact, family exact, portal template, family template,
expressions; among templates the more specific, among families the first named.  `listed`: in the exact index."""


def made(name: str) -> Rule:
    exact, action, path = RULES[name]
    rule = Rule(name, (parse_template(path),), action, (Goal("home"),), exact=exact)
    return replace(rule, templates=(), regex="^/a") if name == "expression" else rule


@pytest.fixture
def of(snapshot: Snapshot) -> Callable[[Iterable[str]], Snapshot]:
    """The shipped snapshot, with other rules on Lạng Sơn's portal: its own, two families and listed ones."""

    def made_of(names: Iterable[str]) -> Snapshot:
        rules = {name: made(name) for name in names}
        own, first, second = (
            [rule for name, rule in rules.items() if name.startswith(whose)] for whose in ("own", "first", "second")
        )
        index = PortalIndex(
            own=TemplateIndex([own], fold_case=True),
            families=TemplateIndex([first, second], fold_case=True),
            expressions=RegexSet([Expression(r.regex, r) for r in rules.values() if r.regex], fold_case=True),
            rules=tuple(rules.values()),
            significant=significant_names(rules.values()),
        )
        pinned = "listed pin" in rules
        listed = [
            ExactRule(
                "langson",
                "/a/b",
                (("x", "1"),) if name == "listed" and pinned else (),  # two rules need two addresses
                rules[name].action,
                name,
                "" if "pin" in name else "home",
            )
            for name in rules
            if name.startswith("listed")
        ]
        return replace(snapshot, indexes={"langson": index}, exact=DictIndex(listed))

    return made_of


def order(snapshot: Snapshot, target: str = "/a/b?x=1", *, with_families: bool = True) -> list[str]:
    key = canonical_key(HOST, target)
    found = snapshot.candidates(snapshot.portals[HOST], key, AUTUMN, with_families=with_families)
    return [match.rule.id for match in found]


Of = Callable[[Iterable[str]], Snapshot]


def test_rules_are_asked_in_this_order(of: Of) -> None:
    assert order(of(RULES)) == list(RULES)
    assert order(of(reversed(RULES))) == list(RULES), "whatever the order in which they were read"


@pytest.mark.parametrize("name", RULES)
def test_each_decides_when_those_before_it_are_gone(name: str, of: Of) -> None:
    rest = of([*RULES][[*RULES].index(name) :])
    best = rest.best(rest.portals[HOST], canonical_key(HOST, "/a/b?x=1"), AUTUMN)
    assert best is not None
    assert best.rule.id == name


def test_without_its_families_a_portal_has_its_own_rules_alone(of: Of) -> None:
    own = [name for name in RULES if "family" not in name]
    assert order(of(RULES), with_families=False) == own


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(list(RULES))), st.sampled_from(["/a/b", "/a/c", "/x", "/"]), st.booleans())
def test_the_best_is_the_first_of_all_whoever_else_is_there(
    of: Of,
    names: set[str],
    path: str,
    with_families: bool,  # noqa: FBT001 - as hypothesis draws it
) -> None:
    snapshot = of(names)
    portal, key = snapshot.portals[HOST], canonical_key(HOST, path)
    best = snapshot.best(portal, key, AUTUMN, with_families=with_families)
    first = next(snapshot.candidates(portal, key, AUTUMN, with_families=with_families), None)
    assert (best and best.rule.id) == (first and first.rule.id)


def test_where_nothing_knows_a_page_nothing_decides(of: Of) -> None:
    rest = of([name for name in RULES if "vague" not in name])
    assert rest.best(rest.portals[HOST], canonical_key(HOST, "/x"), AUTUMN) is None


def test_a_rule_out_of_force_is_not_asked(of: Of) -> None:
    over = replace(made("own pin"), valid_until=datetime(2026, 1, 1, tzinfo=HO_CHI_MINH))
    snapshot = of(RULES)
    index = replace(snapshot.indexes["langson"], own=TemplateIndex([[over]], fold_case=True))
    assert "own pin" not in order(replace(snapshot, indexes={"langson": index}))


def test_the_key_keeps_what_a_listed_address_of_this_path_asks_for(of: Of) -> None:
    snapshot = of(["listed", "listed pin"])
    portal = snapshot.portals[HOST]
    assert snapshot.significant_at(portal, canonical_key(HOST, "/a/b?X=1")) == {"x"}
    assert snapshot.significant_at(portal, canonical_key(HOST, "/a/c?X=1")) == set()


# ── the shipped one ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_portal_is_there_once_and_on_each_of_its_hosts(snapshot: Snapshot) -> None:
    portals = snapshot.all_portals
    assert len({portal.id for portal in portals}) == len(portals) == 70
    for portal in portals:
        assert all(snapshot.portals[host] is portal for host in portal.all_hosts)
        assert snapshot.indexes[portal.id].rules == snapshot.rules_of(portal)


def test_portals_of_the_same_families_share_one_index(snapshot: Snapshot) -> None:
    """Thousands of templates are kept once, not once for each province."""
    hungyen, langson = snapshot.portals["dichvucong.hungyen.gov.vn"], snapshot.portals[HOST]
    assert hungyen.families == langson.families
    assert snapshot.indexes[hungyen.id].families is snapshot.indexes[langson.id].families


def test_a_key_is_folded_where_the_portal_folds(snapshot: Snapshot) -> None:
    portal = snapshot.portals[HOST]
    assert snapshot.key_of(portal, HOST, "/VI").path == "/vi"
    assert snapshot.key_of(replace(portal, fold_case=False), HOST, "/VI").path == "/VI"
    with pytest.raises(BadTarget):
        snapshot.key_of(portal, HOST, "/%zz")


# target                                                       allowed?   why
TARGETS = [
    ("https://dichvucong.gov.vn/",                             True,      "the goal"),
    ("https://dichvucong.gov.vn/thu-tuc-hanh-chinh/x?a=b",     True,      "the goal's pages"),
    ("https://vpcp.dichvucong.gov.vn/p/home/a.html",           True,      "the archive"),
    ("https://dichvucong.gov.vn/p/home/dvc-trang-chu.html",    False,     "retired: we would answer it again"),
    ("https://dichvucong.gov.vn/P/home",                       False,     "in any case"),
    ("https://dichvucong.gov.vn/x/../p",                       False,     "where the dots lead"),
    ("https://dichvucong.gov.vn/%70/home",                     False,     "however spelt"),
    ("https://dichvucong.gov.vn/p?x=1",                        False,     "whatever is asked"),
    ("https://dichvucong.gov.vn//p",                           False,     "however many slashes"),
    ("https://dichvucong.langson.gov.vn/",                     False,     "another closed portal: a chain"),
    ("https://thutuc.dichvucong.gov.vn/",                      False,     "an address of the portal that died"),
    ("https://evil.example/",                                  False,     "anybody else"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "allowed", "why"), TARGETS, ids=[why for *_, why in TARGETS])
def test_nobody_is_sent_in_a_circle(snapshot: Snapshot, url: str, allowed: bool, why: str) -> None:  # noqa: FBT001 - a column
    guard = snapshot.destinations.guard
    if allowed:
        assert guard.admit(url) == url
    else:
        with pytest.raises(TargetRefused):
            guard.admit(url)


def test_no_destination_leads_back_to_us(snapshot: Snapshot) -> None:
    """Filled with what rules can fill it with, each is a target."""
    known = {"code": "1.001193", "keyword": "a", "old_path": "/a", "dossier": "a", "province_code": "01", "ward_code": "00004"}  # fmt: skip
    for name in snapshot.destinations.by_name:
        assert snapshot.destinations.build(name, known, now=AUTUMN), name


def test_every_goal_of_every_rule_is_a_destination(snapshot: Snapshot) -> None:
    rules = {rule for index in snapshot.indexes.values() for rule in index.rules}
    assert {goal.destination for rule in rules for goal in rule.goals} <= set(snapshot.destinations.by_name)
