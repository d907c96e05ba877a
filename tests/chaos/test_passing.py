"""What passes through a whole edge, with its supervisor and its workers: exchanged, stopped, and switched at an instant."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError

import pytest

from bench.chaos import Edge, edge
from tests.conftest import CONF
from tests.passing_peers.edges import until
from tests.passing_peers.recording import OK, Dialogue, Script, Seen, recording_origin
from tests.proxy.conftest import request_bytes
from tests.proxy.test_passing_over_http import PERSON, file_of

pytestmark = pytest.mark.clocked


UPGRADE = [
    *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi"
)
PATIENCE_SECONDS = 60.0
"""New workers of a machine that is at work beside us take long to begin."""
GOING_AWAY = b"\x88\x02\x03\xe9"


def closing_at(folder: Path, instant: datetime | None) -> dict[str, str]:
    """The shipped portals with Lạng Sơn's closing at an instant; None: never."""
    text = (CONF / "portals.toml").read_text("utf-8")
    schedule = f"schedule = {{ notice_at = {instant.isoformat()} }}" if instant is not None else "schedule = {}"
    (folder / "portals.toml").write_text(text.replace('id = "langson"\n', f'id = "langson"\n{schedule}\n'), "utf-8")
    return {"DVC_EDGE__RULES__PORTALS": str(folder / "portals.toml")}


def edge_with(folder: Path, environ: Mapping[str, str]) -> AbstractContextManager[Edge]:
    """A supervisor and two workers with this environment."""
    return edge(folder, **environ)  # type: ignore[arg-type]  # its other parameters have small letters


@dataclass
class Origin:
    """A script that answers at once, holds /slow until told to go, and accepts WebSockets."""

    name: bytes = b"ok"
    go: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    codes: list[int] = field(default_factory=list)  # with which WebSockets ended

    async def __call__(self, dialogue: Dialogue, seen: Seen) -> None:
        if seen.all("upgrade"):
            seen.complete = True
            dialogue.say(SWITCHED)
            farewell = await dialogue.exactly(8)  # a masked close frame with a code
            self.codes.append(int.from_bytes(bytes(a ^ b for a, b in zip(farewell[6:], farewell[2:4], strict=True))))
            return
        await dialogue.body(seen)
        if seen.target == b"/slow":
            self.held += 1
            await self.go.wait()
        dialogue.say(OK.replace(b"ok", self.name).replace(b"2\r", b"%d\r" % len(self.name)))


class Visitor:
    """A connection to the edge."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def of(cls, edge: Edge) -> "Visitor":
        return cls(*await asyncio.open_connection("127.0.0.1", edge.port))

    def send(self, target: str, *headers: str) -> None:
        self.writer.write(request_bytes(target, headers=[*PERSON, *headers], keep=True))

    async def answer(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            return await self.reader.readexactly(length) if b" 101 " not in head[:13] else head

    async def upgraded(self) -> None:
        self.send("/ws", *UPGRADE)
        assert b" 101 " in (await self.answer())[:13]
        assert await self.reader.readexactly(4) == b"\x81\x02hi"

    async def parted(self) -> bytes:
        """The close frame; answered, as an end must (RFC 6455 §5.5.1)."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            frame = await self.reader.readexactly(4)
        self.writer.write(b"\x88\x82\0\0\0\0\x03\xe9")
        return frame

    async def ended(self) -> bool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read(1) == b""


@asynccontextmanager
async def visitors(edge: Edge, number: int) -> AsyncIterator[list[Visitor]]:
    """So many connections, closed at the end."""
    found = [await Visitor.of(edge) for _ in range(number)]
    try:
        yield found
    finally:
        for visitor in found:
            visitor.writer.close()


def readiness(edge: Edge) -> int:
    try:
        edge.operated("/ready")
    except HTTPError as error:
        return error.code
    return 200


async def test_a_stop_finishes_what_passes_and_ends_what_would_last(tmp_path: Path) -> None:
    origin = Origin()
    script: Script = origin
    async with recording_origin(script) as listening:
        environ = {**file_of(tmp_path, listening.port), **closing_at(tmp_path, None)}
        environ["DVC_EDGE__LIMITS__UNREADY_SECONDS"] = "6"
        with edge_with(tmp_path, environ) as started:
            async with visitors(started, 3) as (idle, slow, socket):
                idle.send("/x")
                assert await idle.answer() == b"ok"
                slow.send("/slow")
                await socket.upgraded()
                await until(lambda: origin.held, seconds=PATIENCE_SECONDS)
                started.send(signal.SIGTERM)
                await started.until(lambda: readiness(started) == 503)
                # A load balancer that has not seen it yet still sends visitors.
                async with visitors(started, 1) as (late,):
                    late.send("/x")
                    assert await late.answer() == b"ok"
                assert await socket.parted() == GOING_AWAY
                assert await idle.ended()
                assert started.process.poll() is None, "what is in hand is waited for"
                origin.go.set()
                assert await slow.answer() == b"ok"
                assert await slow.ended()
                assert await asyncio.to_thread(started.process.wait, PATIENCE_SECONDS) == 0
                await until(lambda: origin.codes == [1001], seconds=PATIENCE_SECONDS)
                assert "Traceback" not in started.said.read_text()


