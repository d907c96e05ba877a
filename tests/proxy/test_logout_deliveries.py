"""What a delivery of a sign-out withstands: clients that are down, workers that die, addresses that lead inside."""

# ruff: noqa: F811 - fixtures are imported under the names by which tests ask for them

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession, ClientTimeout
from joserfc import jwt

from proxy.logout_deliveries import LogoutWorker
from proxy.pages import Pages
from sso import logout
from sso.store import Backlog, Store, StoreUnavailable
from tests.sign_in_peers.fixtures import state, store_url  # noqa: F401
from tests.sign_in_peers.issuer import Desk
from tests.sign_in_peers.provinces import (
    LOOPBACK,
    deliver,
    desk_with,
    province,
    published,
    signed_out,
    silent,
    worker,
)


@pytest.mark.parametrize("status", [302, 400, 500, 503])
async def test_a_client_that_was_down_for_a_minute_is_reached_later(state: Store, pages: Pages, status: int) -> None:
    async with province() as server, desk_with(state, pages, server.address) as desk:
        await signed_out(desk, "c0")
        server.status = status
        began = desk.clock.now
        while desk.clock.now < began + 60:
            await deliver(desk)
            desk.clock.now += 1
        assert 3 < len(server.tokens) < 10  # later and later
        (waiting,) = (await desk.store.deliveries("c0"))["c0"]
        assert (waiting.state, waiting.last_error) == ("waiting", f"HTTP {status}")
        server.status = 200
        while desk.clock.now < began + 130:
            await deliver(desk)
            desk.clock.now += 1
        (done,) = (await desk.store.deliveries("c0"))["c0"]
        assert (done.state, done.last_error) == ("delivered", "")
        assert len(set(server.tokens)) == len(server.tokens)  # each attempt with a token that is still good


async def test_a_client_that_is_not_there_does_not_hold_up_the_others(state: Store, pages: Pages) -> None:
    async with province() as server, desk_with(state, pages, "http://127.0.0.1:1/out", server.address) as desk:
        await signed_out(desk, "c0", "c1")
        assert await deliver(desk) == 2
        assert len(server.tokens) == 1
        waiting = (await desk.store.deliveries("c0"))["c0"][0]
        assert (waiting.state, waiting.last_error) == ("waiting", "no connection")


async def test_five_workers_deliver_once(state: Store, pages: Pages) -> None:
    async with province() as server, desk_with(state, pages, server.address) as desk:
        await signed_out(desk, "c0")
        assert sum(await asyncio.gather(*(deliver(desk) for _ in range(5)))) == 1
        assert len(server.tokens) == 1


async def test_a_worker_that_dies_in_mid_delivery_loses_the_lease_and_not_the_delivery(
    state: Store, pages: Pages
) -> None:
    async with province() as server, desk_with(state, pages, server.address) as desk:
        await signed_out(desk, "c0")
        assert await desk.store.due(now=desk.clock.now, limit=9, lease_seconds=60)  # and then it died
        assert await deliver(desk) == 0
        desk.clock.now += 60
        assert await deliver(desk) == 1
        assert len(server.tokens) == 1


async def test_a_client_that_never_answers_is_given_up_after_a_day(state: Store, pages: Pages) -> None:
    async with desk_with(state, pages, "http://127.0.0.1:1/out") as desk:
        await signed_out(desk, "c0")
        began = desk.clock.now
        (one,) = (await desk.store.deliveries("c0"))["c0"]
        while one.state == "waiting":
            desk.clock.now = one.next_at
            await desk.store.settled(logout.tried(one, "timeout", desk.clock.now))
            (one,) = (await desk.store.deliveries("c0"))["c0"]
        assert one.state == "given-up"
        assert 23 * 3_600 < desk.clock.now - began < 25 * 3_600
        assert one.attempts < 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_an_address_inside_is_not_called(state: Store, pages: Pages, host: str) -> None:
    async with province() as server:
        address = server.address.replace("127.0.0.1", host)
        async with desk_with(state, pages, address) as desk:
            await signed_out(desk, "c0")
            await deliver(desk, allowed=())
            assert server.tokens == []
            (one,) = (await desk.store.deliveries("c0"))["c0"]
            assert one.last_error == "address refused"


async def test_a_redirect_is_not_followed(state: Store, pages: Pages) -> None:
    async with province() as server, desk_with(state, pages, server.address) as desk:
        await signed_out(desk, "c0")
        server.status = 307
        await deliver(desk)
        (one,) = (await desk.store.deliveries("c0"))["c0"]
        assert one.last_error == "HTTP 307"


