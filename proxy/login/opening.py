"""Sign-in made ready in one process: files read, keys and store opened, and everything let go again at the end."""

import asyncio
import contextlib
import logging
import os
import secrets as randomness
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from proxy import client_key_sets
from proxy.authorities import trusting
from proxy.client_key_sets import ClientKeys
from proxy.config import Settings
from proxy.limiting import Limiter
from proxy.login import client_following
from proxy.login.broker import Broker, SessionLifetimes
from proxy.login.client_following import Follower, LiveClients
from proxy.login.endpoints import ROUTES
from proxy.login.reception import Reception
from proxy.login.responding import Responder
from proxy.logout_deliveries import LogoutWorker
from proxy.outbound_addresses import guarded_session
from proxy.pages import Pages
from proxy.sign_in_log import FOLDER as AUDIT_FOLDER
from proxy.sign_in_log import SignInLog
from proxy.sign_in_metrics import SignInMetrics
from redirect_rules.sources import Problem, Problems, lines_of
from sso import client_folder, egress, limits
from sso.client_folder import Kept
from sso.clients import load_clients
from sso.events import AuditEvent
from sso.model import Client
from sso.sources import Mistakes
from sso.stores.embedded import EmbeddedValkey, NotStarted
from sso.stores.key_folder import KeyFolder, KeysUnreadable, LiveSigner, master_key
from sso.stores.valkey import ValkeyStore, open_store
from sso.upstreams.aiohttp_fetch import AiohttpFetch
from sso.upstreams.configuration import load_upstreams
from sso.upstreams.directory import Upstreams
from sso.upstreams.model import Upstream, private_hosts

KEYS_SECONDS: Final = 1.0
"""How often a process looks whether the keys have changed."""


@dataclass(frozen=True, slots=True)
class SignInFiles:
    """What operators write about sign-in."""

    shipped: Mapping[str, Client]  # of the operator's own folder
    upstreams: Mapping[str, Upstream]
    kept: Kept = field(default_factory=Kept)  # what officers have agreed on

    @property
    def clients(self) -> dict[str, Client]:
        """Who is signed in for."""
        return self.kept.over(self.shipped)

    @property
    def known(self) -> dict[str, Client]:
        """Whom other files may name: those too that are out of service for now."""
        return self.kept.known(self.shipped)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Sign-in at work in one process."""

    reception: Reception
    broker: Broker
    store: ValkeyStore
    clients: Mapping[str, Client]  # as they are now
    known: Mapping[str, Client]  # whom the operator's other files may name
    keys: LiveSigner
    limiter: Limiter
    audit: SignInLog
    metrics: SignInMetrics


def read_files(settings: Settings, environ: Mapping[str, str] = os.environ) -> SignInFiles:
    """Read clients and upstreams.  Raises Problems, with all of them but those of `kept`."""
    sso, problems = settings.sso, list[Problem]()
    development = sso.environment == "development"
    upstreams: dict[str, Upstream] | None = None
    clients: dict[str, Client] = {}
    try:
        upstreams = load_upstreams(settings.path(sso.upstreams), environ, development=development, lines_of=lines_of)
    except Mistakes as error:
        problems += problems_of(error)
    allowed = private_networks(settings)
    try:
        clients = load_clients(
            settings.path(sso.clients),
            allowed=allowed,
            development=development,
            known_upstreams=upstreams,
            lines_of=lines_of,
        )
    except Mistakes as error:
        problems += problems_of(error)
    if problems or upstreams is None:
        raise Problems(problems)
    return SignInFiles(clients, upstreams, read_kept(settings, upstreams))


def clients_folder(settings: Settings) -> Path:
    """Where what officers have agreed on lies."""
    return state_folder(settings) / client_following.FOLDER


def read_kept(settings: Settings, upstreams: Collection[str]) -> Kept:
    """What officers have agreed on.  Raises nothing: a broken file costs its own client at the most."""
    development = settings.sso.environment == "development"
    allowed = private_networks(settings)
    return client_folder.read(
        clients_folder(settings),
        allowed=allowed,
        development=development,
        known_upstreams=upstreams,
        lines_of=lines_of,
    )


def problems_of(mistakes: Mistakes) -> list[Problem]:
    """Mistakes of sign-in's files, as commands show those of the rules."""
    return [Problem(one.source, one.line, one.text) for one in mistakes.mistakes]


def state_folder(settings: Settings) -> Path:
    """Where sign-in keeps what it makes itself."""
    return settings.path(settings.state.folder)


def keys_folder(settings: Settings) -> Path:
    """Where our keys lie."""
    return settings.path(settings.sso.keys) if settings.sso.keys else state_folder(settings) / "keys"