async def steadily(edge: Edge, ask: Callable[[Visitor], Awaitable[None]], enough: asyncio.Event) -> None:
    """Ask again and again on connections of their own, until it is enough."""
    while not enough.is_set():
        visitor = await Visitor.of(edge)
        try:
            await ask(visitor)
        finally:
            visitor.writer.close()
        await asyncio.sleep(0.005)


async def test_an_exchange_moves_to_other_upstreams_without_losing_a_request(tmp_path: Path) -> None:
    first, second = Origin(b"first"), Origin(b"second")
    async with recording_origin(first) as one, recording_origin(second) as other:
        environ = {**file_of(tmp_path, one.port), **closing_at(tmp_path, None)}
        with edge_with(tmp_path, environ) as started:
            answers: list[bytes] = []

            async def ask(visitor: Visitor) -> None:
                visitor.send("/x")
                answers.append(await visitor.answer())

            stack = AsyncExitStack()
            slow, socket = await stack.enter_async_context(visitors(started, 2))
            slow.send("/slow")
            await socket.upgraded()
            await until(lambda: first.held, seconds=PATIENCE_SECONDS)
            file_of(tmp_path, other.port)
            enough = asyncio.Event()
            asking = [asyncio.ensure_future(steadily(started, ask, enough)) for _ in range(4)]
            former = set(started.workers())
            started.send(signal.SIGHUP)
            assert await socket.parted() == GOING_AWAY
            first.go.set()
            assert await slow.answer() == b"first", "what was begun ends where it was begun"
            await started.until(lambda: not former & set(started.workers()), seconds=60)
            await asyncio.sleep(0.1)
            enough.set()
            await asyncio.gather(*asking)
            await stack.aclose()
            assert set(answers) == {b"first", b"second"}
            assert answers[-1] == b"second"
            turn = answers.index(b"second")
            assert turn > 0
            # All workers count together, those that have gone too.
            asked = len(answers) + 2

            def counted() -> float:
                return sum(
                    started.metric(f'dvc_edge_passed_total{{outcome="{outcome}",upstream="province"}}')
                    for outcome in ("2xx", "1xx")
                )

            await started.until(lambda: counted() == asked)
            calm = {"origins": 1, "well": 1, "breaker": "closed", "busy": 0, "waiting": 0}

            def stands() -> bool:
                told = json.loads(started.operated("/ready"))
                province = told.get("upstreams", {}).get("province", {})
                return told["status"] == "ready" and {key: province.get(key) for key in calm} == calm

            await started.until(stands)


@pytest.mark.parametrize("lead_seconds", [8])
async def test_every_worker_switches_at_the_instant_and_not_a_moment_before(tmp_path: Path, lead_seconds: int) -> None:
    """By the machine's own clock: what was answered before it passed, what was asked after it did not."""
    async with recording_origin(Origin()) as origin:
        while True:
            instant = datetime.now(UTC) + timedelta(seconds=lead_seconds)
            environ = {**file_of(tmp_path, origin.port), **closing_at(tmp_path, instant)}
            with edge_with(tmp_path, environ) as started:
                if time.time() > instant.timestamp() - 1:
                    lead_seconds *= 2  # a machine that is at work beside us: it began too late
                    continue
                seen: list[tuple[float, float, bool]] = []  # asked, answered, whether it passed
                enough = asyncio.Event()

                async def ask(visitor: Visitor) -> None:
                    asked = time.time()
                    visitor.send("/vi")
                    passed = await visitor.answer() == b"ok"
                    seen.append((asked, time.time(), passed))  # noqa: B023 - as above

                await asyncio.sleep(instant.timestamp() - 1 - time.time())
                asking = [asyncio.ensure_future(steadily(started, ask, enough)) for _ in range(8)]
                await asyncio.sleep(instant.timestamp() + 1 - time.time())
                enough.set()
                await asyncio.gather(*asking)
                break
    at = instant.timestamp()
    before = [passed for _, answered, passed in seen if answered < at]
    after = [passed for asked, _, passed in seen if asked >= at]
    assert before
    assert after
    assert all(before)
    assert not any(after)
