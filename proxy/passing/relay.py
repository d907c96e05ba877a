"""One request over one connection: the head goes out, the body follows while the answer may already be coming back.

Nothing is decided here about other connections or other tries: what went wrong is raised, with how far it had come.
"""

import asyncio
from typing import Final, NamedTuple

from proxy.passing.connections import Late, Lost, OriginConnection
from proxy.passing.exchange import Answer, Body, End, Event, Interim, ResponseReader, Switched
from proxy.passing.failures import Failure, Refused
from proxy.passing.fields import lines, trailers_kept
from proxy.passing.framing import LAST_CHUNK, chunk
from proxy.passing.heads import BadMessage, ResponseHead
from proxy.passing.inbound import Onward
from proxy.passing.outbound import homeward, interim
from proxy.passing.policy import Upstream
from proxy.passing.visitors import Left, Visitor

_CUT_OFF: Final = "the connection closed before the answer"


class OriginFailed(Exception):
    """The origin did not answer, and the visitor has heard nothing yet."""

    def __init__(self, why: str, failure: Failure, *, silent: bool) -> None:
        super().__init__(why)
        self.failure = failure
        self.silent = silent  # not one octet came back, and no clock ran out: an idempotent request may be sent again


class Torn(Exception):
    """The answer broke off when some of it was with the visitor already."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status  # as the visitor has seen it


class Relayed(NamedTuple):
    """An answer that reached its end."""

    status: int
    keep: bool  # whether the visitor's connection may carry another request
    reusable: bool  # whether the origin's may
    switched: Switched | None = None  # the head of a 101, unwritten


class Passage:
    """A request on its way."""

    __slots__ = (
        "_broken",
        "_chunks",
        "_closes",
        "_connection",
        "_keep",
        "_out",
        "_reader",
        "_sent",
        "_status",
        "_switched",
        "_uploaded",
        "_upstream",
        "_visitor",
    )

    def __init__(
        self,
        connection: OriginConnection,
        sent: Onward,
        visitor: Visitor,
        upstream: Upstream,
        *,
        keep: bool,
        may_switch: bool = False,
    ) -> None:
        self._connection = connection
        self._sent = sent
        self._visitor = visitor
        self._upstream = upstream
        self._keep = keep  # whether the visitor's connection may live on, as far as the visitor is concerned
        self._reader = ResponseReader(sent.method, may_switch=may_switch)
        self._out: list[bytes] = []  # for the visitor
        self._chunks = False
        self._closes = False
        self._status = 0
        self._switched: Switched | None = None
        self._uploaded = False  # whether the whole request is with the origin
        self._broken: Refused | Left | None = None  # what ended the upload

    async def run(self) -> Relayed:
        """Carry it out.  Raises OriginFailed, Torn, Refused and Left; the connection is then good for nothing."""
        if self._visitor.gone:
            raise Left
        whole = self._visitor.whole
        if whole is not None:
            self._connection.write(self._sent.octets + self._framed(whole) + self._end())
            self._uploaded = True
            self._await_answer()
            await self._answer()
            return self._relayed()
        self._connection.write(self._sent.octets)
        upload = asyncio.get_running_loop().create_task(self._upload())
        try:
            await self._answer()
            return self._relayed()
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)

    async def resume(self) -> Relayed:
        """Hear the answer to a request without a body that somebody has sent already.  Raises as `run` does."""
        self._uploaded = True
        self._await_answer()
        await self._answer()
        return self._relayed()

    def _relayed(self) -> Relayed:
        # Where the body is still on its way, what comes next on either connection is no request.
        reusable = self._reader.reusable and self._uploaded
        return Relayed(self._status, self._keep and not self._closes and self._uploaded, reusable, self._switched)

    def _await_answer(self) -> None:
        self._connection.expect("first-byte", self._upstream.timers.first_byte)

    # The request's body.

    def _framed(self, octets: bytes) -> bytes:
        return chunk(octets) if self._visitor.frames_chunks else octets

    def _end(self) -> bytes:
        return LAST_CHUNK if self._visitor.frames_chunks else b""

    async def _upload(self) -> None:
        try:
            if self._sent.expects_continue:
                self._visitor.invite()
            await self._pump()
        except (Refused, Left) as error:
            self._broken = error
            self._connection.abort()  # and so tell the one who waits for the answer
        except Lost:
            pass  # the origin takes no more; it may have answered, and the one who reads will know

    async def _pump(self) -> None:
        size, most = 0, self._visitor.most
        while octets := await self._visitor.body():
            size += len(octets)
            if most and size > most:
                raise Refused(Failure(413, "body-too-large", closes=True))
            self._connection.write(self._framed(octets))
            await self._taken()
        self._connection.write(self._end())
        self._uploaded = True
        if not self._status:
            self._await_answer()

    async def _taken(self) -> None:
        """Wait for an origin that reads slowly; one that has stopped reading has failed."""
        try:
            async with asyncio.timeout(self._upstream.timers.idle):
                await self._connection.drained()
        except TimeoutError:
            raise Refused(Failure(504, "late", retry_after=1, closes=True)) from None

    # The answer.

    async def _answer(self) -> None:
        """Hand the answer on as it comes."""
        connection, reader, visitor = self._connection, self._reader, self._visitor
        while not reader.complete:
            try:
                octets = await connection.receive()
                events = reader.feed(octets) if octets else reader.close()
            except (Late, Lost, BadMessage) as error:
                raise self._failure(error) from None
            for event in events:
                self._take(event)
            if self._out:
                visitor.write(self._out)
                self._out.clear()
                # The end of an answer waits for nobody: a visitor who reads slowly must not hold the origin's place.
                if visitor.behind and not reader.complete:
                    await visitor.caught_up()
            if self._status and not reader.complete:
                connection.expect("idle", self._upstream.timers.idle)

    def _take(self, event: Event) -> None:
        match event:
            case Body(octets):
                self._out += (b"%x\r\n" % len(octets), octets, b"\r\n") if self._chunks else (octets,)
            case Answer(head, framing):
                made = homeward(head, framing, self._sent, self._upstream, keep=self._keep and self._uploaded)
                self._status, self._chunks, self._closes = head.status, made.chunks, made.closes
                self._out.append(made.octets)
            case End(trailers):
                if self._chunks:
                    kept = trailers_kept(trailers)
                    self._out.append(b"0\r\n%b\r\n" % lines(kept) if kept else LAST_CHUNK)
            case Interim(head):
                self._hint(head)
            case Switched(head, _):
                self._status, self._switched = head.status, event

    def _hint(self, head: ResponseHead) -> None:
        # 100 was answered here, if anybody waited for it; HTTP/1.0 knows no interim answers (RFC 9110 §15.2).
        if head.status != 100 and self._sent.minor > 0:
            self._visitor.hint(interim(head))

    def _failure(self, error: Late | Lost | BadMessage) -> Exception:
        if self._visitor.gone or isinstance(self._broken, Left):
            return Left()
        if self._status:
            return Torn(str(self._broken or error), self._status)
        if self._broken is not None:
            return self._broken
        if isinstance(error, Late):
            return OriginFailed("no answer in time", Failure(504, "late", retry_after=1), silent=False)
        silent = not self._reader.begun
        why = _CUT_OFF if isinstance(error, Lost) else error.reason
        return OriginFailed(why, Failure(502, "bad-answer"), silent=silent)
