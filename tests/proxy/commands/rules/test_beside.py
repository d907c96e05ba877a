"""What a child reads arrives whole, in order, and with its mistakes."""

import multiprocessing
import os
from collections.abc import Iterator

import pytest

from proxy.commands.rules.beside import beside
from redirect_rules.sources import Problem, Problems


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 20_000])
def test_everything_arrives_in_order(count: int) -> None:
    assert list(beside(lambda: range(count))) == list(range(count))


def test_it_is_read_in_another_process() -> None:
    assert next(beside(lambda: [os.getpid()])) != os.getpid()


def test_a_mistake_of_the_reader_reaches_the_one_who_asked() -> None:
    def read() -> Iterator[int]:
        yield 1
        raise Problems([Problem("list.csv", 7, "cannot be read")])

    with pytest.raises(Problems, match=r"list\.csv:7: cannot be read"):
        list(beside(read))


def test_a_reader_that_dies_is_told_of() -> None:
    def read() -> Iterator[int]:
        yield from range(1_000)
        os._exit(9)

    with pytest.raises(Problems, match="ended early"):
        list(beside(read))


def test_who_stops_listening_leaves_no_process_behind() -> None:
    items = beside(lambda: iter(int, 1))
    next(items)
    items.close()  # type: ignore[attr-defined]  # a generator has it
    assert not multiprocessing.active_children()
