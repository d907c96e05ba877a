"""How a store is asked: each step one round trip, and those that must outlive a failover counted on replicas, too.

The parts of the store (sso.stores.sessions, grants, deliveries, consents) stand on this.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from sso.claims import person_reference
from sso.model import Session
from sso.store import StoreUnavailable
from sso.stores import encoding
from sso.stores.addresses import Address
from sso.stores.encoding import Damaged, Form
from sso.stores.lines import Line, Refused, Unloaded, packed
from sso.stores.scripts import Script

T = TypeVar("T")

NAMESPACE: Final = "dvc-sign-in"
TIMEOUT_SECONDS: Final = 1.0


class Steps:
    """Asks one store."""

    def __init__(
        self,
        address: Address,
        *,
        person_key: bytes = b"",
        timeout_seconds: float = TIMEOUT_SECONDS,
        namespace: str = NAMESPACE,
        on_damage: Callable[[str], None] | None = None,
    ) -> None:
        self._line = Line(address, timeout_seconds=timeout_seconds)
        # On a line of its own: whoever only looks must not wait behind a replica that is slow.
        self._lasting = Lasting(address, timeout_seconds=timeout_seconds) if address.replicas else None
        self._person_key = person_key
        self._prefix = f"{{{namespace}}}:"
        self._on_damage = on_damage or (lambda _: None)

    async def close(self) -> None:
        """Let the connections go."""
        await self._line.close()
        if self._lasting is not None:
            await self._lasting.close()

    async def _run(self, script: Script, *arguments: str | int) -> Any:
        rest = (0, self._prefix, *arguments)
        send = self._command if script.must_last else self._line.ask
        try:
            return await send("EVALSHA", script.sha, *rest)
        except Unloaded:
            return await send("EVAL", script.text, *rest)

    async def _command(self, *words: str | int) -> Any:
        """One command that changes something, and counts only when enough replicas have it."""
        return await (self._line if self._lasting is None else self._lasting).ask(*words)

    async def _plain(self, *words: str | int) -> Any:
        """One command that only looks."""
        return await self._line.ask(*words)

    async def _set(self, key: str, text: str, seconds: int) -> None:
        await self._command("SET", self._prefix + key, text, "EX", max(1, seconds))

    async def _take(self, key: str) -> str | None:
        found = await self._command("GETDEL", self._prefix + key)
        return None if found is None else str(found)

    # What it says

    def _read(self, form: Form[T], text: str | None) -> T | None:
        if text is None:
            return None
        try:
            return form.value(text)
        except Damaged as error:
            self._on_damage(str(error))
            return None

    def _read_all(self, form: Form[T], texts: Iterable[str]) -> list[T]:
        found = (self._read(form, text) for text in texts)
        return [one for one in found if one is not None]

    def _read_session(self, text: str | None) -> Session | None:
        if text is None:
            return None
        try:
            return encoding.session_of_text(text)
        except Damaged as error:
            self._on_damage(str(error))
            return None

    def _read_sessions(self, found: Iterable[str]) -> list[Session]:
        sessions = (self._read_session(text) for text in found)
        return [session for session in sessions if session is not None]

    def _person(self, upstream: str, subject: str) -> str:
        return person_reference(upstream, subject, self._person_key)


class Lasting:
    """Steps that count only when so many replicas have them.

    What is asked while one batch is on its way to the replicas is the next batch: one WAIT for all of it.
    """

    def __init__(self, address: Address, *, timeout_seconds: float) -> None:
        self._line = Line(address, timeout_seconds=timeout_seconds)
        self._replicas = address.replicas
        self._milliseconds = max(1, int(timeout_seconds * 500))  # the line's own patience must be longer
        self._waiting: list[tuple[list[bytes], asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def ask(self, *words: str | int) -> Any:
        """Ask.  Raises StoreUnavailable, also where too few replicas have it: it may have been done all the same."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((packed(words), future))
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._send())
        return await future

    async def close(self) -> None:
        """Let go; who waits is told that nothing is known."""
        await self._line.close()
        if self._sending is not None:
            await asyncio.wait({self._sending})

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                answers = await self._answers([question for question, _ in batch])
                for (_, future), answer in zip(batch, answers, strict=True):
                    if future.done():
                        continue
                    if isinstance(answer, BaseException):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        finally:
            self._sending = None

    async def _answers(self, questions: list[list[bytes]]) -> list[Any]:
        try:
            connection = await self._line.connection()
            asked = [connection.ask_packed(question) for question in questions]
            asked.append(connection.ask("WAIT", self._replicas, self._milliseconds))
            *answers, copies = await asyncio.gather(*asked, return_exceptions=True)
        except StoreUnavailable as error:
            return [StoreUnavailable(*error.args) for _ in questions]
        if isinstance(copies, BaseException) or copies < self._replicas:
            unsure = StoreUnavailable("too few replicas have it")
            # What the store refused was not done, whoever has it.
            return [answer if isinstance(answer, Refused) else unsure for answer in answers]
        return answers