@asynccontextmanager
async def opened(
    settings: Settings, pages: Pages, registry: CollectorRegistry, *, files: SignInFiles | None = None
) -> AsyncIterator[SignIn]:
    """Everything that sign-in needs, until the block ends.  Raises Problems; nothing is half-opened.

    files  what has been read already
    """
    files = files or read_files(settings)
    client_following.complain(files.kept)
    live = LiveClients(files.clients)
    issuer = settings.sso.issuer
    keys = _keys(settings)
    metrics = SignInMetrics(registry)
    audit = SignInLog(state_folder(settings) / AUDIT_FOLDER, keep_days=settings.sso.audit_days, on_lost=metrics.lost)
    async with AsyncExitStack() as exits:
        exits.callback(audit.close)
        url = settings.sso.store or await exits.enter_async_context(_own_valkey(state_folder(settings) / "sign-in"))
        store = open_store(url, person_key=keys.signer.person_key, on_damage=_complain_of_damage)
        exits.push_async_callback(store.close)
        for text in await store.advice():
            logging.getLogger(__name__).warning("the store of sign-in: %s", text)
        fetch = AiohttpFetch(private_hosts(files.upstreams.values()), trust=trusting())
        exits.push_async_callback(fetch.close)
        limiter = Limiter(
            store,
            pepper=keys.signer.person_key,
            limits=limits.with_most(limits.LIMITS, settings.sso.limits.failures),
            rates=limits.with_most(limits.RATES, settings.sso.limits.rates),
            on_limited=metrics.limited,
            on_locked=lambda kind, client, now: audit.write(
                AuditEvent(now, "locked-out", kind, client=client if client in live else "")
            ),
        )
        client_keys = ClientKeys(await exits.enter_async_context(_key_fetch(settings)))
        broker = Broker(
            issuer=issuer,
            store=store,
            clients=live,
            current_signer=lambda: keys.signer,
            upstreams=Upstreams(files.upstreams, fetch, issuer=issuer),
            responder=Responder(pages, secure=issuer.startswith("https:")),
            routes=ROUTES,
            clock=lambda: int(time.time()),
            secrets=lambda: randomness.token_urlsafe(32),
            lifetimes=SessionLifetimes(settings.sso.session_idle_minutes * 60, settings.sso.session_hours * 3_600),
            limiter=limiter,
            audit=audit.write,
            on_login=metrics.login,
            client_keys=client_keys,
        )
        reception = Reception(
            broker,
            trust=settings.passing.trust(),
            suffixes=settings.preview.host_suffixes,
            upstreams=files.upstreams,
            on_leg=metrics.leg,
        )
        worker = _logout_worker(settings, broker, metrics)
        upstream_ids = tuple(files.upstreams)
        follower = Follower(
            clients_folder(settings), lambda: read_kept(settings, upstream_ids), files.shipped, live, files.kept
        )
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(work)
                for work in (
                    _follow_keys(keys),
                    worker.run(),
                    client_key_sets.follow(lambda: live, client_keys, broker.clock),
                    client_following.follow(follower),
                )
            ]
            try:
                yield SignIn(reception, broker, store, live, files.known, keys, limiter, audit, metrics)
            finally:
                for task in beside:
                    task.cancel()


def _callable(settings: Settings) -> egress.Networks:
    """Networks that our own calls to clients may reach besides the public ones."""
    loopback = ["127.0.0.0/8", "::1/128"] if settings.sso.environment == "development" else []
    return private_networks(settings) + egress.networks(loopback)


@asynccontextmanager
async def _key_fetch(settings: Settings) -> AsyncIterator[client_key_sets.Get]:
    """Fetches key sets: no cookies, no redirects, no address that we may not call, little time, few octets."""
    allowed = _callable(settings)
    async with guarded_session(allowed, seconds=client_key_sets.FETCH_SECONDS) as http:

        async def get(uri: str) -> dict[str, object]:
            return await client_key_sets.fetched(http, uri, allowed)

        yield get


def _logout_worker(settings: Settings, broker: Broker, metrics: SignInMetrics) -> LogoutWorker:
    return LogoutWorker(
        broker.store,
        broker.clients,
        issuer=broker.issuer,
        signer=broker.current_signer,
        clock=broker.clock,
        secrets=broker.secrets,
        allowed=_callable(settings),
        audit=broker.audit,
        on_backlog=lambda backlog: metrics.queue(waiting=backlog.waiting, given_up=backlog.given_up),
    )


def private_networks(settings: Settings) -> egress.Networks:
    """Those that our own calls to clients may reach."""
    return egress.networks(settings.sso.private_networks)


def _complain_of_damage(kind: str) -> None:
    logging.getLogger(__name__).warning("the store holds a damaged %s: it counts as absent", kind)


def _keys(settings: Settings) -> LiveSigner:
    folder = keys_folder(settings)
    try:
        return LiveSigner(KeyFolder(folder, master_key(os.environ, folder)), int(time.time()))
    except KeysUnreadable as error:
        raise Problems([Problem(str(folder), 0, str(error))]) from None


async def _follow_keys(keys: LiveSigner) -> None:
    """Sign with the keys that are in the file; a file that cannot be read changes nothing."""
    while True:
        await asyncio.sleep(KEYS_SECONDS)
        with contextlib.suppress(KeysUnreadable):
            await asyncio.to_thread(keys.refresh)


@asynccontextmanager
async def _own_valkey(folder: Path) -> AsyncIterator[str]:
    valkey = EmbeddedValkey(folder)
    try:
        url = await valkey.start()
    except NotStarted as error:
        raise Problems([Problem(str(folder), 0, str(error))]) from None
    try:
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(valkey.keep())
            try:
                yield url
            finally:
                keeping.cancel()
    finally:
        await valkey.leave()
