"""A connection costs no parser until somebody has to read it, and then it is as if it had begun with that."""

import asyncio
import socket
from collections.abc import Mapping

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from proxy.threshold import Outbox, Threshold
from tests.proxy.lanes import Connection, Lane, lane_over, same

pytestmark = pytest.mark.clocked


HOST = b"Host: dichvucong.langson.gov.vn\r\n"
KNOWN = b"GET /vi HTTP/1.1\r\n" + HOST + b"User-Agent: Mozilla\r\nAccept: text/html\r\n\r\n"
LAST = KNOWN.replace(b"Accept:", b"Connection: close\r\nAccept:")
FORM = (
    b"POST /dichvucong/tracuu HTTP/1.1\r\n" + HOST + b"User-Agent: Mozilla\r\nAccept: text/html\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1"
)
SHORT = {"DVC_EDGE__LIMITS__KEEP_ALIVE_SECONDS": "1", "DVC_EDGE__LIMITS__HEAD_SECONDS": "1"}


async def until_nobody_stands_there(lane: Lane) -> None:
    async with asyncio.timeout(20):
        while lane.server.thresholds:  # noqa: ASYNC110 - a set tells nobody
            await asyncio.sleep(0.01)


async def test_known_requests_are_answered_without_a_parser(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        (first,) = await lane.asked(KNOWN)
        async with lane.connected() as connection:
            for _ in range(3):
                assert same(await connection.ask(KNOWN)) == same(first)
            assert len(lane.server.thresholds) == 1
            assert not [one for one in lane.server.connections if one.transport is not None]
            assert lane.server.answered == 4


# what comes after a known request            how its answer begins
THEN = [
    (FORM,                                    b"HTTP/1.1 410 "),
    (b"NONSENSE\r\n\r\n",                     b"HTTP/1.1 400 "),
    (KNOWN.replace(b"Accept", b"TE: a\r\nAccept"), b"HTTP/1.1 200 "),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "begins"), THEN)
async def test_what_is_not_known_is_read_like_the_first_words(
    packs: Packs, pages: Pages, octets: bytes, begins: bytes
) -> None:
    async with lane_over(packs, pages) as lane:
        (expected,) = await lane.asked(octets)
        await lane.asked(KNOWN)
        async with lane.connected() as connection:
            await connection.ask(KNOWN)
            answer = await connection.ask(octets)
            assert answer.startswith(begins)
            assert same(answer) == same(expected)
            assert lane.server.thresholds == set()
            assert (await connection.ask(KNOWN)).startswith(b"HTTP/1.1 200 ")


