"""One connection for all callers, held against a server that does as it is told."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from hiredis import Reader

from sso.store import StoreUnavailable
from sso.stores import lines
from sso.stores.addresses import Address, Place, address_of
from sso.stores.lines import Line, Refused, Unloaded

PATIENT_SECONDS = 20.0


@dataclass
class Server:
    """A server on loopback that writes down what it is asked, and answers by a table."""

    answers: dict[str, bytes] = field(default_factory=dict)
    heard: list[list[str]] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)  # questions in each read
    connections: int = 0
    silent: bool = False

    tasks: set["asyncio.Task[None] | None"] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # something was heard

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        self.connections += 1
        parser = Reader(encoding="utf-8")
        with suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                parser.feed(data)
                questions = []
                while (question := parser.gets()) is not False:
                    questions.append(question)
                self.heard += questions
                self.reads.append(len(questions))
                self.changed.set()
                if not self.silent:
                    writer.write(b"".join(self.answers.get(one[0], b"+OK\r\n") for one in questions))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def listening(*servers: Server) -> AsyncIterator[list[Place]]:
    """Where they listen; they go when those who asked them have gone."""
    sockets = [await asyncio.start_server(server.serve, "127.0.0.1", 0) for server in servers]
    try:
        yield [Place("127.0.0.1", one.sockets[0].getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
        await asyncio.gather(*(task for server in servers for task in server.tasks if task))


@asynccontextmanager
async def asked(address: Address) -> AsyncIterator[Line]:
    line = Line(address, timeout_seconds=PATIENT_SECONDS)
    try:
        yield line
    finally:
        await line.close()


@asynccontextmanager
async def served(**changes: object) -> AsyncIterator[tuple[Server, Line]]:
    server = Server(**changes)  # type: ignore[arg-type]  # fields by name
    async with listening(server) as places, asked(Address(tuple(places))) as line:
        yield server, line


async def test_what_is_asked_in_one_turn_leaves_in_one_write() -> None:
    async with served() as (server, line):
        await line.ask("FIRST")
        server.reads.clear()
        await asyncio.gather(*(line.ask("SET", f"key-{i}", i) for i in range(200)))
        assert sum(server.reads) == 200
        assert len(server.reads) < 20  # whatever the kernel cuts
        assert server.connections == 1


async def test_each_gets_its_own_answer_in_whatever_pieces_they_come(embedded_url: str) -> None:
    words = [secrets.token_hex(size % 3_000) or "x" for size in range(0, 30_000, 97)]
    async with asked(address_of(embedded_url)) as line:
        assert await asyncio.gather(*(line.ask("ECHO", word) for word in words)) == words


async def test_who_gives_up_does_not_get_the_others_answers_mixed_up(embedded_url: str) -> None:
    async with asked(address_of(embedded_url)) as line:
        await line.ask("PING")
        asking = [asyncio.ensure_future(line.ask("ECHO", str(number))) for number in range(50)]
        await asyncio.sleep(0)
        for task in asking[::2]:
            task.cancel()
        assert await asyncio.gather(*asking[1::2]) == [str(number) for number in range(1, 50, 2)]
        assert await line.ask("ECHO", "after") == "after"


async def test_a_script_that_is_not_known_is_told_and_the_connection_stays() -> None:
    async with served(answers={"EVALSHA": b"-NOSCRIPT No matching script\r\n"}) as (server, line):
        with pytest.raises(Unloaded):
            await line.ask("EVALSHA", "x")
        await line.ask("PING")
        assert server.connections == 1


async def test_a_refusal_never_quotes_what_was_said() -> None:
    async with served(answers={"SET": b"-ERR hunter2\r\n"}) as (_, line):
        with pytest.raises(Refused, match=r"^ResponseError$"):
            await line.ask("SET", "hunter2", "b")


@pytest.mark.parametrize("word", ["READONLY", "LOADING", "MASTERDOWN", "UNBLOCKED"])
async def test_a_server_that_is_the_master_no_more_is_left(word: str) -> None:
    async with served(answers={"SET": f"-{word} and why\r\n".encode()}) as (server, line):
        with pytest.raises(StoreUnavailable):
            await line.ask("SET", "a", "b")
        await line.ask("PING")
        assert server.connections == 2


async def test_everybody_hears_of_a_connection_that_is_lost_and_the_next_makes_another() -> None:
    async with served(silent=True) as (server, line):
        server.silent = False
        await line.ask("PING")
        server.silent = True
        asking = [asyncio.ensure_future(line.ask("SET", "a", i)) for i in range(20)]
        server.changed.clear()
        await server.changed.wait()
        connection = await line.connection()
        connection.lose("connection lost")
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert {(type(one), str(one)) for one in answers} == {(StoreUnavailable, "connection lost")}
        server.silent = False
        await line.ask("PING")
        assert server.connections == 2
        assert [one for one in server.heard if one[0] == "SET"] == [["SET", "a", str(i)] for i in range(20)]  # once


async def test_what_is_no_answer_of_a_store_ends_the_connection() -> None:
    async with served(answers={"PING": b"HTTP/1.1 400 Bad Request\r\n\r\n"}) as (_, line):
        with pytest.raises(StoreUnavailable):
            await line.ask("PING")


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    async with served(answers={"PING": b"+PONG\r\n+AND MORE\r\n"}) as (server, line):
        await line.ask("PING")
        server.answers.clear()
        await asyncio.sleep(0)
        await line.ask("GET")
        assert server.connections == 2


async def test_of_a_late_answer_nothing_is_known_of_any() -> None:
    async with served() as (server, line):
        await line.ask("PING")
        assert line._connection
        line._connection._timeout = 0.2
        server.silent = True
        answers = await asyncio.gather(*(line.ask("SET", "a", i) for i in range(5)), return_exceptions=True)
        assert {str(one) for one in answers} == {"timeout"}


async def test_an_answer_that_came_while_the_loop_was_held_up_is_not_late(embedded_url: str) -> None:
    async with asked(address_of(embedded_url)) as line:
        await line.ask("PING")
        assert line._connection
        line._connection._timeout = 0.3
        asking = [asyncio.ensure_future(line.ask("ECHO", str(number))) for number in range(5)]
        for _ in range(5):
            await asyncio.sleep(0)  # it is sent
        time.sleep(0.6)  # noqa: ASYNC251 - what a collection of garbage or a busy machine does
        assert await asyncio.gather(*asking) == ["0", "1", "2", "3", "4"]


async def test_there_is_an_end_of_how_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_OPEN", 10)
    async with served() as (server, line):
        await line.ask("PING")
        server.silent = True
        asking = [asyncio.ensure_future(line.ask("SET", "a", i)) for i in range(12)]
        done, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert [str(one.exception()) for one in done] == ["too slow"] * 2
        for one in waiting:
            one.cancel()


async def test_many_who_come_first_wait_for_one_connection() -> None:
    async with served() as (server, line):
        await asyncio.gather(*(line.ask("PING") for _ in range(100)))
        assert server.connections == 1
        assert server.heard[0] == ["CLIENT", "SETNAME", "dvc-edge"]


async def test_who_connects_says_who_it_is() -> None:
    server = Server()
    async with (
        listening(server) as (place,),
        asked(Address((place,), user="edge", password="hunter2", database=3)) as line,
    ):
        await line.ask("PING")
        assert server.heard[0] == ["AUTH", "edge", "hunter2"]
        assert ["SELECT", "3"] in server.heard[:5]


async def test_a_password_that_is_wrong_is_told_without_it() -> None:
    server = Server(answers={"AUTH": b"-WRONGPASS invalid username-password pair\r\n"})
    async with listening(server) as (place,), asked(Address((place,), password="hunter2")) as line:
        assert "hunter2" not in await refused_by(lambda: line.ask("PING"))


async def refused_by(question: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await question()
    return str(caught.value)


async def test_nobody_there_is_told_at_once() -> None:
    async with asked(Address((Place("127.0.0.1", 1),))) as line:
        assert await refused_by(lambda: line.ask("PING")) == "ConnectionError"


async def test_what_is_lost_answers_nobody() -> None:
    async with served() as (_, line):
        connection = await line.connection()
        await connection.close()
        assert await refused_by(lambda: connection.ask("PING")) == "no connection"


async def test_closing_ends_a_connection_that_is_being_made() -> None:
    silent = Server(silent=True)
    async with listening(silent) as (place,), asked(Address((place,))) as line:
        asking = asyncio.ensure_future(line.ask("PING"))
        await silent.changed.wait()
        await line.close()
        with pytest.raises(StoreUnavailable):
            await asking
