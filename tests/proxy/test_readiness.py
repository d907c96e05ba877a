"""What the check of all clients says of issuers that are not ready; tests/proxy/commands/test_sso.py has those that are."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.readiness import STEPS, Doorway, Row, Step, check
from proxy.walker import Test
from sso.model import Client
from tests.sign_in_peers.issuer import free_port, signer

CLIENT = Client(id="langson", name={"vi": "x"}, sector="s", redirect_uris=("https://langson.example/cb",))


@asynccontextmanager
async def issuer(answers: Mapping[str, Any]) -> AsyncIterator[tuple[str, list[tuple[str, str]]]]:
    """Somebody who answers so; what was asked of them."""
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, (await request.text())))
        found = answers.get(request.path)
        if isinstance(found, dict):
            return web.json_response(found)
        return web.Response(status=200 if found else 404, text=found or "", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://localhost.localhost:{server.port}", asked


def discovery(name: str, **changes: object) -> dict[str, object]:
    return {"issuer": name, "jwks_uri": f"{name}/jwks", **changes}


async def test_an_issuer_that_calls_itself_otherwise_is_a_failure() -> None:
    async with issuer({"/.well-known/openid-configuration": discovery("https://evil.example")}) as (name, _):
        row = await check(CLIENT, None, Test(name))
    assert row.steps["discovery"].ok is False
    assert not row.ready


async def test_keys_that_fit_nothing_are_a_failure() -> None:
    answers: dict[str, Any] = {"/jwks": {"keys": [{"kty": "oct"}]}}
    async with issuer(answers) as (name, _):
        answers["/.well-known/openid-configuration"] = discovery(name)
        row = await check(CLIENT, None, Test(name))
    assert row.steps["discovery"] == Step(False, "the key set has no key for ES256")


async def test_an_issuer_that_does_not_answer_is_a_failure() -> None:
    row = await check(CLIENT, None, Test(f"http://nobody.localhost:{free_port()}"))
    assert row.steps["discovery"].ok is False
    assert row.steps["discovery"].text.startswith("no answer")


@pytest.mark.parametrize("client", [
    Client(id="a", name={"vi": "x"}, sector="s", profile="fapi2", redirect_uris=("https://a.example/cb",)),
    Client(id="b", name={"vi": "x"}, sector="s", formats=frozenset({"header"})),
], ids=["fapi2", "header without a path"])  # fmt: skip
async def test_what_only_the_client_can_do_is_no_failure_but_said(client: Client) -> None:
    answers: dict[str, Any] = {"/jwks": signer().jwks()}
    async with issuer(answers) as (name, _):
        answers["/.well-known/openid-configuration"] = discovery(name)
        row = await check(client, None, Test(name))
    assert row.ready
    assert row.steps["login"].ok is None
    assert row.steps["login"].text


async def test_a_portal_that_leads_nowhere_is_a_failure_with_its_address_and_nothing_of_the_query() -> None:
    answers: dict[str, Any] = {"/jwks": signer().jwks()}
    async with issuer(answers) as (name, _):
        answers["/.well-known/openid-configuration"] = discovery(name)
        row = await check(CLIENT, Doorway(name, "/nop-ho-so"), Test(name))
    assert row.steps["login"] == Step(False, f"{name}/_edge/sign-in/begin answers 404")
    assert set(row.steps) == set(STEPS)


def test_a_row_is_ready_when_nothing_failed() -> None:
    assert Row("a", {"login": Step(True), "logout": Step(None)}).ready
    assert not Row("a", {"login": Step(True), "logout": Step(False)}).ready
