"""Servers of provinces that are told of sign-outs, and an issuer that tells them."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from joserfc import jwt
from joserfc.jwk import KeySet

from proxy.logout_deliveries import LogoutWorker
from proxy.outbound_addresses import GuardedResolver
from proxy.pages import Pages
from sso import egress
from sso.store import Store
from tests.sign_in_peers.issuer import CLIENTS, Answer, Browser, Desk, client, issuing

LOOPBACK = egress.networks(["127.0.0.0/8"])


@dataclass
class Province:
    """A client's own server, which takes logout tokens, or not."""

    status: int = 200
    tokens: list[str] = field(default_factory=list)
    address: str = ""
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-www-form-urlencoded"
        self.tokens.append(str((await request.post())["logout_token"]))
        self.told.set()
        return web.Response(status=self.status, headers={"Location": "http://169.254.169.254/"})


@asynccontextmanager
async def province() -> AsyncIterator[Province]:
    made = Province()
    app = web.Application()
    app.router.add_post("/out", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/out"
    try:
        yield made
    finally:
        await runner.cleanup()


class Asked(asyncio.Event):
    """Set when somebody has come; counts who has."""

    connections = 0


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[str, Asked]]:
    """A server that takes connections and says nothing: its address, and who has come."""
    asked, writers = Asked(), list[asyncio.StreamWriter]()

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        asked.connections += 1
        asked.set()

    listening = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/out", asked
    finally:
        listening.close()
        for writer in writers:
            writer.close()


@asynccontextmanager
async def desk_with(state: Store, pages: Pages, *addresses: str) -> AsyncIterator[Desk]:
    """An issuer whose clients one, two … have these back-channel addresses; one signs with RS256."""
    clients = {
        f"c{i}": client(f"c{i}", backchannel_logout_uri=address, signing_algorithm="RS256" if i == 1 else "ES256")
        for i, address in enumerate(addresses)
    }
    async with issuing(state, pages, clients=CLIENTS | clients) as desk:
        yield desk


def worker(desk: Desk, allowed: egress.Networks = LOOPBACK) -> LogoutWorker:
    broker = desk.broker
    return LogoutWorker(
        broker.store,
        broker.clients,
        issuer=broker.issuer,
        signer=broker.current_signer,
        clock=desk.clock,
        secrets=broker.secrets,
        allowed=allowed,
        audit=desk.audit.append,
    )


async def signed_out(desk: Desk, *names: str) -> dict[str, dict[str, Any]]:
    """Somebody signs in for clients, and out at the first; the claims of each one's ID token."""
    browser = desk.browser()
    tokens = {name: await _id_token(desk, browser, name) for name in names}
    answer = await browser.get(f"/logout?{urlencode({'id_token_hint': tokens[names[0]]})}")
    assert answer.status == 200
    keys = await published(desk)
    return {name: dict(jwt.decode(token, keys, algorithms=["ES256", "RS256"]).claims) for name, token in tokens.items()}


async def end_session(desk: Desk, browser: Browser, name: str) -> Answer:
    """The person of this browser signs in at another client as well, and out there: the page that says so."""
    token = await _id_token(desk, browser, name)
    answer = await browser.get(f"/logout?{urlencode({'id_token_hint': token})}")
    assert answer.status == 200, answer.text
    return answer


def frames(page: Answer) -> list[str]:
    """The addresses of a page's frames."""
    return [html.unescape(address) for address in re.findall(r'<iframe[^>]* src="([^"]*)"', page.text)]


async def _id_token(desk: Desk, browser: Browser, name: str) -> str:
    told = await desk.sign_in(browser, name)
    return str((await desk.exchange(told["code"], name)).json()["id_token"])


async def published(desk: Desk) -> KeySet:
    return KeySet.import_key_set((await desk.ask("GET", "/jwks")).json())


async def deliver(desk: Desk, *, allowed: egress.Networks = LOOPBACK) -> int:
    """One turn of one worker."""
    connector = TCPConnector(resolver=GuardedResolver(allowed))
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=10)) as http:
        return await worker(desk, allowed).deliver_due(http)
