"""What the values know of themselves."""

from datetime import timedelta

import pytest

from redirect_rules.model import Action, Phase, Portal, PortalKind, Rule, Schedule
from redirect_rules.model import PathSchedule as Own
from tests.conftest import AUTUMN

LATER = Schedule(notice_at=AUTUMN + timedelta(days=1))
SOON = Schedule(notice_at=AUTUMN)
PORTAL = Portal(
    id="langson",
    kind=PortalKind.PROVINCE,
    names={"vi": "Lạng Sơn"},
    hosts=("a.vn",),
    office_hosts=("motcua.a.vn",),
    schedule=SOON,
    scope=(("p",), ("jsp",)),
    path_schedules=(Own(("p",), LATER), Own(("p", "home"), Schedule())),
)


def test_a_portal_is_reached_by_all_its_hosts() -> None:
    assert PORTAL.all_hosts == ("a.vn", "motcua.a.vn")


@pytest.mark.parametrize(
    ("path", "schedule"),
    [
        ("jsp/x", SOON),
        ("p", LATER),
        ("p/x", LATER),
        ("p/home", Schedule()),
        ("p/home/x", Schedule()),
        ("p/homes", LATER),
    ],
)
def test_the_longest_prefix_of_whole_segments_keeps_the_time(path: str, schedule: Schedule) -> None:
    assert PORTAL.schedule_for(tuple(path.split("/"))) == schedule


@pytest.mark.parametrize(("path", "retired"), [("p", True), ("p/x", True), ("px", False), ("", False), ("x/p", False)])
def test_only_the_scope_is_retired(path: str, retired: bool) -> None:  # noqa: FBT001
    assert PORTAL.in_scope(tuple(path.split("/"))) is retired


def test_a_rule_is_in_force_from_its_first_instant_until_before_its_last() -> None:
    rule = Rule("r", (), Action.PASS, valid_from=AUTUMN, valid_until=AUTUMN + timedelta(days=1))
    days = [timedelta(seconds=-1), timedelta(0), timedelta(hours=23), timedelta(days=1)]
    assert [rule.valid_at(AUTUMN + day) for day in days] == [False, True, True, False]


def test_people_no_longer_see_pages_once_a_portal_is_closed() -> None:
    assert [phase for phase in Phase if phase.closed] == [Phase.NOTICE, Phase.DIRECT, Phase.RETIRED]


def test_the_earliest_instant_that_hides_the_pages_is_the_closing() -> None:
    assert Schedule(announced_at=AUTUMN, direct_at=AUTUMN + timedelta(days=2)).closed_at == AUTUMN + timedelta(days=2)
