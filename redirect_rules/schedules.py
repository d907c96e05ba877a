"""Instants and schedules as people write them.  Without an offset a time is Viet Nam's (Asia/Ho_Chi_Minh)."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from redirect_rules.model import HO_CHI_MINH, Schedule

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


class ScheduleRow(BaseModel):
    """`schedule = { notice_at = 2025-07-01T00:00:00+07:00, probation_days = 30 }`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    announced_at: Instant | None = None
    notice_at: Instant | None = None
    direct_at: Instant | None = None
    retired_at: Instant | None = None
    probation_days: Annotated[int, Field(ge=0, le=3650)] = 30

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
        return ""

    def schedule(self) -> Schedule:
        """The frozen value."""
        return Schedule(
            self.announced_at, self.notice_at, self.direct_at, self.retired_at, timedelta(days=self.probation_days)
        )
