"""Sign-outs on their way to 34 systems, one of which is down for a minute."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from aiohttp.web import Application, AppRunner, Request, Response, TCPSite, post

from bench.figures import Figure, Row, at_most, percentile
from bench.servers import free_port
from bench.workshop import Workshop
from proxy.logout_deliveries import LogoutWorker
from sso import egress, logout
from sso.jws import BadToken
from sso.model import Client, Identity, Participation, Session, digest
from sso.store import Store
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from sso.vocabulary import AccountType, Level
from tests.sign_in_peers.issuer import client, signer

ABOUT = (
    "People who are signed in at 34 systems sign out, ten a second. One worker takes what is due from our own Valkey, "
    "signs a logout token for each system, and posts it; the systems, in the same process, verify each. One system's "
    "port is closed for a minute from the first sign-out on. Each token was enqueued before its person was told that "
    "they are signed out."
)
SYSTEMS: Final = 34
DOWN: Final = "c7"
_ISSUER: Final = "https://signin.example"
_PATIENCE_SECONDS: Final = 180.0


@dataclass
class Systems:
    """What they have heard, and when."""

    heard: dict[tuple[str, str], list[float]] = field(default_factory=dict)  # client and sid → instants
    wrong: int = 0
    expected: int = 0  # tokens of different people and systems
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Response:
        now, name = time.monotonic(), request.match_info["name"]
        token = str((await request.post())["logout_token"])
        try:
            said = signer().verify(token, typ=logout.TOKEN_TYPE, issuer=_ISSUER, audience=name, now=int(time.time()))
        except BadToken:
            self.wrong += 1
            return Response(status=400)
        self.heard.setdefault((name, str(said["sid"])), []).append(now)
        if len(self.heard) == self.expected:
            self.complete.set()
        return Response()


def run(shop: Workshop) -> Iterator[Row]:
    """Sign people out, and wait until everybody has heard."""
    people, seconds = (100, 60.0) if not shop.extent.quick else (5, 3.0)
    embedded = EmbeddedValkey(shop.place("valkey"))
    embedded.start_now()
    try:
        yield from asyncio.run(_measured(shop, embedded.url, people, seconds))
    finally:
        embedded.leave_now()


async def _measured(shop: Workshop, url: str, people: int, seconds: float) -> list[Row]:
    systems, port, later = Systems(expected=people * SYSTEMS), free_port(), free_port()
    clients = {
        f"c{number}": client(
            f"c{number}",
            backchannel_logout_uri=f"http://127.0.0.1:{later if f'c{number}' == DOWN else port}/c{number}",
        )
        for number in range(SYSTEMS)
    }
    app = Application()
    app.add_routes([post("/{name}", systems.take)])
    runner = AppRunner(app, access_log=None)
    await runner.setup()
    await TCPSite(runner, "127.0.0.1", port).start()
    store = open_store(url, timeout_seconds=5)
    worker = LogoutWorker(
        store,
        clients,
        issuer=_ISSUER,
        signer=signer,
        clock=lambda: int(time.time()),
        secrets=lambda: secrets.token_urlsafe(32),
        allowed=egress.networks(["127.0.0.0/8"]),
    )
    working = asyncio.ensure_future(worker.run())
    try:
        begun = time.monotonic()
        shop.told(f"{people} people sign out at {SYSTEMS} systems")
        left = {f"p{number}": await _sign_out(store, clients, number) for number in range(people)}
        await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))
        shop.told(f"{DOWN} is back")
        await TCPSite(runner, "127.0.0.1", later).start()
        back = time.monotonic()
        with suppress(TimeoutError):  # what is missing then is told
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await systems.complete.wait()
    finally:
        working.cancel()
        await asyncio.wait({working})
        await store.close()
        await runner.cleanup()
    return _rows(systems, left, back, people)


async def _sign_out(store: Store, clients: dict[str, Client], number: int) -> float:
    """Somebody who was signed in everywhere; the instant by which they were told that they are signed out."""
    now, person = int(time.time()), f"p{number}"
    identity = Identity("home", person, AccountType.CITIZEN, Level.TWO, {}, now)
    parts = {name: Participation(name, f"{person}-{name}", now) for name in clients}
    session = Session(digest(person), person, identity, now, now, now + 3_600, participations=parts)
    deliveries = logout.deliveries_for(
        session, clients, salts=signer().salts, now=now, secrets=lambda: secrets.token_urlsafe(32)
    )
    await store.enqueue(deliveries)
    told = time.monotonic()
    await asyncio.sleep(0.1)
    return told


def _rows(systems: Systems, left: dict[str, float], back: float, people: int) -> list[Row]:
    up, down = list[float](), list[float]()
    for (name, sid), instants in systems.heard.items():
        since = left[sid.partition("-")[0]]
        (down if name == DOWN else up).append(instants[0] - (back if name == DOWN else since))
    unheard = people * SYSTEMS - len(systems.heard)
    return [
        Figure("sign-outs that a system has not heard of in the end", (unheard,), "", at_most(0)),
        Figure("tokens that a system could not verify", (systems.wrong,), "", at_most(0)),
        Figure("tokens that came twice", (sum(len(each) - 1 for each in systems.heard.values()),), ""),
        Figure("systems that are up: heard after, p50", (percentile(up, 0.5),), "s"),
        Figure("systems that are up: heard after, p99", (percentile(up, 0.99),), "s"),
        Figure("the one that was down: heard after it is back, p50", (percentile(down, 0.5),), "s"),
        Figure("the one that was down: heard after it is back, all of them", (max(down),), "s"),
    ]
