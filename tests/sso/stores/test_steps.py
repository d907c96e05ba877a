"""How a store is asked, and steps that count only when replicas have them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sso.store import StoreUnavailable
from sso.stores import scripts
from sso.stores.addresses import Address, Place, address_of
from sso.stores.steps import Lasting, Steps
from tests.sso.stores.test_lines import PATIENT_SECONDS, Server, listening

OK = b"+OK\r\n"


@asynccontextmanager
async def lasting(copies: Callable[[], bytes]) -> AsyncIterator[tuple[Server, Lasting]]:
    """A server that says how many replicas have what was asked."""

    class Counting(dict[str, bytes]):
        def get(self, word: str, default: bytes = OK) -> bytes:  # type: ignore[override]
            return copies() if word == "WAIT" else super().get(word, default)

    server = Server(answers=Counting())
    async with listening(server) as (place,):
        made = Lasting(Address((place,), replicas=1), timeout_seconds=PATIENT_SECONDS)
        yield server, made
        await made.close()


async def test_what_is_asked_while_others_are_copied_is_copied_together() -> None:
    async with lasting(lambda: b":1\r\n") as (server, made):
        await made.ask("SET", "first", "x")
        server.heard.clear()
        assert await asyncio.gather(*(made.ask("SET", f"k{i}", i) for i in range(100))) == ["OK"] * 100
        assert [one[0] for one in server.heard].count("WAIT") < 10
        assert server.heard[-1] == ["WAIT", "1", str(int(PATIENT_SECONDS * 500))]


async def test_what_too_few_replicas_have_does_not_count() -> None:
    said = iter([b":0\r\n", b":1\r\n"])
    async with lasting(lambda: next(said)) as (_, made):
        with pytest.raises(StoreUnavailable, match="too few replicas"):
            await made.ask("SET", "a", "b")
        assert await made.ask("SET", "a", "b") == "OK"


async def test_whoever_asks_a_store_that_is_gone_is_told_and_the_next_may_find_it() -> None:
    made = Lasting(Address((Place("127.0.0.1", 1),), replicas=1), timeout_seconds=PATIENT_SECONDS)
    answers = await asyncio.gather(*(made.ask("SET", "a", i) for i in range(5)), return_exceptions=True)
    assert {type(one) for one in answers} == {StoreUnavailable}
    with pytest.raises(StoreUnavailable):
        await made.ask("SET", "a", "b")
    await made.close()


async def test_closing_tells_everybody_who_waits() -> None:
    server = Server(silent=True)
    async with listening(server) as (place,):
        made = Lasting(Address((place,), replicas=1), timeout_seconds=PATIENT_SECONDS)
        asking = [asyncio.ensure_future(made.ask("SET", "a", i)) for i in range(5)]
        await server.changed.wait()
        await made.close()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(one) for one in answers} == {StoreUnavailable}


async def test_a_store_that_has_forgotten_a_script_is_told_it_again(embedded_url: str) -> None:
    steps = Steps(address_of(embedded_url), timeout_seconds=PATIENT_SECONDS, namespace=secrets.token_hex(8))
    for expected in (1, 2, 3):
        await steps._plain("SCRIPT", "FLUSH")
        assert await steps._run(scripts.COUNT, "x", 60) == expected
    await steps.close()
