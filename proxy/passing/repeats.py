"""A request that was passed on before, in the same octets: it goes out without being read, and no task waits for it.

What comes back is looked at as strictly as ever.  A whole small answer is written as soon as it is here; anything else
is heard to its end by a `Passage`, which knows everything that can happen.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from proxy.passing.connections import OriginConnection
from proxy.passing.failures import Failure, Refused
from proxy.passing.inbound import Onward
from proxy.passing.policy import OriginServer
from proxy.passing.relay import OriginFailed, Passage, Relayed, Torn
from proxy.passing.upstreams import LiveUpstream
from proxy.passing.visitors import Left, Visitor
from proxy.passing.whole import whole_answer

LEFT: Final = 499


class Ended(NamedTuple):
    """How it ended."""

    status: int
    octets: int  # of the whole answer, head and all
    keep: bool  # whether the visitor's connection lives on
    whole: bool = True
    failure: Failure | None = None  # nothing has been answered


class Overseer(Protocol):
    """Who keeps the books: the passer."""

    def use(self, visitor: Visitor, connection: OriginConnection) -> None:
        """A visitor's request is on this connection now."""
        ...

    def retried(self, name: str) -> None:
        """A request is sent again to an upstream."""
        ...

    def over(self, repeat: "Repeat", visitor: Visitor, end: Ended, seconds: float) -> None:
        """A request has ended."""
        ...


class Repeat:
    """One request on its way, moved by what comes."""

    __slots__ = (
        "_began",
        "_connection",
        "_deadline",
        "_ended",
        "_got",
        "_live",
        "_origin",
        "_passer",
        "_sent",
        "_task",
        "_visitor",
        "name",
    )

    def __init__(
        self,
        passer: Overseer,
        live: LiveUpstream,
        taken: tuple[OriginServer, OriginConnection],
        sent: Onward,
        visitor: Visitor,
        ended: Callable[[Ended], None],
    ) -> None:
        """`taken`: what `live.take_kept` gave; `ended` is told once how it ended."""
        self._passer = passer
        self._live = live
        self.name = live.upstream.name
        self._origin, self._connection = taken
        self._sent = sent
        self._visitor = visitor
        self._ended = ended
        self._got = b""
        self._task: asyncio.Task[None] | None = None
        self._began = asyncio.get_running_loop().time()
        self._deadline = self._began + live.upstream.timers.first_byte

    def begin(self) -> None:
        """Send it."""
        self._connection.taker = self
        self._connection.write(self._sent.octets)

    def take(self, octets: bytes) -> None:
        """Something came back."""
        octets = self._got + octets if self._got else octets
        answer = whole_answer(octets, self._sent, self._live.upstream)
        if answer is None:
            self._got = octets
            self._hear_out()
            return
        self._connection.taker = None
        visitor = self._visitor
        try:
            visitor.write((answer.octets,))
        except Left:
            self._live.give_back(self._origin, self._connection, reusable=answer.reusable)
            self._end(Ended(LEFT, 0, keep=False, whole=False))
            return
        visitor.done = True
        self._live.give_back(self._origin, self._connection, reusable=answer.reusable)
        self._end(Ended(answer.status, len(answer.octets), keep=True))

    def broke(self) -> None:
        """The origin's connection is no more: perhaps it had been closed before we wrote, and nobody is to blame."""
        self._hear_out()

    def look(self, now: float) -> None:
        """Called now and then: an origin that thinks too long is given up, and so is a visitor who has left."""
        if self._task is None and (now >= self._deadline or self._visitor.gone):
            self._connection.taker = None
            self._connection.abort()
            self._live.pool.leave()
            if self._visitor.gone:
                self._end(Ended(LEFT, 0, keep=False, whole=False))
                return
            self._live.breaker.heard(good=False, now=now)
            self._live.health.conditions[self._origin].served(good=False, now=now)
            self._end(Ended(504, 0, keep=True, failure=Failure(504, "late", retry_after=1)))

    def _end(self, ended: Ended) -> None:
        seconds = asyncio.get_running_loop().time() - self._began
        self._passer.over(self, self._visitor, ended, seconds)
        self._ended(ended)

    # What takes longer.

    def _hear_out(self) -> None:
        if self._task is None:
            self._connection.put_back(self._got)
            self._task = asyncio.get_running_loop().create_task(self._heard_out())

    async def _heard_out(self) -> None:
        """Hear the answer to its end, or ask again where that is harmless."""
        visitor, now = self._visitor, asyncio.get_running_loop().time
        ended = Ended(500, 0, keep=False, whole=False)
        try:
            relayed = await self._relayed()
            visitor.done = True
            ended = Ended(relayed.status, visitor.sent, relayed.keep)
        except Torn as torn:
            self._live.breaker.heard(good=False, now=now())
            ended = Ended(torn.status, visitor.sent, keep=False, whole=False)
        except Left:
            ended = Ended(LEFT, visitor.sent, keep=False, whole=False)
        except Refused as refused:
            ended = Ended(refused.failure.status, 0, keep=True, failure=refused.failure)
        except Exception:
            logging.getLogger(__name__).exception("an answer broke off by our own mistake")
        finally:
            self._live.pool.leave()
            if not visitor.done and (visitor.sent or ended.failure is None):
                visitor.cut()
            self._end(ended)

    async def _relayed(self) -> Relayed:
        """Raises Torn, Left and Refused."""
        live, connection = self._live, self._connection
        try:
            relayed = await self._passage(connection).resume()
        except OriginFailed as error:
            connection.abort()
            if not error.silent:
                live.failed(self._origin, error)
                raise Refused(error.failure) from None
        except BaseException:
            connection.abort()
            raise
        else:
            live.heard_well(self._origin)
            if relayed.reusable:
                live.pool.keep(self._origin, connection)
            else:
                connection.close()
            return relayed
        # A kept connection that had been closed costs nobody anything: as if it had never been tried.
        self._retried()
        relayed, _ = await live.carry(self._sent.method, self._passage, lambda: True, self._retried)
        return relayed

    def _retried(self) -> None:
        self._passer.retried(self.name)

    def _passage(self, connection: OriginConnection) -> Passage:
        self._passer.use(self._visitor, connection)
        return Passage(connection, self._sent, self._visitor, self._live.upstream, keep=True)
