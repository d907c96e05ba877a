"""Where an old page leads: goals in order, lookups, communes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from redirect_rules.canonical import canonical_key
from redirect_rules.matching import Match
from redirect_rules.model import Action, Argument, Goal, Rule
from redirect_rules.parsing import parse_template
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import LocalityCode
from redirect_rules.ways import HOME, Note, Step, Way, WayFinder
from tests.conftest import AUTUMN

HOST = "dichvucong.langson.gov.vn"
BIRTH_ID = "019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7"
BY_LOOKUP = Goal("procedure", (Argument("code", capture="id", lookup="procedure"),))
BY_CODE = Goal("procedure", (Argument("code", capture="code"),))
BY_WORDS = Goal("procedure-search", (Argument("keyword", capture="keyword"),))
LIST = Goal("procedure-list")


def way(
    snapshot: Snapshot, goals: tuple[Goal, ...], captured: Mapping[str, str], place: str = ""
) -> tuple[Way, list[Step]]:
    template = parse_template("/x")
    rule = Rule("r", (template,), Action.NOTICE, goals=goals)
    chosen = LocalityCode.parse(place) if place else None
    notes: list[Note] = []
    finder = WayFinder(snapshot, snapshot.portals[HOST], canonical_key(HOST, "/x"), chosen, AUTUMN, notes)
    return finder.way_of(Match(rule, template, captured)), [Step.of(note) for note in notes]


# goals in order                     captured                                     destination          in the target
FIRST_THAT_CAN = [
    ((BY_LOOKUP, BY_WORDS, LIST), {"id": "7", "keyword": "a"}, "procedure", BIRTH_ID),
    ((BY_LOOKUP, BY_WORDS, LIST), {"id": "8", "keyword": "a b"}, "procedure-search", "keyword=a%20b"),
    ((BY_LOOKUP, BY_WORDS, LIST), {"id": "8"}, "procedure-list", "danh-sach"),
    ((BY_CODE, LIST), {"code": "1.001193"}, "procedure", BIRTH_ID),
    ((BY_CODE, LIST), {"code": "1.999999"}, "procedure", "keyword=1.999999"),
    ((BY_CODE, LIST), {}, "procedure-list", "danh-sach"),
    ((Goal("", url="https://vpcp.dichvucong.gov.vn{old_path}"),), {}, "", "https://vpcp.dichvucong.gov.vn/x"),
    ((Goal("procedure", (Argument("code", text="1.001193"),)),), {}, "procedure", BIRTH_ID),
    ((), {}, HOME, "https://dichvucong.gov.vn/"),
]


@pytest.mark.parametrize(("goals", "captured", "destination", "piece"), FIRST_THAT_CAN)
def test_the_first_goal_that_can_be_filled_wins(
    snapshot: Snapshot, goals: tuple[Goal, ...], captured: dict[str, str], destination: str, piece: str
) -> None:
    with_table = replace(snapshot, lookups={("langson", "procedure"): {"7": "1.001193"}})
    found, _ = way(with_table, goals, captured)
    assert found.destination == destination
    assert piece in found.target


# captured or chosen                                          what becomes of it
PLACES = [
    ({"old_commune": "00004"}, "", "00004", 0),  # Phường Trúc Bạch is whole in Phường Ba Đình
    ({"old_commune": "00007"}, "", None, 2),  # Phường Cống Vị was split
    ({"old_commune": "00553"}, "", None, 4),  # disputed
    ({"old_commune": "99999"}, "", None, 0),  # nobody's
    ({"new_commune": "00008"}, "", "00008", 0),
    ({"old_commune": "00007"}, "new:00025", "00025", 0),  # the visitor has chosen
]


@pytest.mark.parametrize(("captured", "chosen", "place", "candidates"), PLACES)
def test_a_commune_is_carried_or_asked_for_never_guessed(
    snapshot: Snapshot, captured: dict[str, str], chosen: str, place: str | None, candidates: int
) -> None:
    found, _ = way(snapshot, (BY_CODE,), {"code": "1.001193", **captured}, chosen)
    assert (found.place.code if found.place else None) == place
    assert len(found.candidates) == candidates
    assert ("wardCode=" in found.target) is (place is not None)


def test_a_split_commune_is_not_asked_about_where_the_page_does_not_take_it(snapshot: Snapshot) -> None:
    found, _ = way(snapshot, (BY_CODE,), {"code": "1.999999", "old_commune": "00007"})
    assert (found.takes_place, found.candidates) == (False, ())


def test_the_reasoning_is_told(snapshot: Snapshot) -> None:
    _, trace = way(snapshot, (BY_LOOKUP, LIST), {"id": "8"})
    assert [str(step) for step in trace] == [
        "lookup: procedure 8: not in the table",
        "destination: procedure needs code, which is not known",
        "destination: procedure-list → https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach",
    ]
