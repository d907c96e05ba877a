"""A rule that is only typed decides in a trial as it will when it is published, and changes nothing meanwhile."""

from dataclasses import replace

import pytest

from proxy.packs import load_packs
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.model import Action
from redirect_rules.packs import Packs, read_packs
from redirect_rules.parsing import parse_family, parse_portal_rules
from redirect_rules.sources import Document
from redirect_rules.trials import WithoutRule, trial_of
from tests.conftest import AUTUMN, settings_with

HOST = "dichvucong.langson.gov.vn"
RULE = 'portal = "langson"\n[[rule]]\nid = "moi"\nexact = ["/trang-moi"]\naction = "redirect"\nto = ["home"]\n'


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs(settings_with({}))


def rule_of(packs: Packs, snapshot_packs_path: str, *, number: int | None = None) -> str | None:
    decision = decide(Visit(HOST, snapshot_packs_path), packs.snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision.rule.id if decision.rule else None


def decided(packs: Packs, scope: str, text: str, path: str) -> tuple[str | None, Action]:
    """Which rule decides in the trial, and what becomes of the visit."""
    known = [destination.name for destination in packs.book.destinations]
    if scope.startswith("portal"):
        (rule,) = parse_portal_rules(Document("typed.toml", text), destinations=known)[1]
    else:
        (rule,) = parse_family(Document("typed.toml", text), destinations=known).rules
    decision = decide(Visit(HOST, path), trial_of(packs, scope, rule), AUTUMN)
    assert isinstance(decision, Decision)
    return (decision.rule.id if decision.rule else None), decision.outcome


def test_a_new_rule_decides_in_the_trial_alone(packs: Packs) -> None:
    assert rule_of(packs, "/trang-moi") is None
    assert decided(packs, "portal:langson", RULE, "/trang-moi") == ("langson/moi", Action.REDIRECT)
    assert rule_of(packs, "/trang-moi") is None


def test_what_is_typed_stands_in_the_place_of_what_was_kept(packs: Packs) -> None:
    kept = replace(packs.sources, portal_rules=(*packs.sources.portal_rules, Document("kept.toml", RULE)))
    with_kept = read_packs(kept)
    assert rule_of(with_kept, "/trang-moi") == "langson/moi"
    typed = RULE.replace("/trang-moi", "/trang-khac")
    assert decided(with_kept, "portal:langson", typed, "/trang-moi")[0] is None
    assert decided(with_kept, "portal:langson", typed, "/trang-khac")[0] == "langson/moi"


def test_a_listed_rule_gives_way_to_what_is_typed(packs: Packs) -> None:
    listed = DictIndex([ExactRule("langson", "/trang-moi", (), Action.GONE, "langson/moi")])
    with_listed = replace(packs, snapshot=replace(packs.snapshot, exact=listed))
    assert rule_of(with_listed, "/trang-moi") == "langson/moi"
    assert decided(with_listed, "portal:langson", RULE, "/trang-moi") == ("langson/moi", Action.REDIRECT)
    elsewhere = RULE.replace("/trang-moi", "/x")
    assert decided(with_listed, "portal:langson", elsewhere, "/trang-moi")[0] is None


def test_a_familys_rule_decides_wherever_the_family_is_named(packs: Packs) -> None:
    portal = next(one for one in packs.snapshot.all_portals if one.id == "langson")
    family = portal.families[-1]
    text = f'family = "{family}"\nversion = 1\n[[rule]]\nid = "thu"\npaths = ["/thu-nghiem-{{x:word}}/a"]\naction = "gone"\n'
    assert decided(packs, f"family:{family}", text, "/thu-nghiem-1/a") == (f"{family}/thu", Action.GONE)


def test_an_index_without_a_rule_says_nothing_of_it_in_any_way() -> None:
    one = ExactRule("langson", "/a", (("id", "1"),), Action.GONE, "langson/one")
    two = ExactRule("langson", "/b", (), Action.GONE, "langson/two")
    index = DictIndex([one, two])
    without = WithoutRule(index, "langson/one")
    assert index.find("langson", "/a", (("id", "1"),), AUTUMN) == one
    assert without.find("langson", "/a", (("id", "1"),), AUTUMN) is None
    assert without.find("langson", "/b", (), AUTUMN) == two
    assert (without.at(one.address), without.at(two.address)) == ([], [two])
    assert ([*without], len(without)) == ([two], 1)
    assert without.alone("langson").find(b"/b", 0) is None
    assert without.names_at("langson", "/a") == {"id"}