async def test_a_request_in_pieces_is_put_together(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        (first,) = await lane.asked(KNOWN)
        async with lane.connected() as connection:
            await connection.send(KNOWN[:20], KNOWN[20:])
            assert same(await connection.answer()) == same(first)


async def test_who_asks_for_the_last_time_is_answered_and_the_connection_ends(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        for number in range(4):
            reader, writer = await asyncio.open_connection("127.0.0.1", lane.port)
            writer.write(LAST)
            async with asyncio.timeout(20):
                answer = await reader.read()  # to its end
            writer.close()
            assert b"\r\nConnection: close\r\n" in answer
            assert lane.fast == number
        await until_nobody_stands_there(lane)
        assert lane.server.admission.connections == 0


@pytest.mark.parametrize("asked", [(), (KNOWN,)])
async def test_who_asks_nothing_more_is_not_waited_for(packs: Packs, pages: Pages, asked: tuple[bytes, ...]) -> None:
    async with lane_over(packs, pages, environ=SHORT) as lane:
        await lane.asked(KNOWN)
        async with lane.connected() as connection:
            await connection.send()
            for request in asked:
                await connection.ask(request)
            assert connection._reader is not None
            async with asyncio.timeout(20):
                assert await connection._reader.read() == b""
        await until_nobody_stands_there(lane)


async def test_who_takes_nothing_of_the_answers_is_cut_off(packs: Packs, pages: Pages) -> None:
    environ = SHORT | {"DVC_EDGE__LIMITS__SEND_SECONDS": "1", "DVC_EDGE__LIMITS__KEEP_ALIVE_SECONDS": "600"}
    async with lane_over(packs, pages, environ=environ) as lane:
        await lane.asked(KNOWN)
        with socket.create_connection(("127.0.0.1", lane.port)) as sock:
            answered, paused = 1, False
            async with asyncio.timeout(60):
                while not paused:
                    sock.sendall(KNOWN)
                    answered += 1
                    while lane.server.answered < answered:  # noqa: ASYNC110 - a number tells nobody
                        await asyncio.sleep(0.001)
                    paused = any(one._paused for one in lane.server.thresholds)
                await until_nobody_stands_there(lane)
            assert lane.server.admission.connections == 0


async def test_who_stands_there_is_let_go_when_the_edge_stops(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        await lane.asked(KNOWN)
        connection = Connection(lane.port)
        await connection.ask(KNOWN)
        assert len(lane.server.thresholds) == 1
    assert connection._reader is not None
    async with asyncio.timeout(20):
        assert await connection._reader.read() == b""
    connection.close()


async def test_the_crowd_is_counted_once_whoever_reads(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        await lane.asked(KNOWN)
        async with lane.connected() as known, lane.connected() as read:
            await known.ask(KNOWN)
            await read.ask(FORM)
            assert lane.server.admission.connections == 2


class Wire(asyncio.Transport):
    """Takes what is written, or refuses it."""

    def __init__(
        self,
        sent: list[tuple[str, bytes]],
        name: str,
        *,
        broken: bool = False,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(extra)
        self.sent, self.name, self.broken, self.closed = sent, name, broken, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.broken:
            raise RuntimeError("the handle is closed")
        self.sent.append((self.name, bytes(data)))

    def is_closing(self) -> bool:
        return self.closed


async def test_what_is_answered_in_one_turn_is_sent_at_its_end_and_in_order() -> None:
    sent: list[tuple[str, bytes]] = []
    outbox = Outbox(asyncio.get_running_loop())
    for name in "abc":
        outbox.put(Wire(sent, name), b"1")
    assert sent == []
    await asyncio.sleep(0)
    assert sent == [("a", b"1"), ("b", b"1"), ("c", b"1")]
    outbox.put(Wire(sent, "d"), b"2")
    await asyncio.sleep(0)
    assert sent[3:] == [("d", b"2")], "and in every turn again"


async def test_what_must_not_wait_is_sent_at_once_and_only_once() -> None:
    sent: list[tuple[str, bytes]] = []
    outbox = Outbox(asyncio.get_running_loop())
    outbox.put(Wire(sent, "a"), b"1")
    outbox.send()
    assert sent == [("a", b"1")]
    await asyncio.sleep(0)
    assert sent == [("a", b"1")]


async def test_a_connection_that_cannot_be_written_to_costs_no_other_its_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[tuple[str, bytes]] = []
    outbox = Outbox(asyncio.get_running_loop())
    gone, broken = Wire(sent, "gone"), Wire(sent, "broken", broken=True)
    for wire in (gone, broken, Wire(sent, "a")):
        outbox.put(wire, b"1")
    gone.closed = True
    await asyncio.sleep(0)
    assert sent == [("a", b"1")]
    assert caplog.text.count("could not be sent") == 1


async def test_who_is_let_go_gets_the_answer_first(packs: Packs, pages: Pages) -> None:
    """The edge stops in the very turn in which it has answered."""
    async with lane_over(packs, pages) as lane:
        await lane.asked(KNOWN)
        reader, writer = await asyncio.open_connection("127.0.0.1", lane.port)
        while not lane.server.thresholds:  # noqa: ASYNC110 - a set tells nobody
            await asyncio.sleep(0.01)
        (threshold,) = lane.server.thresholds
        threshold.data_received(KNOWN)
        threshold.close()
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_who_is_handed_over_gets_the_answer_first(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        await lane.asked(KNOWN)
        reader, writer = await asyncio.open_connection("127.0.0.1", lane.port)
        while not lane.server.thresholds:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        (threshold,) = lane.server.thresholds
        threshold.data_received(KNOWN)
        threshold.data_received(b"NONSENSE\r\n\r\n")
        async with asyncio.timeout(20):
            heard = await reader.read()
        writer.close()
        assert heard.startswith(b"HTTP/1.1 200 ")
        assert heard.count(b"HTTP/1.1 400 ") == 1


VISITOR = {"peername": ("198.51.100.7", 40_000)}


async def test_what_is_answered_last_is_sent_at_once_and_then_the_connection_ends(packs: Packs, pages: Pages) -> None:
    class Closing(Wire):
        def close(self) -> None:
            self.closed = True

    async with lane_over(packs, pages) as lane:
        await lane.asked(LAST, LAST)
        sent: list[tuple[str, bytes]] = []
        threshold, wire = Threshold(lane.server.house), Closing(sent, "a", extra=VISITOR)
        threshold.connection_made(wire)
        threshold.data_received(LAST)
        assert wire.closed
        assert [b"\r\nConnection: close\r\n" in octets for _, octets in sent] == [True]
        threshold.data_received(LAST)
        assert len(sent) == 1, "nothing is heard any more"
        threshold.connection_lost(None)
