"""A worker says how it is, answers until it is told to stop, and never waits for who should listen."""

import asyncio
import io
import os
import signal
from collections.abc import Iterator

import pytest
from aiohttp import ClientConnectorError, ClientSession

from proxy.app import create_app
from proxy.listeners import address, listen
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.processes import close_all
from proxy.serve import Addresses
from proxy.worker import BEAT, DRAINING, READY, Voice, work
from tests.conftest import RunningEdge, settings_with

LANG_SON = "https://dichvucong.langson.gov.vn/vi"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    close_all([reading, writing])


def test_what_is_said_is_heard(pipe: tuple[int, int]) -> None:
    Voice(pipe[1]).say(READY)
    assert os.read(pipe[0], 10) == READY


def test_a_supervisor_that_does_not_listen_holds_nobody(pipe: tuple[int, int]) -> None:
    voice = Voice(pipe[1])
    for _ in range(100_000):  # more than a pipe holds
        voice.say(BEAT)


def test_a_supervisor_that_has_gone_holds_nobody(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    Voice(pipe[1]).say(BEAT)


async def test_it_beats_while_its_loop_turns(pipe: tuple[int, int]) -> None:
    Voice(pipe[1]).beat(0.01)
    await asyncio.sleep(0.2)
    assert 5 <= len(os.read(pipe[0], 100)) <= 21


async def test_it_answers_until_it_is_told_to_stop(pipe: tuple[int, int], packs: Packs, pages: Pages) -> None:
    app = create_app(settings_with(), parts=(packs, pages), log=io.StringIO())
    listeners = listen("127.0.0.1", 0)
    place = address(listeners[0])
    async with ClientSession() as session, asyncio.TaskGroup() as tasks:
        working = tasks.create_task(work(app, listeners, Voice(pipe[1])))
        said = b""
        while READY not in said:
            await asyncio.sleep(0.01)
            said += heard(pipe[0])
        assert said.strip(BEAT) == READY
        edge = RunningEdge(Addresses(place, place), session, io.StringIO())
        assert (await edge.get(LANG_SON)).status == 200
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(working, 10)
        assert heard(pipe[0]).strip(BEAT) == DRAINING
        with pytest.raises(ClientConnectorError):
            await edge.get(LANG_SON)


def heard(pipe: int) -> bytes:
    try:
        return os.read(pipe, 1_000)
    except BlockingIOError:
        return b""
