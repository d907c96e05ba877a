"""The clock of the running program.  Whoever only asks for the time need not read the whole edge first."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The instant that it is, aware."""
    return datetime.now(UTC)
