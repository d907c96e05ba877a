"""Access logs on a disk → their octets, and what is said of those that cannot be read."""

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.log_files import STANDARD_INPUT, octets_of, size_of
from redirect_rules.sources import Problems

LINES = "".join(f"dòng {number}\r\n" for number in range(40_000)).encode()


def read(*paths: Path | str) -> bytes:
    return b"".join(octets_of([str(path) for path in paths], lambda _: None))


def written(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda octets: gzip.compress(octets[:9]) + gzip.compress(octets[9:])],
                         ids=["plain", "gzip", "gzip, put together from two"])  # fmt: skip
def test_a_log_is_read_as_it_was_written(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert read(written(tmp_path / "a.log", pack(LINES))) == LINES


def test_it_is_told_from_what_is_in_it_whether_a_log_is_packed(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.gz", b"a\n"), written(tmp_path / "b.log", gzip.compress(b"b\n"))) == b"a\nb\n"


@pytest.mark.parametrize(("first", "read_as"), [(b"a", b"a\nz"), (b"a\n", b"a\nz"), (b"a\r", b"a\r\nz"), (b"", b"z")])
def test_the_last_line_of_a_log_and_the_first_of_the_next_are_two(tmp_path: Path, first: bytes, read_as: bytes) -> None:
    assert read(written(tmp_path / "a.log", first), written(tmp_path / "b.log", b"z")) == read_as + b"\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_whoever_waits_is_told_how_much_of_the_files_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    paths = [str(written(tmp_path / name, pack(LINES))) for name in ("a.log", "b.log")]
    steps: list[int] = []
    for _ in octets_of(paths, steps.append):
        pass
    assert sum(steps) == size_of(paths) == 2 * len(pack(LINES))
    assert min(steps) >= 0


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, gzip.compress(b"a\nb"))
    os.close(writing)
    with os.fdopen(reading) as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        assert size_of([STANDARD_INPUT]) == 0
        assert read(STANDARD_INPUT) == b"a\nb\n"
        assert not standard_input.closed
        os.fstat(reading)


PACKED = gzip.compress(LINES)
# octets                                what is said of them
BROKEN = [
    (PACKED[:-100],                     "cannot be read to its end, it was cut off: copy it again"),
    (PACKED[:10] + b"\xff" * 1_000,     "cannot be unpacked, it is damaged: copy it again"),
    (PACKED + b"a line",                "cannot be unpacked, it is damaged: copy it again"),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "said"), BROKEN, ids=["cut off", "damaged", "with something else after it"])
def test_of_a_log_that_cannot_be_unpacked_it_is_said_what_to_do(tmp_path: Path, octets: bytes, said: str) -> None:
    path = written(tmp_path / "access.log", octets)
    with pytest.raises(Problems, match=rf"access\.log: {said}"):
        read(path)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"none\.log: cannot be read: No such file"):
        read(tmp_path / "none.log")
    with pytest.raises(Problems, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_what_is_not_there_has_no_size(tmp_path: Path) -> None:
    assert size_of([str(tmp_path / "none.log"), str(tmp_path)]) == 0
