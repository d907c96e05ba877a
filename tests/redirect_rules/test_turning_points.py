"""What a schedule does by itself is what visitors get just before each instant, and from it on."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from proxy.packs import load_packs
from redirect_rules.model import HO_CHI_MINH, ClientClass, Phase, Portal, Schedule
from redirect_rules.packs import Packs
from redirect_rules.trials import trial_with
from redirect_rules.turning_points import known_urls, turning_points
from tests.conftest import settings_with

CLOSES = datetime(2027, 1, 1, tzinfo=HO_CHI_MINH)
HOME = "https://dichvucong.langson.gov.vn/"


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs(settings_with({}))


def portal_with(packs: Packs, schedule: Schedule) -> Portal:
    portal = next(one for one in packs.snapshot.all_portals if one.id == "langson")
    return replace(portal, schedule=schedule)


def points(packs: Packs, schedule: Schedule, *urls: str) -> list[tuple[str, str, dict[str, tuple[str, str]]]]:
    """Phase before and after, and by client class what people got and get at the first address."""
    portal = portal_with(packs, schedule)
    found = turning_points(trial_with(packs, portal), portal, urls or (HOME,), crawlers=packs.crawlers)
    return [
        (
            point.before,
            point.after,
            {client: (turn.before.outcome, turn.after.outcome) for turn in point.turns for client in turn.clients},
        )
        for point in found
    ]


def test_at_the_closing_people_stop_being_passed_on_and_are_told(packs: Packs) -> None:
    ((before, after, changed),) = points(packs, Schedule(notice_at=CLOSES))
    assert (before, after) == (Phase.LIVE, Phase.NOTICE)
    assert changed[ClientClass.NAVIGATION] == ("pass", "notice")
    assert changed[ClientClass.BOT] == ("pass", "redirect")
    assert changed[ClientClass.API] == ("pass", "gone")


def test_an_announcement_changes_nothing_that_is_asked_for(packs: Packs) -> None:
    announced = CLOSES - timedelta(days=4)
    first, second = points(packs, Schedule(announced_at=announced, notice_at=CLOSES))
    assert first == (Phase.LIVE, Phase.ANNOUNCED, {})
    assert second[0] == Phase.ANNOUNCED
    assert second[2]


def test_the_end_of_the_probation_makes_redirects_lasting(packs: Packs) -> None:
    portal = portal_with(packs, Schedule(notice_at=CLOSES, direct_at=CLOSES + timedelta(days=30)))
    found = turning_points(trial_with(packs, portal), portal, [HOME], crawlers=packs.crawlers)
    assert [point.at for point in found] == [CLOSES + timedelta(days=days) for days in (0, 30, 60)]
    last = {client: turn for turn in found[2].turns for client in turn.clients}[ClientClass.NAVIGATION]
    assert (last.before.lasting, last.after.lasting) == (False, True)


def test_client_classes_that_fare_alike_stand_together_and_addresses_that_stay_are_counted(packs: Packs) -> None:
    kept = "https://dichvucong.langson.gov.vn/vi/nps/apply?MaTTHC=1.001193&vneid=1"
    portal = portal_with(packs, Schedule(notice_at=CLOSES))
    (point,) = turning_points(trial_with(packs, portal), portal, [HOME, kept], crawlers=packs.crawlers)
    assert {turn.urls for turn in point.turns} == {(HOME,)}
    assert point.same == 1
    assert len(point.turns) == len({(turn.before, turn.after) for turn in point.turns})


def test_addresses_that_fare_alike_stand_together(packs: Packs) -> None:
    news = [f"{HOME}vi/tin-tuc/{n}" for n in range(3)]
    portal = portal_with(packs, Schedule(notice_at=CLOSES))
    (point,) = turning_points(trial_with(packs, portal), portal, news, crawlers=packs.crawlers)
    assert {turn.urls for turn in point.turns} == {tuple(news)}
    assert point.same == 0


@pytest.mark.parametrize("url", ["ftp://x/", "https://nobody.example/"])
def test_what_is_no_address_of_ours_turns_for_nobody(packs: Packs, url: str) -> None:
    ((_, _, changed),) = points(packs, Schedule(notice_at=CLOSES), url)
    assert changed == {}


def test_a_schedule_without_instants_does_nothing(packs: Packs) -> None:
    assert points(packs, Schedule()) == []


def test_addresses_to_look_at_begin_with_the_front_page_and_come_once(packs: Packs) -> None:
    portal = portal_with(packs, Schedule())
    assert known_urls(portal, ["/a", "no path", "/a", "/b", "/c"], most=3) == [HOME, f"{HOME}a", f"{HOME}b"]
    assert known_urls(replace(portal, hosts=()), ["/a"], most=3) == []
