"""Instants and schedules as people write them.  Without an offset a time is Viet Nam's (Asia/Ho_Chi_Minh)."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from redirect_rules.model import HO_CHI_MINH, TICKETS, Pilot, Schedule

CLOSING = datetime(2025, 7, 1, tzinfo=HO_CHI_MINH)
"""When the provinces' portals closed: the default where a portal says nothing of its own."""


def instant(value: object) -> datetime:
    """Read a TOML date or date-time, or a text of ISO 8601; always aware.  Raises ValueError."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"{value!r} is no instant: write 2025-07-01T00:00:00+07:00") from None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=HO_CHI_MINH)
    if isinstance(value, date):
        return datetime.combine(value, time(), HO_CHI_MINH)
    raise ValueError("write an instant such as 2025-07-01T00:00:00+07:00")


Instant = Annotated[datetime, BeforeValidator(instant)]


class PilotRow(BaseModel):
    """`pilot = { begins_at = 2025-06-27T18:00:00+07:00, percent = 5, word = "dung-thu" }`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    begins_at: Instant
    percent: Annotated[float, Field(strict=False, ge=0, le=100)] = 0  # told apart by tenths
    word: Annotated[str, Field(pattern=r"^(?:[a-z0-9][a-z0-9-]{3,39})?$")] = ""

    @model_validator(mode="after")
    def _has_somebody_in_it(self) -> Self:
        if self.word == "leave":
            raise ValueError("word 'leave' is the way out: choose another")
        if not self.word and not self.percent:
            raise ValueError("give it a percent, or a word for testers: else nobody is in it")
        return self

    def pilot(self) -> Pilot:
        """The frozen value."""
        return Pilot(self.begins_at, round(self.percent * TICKETS / 100), self.word)


class ScheduleRow(BaseModel):
    """`schedule = { notice_at = 2025-07-01T00:00:00+07:00, probation_days = 30 }`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    announced_at: Instant | None = None
    notice_at: Instant | None = None
    direct_at: Instant | None = None
    retired_at: Instant | None = None
    probation_days: Annotated[int, Field(ge=0, le=3650)] = 30
    pilot: PilotRow | None = None

    def disorder(self) -> str:
        """What is wrong with the order of the instants, or ""."""
        named = [
            (name, at)
            for name in ("announced_at", "notice_at", "direct_at", "retired_at")
            if (at := getattr(self, name)) is not None
        ]
        for (earlier, one), (later, other) in pairwise(named):
            if other < one:
                return f"{later} ({other.isoformat()}) comes before {earlier} ({one.isoformat()}): put them in order"
        return self._lateness()

    def _lateness(self) -> str:
        """What is wrong with the pilot, or ""."""
        closed_at = self.schedule().closed_at
        if self.pilot is None or closed_at is None or self.pilot.begins_at < closed_at:
            return ""
        begins = self.pilot.begins_at.isoformat()
        return f"pilot.begins_at ({begins}) comes when all is closed ({closed_at.isoformat()}): begin it earlier"

    def schedule(self) -> Schedule:
        """The frozen value."""
        return Schedule(
            self.announced_at,
            self.notice_at,
            self.direct_at,
            self.retired_at,
            timedelta(days=self.probation_days),
            self.pilot.pilot() if self.pilot is not None else None,
        )
