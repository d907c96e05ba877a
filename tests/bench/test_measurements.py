"""Measurements by name: each says what it is, and one that breaks off costs no other."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as program
from bench.figures import Figure, Row, Skipped
from bench.measurements.decisions import LONGEST, hostile_targets, micros
from bench.workshop import Extent, Workshop


@pytest.mark.parametrize("name", list(program.MEASUREMENTS))
def test_a_measurement_says_what_it_measures(name: str) -> None:
    assert re.fullmatch(r"[a-z-]+", name)
    assert program.MEASUREMENTS[name].about.endswith(".")


def test_one_that_breaks_off_keeps_its_rows_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: Workshop) -> Iterator[Row]:
        yield Figure("first", (1.0,), "s")
        raise OSError("the disk is full")

    monkeypatch.setitem(program.MEASUREMENTS, "broken", program.Measurement("It breaks.", run))
    first, end = program.measured("broken", Workshop(tmp_path, Extent()))
    assert isinstance(first, Figure)
    assert isinstance(end, Skipped)
    assert "the disk is full" in end.why


def test_a_name_that_nobody_measures_is_refused_with_those_that_are() -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nonsense: one of exact" in done.stderr


def test_hostile_targets_are_as_long_as_the_edge_lets_in() -> None:
    for kind, target in hostile_targets().items():
        assert target.startswith("/"), kind
        assert len(target) <= LONGEST, kind


def test_work_is_measured_once_for_each_round() -> None:
    calls: list[int] = []
    figures = micros(lambda: calls.append(1), 10, 3)
    assert len(figures) == 3
    assert len(calls) == 30
