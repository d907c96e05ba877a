"""The way out: bounded, without memory; where it must not go is in tests/attacks/test_sign_in_upstreams.py."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from sso.upstreams.aiohttp_fetch import LONGEST_BODY, AiohttpFetch
from sso.upstreams.fetch import FetchFailed
from tests.sso.upstreams.provider import Behaviour, Provider, running


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running(Provider()) as made:
        yield made


@pytest_asyncio.fixture
async def fetch() -> AsyncIterator[AiohttpFetch]:
    made = AiohttpFetch(frozenset({"127.0.0.1", "provider.localhost"}), seconds=2)
    yield made
    await made.close()


async def test_an_answer_comes_whole(provider: Provider, fetch: AiohttpFetch) -> None:
    got = await fetch.get(f"{provider.origin}/jwks")
    assert (got.status, got.content_type) == (200, "application/json")
    assert b"keys" in got.body


async def test_a_form_goes_as_it_is(provider: Provider, fetch: AiohttpFetch) -> None:
    form = (("client_secret", "a b+c&d=ạ"), ("code", "c"))
    await fetch.post(f"{provider.origin}/nothing", form=form, headers={"Authorization": "Basic eA=="})
    _, headers, sent = provider.requests[-1]
    assert sent == dict(form)
    assert headers["Authorization"] == "Basic eA=="
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert headers["User-Agent"] == "dvc-edge"


async def test_a_form_without_fields_is_still_a_post(provider: Provider, fetch: AiohttpFetch) -> None:
    got = await fetch.post(f"{provider.origin}/userinfo", form=(), headers={"Authorization": "Bearer at-x"})
    assert got.status == 200


@pytest.mark.parametrize(("octets", "fine"), [(LONGEST_BODY, True), (LONGEST_BODY + 1, False)])
async def test_what_is_too_long_is_not_read_to_its_end(
    provider: Provider, fetch: AiohttpFetch, octets: int, *, fine: bool
) -> None:
    provider.behaviour = Behaviour(raw={"/long": lambda: web.Response(body=b" " * octets)})
    if fine:
        assert len((await fetch.get(f"{provider.origin}/long")).body) == octets
        return
    with pytest.raises(FetchFailed):
        await fetch.get(f"{provider.origin}/long")


async def test_what_is_too_slow_is_not_waited_for(provider: Provider, fetch: AiohttpFetch) -> None:
    provider.behaviour = Behaviour(pause_seconds=30)
    with pytest.raises(FetchFailed):
        await fetch.get(f"{provider.origin}/jwks")


async def test_nobody_there_is_a_failure_that_quotes_nothing(fetch: AiohttpFetch) -> None:
    with pytest.raises(FetchFailed) as failed:
        await fetch.get("http://127.0.0.1:1/?code=secret")
    assert "secret" not in str(failed.value)


async def test_a_name_on_this_machine_needs_no_name_server(provider: Provider, fetch: AiohttpFetch) -> None:
    port = provider.origin.rpartition(":")[2]
    assert (await fetch.get(f"http://provider.localhost:{port}/jwks")).status == 200
