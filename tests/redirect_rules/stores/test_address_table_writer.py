"""A table is made in any number of steps, and is the same."""

import io
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from redirect_rules.stores.address_table import MOST_PROBES, SLOT
from redirect_rules.stores.address_table_writer import TableWriter
from redirect_rules.stores.lmdb_compiler import exact_items
from redirect_rules.stores.lmdb_layout import Item, Places
from tests.redirect_rules.mapped import rule

RULES = [rule(f"/{number % 7}/{number}", portal=("langson", "hanoi")[number % 2]) for number in range(2_000)]


def made(items: Sequence[Item], places: Places, folder: Path, step: int) -> bytes:
    with closing(TableWriter(folder, places)) as writer, io.BytesIO() as file:
        for first in range(0, len(items), step):
            writer.take(items[first : first + step])
        assert sum(writer.finish()) > 0
        writer.copy_to(file)
        return file.getvalue()


@pytest.mark.parametrize("step", [1, 7, 500])
def test_steps_make_no_difference(tmp_path: Path, step: int) -> None:
    places = Places()
    items = list(exact_items(RULES, folder=tmp_path, places=places))
    assert made(items, places, tmp_path, step) == made(items, places, tmp_path, len(items))


def test_a_quarter_of_the_slots_is_free_and_they_are_in_order(tmp_path: Path) -> None:
    places = Places()
    items = list(exact_items(RULES, folder=tmp_path, places=places))
    with closing(TableWriter(tmp_path, places)) as writer, io.BytesIO() as file:
        writer.take(items)
        length = writer.finish()
        writer.copy_to(file)
        octets = file.getvalue()
    assert sum(length) == len(octets)
    slots = octets[length.entries :]
    pairs = [int.from_bytes(slots[at : at + SLOT], "little") for at in range(0, len(slots), SLOT)]
    taken = [pair for pair in pairs if pair & 0xFFFF_FFFF]
    assert len(taken) == len(RULES)
    assert taken == sorted(taken)
    assert len(pairs) - MOST_PROBES == len(RULES) * 4 // 3 + 1


@pytest.mark.parametrize("places", [Places(), Places((), None)])
def test_where_there_is_nothing_there_is_no_table(tmp_path: Path, places: Places) -> None:
    items = list(exact_items(RULES[:1] if not places.numbers_folders else (), folder=tmp_path, places=places))
    with closing(TableWriter(tmp_path, places)) as writer:
        writer.take(items)
        assert sum(writer.finish()) == 0


def test_nothing_is_left_of_one_that_was_not_finished(tmp_path: Path) -> None:
    TableWriter(tmp_path, Places()).close()
    assert not list(tmp_path.iterdir())
