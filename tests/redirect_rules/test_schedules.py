"""Instants as people write them, and the phases they begin."""

from datetime import UTC, date, datetime, timedelta

import pytest

from redirect_rules.model import HO_CHI_MINH, JOINED, LEFT, Phase, Pilot, Schedule
from redirect_rules.schedules import CLOSING, ScheduleRow, instant

FULL = Schedule(
    announced_at=datetime(2025, 6, 27, 18, tzinfo=HO_CHI_MINH),
    notice_at=CLOSING,
    direct_at=datetime(2026, 7, 1, tzinfo=HO_CHI_MINH),
    retired_at=datetime(2028, 7, 1, tzinfo=HO_CHI_MINH),
    probation=timedelta(days=30),
)

# instant                              phase
PHASES = [
    ("2025-06-27T17:59:59+07:00", Phase.LIVE),
    ("2025-06-27T18:00:00+07:00", Phase.ANNOUNCED),
    ("2025-06-30T23:59:59.999999+07:00", Phase.ANNOUNCED),
    ("2025-07-01T00:00:00+07:00", Phase.NOTICE),
    ("2025-06-30T17:00:00+00:00", Phase.NOTICE),
    ("2026-06-30T23:59:59+07:00", Phase.NOTICE),
    ("2026-07-01T00:00:00+07:00", Phase.DIRECT),
    ("2028-07-01T00:00:00+07:00", Phase.RETIRED),
]


@pytest.mark.parametrize(("at", "phase"), PHASES)
def test_a_phase_begins_at_its_instant(at: str, phase: Phase) -> None:
    assert FULL.phase_at(datetime.fromisoformat(at)) is phase


def test_a_portal_without_a_schedule_lives() -> None:
    assert Schedule().phase_at(datetime(2099, 1, 1, tzinfo=UTC)) is Phase.LIVE
    assert Schedule().closed_at is None


def test_probation_ends_after_its_days() -> None:
    assert FULL.on_probation(datetime(2026, 7, 30, tzinfo=HO_CHI_MINH))
    assert not FULL.on_probation(datetime(2026, 7, 31, tzinfo=HO_CHI_MINH))


def test_the_default_closing_is_the_first_minute_of_july() -> None:
    assert CLOSING.isoformat() == "2025-07-01T00:00:00+07:00"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-07-01", "2025-07-01T00:00:00+07:00"),
        ("2025-07-01T00:00", "2025-07-01T00:00:00+07:00"),
        ("2025-06-30T17:00:00Z", "2025-06-30T17:00:00+00:00"),
        (date(2025, 7, 1), "2025-07-01T00:00:00+07:00"),
        (datetime(2025, 7, 1, 0, 0), "2025-07-01T00:00:00+07:00"),  # noqa: DTZ001 - as TOML has it
    ],
)
def test_a_time_without_an_offset_is_viet_nams(written: object, read: str) -> None:
    assert instant(written).isoformat() == read


@pytest.mark.parametrize("written", ["tomorrow", "", "2025-13-01", 5, None, True])
def test_what_is_no_instant_is_refused_in_words(written: object) -> None:
    with pytest.raises(ValueError, match="2025-07-01T00:00:00"):
        instant(written)


def test_instants_out_of_order_are_named() -> None:
    row = ScheduleRow(notice_at=CLOSING, direct_at=CLOSING - timedelta(days=1))
    assert "direct_at" in row.disorder()
    assert ScheduleRow(notice_at=CLOSING, retired_at=CLOSING).disorder() == ""


PILOT = {"begins_at": "2025-06-27T18:00:00+07:00", "percent": 5, "word": "dung-thu"}


def test_a_pilot_begins_at_its_instant_and_ends_with_the_closing() -> None:
    row = ScheduleRow.model_validate({"notice_at": "2025-07-01T00:00:00+07:00", "pilot": PILOT})
    assert row.disorder() == ""
    schedule = row.schedule()
    begins, closes = datetime(2025, 6, 27, 18, tzinfo=HO_CHI_MINH), datetime(2025, 7, 1, tzinfo=HO_CHI_MINH)
    assert schedule.pilot == Pilot(begins, share=50, word="dung-thu")
    moment = timedelta(microseconds=1)
    running = [schedule.pilot_at(at) is not None for at in (begins - moment, begins, closes - moment, closes)]
    assert running == [False, True, True, False]
    assert begins in schedule.instants, "between two instants no answer changes by itself"


MISTAKES = [
    ({**PILOT, "begins_at": "2025-07-01"}, "begin it earlier"),
    ({**PILOT, "word": "leave"},           "the way out"),
    ({"begins_at": "2025-06-27"},          "nobody is in it"),
    ({**PILOT, "word": "X"},               "match pattern"),
    ({**PILOT, "percent": 101},            "less than or equal to 100"),
]  # fmt: skip


@pytest.mark.parametrize(("pilot", "said"), MISTAKES)
def test_a_pilot_with_nobody_in_it_or_too_late_is_told(pilot: dict[str, object], said: str) -> None:
    try:
        told = ScheduleRow.model_validate({"notice_at": "2025-07-01", "pilot": pilot}).disorder()
    except ValueError as error:
        told = str(error)
    assert said in told


# ticket                      takes part, of a pilot with a share and a word, with a share alone, with a word alone
TICKETS_HELD = [
    (None,       (False, False, False)),
    (0,          (True,  True,  False)),
    (49,         (True,  True,  False)),
    (50,         (False, False, False)),
    (999,        (False, False, False)),
    (JOINED,     (True,  False, True)),
    (LEFT,       (False, False, False)),
]  # fmt: skip


@pytest.mark.parametrize(("ticket", "taken"), TICKETS_HELD)
def test_a_ticket_below_the_share_or_the_word_of_a_tester_is_in(ticket: int | None, taken: tuple[bool, ...]) -> None:
    at = datetime(2025, 6, 27, tzinfo=HO_CHI_MINH)
    pilots = [Pilot(at, share=50, word="dung-thu"), Pilot(at, share=50), Pilot(at, word="dung-thu")]
    assert tuple(pilot.takes(ticket) for pilot in pilots) == taken
    everybody = Pilot(at, share=1_000)
    assert everybody.takes(999)
    assert not everybody.takes(LEFT)


def test_who_is_in_stays_in_when_the_share_grows() -> None:
    at = datetime(2025, 6, 27, tzinfo=HO_CHI_MINH)
    for ticket in range(1_000):
        taken = [Pilot(at, share=share).takes(ticket) for share in range(0, 1_001, 50)]
        assert taken == sorted(taken)
