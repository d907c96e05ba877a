"""Long work: it ends, fails in words, is stopped, is broken off when its process dies, and is kept for a while."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.console.work import KEPT, Request, Status, Workshop, wanted
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import settings_over

PATIENCE_SECONDS = 90


@pytest.fixture
def workshop(furnished: Path, tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(settings_over(furnished), tmp_path / "work")
    yield shop
    shop.close()


def check(id_: str = "a1") -> Request:
    return wanted("check", "the draft", "trung.uong", AUTUMN, id_)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def process_of(workshop: Workshop, id_: str) -> Any:
    return workshop._running[id_]


def lay_down(folder: Path, number: int) -> None:
    """The folder of a piece that has ended."""
    piece = folder / f"p{number:03}"
    piece.mkdir(parents=True)
    piece.joinpath("request").write_text(
        f'{{"id": "p{number:03}", "kind": "check", "title": "", "actor": "an", "begun_at": "2026-11-01T{number:06}"}}'
    )
    piece.joinpath("state").write_text('{"state": "done", "stage": "", "done": 0, "error": ""}')


def test_a_piece_that_cannot_be_done_says_why(workshop: Workshop) -> None:
    request = wanted("import", "rows.csv", "trung.uong", AUTUMN, "a1", portal="", mode="add", action="notice")
    assert workshop.begin(request) == "a1"
    until(lambda: workshop.status("a1").ended)
    status = workshop.status("a1")
    assert status.state == "failed"
    assert status.error
    assert workshop.result("a1") == {}
    assert workshop.request("a1") == request


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_piece_whose_process_ends_before_it_was_broken_off(workshop: Workshop, how: str) -> None:
    workshop.begin(check())
    process = process_of(workshop, "a1")
    # Held where it is: on a quick machine it would end before us.
    os.kill(process.pid, signal.SIGSTOP)
    assert not workshop.status("a1").ended
    if how == "killed":
        process.kill()
        process.join(PATIENCE_SECONDS)
    else:
        os.kill(process.pid, signal.SIGCONT)
        workshop.stop("a1")
    assert workshop.status("a1").state == "broken-off"
    assert workshop.result("a1") == {}


def test_what_another_console_left_under_way_was_broken_off(tmp_path: Path, furnished: Path) -> None:
    lay_down(tmp_path, 1)
    (tmp_path / "p001" / "state").write_text('{"state": "running", "stage": "import", "done": 7, "error": ""}')
    after = Workshop(settings_over(furnished), tmp_path)
    assert after.status("p001") == Status("broken-off", "import", 7)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_state_that_cannot_be_read_is_one_that_was_broken_off(tmp_path: Path, furnished: Path, content: str) -> None:
    lay_down(tmp_path, 1)
    (tmp_path / "p001" / "state").write_text(content)
    assert Workshop(settings_over(furnished), tmp_path).status("p001").state == "broken-off"


@pytest.mark.parametrize("id_", ["..", "../p001", "p001/", "", "p002", "p001\x00"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, furnished: Path, id_: str) -> None:
    lay_down(tmp_path / "work", 1)
    assert Workshop(settings_over(furnished), tmp_path / "work").request(id_) is None


def test_the_newest_are_kept_and_the_newest_comes_first(workshop: Workshop, tmp_path: Path) -> None:
    for number in range(KEPT + 5):
        lay_down(tmp_path / "work", number)
    workshop.begin(wanted("nothing-of-the-kind", "", "an", AUTUMN, "last"))
    kept = [request.id for request in workshop.all()]
    assert len(kept) == KEPT
    assert kept[0] == "last"
    assert kept[-1] == "p006"
