"""openid-client takes our nonces for its proofs as the standard has them (RFC 9449 §8, §9), and tries again by itself."""

from dataclasses import replace

from proxy.pages import Pages
from sso.stores.valkey import ValkeyStore
from tests.clients.test_openid_client import visit, world
from tests.sign_in_peers.issuer import AN, CLIENTS, EC_FAPI, SECRET


async def test_a_client_that_must_use_nonces_signs_in_refreshes_and_asks_who_it_is(
    state: ValkeyStore, pages: Pages
) -> None:
    async with world(state, pages) as (desk, lib):
        desk.broker.clients = {**CLIENTS, "alpha": replace(CLIENTS["alpha"], dpop_nonce_required=True)}
        await lib.do("discover", issuer=desk.broker.issuer, id="alpha", secret=SECRET)
        parameters = {"redirect_uri": "https://alpha.example/cb", "scope": "openid profile offline_access"}
        url = await lib.do("begin", parameters=parameters, dpop=True)
        made = await lib.do("finish", url=(await visit(desk, desk.browser(), url)).location)
        assert made["type"] == "dpop"
        assert (await lib.do("userinfo"))["name"] == AN.name
        refused = [event.cause for event in desk.audit if event.event == "token.refused"]
        assert refused == ["DN-166"]  # the first proof, made before we had said a word
        assert await lib.do("refresh") == "dpop"


async def test_pushed_requests_too(state: ValkeyStore, pages: Pages) -> None:
    async with world(state, pages) as (desk, lib):
        desk.broker.clients = {**CLIENTS, "gamma": replace(CLIENTS["gamma"], dpop_nonce_required=True)}
        key = EC_FAPI.as_dict(private=True)
        await lib.do("discover", issuer=desk.broker.issuer, id="gamma", key=key)
        parameters = {"redirect_uri": "https://gamma.example/cb"}
        url = await lib.do("begin", parameters=parameters, dpop=True, push=True)
        made = await lib.do("finish", url=(await visit(desk, desk.browser(), url)).location)
        assert made["type"] == "dpop"
