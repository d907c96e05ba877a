"""An upstream at work: which requests may be tried again, where they go, and when it is left alone."""

import asyncio
import time
from collections import Counter

import pytest

from proxy.passing.breaker import State
from tests.passing_peers.edges import Edge, edge, get, request, until, upstream
from tests.passing_peers.faults import reset
from tests.passing_peers.recording import OK, Dialogue, Seen, recording_origin, says


async def drop(dialogue: Dialogue, seen: Seen) -> None:
    """Read the request and close without an answer."""
    await dialogue.body(seen)
    dialogue.writer.close()


KEY = "dGhlIHNhbXBsZSBub25jZQ=="


async def stall(dialogue: Dialogue, seen: Seen) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def named(name: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()


async def unused_port() -> int:
    async with recording_origin() as gone:
        return gone.port


SENDINGS = [
    # a request                                                     how often it is sent when no octet comes back
    (get(),                                                          3),
    (get(method="HEAD"),                                             3),
    (get(method="OPTIONS"),                                          3),
    (request(b"a", "Content-Length: 1", method="PUT"),               3),
    (request(b"", method="DELETE"),                                  3),
    (request(b"a", "Content-Length: 1"),                             1),
    (request(b"a", "Content-Length: 1", method="PATCH"),             1),
    (request(b""),                                                   1),
    (request(b"x" * 2_000_000, "Content-Length: 2000000", method="PUT"), 1),  # its body is not here to be sent again
]  # fmt: skip


@pytest.mark.parametrize(
    ("octets", "times"), SENDINGS, ids=lambda value: value[:12] if isinstance(value, bytes) else None
)
async def test_what_is_sent_again_when_nothing_came_back(octets: bytes, times: int) -> None:
    async with recording_origin(drop) as origin, edge(upstream(origin.port)) as ours:
        assert (await ours.ask(octets)).startswith(b"HTTP/1.1 502 ")
        assert len(origin.seen) == times


async def test_what_began_to_be_answered_is_not_sent_again() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(b"HTTP/1.1 2")
        await dialogue.writer.drain()
        dialogue.writer.close()

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        assert (await ours.ask(get())).startswith(b"HTTP/1.1 502 ")
        assert len(origin.seen) == 1


async def test_what_came_too_late_is_not_sent_again() -> None:
    async with recording_origin(stall) as origin, edge(upstream(origin.port, timers={"first_byte": 0.1})) as ours:
        assert (await ours.ask(get())).startswith(b"HTTP/1.1 504 ")
        assert len(origin.seen) == 1
        assert ours.failures[0].retry_after


async def test_another_origin_is_tried_where_nothing_was_sent() -> None:
    async with recording_origin() as origin, edge(upstream(await unused_port(), origin.port)) as ours:
        for _ in range(6):
            assert (await ours.ask(request(b"a", "Content-Length: 1"))).endswith(b"ok")
        assert len(origin.seen) == 6


async def test_a_dead_origin_is_left_out_after_a_while() -> None:
    dead = await unused_port()
    async with recording_origin() as origin, edge(upstream(dead, origin.port, health={"eject_after": 2})) as ours:
        for _ in range(10):
            await ours.ask(get())
        assert ours.registry.get_sample_value("dvc_edge_passed_retries_total", {"upstream": "province"}) == 2


async def test_requests_are_spread_by_weight() -> None:
    async with recording_origin(says(named("a"))) as a, recording_origin(says(named("b"))) as b:
        origins = [{"url": f"http://127.0.0.1:{a.port}", "weight": 3}, {"url": f"http://127.0.0.1:{b.port}"}]
        async with edge(upstream(1, origins=origins)) as ours:
            said = Counter([(await ours.ask(get()))[-1:] for _ in range(12)])
            assert said == {b"a": 9, b"b": 3}


async def test_a_kept_connection_that_dies_is_nobodys_failure() -> None:
    async def once(dialogue: Dialogue, seen: Seen) -> None:
        if len(dialogue.raw) > 400:  # the second request on this connection
            reset(dialogue.writer)
            return
        await dialogue.body(seen)
        dialogue.say(OK)

    async with recording_origin(once) as origin, edge(upstream(origin.port, attempts=1)) as ours:
        for _ in range(5):
            assert (await ours.ask(get("/" + "x" * 100))).endswith(b"ok")
        assert not ours.failures
        assert origin.connections > 1


async def test_connections_are_used_again() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        for _ in range(20):
            await ours.ask(get())
        assert origin.connections == 1


async def test_an_origin_that_fails_is_left_alone_and_asked_again() -> None:
    async with (
        recording_origin(drop) as origin,
        edge(upstream(origin.port, attempts=1, breaker={"failures": 3, "open_seconds": 0.2})) as ours,
    ):
        for _ in range(3):
            assert (await ours.ask(get())).startswith(b"HTTP/1.1 502 ")
        for _ in range(3):
            assert (await ours.ask(get())).startswith(b"HTTP/1.1 503 ")
        assert [failure.reason for failure in ours.failures[3:]] == ["resting"] * 3
        assert len(origin.seen) == 3
        await asyncio.sleep(0.25)
        origin.script = says(OK)
        assert (await ours.ask(get())).endswith(b"ok")
        assert ours.passer._live["province"].breaker.state is State.CLOSED


async def test_an_error_of_the_system_itself_opens_nothing() -> None:
    broken = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
    async with recording_origin(says(broken)) as origin, edge(upstream(origin.port, breaker={"failures": 1})) as ours:
        for _ in range(3):
            assert await ours.ask(get()) == broken


async def test_an_origin_that_is_asked_for_its_health_and_is_ill_gets_nothing() -> None:
    async def ill(dialogue: Dialogue, seen: Seen) -> None:
        status = b"503 Ill" if seen.target == b"/health" else b"200 OK"
        dialogue.say(b"HTTP/1.1 %b\r\nContent-Length: 1\r\n\r\ni" % status)

    async with recording_origin(ill) as first, recording_origin(says(named("w"))) as second:
        health = {"path": "/health", "interval": 0.05, "fall": 1, "host": "health.test"}
        async with edge(upstream(first.port, second.port, health=health)) as ours:
            await until(lambda: ours.passer._live["province"].well() == 1)
            assert {(await ours.ask(get()))[-1:] for _ in range(4)} == {b"w"}
            assert first.seen[0].one("host") == "health.test"


async def test_more_requests_than_places_wait_and_then_are_told() -> None:
    async with (
        recording_origin(stall) as origin,
        edge(upstream(origin.port, pool={"connections": 2, "waiting": 1}, timers={"wait": 0.2})) as ours,
    ):
        stalled = [asyncio.ensure_future(ours.ask(get())) for _ in range(2)]
        await until(lambda: len(origin.seen) == 2)
        began = time.monotonic()
        got = await asyncio.gather(ours.ask(get()), ours.ask(get()))
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in got)
        assert {failure.reason for failure in ours.failures} == {"busy"}
        assert time.monotonic() - began < 2
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        await until(lambda: ours.counted("left") == 2)
        assert ours.passer._live["province"].pool.taken == 0


