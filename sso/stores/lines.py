"""One connection to a store on which the questions of all callers follow each other (pipelining).

What is asked in one turn of the loop leaves in one write, and answers come back in the order of the questions: for each
there is a future, and nothing else.  redis-py's connections carry it; its clients and pools, which keep a connection
for each question until that is answered, cost several times as much as a question itself.

Whatever is not certain is an error: when an answer is late, nothing is known about any question that is open, so the
connection ends with all of them.  Nothing is asked twice: a step that was sent may have been done.
"""

import asyncio
from collections import deque
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer
from redis.exceptions import MasterDownError, NoScriptError, ReadOnlyError, RedisError, ResponseError

from sso.store import StoreUnavailable
from sso.stores.addresses import Address
from sso.stores.connections import connections

MOST_OPEN: Final = 10_000
"""Questions without an answer on one connection; whoever comes then is told at once that the store is too slow."""
_ELSEWHERE: Final = (ReadOnlyError, MasterDownError)
"""Answers of a server that is the master no more: another connection may find the one that is."""
_PACKER: Final = HiredisRespSerializer()


class Refused(StoreUnavailable):
    """The store has answered that it does not do it."""


class Unloaded(Refused):
    """The store does not know the script yet, or any more."""


def packed(words: tuple[str | int, ...]) -> list[bytes]:
    """A question as it is sent."""
    question: list[bytes] = _PACKER.pack(*words)  # type: ignore[arg-type]  # its annotation means each to be a list
    return question


class Pipelined:
    """One connection, which has been made."""

    def __init__(self, connection: AbstractConnection, *, timeout_seconds: float) -> None:
        self.lost = False
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout_seconds
        # Timed here, by one timer for all questions: one for each, as redis-py has it, costs more than the question.
        connection.socket_timeout = None
        self._open: deque[tuple[asyncio.Future[Any], float]] = deque()  # and when it was asked
        self._unsent: list[bytes] = []
        self._wanted = asyncio.Event()
        self._watch: asyncio.TimerHandle | None = None
        self._late: asyncio.Future[Any] | None = None
        self._tasks = {asyncio.ensure_future(self._write()), asyncio.ensure_future(self._read())}

    def ask(self, *words: str | int) -> "asyncio.Future[Any]":
        """Ask; the answer comes in the future, or StoreUnavailable."""
        return self.ask_packed(packed(words))

    def ask_packed(self, question: list[bytes]) -> "asyncio.Future[Any]":
        """The same, for what `packed` has made."""
        future = self._loop.create_future()
        if self.lost or len(self._open) >= MOST_OPEN:
            future.set_exception(StoreUnavailable("no connection" if self.lost else "too slow"))
            return future
        self._open.append((future, self._loop.time()))
        self._unsent += question
        self._wanted.set()
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout, self._look)
        return future

    def lose(self, reason: str) -> None:
        """Let go; who waits is told that nothing is known."""
        self.lost = True
        for task in self._tasks:
            if task is not asyncio.current_task():  # which ends by itself
                task.cancel()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._open:
            future, _ = self._open.popleft()
            if not future.done():
                # The kind alone: a message could hold what was sent.
                future.set_exception(StoreUnavailable(reason))

    async def close(self) -> None:
        """Let go, and wait until it has gone."""
        self.lose("closed")
        await asyncio.wait(self._tasks)
        await self._connection.disconnect(nowait=True)

    async def _write(self) -> None:
        try:
            while await self._wanted.wait():
                self._wanted.clear()
                unsent, self._unsent = self._unsent, []
                await self._connection.send_packed_command(unsent, check_health=False)
        except (RedisError, OSError) as error:
            self.lose(type(error).__name__)

    async def _read(self) -> None:
        answer: Any
        try:
            while not self.lost:
                try:
                    answer = await self._connection.read_response()
                except ResponseError as refusal:
                    answer = refusal
                self._take(answer)
        except (RedisError, OSError, IndexError) as error:
            self.lose(type(error).__name__)
        finally:
            # Whoever lost it may not wait for it.
            await self._connection.disconnect(nowait=True)

    def _take(self, answer: Any) -> None:
        future, _ = self._open.popleft()
        if isinstance(answer, ResponseError):
            if not future.done():
                future.set_exception(
                    (Unloaded if isinstance(answer, NoScriptError) else Refused)(type(answer).__name__)
                )
            if isinstance(answer, _ELSEWHERE) or str(answer).startswith("UNBLOCKED"):
                self.lose("another server")
        elif not future.done():
            future.set_result(answer)

    def _look(self) -> None:
        """Is an answer late?"""
        self._watch = None
        if not self._open:
            return
        oldest, asked_at = self._open[0]
        left = asked_at + self._timeout - self._loop.time()
        if left <= 0 and oldest is self._late:
            self.lose("timeout")
            return
        if left <= 0:
            # Looked at once more: where the loop was held up, the answer is there and nobody has read it yet.
            self._late, left = oldest, self._timeout / 10
        self._watch = self._loop.call_later(left, self._look)


class Line:
    """A store's server, whichever that is now: connected when it is first asked, and again after it was lost."""

    def __init__(self, address: Address, *, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._there = connections(address, timeout_seconds=timeout_seconds)
        self._connection: Pipelined | None = None
        self._connecting: asyncio.Task[Pipelined] | None = None

    async def connection(self) -> Pipelined:
        """The connection.  Raises StoreUnavailable."""
        if self._connection is not None and not self._connection.lost:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._connected())
            self._connecting.add_done_callback(self._settle)
        connecting = self._connecting
        try:
            # Shielded: who gives up must not take it from the others who wait for it.
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            if connecting.cancelled() and not _is_to_stop():
                raise StoreUnavailable("closed") from None
            raise

    async def ask(self, *words: str | int) -> Any:
        """Ask.  Raises StoreUnavailable, of it Refused."""
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self.connection()
        return await connection.ask_packed(packed(words))

    async def close(self) -> None:
        """Let go."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._connection is not None:
            await self._connection.close()
        await self._there.close()

    def _settle(self, task: "asyncio.Task[Pipelined]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._connection = task.result()

    async def _connected(self) -> Pipelined:
        connection = self._there.make()
        try:
            # One patience for all of it: finding the master, connecting, introducing oneself.
            async with asyncio.timeout(self._timeout):
                await connection.connect()  # type: ignore[no-untyped-call]
            return Pipelined(connection, timeout_seconds=self._timeout)
        except (RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise StoreUnavailable(type(error).__name__) from None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise


def _is_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
