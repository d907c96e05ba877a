"""What is compiled once is compiled once."""

from pathlib import Path

import pytest

from bench import states
from bench.states import Compiled
from bench.workshop import Extent, Workshop


def test_rules_are_compiled_when_they_are_asked_for_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, int]] = []

    def make(kind: str, folder: Path, count: int) -> Compiled:
        assert folder.is_dir()
        made.append((kind, count))
        return Compiled(1, 2, 3, 4)

    monkeypatch.setattr(states, "made", make)
    shop = Workshop(tmp_path, Extent())
    assert shop.state("exact", 5) == shop.state("exact", 5)
    assert shop.state("exact", 5) != shop.state("exact", 6)
    assert shop.compiled("exact", 6).wall_seconds == 2
    assert made == [("exact", 5), ("exact", 6)]


def test_places_of_one_name_are_two_folders(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, Extent())
    assert shop.place("edge") != shop.place("edge")


def test_a_short_run_measures_less_of_everything() -> None:
    short, full = Extent.short(), Extent()
    assert short.quick
    assert short.rounds < full.rounds
    assert short.rules < full.rules
    assert Extent.short(3).rounds == 3