async def test_an_origin_that_is_restarted_under_load_loses_no_get() -> None:
    async with recording_origin() as first:
        port = first.port
        to = upstream(port, attempts=6)
        async with edge(to) as ours:
            answers: list[bytes] = []

            async def load() -> None:
                for _ in range(40):
                    answers.append((await ours.ask(get()))[:12])
                    await asyncio.sleep(0.01)

            loading = [asyncio.ensure_future(load()) for _ in range(4)]
            await asyncio.sleep(0.1)
            await first.stop()
            await asyncio.sleep(0.2)
            async with recording_origin(port=port) as second:
                await asyncio.gather(*loading)
                assert second.seen
            assert Counter(answers) == {b"HTTP/1.1 200": 160}


async def test_one_province_that_stalls_does_not_touch_another() -> None:
    async with (
        recording_origin(stall) as slow,
        recording_origin() as well,
        edge(upstream(slow.port, pool={"connections": 4, "waiting": 4})) as stalled,
        edge(upstream(well.port)) as ours,
    ):
        asking = [asyncio.ensure_future(stalled.ask(get())) for _ in range(20)]
        await until(lambda: len(slow.seen) == 4)
        began = time.monotonic()
        for _ in range(20):
            assert (await ours.ask(get())).endswith(b"ok")
        assert time.monotonic() - began < 2
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def passing(ours: Edge) -> int:
    return len(ours.passer._passing)


async def test_draining_finishes_what_is_under_way_and_what_comes_unknowing() -> None:
    async def slow(dialogue: Dialogue, seen: Seen) -> None:
        await asyncio.sleep(0.2)
        dialogue.say(OK)

    async with recording_origin(slow) as origin, edge(upstream(origin.port)) as ours:
        asking = asyncio.ensure_future(ours.ask(get()))
        await until(lambda: origin.seen)
        draining = asyncio.ensure_future(ours.passer.drain(5))
        await asyncio.sleep(0)
        assert b"\r\nConnection: close\r\n" in await ours.ask(get())
        assert (await asking).endswith(b"ok")
        async with asyncio.timeout(2):
            await draining
        assert await passing(ours) == 0


async def test_draining_begins_no_websocket() -> None:
    lines = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}")
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        await ours.passer.drain(0)
        assert (await ours.ask(get("/", *lines))).startswith(b"HTTP/1.1 503 ")
        assert ours.failures[0].reason == "draining"
        assert not origin.seen


async def test_draining_waits_only_so_long() -> None:
    async with recording_origin(stall) as origin, edge(upstream(origin.port)) as ours:
        asking = asyncio.ensure_future(ours.ask(get()))
        await until(lambda: origin.seen)
        async with asyncio.timeout(2):
            await ours.passer.drain(0.1)
        assert await passing(ours) == 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
