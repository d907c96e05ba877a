"""The clock of the running program.  Whoever only asks for the time need not read the whole edge first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Final

_COMPILED: Final = not __file__.endswith(".py")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """The instant that it is, aware."""
    return datetime.now(UTC)


def nanoseconds_of(at: datetime) -> int:
    """An aware instant in nanoseconds since 1970, as `time.time_ns` gives it."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1_000


def instant_of(nanoseconds: int) -> datetime:
    """The other way; what is less than a microsecond is left out."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def ticks() -> int:
    """The instant that it is, in nanoseconds since 1970."""
    return read_ticks() if _COMPILED else time_ns()  # type: ignore[name-defined]  # noqa: F821 - in the .pxd


def ticks_of(clock: Callable[[], datetime]) -> Callable[[], int]:
    """The same clock in nanoseconds since 1970: for whoever asks it more often than an instant can be made."""
    return ticks if clock is utc_now else lambda: nanoseconds_of(clock())
