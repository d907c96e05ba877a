"""Instants as people write them, and the phases they begin."""

from datetime import UTC, date, datetime, timedelta

import pytest

from redirect_rules.model import HO_CHI_MINH, Phase, Schedule
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
