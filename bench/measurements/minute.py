"""A minute of sign-ins, while ten thousand people are signed in."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from redis import Redis

from bench.figures import Figure, Row, Skipped, at_least, at_most
from bench.servers import ROOT, Server, free_port, serving
from bench.sign_ins import LEGS
from bench.workshop import Workshop
from sso.model import Digest, Identity, Session, digest
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from sso.vocabulary import AccountType, Claim, Level
from tests.sign_in_peers.issuer import AN, NOW

ABOUT = (
    "Two issuer processes and our own Valkey, which writes every step to disk before it answers, with 10,000 live "
    "sessions of as many people; then people whom nobody knows yet sign in for a minute at an even rate, each with a "
    "new browser. All of it, and the load, share the two processors of this machine. Where 200 a second are not held, "
    "the minute is measured again at nine tenths of what was. The people's accounts are made up in the issuers'"
    " processes."
)
SESSIONS: Final = 10_000
RATE: Final = 200.0
HELD: Final = 0.98
_TRIES: Final = 3
_PROCESSES: Final = 2


def run(shop: Workshop) -> Iterator[Row]:
    """Fill the store, then let people sign in."""
    seconds = 60.0 if not shop.extent.quick else 3.0
    sessions = SESSIONS if not shop.extent.quick else 500
    embedded = EmbeddedValkey(shop.place("valkey"))
    embedded.start_now()
    try:
        with ExitStack() as running:
            yield from _measured(shop, running, embedded, sessions, seconds)
    finally:
        embedded.leave_now()


def _measured(
    shop: Workshop, running: ExitStack, embedded: EmbeddedValkey, sessions: int, seconds: float
) -> Iterator[Row]:
    store = running.enter_context(Redis(unix_socket_path=str(embedded.socket)))
    empty = _octets(store)
    shop.told(f"{sessions:,} sessions")
    asyncio.run(_fill(embedded.url, sessions))
    yield Figure("memory of the store for a session", ((_octets(store) - empty) / sessions / 1e3,), "KB")
    port = free_port()
    command = [sys.executable, "-m", "bench.issuer", str(port), embedded.url, "ES256"]
    issuers = [
        running.enter_context(
            serving([*command, str(shop.place("audit"))], port=port, folder=shop.place("issuer"), cpu=None)
        )
        for _ in range(_PROCESSES)
    ]
    _load(port, 0, 2)  # warm, and both of them there
    said: dict[str, Any] = {}
    rate, spent = RATE, 0.0
    for _ in range(_TRIES):
        shop.told(f"{rate:,.0f} a second for {seconds:g} s")
        before = [_cpu_seconds(server) for server in issuers]
        said = _load(port, rate, seconds)
        spent = sum(map(_cpu_seconds, issuers)) - sum(before)
        if not said["failed"] and said["rate"] >= HELD * rate:
            break
        yield Skipped(f"{rate:,.0f} a second", f"{said['rate']:,.0f} a second done, {said['failed']:,} failed")
        rate = said["rate"] * 0.9
    yield Figure("sign-ins held for the time", (said["rate"],), "per second", at_least(HELD * RATE))
    yield Figure("sign-ins that failed", (said["failed"],), "", at_most(0))
    for leg in ("whole", *LEGS):
        for name, value in said["legs"][leg].items():
            yield Figure(f"{leg}: {name}", (value,), "ms")
    yield Figure("issuers: CPU", (spent / said["done"] * 1e6,), "µs/sign-in")
    yield Figure(
        "load: CPU", (said["cpu_seconds"] / said["done"] * 1e6,), "µs/sign-in", note="nobody's cost, but here too"
    )


def _cpu_seconds(server: Server) -> float:
    return server.cpu_seconds()


def _octets(store: "Redis") -> int:
    return int(store.info("memory")["used_memory"])


def _load(port: int, rate: float, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.sign_ins", str(port), str(rate), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=seconds + 60)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


async def _fill(url: str, many: int) -> None:
    """Sessions of as many people, as a sign-in leaves them."""
    store = open_store(url, person_key=b"k" * 32, timeout_seconds=30)
    for first in range(0, many, 200):
        batch = (_session(number) for number in range(first, min(first + 200, many)))
        await asyncio.gather(*(store.open(session, idle_seconds=3_600) for session in batch))
    await store.close()


def _session(number: int) -> Session:
    claims = {
        Claim.NAME: AN.name,
        Claim.BIRTHDATE: "1954-09-02",
        Claim.CITIZEN_ID: f"{number:012}",
        Claim.EMAIL: AN.email,
        Claim.ADDRESS: AN.address,
        Claim.PHONE_NUMBER: AN.phone,
    }
    who = Identity("home", f"account-{number}", AccountType.CITIZEN, Level.TWO, claims, NOW, ("pwd", "otp"))
    return Session(_id(number), f"handle-{number:036}", who, NOW, NOW, NOW + 8 * 3_600)


def _id(number: int) -> Digest:
    return digest(f"session {number}")
