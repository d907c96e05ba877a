"""What is in force, told by files alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redirect_rules.activation import InForce, Waiting, in_force, pending, switch, switches, wait_for
from redirect_rules.model import Switch
from redirect_rules.snapshot_file import CURRENT
from redirect_rules.snapshot_seal import SnapshotRefused

NOW = datetime(2026, 11, 1, tzinfo=UTC)
A, B, C = "a" * 64, "b" * 64, "c" * 64
SOON, LATER = Waiting(3, B, NOW + timedelta(hours=1)), Waiting(4, C, NOW + timedelta(hours=2))


def test_before_the_first_number_nothing_is_in_force(tmp_path: Path) -> None:
    assert in_force(tmp_path / "nowhere", NOW) == InForce(None, "", {})


# who waits, when it is looked, and what serves
CLOCK = [
    ([], 0, 2),
    ([SOON, LATER], 0, 2),
    ([SOON, LATER], 59, 2),
    ([SOON, LATER], 60, 3),
    ([LATER, SOON], 60, 3),
    ([SOON, LATER], 121, 4),
    ([Waiting(1, A, NOW)], 5, 2),  # overtaken: a later number was activated already
]


@pytest.mark.parametrize(("waiting", "minutes", "number"), CLOCK)
def test_what_waits_serves_from_its_instant(tmp_path: Path, waiting: list[Waiting], minutes: int, number: int) -> None:
    (tmp_path / CURRENT).write_text(f"{2:08} {A}\n")
    wait_for(tmp_path, waiting)
    assert in_force(tmp_path, NOW + timedelta(minutes=minutes)).number == number


def test_without_a_pointer_what_waited_serves_when_its_instant_has_come(tmp_path: Path) -> None:
    wait_for(tmp_path, [SOON])
    assert in_force(tmp_path, NOW).number is None
    assert in_force(tmp_path, SOON.at) == InForce(3, B, {})


def test_what_waits_is_kept_with_its_instant(tmp_path: Path) -> None:
    wait_for(tmp_path, [LATER, SOON])
    assert pending(tmp_path) == (SOON, LATER)
    wait_for(tmp_path, [])
    assert pending(tmp_path) == ()


def test_switches_are_kept(tmp_path: Path) -> None:
    assert switches(tmp_path) == {}
    switch(tmp_path, {"langson": Switch.HOME, "hanoi": Switch.PASS})
    assert switches(tmp_path) == {"langson": Switch.HOME, "hanoi": Switch.PASS}
    switch(tmp_path, {})
    assert switches(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PENDING", "three\n"),
        ("PENDING", f"00000003 {A} tomorrow\n"),
        ("SWITCHES", "{"),
        ("SWITCHES", '{"langson": "hme"}'),
        ("SWITCHES", "[1]"),
        (CURRENT, "0\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_rather_than_guessed(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SnapshotRefused):
        in_force(tmp_path, NOW)


def test_nothing_is_left_beside(tmp_path: Path) -> None:
    wait_for(tmp_path, [SOON])
    switch(tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["PENDING", "SWITCHES"]
