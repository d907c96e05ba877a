"""`dvc-edge sessions` and `dvc-edge logout`, over a real store, as people and scripts call them."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from proxy.cli import main
from sso.model import Participation, digest
from sso.stores.embedded import EmbeddedValkey
from sso.stores.key_folder import KeyFolder, master_key
from sso.stores.valkey import ValkeyStore, open_store
from tests.sso.specimens import DELIVERY, IDENTITY, SESSION

T = TypeVar("T")
NUMBER = "001054000123"
PERSON = replace(IDENTITY, subject=NUMBER)  # some upstreams know people by their number
HERE = replace(SESSION, identity=PERSON, participations={"langson": Participation("langson", "sid-1", 1_795_000_000)})
THERE = replace(HERE, id=digest("another"), handle="handle-2", participations={})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of an edge that runs."""
    made = tmp_path_factory.mktemp("state")
    valkey = EmbeddedValkey(made / "sign-in")
    valkey.start_now()
    yield made
    valkey.leave_now()


@pytest.fixture(autouse=True)
def _state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EDGE__STATE__FOLDER", str(folder))


def in_store(folder: Path, work: Callable[[ValkeyStore], Awaitable[T]]) -> T:
    keys = KeyFolder(folder / "keys", master_key({}, folder / "keys")).ensure(1)

    async def working() -> T:
        store = open_store(EmbeddedValkey(folder / "sign-in").url, person_key=keys.person, timeout_seconds=10)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(working())


@pytest.fixture
def signed_in(folder: Path) -> None:
    """One person, at two browsers."""

    async def open_both(store: ValkeyStore) -> None:
        await store._plain("FLUSHALL")
        await store.open(HERE, idle_seconds=1_800)
        await store.open(THERE, idle_seconds=1_800)

    in_store(folder, open_both)


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main([*words]) == status
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.usefixtures("signed_in")
def test_a_persons_sessions_are_found_from_one_of_them_and_no_number_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, "sessions", "list", "--session", "handle-1")
    assert "session handle-1  by vneid, level 2" in text
    assert "session handle-2" in text
    assert "clients: langson" in text
    assert text.count("sign-in") == 2  # the history
    reference = text.split()[1]
    again = said(capsys, "sessions", "list", "--person", reference, "--json")
    found: Any = json.loads(again)
    assert {row["session"] for row in found["sessions"]} == {"handle-1", "handle-2"}
    for shown in (text, again):
        assert NUMBER not in shown
        assert "Nguyễn" not in shown


@pytest.mark.usefixtures("signed_in")
def test_an_account_is_read_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    text = said(capsys, "sessions", "list", "--upstream", "vneid")
    assert "handle-1" in text
    assert NUMBER not in text
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "standard input" in said(capsys, "sessions", "list", "--upstream", "vneid", status=2)


@pytest.mark.usefixtures("signed_in")
def test_ending_all_of_a_persons_sessions_tells_their_clients(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    reference = said(capsys, "sessions", "list", "--session", "handle-2").split()[1]
    assert "2 ended" in said(capsys, "sessions", "end", "--person", reference)
    assert in_store(folder, lambda store: store.sessions_of("vneid", NUMBER)) == []
    assert "session handle" not in said(capsys, "sessions", "list", "--person", reference)  # only the history is left
    assert "none to end" in said(capsys, "sessions", "end", "--person", reference, status=1)
    waiting: Any = json.loads(said(capsys, "logout", "status", "--json"))
    assert [(row["client"], row["waiting"]) for row in waiting] == [("langson", 1)]


@pytest.mark.usefixtures("signed_in")
def test_one_session_is_ended_by_its_handle(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "sessions", "end", "--session", "handle-1")
    assert "handle-2" in said(capsys, "sessions", "list", "--session", "handle-2")
    assert "no such session" in said(capsys, "sessions", "list", "--session", "handle-1", status=1)


@pytest.mark.usefixtures("signed_in")
def test_logout_status_says_who_has_not_heard(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert "nothing waits" in said(capsys, "logout", "status")
    gone = replace(DELIVERY, id="gone", client="hanoi", state="given-up", attempts=99, last_error="timeout")
    late = replace(DELIVERY, next_at=DELIVERY.created_at + 4_000, attempts=20, last_error="HTTP 503")

    async def fill(store: ValkeyStore) -> None:
        await store.enqueue([late, gone])
        for one in (late, gone):
            await store.settled(one)

    in_store(folder, fill)
    text = said(capsys, "logout", "status", status=1)
    assert "langson          1 wait, 0 delivered, 0 given up" in text
    assert "HTTP 503 (1)" in text
    assert "hanoi            0 wait, 0 delivered, 1 given up; timeout (1)" in text
    assert "hanoi" not in said(capsys, "logout", "status", "--client", "langson", status=1)
    assert DELIVERY.subject not in text.split()
