"""What every page needs, opened once: who somebody is, where things lie, the draft and what serves."""

from pathlib import Path

import pytest

from proxy.console.desk import Desk
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import ClientClass, Switch
from redirect_rules.objects import NEW, Change, Kind, Ref
from redirect_rules.rights import CENTRE, Deed
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Problems
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Clock, settings_over

RULE = {"id": "moi", "action": "notice", "exact": ["/trang-moi"], "to": ["procedure-list"]}
MOI = Ref(Kind.RULE, "portal:langson", "moi")


def change(reason: str = "a test needs it") -> Change:
    return Change("trung.uong", reason, AUTUMN)


def rule_of(snapshot: Snapshot) -> str:
    visit = Visit("dichvucong.langson.gov.vn", "/trang-moi", "GET", ClientClass.NAVIGATION, None)
    decision = decide(visit, snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision.rule.id if decision.rule else ""


def test_a_stranger_has_no_rights_at_all(desk: Desk) -> None:
    assert not any(desk.person("nobody").may_somewhere(deed) for deed in Deed)
    assert desk.person("lang.son").may(Deed.EDIT, "20")


WHERE = [
    ("portal:langson", "20"),
    ("portal:bacgiang", "24"),  # what was Bắc Giang is Bắc Ninh's now
    ("portal:nobody", CENTRE),
    ("family:igate2", CENTRE),
]


@pytest.mark.parametrize(("scope", "province"), WHERE)
def test_rules_lie_in_the_province_of_today(desk: Desk, scope: str, province: str) -> None:
    assert desk.province_of_scope(scope) == province


def test_the_draft_is_compiled_once_for_each_state_and_is_not_what_serves(desk: Desk) -> None:
    before = desk.drafted()
    assert desk.drafted() is before
    desk.store.put(MOI, RULE, change(), seen_version=NEW)
    assert desk.drafted() is not before
    assert (rule_of(desk.drafted().snapshot), rule_of(desk.published().snapshot)) == ("langson/moi", "")


def test_what_serves_is_read_again_when_it_changes_and_only_then(desk: Desk) -> None:
    before = desk.published()
    assert desk.published() is before
    desk.office(desk.person("trung.uong")).overrule("langson", Switch.HOME, change("a storm"))
    assert desk.published() is not before


def test_a_draft_that_cannot_be_compiled_says_what_is_wrong(desk: Desk) -> None:
    desk.store.put(MOI, {**RULE, "to": ["nowhere"]}, change(), seen_version=NEW)
    with pytest.raises(Problems, match="nowhere"):
        desk.drafted()
    assert rule_of(desk.published().snapshot) == "", "what serves is as it was"


def test_a_desk_that_is_closed_and_opened_again_knows_what_was_kept(tmp_path: Path, clock: Clock) -> None:
    settings = settings_over(tmp_path / "var")
    with Desk.open(settings, clock) as first:
        first.store.put(MOI, RULE, change(), seen_version=NEW)
    with Desk.open(settings, clock) as again, again.store.reading() as workspace:
        assert workspace.get(MOI) is not None