async def test_a_client_that_was_taken_out_of_the_files_is_not_called(state: Store, pages: Pages) -> None:
    async with province() as server, desk_with(state, pages, server.address) as desk:
        await signed_out(desk, "c0")
        desk.broker.clients = {"c0": replace(desk.broker.clients["c0"], backchannel_logout_uri=None)}
        await deliver(desk)
        assert server.tokens == []


async def test_a_worker_goes_on_when_the_store_comes_back(
    state: Store, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.logout_deliveries.LOOK_SECONDS", 0.01)
    async with province() as server, desk_with(state, pages, server.address) as desk:
        await signed_out(desk, "c0")
        working = worker(desk, LOOPBACK)
        failures = iter([StoreUnavailable("gone"), ValueError("a fault of ours")])
        due = desk.store.due

        async def failing(*, now: int, limit: int, lease_seconds: int) -> object:
            if (failure := next(failures, None)) is not None:
                raise failure
            return await due(now=now, limit=limit, lease_seconds=lease_seconds)

        monkeypatch.setattr(desk.store, "due", failing)
        running = asyncio.ensure_future(working.run())
        async with asyncio.timeout(30):
            await server.told.wait()
        running.cancel()
        await asyncio.wait({running})


async def test_what_waits_is_told_for_metrics(state: Store, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.logout_deliveries.LOOK_SECONDS", 0.01)
    async with desk_with(state, pages, "http://127.0.0.1:1/out") as desk:
        await signed_out(desk, "c0")
        working, told = worker(desk), asyncio.Queue[Backlog]()
        working._on_backlog = told.put_nowait
        running = asyncio.ensure_future(working.run())
        assert await asyncio.wait_for(told.get(), 30) == Backlog(1, 0)
        running.cancel()
        await asyncio.wait({running})
        assert told.empty()  # now and then, and not each time


@asynccontextmanager
async def delivering(desk: Desk) -> AsyncIterator[LogoutWorker]:
    """A worker at its work."""
    made = worker(desk)
    running = asyncio.ensure_future(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_a_client_that_takes_its_time_holds_nobody_up(
    state: Store, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.logout_deliveries.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("proxy.logout_deliveries.AT_ONCE", 2)
    async with (
        silent() as (address, asked),
        province() as server,
        desk_with(state, pages, address, server.address) as desk,
    ):
        await signed_out(desk, "c0", "c1")
        async with delivering(desk), asyncio.timeout(60):
            await asked.wait()
            await server.told.wait()  # although the first has not answered


async def test_what_waits_for_a_client_that_is_not_there_takes_nobodys_place(state: Store, pages: Pages) -> None:
    async with silent() as (address, asked), desk_with(state, pages, address) as desk:
        for _ in range(5):
            await signed_out(desk, "c0")
        made = worker(desk)
        async with ClientSession(timeout=ClientTimeout(total=0.5)) as http:
            assert await made.deliver_due(http) == 5
            assert asked.connections == 5
            for turn in range(1, 4):
                desk.clock.now += 2**turn  # later and later, and one looks for all
                assert await made.deliver_due(http) == 5
                assert asked.connections == 5 + turn
        assert {one.last_error for one in (await desk.store.deliveries("c0"))["c0"]} == {"timeout"}


@pytest.mark.clocked
async def test_thirty_four_clients_hear_of_a_sign_out_one_of_them_when_it_is_back(state: Store, pages: Pages) -> None:
    async with AsyncExitStack() as exits:
        servers = [await exits.enter_async_context(province()) for _ in range(34)]
        down = servers[7]
        down.status = 503
        desk = await exits.enter_async_context(desk_with(state, pages, *(one.address for one in servers)))
        names = [f"c{number}" for number in range(34)]
        claims = await signed_out(desk, *names)
        async with delivering(desk), asyncio.timeout(120):
            await asyncio.gather(*(server.told.wait() for server in servers))
            down.status = 200
            while (await desk.store.deliveries("c7"))["c7"][0].state != "delivered":
                desk.clock.now += 1  # its clock goes faster than ours
                await asyncio.sleep(0.1)
        keys = await published(desk)
        for name, server in zip(names, servers, strict=True):
            told = jwt.decode(server.tokens[-1], keys, algorithms=["ES256", "RS256"]).claims
            assert (told["sid"], told["aud"]) == (claims[name]["sid"], name)
            assert len(server.tokens) == 1 or server is down
