"""The clock tells the time, and whose time it is; asking for it costs a command nothing."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from proxy.clock import instant_of, nanoseconds_of, ticks, ticks_of, utc_now

ROOT = Path(__file__).parent.parent.parent


def test_the_clock_says_whose_time_it_tells() -> None:
    assert utc_now().utcoffset() == timedelta(0)
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - they have a zone
def test_an_instant_in_nanoseconds_is_the_instant(at: datetime) -> None:
    assert instant_of(nanoseconds_of(at)) == at


def test_ticks_are_those_of_the_clock() -> None:
    stopped = datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert ticks_of(lambda: stopped)() == nanoseconds_of(stopped)
    assert ticks_of(utc_now) is ticks
    before, now, after = time.time_ns(), ticks(), time.time_ns()
    assert before <= now <= after


def test_a_command_on_the_rules_does_not_read_the_server() -> None:
    """Half of what such a command took was the reading of what it never uses."""
    asked = "import sys, proxy.commands.rules; print('aiohttp' in sys.modules, 'proxy.edge' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
