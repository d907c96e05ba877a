"""Lines of many workers reach one reader whole, and a reader that has stopped holds no worker."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.log_stream import log_stream
from proxy.processes import close_all

pytestmark = pytest.mark.clocked


ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from proxy.log_stream import log_stream
out = log_stream(1)
for number in range(60):
    out.write("".join(f"{sys.argv[1] * (100 + line)}\\n" for line in range(200)))
"""


def test_lines_of_several_processes_are_never_mixed() -> None:
    reading, writing = os.pipe()
    try:
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, letter], stdout=writing, cwd=ROOT) for letter in "abc"
        ]
        os.close(writing)
        read = bytearray()
        while piece := os.read(reading, 3_000):  # slowly, so that the pipe is full most of the time
            read += piece
        assert [writer.wait(10) for writer in writers] == [0, 0, 0]
    finally:
        close_all([reading])
    lines = bytes(read).decode().split("\n")
    assert len(lines) == 3 * 60 * 200 + 1
    assert all(len(set(line)) == 1 for line in lines[:-1])


def test_lines_of_several_processes_in_one_file_are_never_mixed(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with log.open("ab") as stdout:
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, letter], stdout=stdout, cwd=ROOT) for letter in "abc"
        ]
        assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = log.read_text().split("\n")
    assert len(lines) == 3 * 60 * 200 + 1
    assert all(len(set(line)) == 1 for line in lines[:-1])


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    close_all(ends)


def test_a_reader_that_has_stopped_holds_nobody_and_the_writer_is_told(pipe: tuple[int, int]) -> None:
    out = log_stream(pipe[1])
    begun = time.monotonic()
    line = "x" * 4_000 + "\n"
    with pytest.raises(BlockingIOError):
        out.write(line * 100)
    assert time.monotonic() - begun < 2
    while len(os.read(pipe[0], 65_536)) == 65_536:
        pass
    out.write("and on it goes\n")
    assert os.read(pipe[0], 100).endswith(b"and on it goes\n")


def test_a_reader_that_has_gone_is_told(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError):
        log_stream(pipe[1]).write("a\n")


def test_letters_of_every_alphabet_are_utf_8(pipe: tuple[int, int]) -> None:
    log_stream(pipe[1]).write("Lạng Sơn\n")
    assert os.read(pipe[0], 100) == "Lạng Sơn\n".encode()


def test_a_line_longer_than_what_is_kept_in_one_piece_is_written_nevertheless(pipe: tuple[int, int]) -> None:
    log_stream(pipe[1]).write("x" * 10_000 + "\ny\n")
    assert os.read(pipe[0], 20_000) == b"x" * 10_000 + b"\ny\n"
