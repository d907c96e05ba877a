"""All upstreams: who is offered, where people come back to, and who is nobody."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sso.model import Client
from sso.parameters import Parameters
from sso.upstreams.aiohttp_fetch import AiohttpFetch
from sso.upstreams.claim_mapping import ClaimMapping
from sso.upstreams.directory import Upstreams
from sso.upstreams.failures import Fault, UpstreamRefused
from sso.vocabulary import Level
from tests.sso.upstreams.provider import DESTINATION, ISSUER, NOW, Provider, Secrets, running, upstream_of

WEAK = ClaimMapping(levels={"1": Level.ONE})


@pytest_asyncio.fixture
async def upstreams() -> AsyncIterator[Upstreams]:
    async with running(Provider()) as provider:
        made = {
            "vneid": upstream_of(provider),
            "weak": upstream_of(provider, id="weak", mapping=WEAK),
        }
        fetch = AiohttpFetch(frozenset({"127.0.0.1"}))
        yield Upstreams(made, fetch, issuer=ISSUER + "/")
        await fetch.close()


# what the client accepts, the level   who is offered
OFFERS = [
    ((), Level.ONE, ["vneid", "weak"]),
    ((), Level.TWO, ["vneid"]),
    (("weak",), Level.ONE, ["weak"]),
    (("weak",), Level.TWO, []),
    (("nobody",), Level.ONE, []),
]


@pytest.mark.parametrize(("accepted", "level", "offered"), OFFERS)
async def test_an_upstream_is_offered_to_those_who_accept_it_and_for_what_it_can_reach(
    upstreams: Upstreams, accepted: tuple[str, ...], level: Level, offered: list[str]
) -> None:
    client = Client("langson", {"vi": "x"}, "langson", upstreams=accepted)
    assert [each.id for each in upstreams.offered(client, level)] == offered


async def test_each_upstream_has_an_address_of_its_own_to_come_back_to(upstreams: Upstreams) -> None:
    assert upstreams.callback_uri("vneid") == f"{ISSUER}/callback/vneid"
    assert upstreams.callback_uri("weak") == f"{ISSUER}/callback/weak"


async def test_an_upstream_that_there_is_none_of_is_refused(upstreams: Upstreams) -> None:
    with pytest.raises(UpstreamRefused) as refused:
        await upstreams.begin("nobody", DESTINATION, level=Level.ONE, browser=None, now=NOW, secrets=Secrets())
    assert refused.value.fault is Fault.WRONG_UPSTREAM
    with pytest.raises(UpstreamRefused) as refused:
        await upstreams.finish(
            None, Parameters.of("state=s"), arrived_at="nobody", browser=None, now=NOW, secrets=Secrets()
        )
    assert "nobody" not in str(refused.value)  # what somebody wrote into the address is repeated nowhere


async def test_it_can_be_asked_which_could_be_reached(upstreams: Upstreams) -> None:
    assert await upstreams.reachable(NOW) == {"vneid": True, "weak": True}
