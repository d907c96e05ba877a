"""Somebody who signs in at the simulated providers, and our side of it."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest_asyncio
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from proxy.simulation.server import Simulation, _Loopback, now, simulated
from sso.model import Destination
from sso.parameters import Parameters
from sso.sources import ConfidentialDocument
from sso.upstreams.aiohttp_fetch import AiohttpFetch
from sso.upstreams.attempts import Identified
from sso.upstreams.configuration import parse
from sso.upstreams.directory import Upstreams
from sso.vocabulary import Level
from tests.sso.upstreams.provider import Secrets

ISSUER = "http://signin.localhost:8080"
CONFIGURATION = Path(__file__).parents[3] / "conf" / "demonstration" / "upstreams"
DESTINATION = Destination("khanhhoa", "khanhhoa", "dichvucong.khanhhoa.gov.vn", "/vi/nps/apply")


@dataclass
class Visit:
    """Somebody at a browser, and our side."""

    simulation: Simulation
    browser: ClientSession
    upstreams: Upstreams

    async def signs_in(
        self, upstream: str, person: str, *, fault: str = "none", level: Level = Level.ONE
    ) -> Identified:
        secrets = Secrets()
        attempt, redirect = await self.upstreams.begin(
            upstream, DESTINATION, level=level, browser=None, now=now(), secrets=secrets
        )
        async with self.browser.get(redirect.uri, allow_redirects=False) as dialog:
            page = await dialog.text()
            assert dialog.status == 200, page
        assert "DEMONSTRATION" in page
        answer = {**dict(parse_qsl(urlsplit(redirect.uri).query)), "person": person, "fault": fault}
        to = f"http://{upstream}.localhost:{self.simulation.port}/dialog"
        async with self.browser.post(to, data=answer, allow_redirects=False) as back:
            assert back.status == 303
            place = urlsplit(back.headers["Location"])
        assert f"{place.scheme}://{place.netloc}{place.path}" == f"{ISSUER}/callback/{upstream}"
        return await self.upstreams.finish(
            attempt,
            Parameters.of(place.query),
            arrived_at=upstream,
            browser=redirect.cookies[0].value,
            now=now(),
            secrets=secrets,
        )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest_asyncio.fixture
async def visit() -> AsyncIterator[Visit]:
    port = free_port()
    configured = {}
    for name in ("vneid", "vnconnect"):
        text = (CONFIGURATION / f"{name}.toml").read_text("utf-8").replace(":8090", f":{port}")
        configured[name] = parse(ConfidentialDocument(f"{name}.toml", text), {}, folder=CONFIGURATION, development=True)
    async with (
        simulated(ISSUER, port, environment="development") as simulation,
        ClientSession(connector=TCPConnector(resolver=_Loopback()), cookie_jar=DummyCookieJar()) as browser,
    ):
        fetch = AiohttpFetch(frozenset({"vneid.localhost", "vnconnect.localhost"}))
        try:
            yield Visit(simulation, browser, Upstreams(configured, fetch, issuer=ISSUER))
        finally:
            await fetch.close()
