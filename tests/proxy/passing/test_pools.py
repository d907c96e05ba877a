"""Places and kept connections of one upstream."""

import asyncio
from collections.abc import Sequence

import pytest

from proxy.passing.addresses import Resolver
from proxy.passing.failures import Refused
from proxy.passing.policy import OriginServer, PoolRow, TimerRow, Upstream
from proxy.passing.pools import Pool, Unreachable
from tests.passing_peers.recording import RecordingOrigin, recording_origin


def pool(
    port: int, *, lookup: dict[str, Sequence[str]] | None = None, allow: str = "127.0.0.0/8", **row: float
) -> Pool:
    from ipaddress import ip_network  # noqa: PLC0415 - a table of one

    origin = OriginServer("http", "origin.test", port)
    timers = TimerRow(wait=row.pop("wait", 0.05), connect=row.pop("connect", 1.0))
    upstream = Upstream("province", (origin,), allowed=(ip_network(allow),), timers=timers, pool=PoolRow(**row))  # type: ignore[arg-type]
    names = lookup if lookup is not None else {"origin.test": ["127.0.0.1"]}

    async def look(host: str, port: int) -> Sequence[str]:
        if host not in names:
            raise OSError("no such name")
        return names[host]

    return Pool.of(upstream, None, [Resolver("origin.test", port, upstream.allowed, 0.0, look)])


def origin_of(made: Pool) -> OriginServer:
    return made.upstream.origins[0]


async def test_there_are_only_so_many_places() -> None:
    made = pool(1, connections=2)
    await made.enter()
    await made.enter()
    with pytest.raises(Refused) as refused:
        await made.enter()
    assert (refused.value.failure.status, refused.value.failure.reason) == (503, "busy")
    assert refused.value.failure.retry_after
    assert (made.taken, made.waiting) == (2, 0)


async def test_a_place_goes_to_the_one_who_waits_longest() -> None:
    made = pool(1, connections=1, wait=5)
    await made.enter()
    order: list[int] = []

    async def enter(number: int) -> None:
        await made.enter()
        order.append(number)

    tasks = [asyncio.ensure_future(enter(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert made.waiting == 3
    for _ in range(3):
        made.leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    made.leave()
    assert made.taken == 0


async def test_one_who_gives_up_takes_no_place_along() -> None:
    made = pool(1, connections=1, wait=5)
    await made.enter()
    waiting = asyncio.ensure_future(made.enter())
    await asyncio.sleep(0)
    made.leave()  # given to the one who waits,
    waiting.cancel()  # who leaves before he has noticed
    await asyncio.gather(waiting, return_exceptions=True)
    assert made.taken == 0
    await made.enter()


async def test_more_than_so_many_do_not_wait() -> None:
    made = pool(1, connections=1, waiting=0)
    await made.enter()
    with pytest.raises(Refused):
        await made.enter()


async def test_a_connection_is_kept_for_the_next() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port)
        first = await made.connect(origin_of(made))
        made.keep(origin_of(made), first)
        assert made.kept(origin_of(made), repeatable=False) is first
        assert made.kept(origin_of(made), repeatable=True) is None
        first.abort()


async def closed_by(origin: RecordingOrigin, made: Pool) -> None:
    connection = await made.connect(origin_of(made))
    made.keep(origin_of(made), connection)
    connection.write(b"nonsense\r\n\r\n")
    await asyncio.sleep(0.05)
    assert origin.broken


async def test_a_connection_that_its_origin_closed_is_not_taken() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port)
        await closed_by(origin, made)
        assert made.kept(origin_of(made), repeatable=True) is None
        await closed_by(origin, made)
        made.sweep()
        assert not made.idle[origin_of(made)]


async def test_what_was_idle_too_long_is_not_taken() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port, keep_seconds=0.05)
        made.keep(origin_of(made), await made.connect(origin_of(made)))
        await asyncio.sleep(0.06)
        assert made.kept(origin_of(made), repeatable=True) is None


async def test_what_cannot_be_sent_twice_takes_only_a_young_connection() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port)
        connection = await made.connect(origin_of(made))
        made.keep(origin_of(made), connection)
        connection.idle_since -= 1.5
        assert made.kept(origin_of(made), repeatable=False) is None
        assert made.kept(origin_of(made), repeatable=True) is connection
        connection.abort()


async def test_only_so_many_are_kept() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port, keep=1)
        both = [await made.connect(origin_of(made)) for _ in range(2)]
        for connection in both:
            made.keep(origin_of(made), connection)
        assert len(made.idle[origin_of(made)]) == 1
        made.close()
        assert not made.idle[origin_of(made)]


async def test_when_a_name_leads_elsewhere_old_connections_are_not_kept() -> None:
    names: dict[str, Sequence[str]] = {"origin.test": ["127.0.0.1"]}
    async with recording_origin() as origin:
        made = pool(origin.port, lookup=names)
        old = await made.connect(origin_of(made))
        names["origin.test"] = ["127.0.0.2", "127.0.0.1"][:1]
        await made.resolvers[origin_of(made)].addresses(asyncio.get_running_loop().time())
        made.keep(origin_of(made), old)
        assert not made.idle[origin_of(made)]


async def test_of_several_addresses_the_next_is_tried() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port, lookup={"origin.test": ["127.0.0.99", "127.0.0.1"]})
        connection = await made.connect(origin_of(made))
        assert connection.address == "127.0.0.1"
        connection.abort()


UNREACHABLE = [
    # the name leads to                 allowed          what is said
    ({},                                "127.0.0.0/8",   502, "unreachable"),
    ({"origin.test": ["127.0.0.1"]},    "10.0.0.0/8",    502, "address-refused"),
    ({"origin.test": ["127.0.0.1"]},    "127.0.0.0/8",   502, "unreachable"),
]  # fmt: skip


@pytest.mark.parametrize(("names", "allow", "status", "reason"), UNREACHABLE)
async def test_why_there_is_no_connection(
    names: dict[str, Sequence[str]], allow: str, status: int, reason: str
) -> None:
    async with recording_origin() as gone:
        port = gone.port
    made = pool(port, lookup=names, allow=allow)
    with pytest.raises(Unreachable) as error:
        await made.connect(origin_of(made))
    assert (error.value.failure.status, error.value.failure.reason) == (status, reason)


async def test_connecting_takes_only_so_long() -> None:
    async with recording_origin() as origin:
        made = pool(origin.port, connect=0.1)

        async def never(host: str, port: int) -> Sequence[str]:
            await asyncio.sleep(60)
            return []

        made.resolvers[origin_of(made)].lookup = never
        with pytest.raises(Unreachable) as error:
            await made.connect(origin_of(made))
        assert (error.value.failure.status, error.value.failure.reason) == (504, "late")
