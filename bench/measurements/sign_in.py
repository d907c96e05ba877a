"""Fresh sign-ins, beside oidc-provider with Redis."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import peers
from bench.figures import Figure, Row, Skipped, at_least, ratios
from bench.logins import Visitors
from bench.servers import ROOT, Server, free_port, serving
from bench.workshop import Workshop

ABOUT = (
    "People whom nobody knows yet sign in for a client, one after the other: authorization request, the way to where "
    "their account is and back, code, ID token. Ours has an upstream leg (another provider's ID token is verified) and "
    "writes a session, its index, its history and an audit log; what the person does at that provider is done by the "
    "load, and in nobody's figures. oidc-provider (npm) has a dialog of its own, which says yes by itself and is one "
    "request in its figures. Both keep everything in one Redis over a Unix socket, with pairwise subjects and PKCE."
)
_WARM = 150


@dataclass
class _Runner:
    """One of the two, and what it took: microseconds of processor time a sign-in, a value for each round."""

    name: str
    server: Server
    visitors: Visitors
    ours: bool
    cpu_micros: list[float] = field(default_factory=list)
    upstream_micros: list[float] = field(default_factory=list)
    leg_micros: list[float] = field(default_factory=list)
    store_micros: list[float] = field(default_factory=list)

    def round(self, redis: Server, seconds: float) -> None:
        """Sign people in for so long."""
        self.visitors.close()  # the peer ends idle connections
        made_up, leg = self._seconds("/upstream-seconds"), self._seconds("/leg-seconds")
        before, stored, signed_in = self.server.cpu_seconds(), redis.cpu_seconds(), 0
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.visitors.sign_in()
            signed_in += 1
        each = 1e6 / signed_in
        self.cpu_micros.append((self.server.cpu_seconds() - before) * each)
        self.store_micros.append((redis.cpu_seconds() - stored) * each)
        self.upstream_micros.append((self._seconds("/upstream-seconds") - made_up) * each)
        self.leg_micros.append((self._seconds("/leg-seconds") - leg) * each - self.upstream_micros[-1])

    def _seconds(self, target: str) -> float:
        return float(self.visitors.text(target)) if self.ours else 0.0


def run(shop: Workshop) -> Iterator[Row]:
    """Ours beside theirs, by each algorithm."""
    missing = [name for name in ("redis-server", "node") if not peers.program(name)]
    if not (ROOT / "bench/node_modules/oidc-provider").is_dir():
        missing.append("oidc-provider (npm ci in bench/)")
    if missing:
        yield Skipped("sign-in", f"{', '.join(missing)} not installed")
        return
    for algorithm in ("ES256", "RS256"):
        with ExitStack() as running:
            yield from _compared(shop, running, algorithm)


def _compared(shop: Workshop, running: ExitStack, algorithm: str) -> Iterator[Row]:
    folder = shop.place("redis")
    redis = running.enter_context(_redis(folder))
    socket = str(folder / "redis.sock")
    mine, theirs = free_port(), free_port()
    commands = (
        (
            mine,
            [sys.executable, "-m", "bench.issuer", str(mine), f"unix://{socket}", algorithm, str(shop.place("audit"))],
        ),
        (
            theirs,
            [peers.program("node") or "node", str(ROOT / "bench/oidc_provider.mjs"), str(theirs), socket, algorithm],
        ),
    )
    servers = [
        running.enter_context(serving(command, port=port, folder=shop.place("issuer"))) for port, command in commands
    ]
    ours = _Runner("issuer", servers[0], Visitors(mine, "/authorize"), ours=True)
    peer = _Runner("oidc-provider", servers[1], Visitors(theirs, "/auth"), ours=False)
    for runner in (ours, peer):
        for _ in range(_WARM):
            runner.visitors.sign_in()
    for number in range(shop.extent.rounds):
        for runner in (ours, peer):
            runner.round(redis, shop.extent.seconds)
            shop.told(f"round {number + 1}: {runner.name}, {algorithm}: {runner.cpu_micros[-1]:,.0f} µs/sign-in")
    for runner in (ours, peer):
        yield Figure(f"{runner.name}, {algorithm}: CPU", tuple(runner.cpu_micros), "µs/sign-in")
        yield Figure(f"{runner.name}, {algorithm}: CPU of Redis", tuple(runner.store_micros), "µs/sign-in")
    note = "of the issuer's: what makes the accounts up, and is nobody's cost"
    yield Figure(f"issuer, {algorithm}: made-up upstream", tuple(ours.upstream_micros), "µs/sign-in", note=note)
    note = "of the issuer's, and in the ratio: the way to another provider, whose answer and ID token are checked"
    yield Figure(f"issuer, {algorithm}: leg to the upstream", tuple(ours.leg_micros), "µs/sign-in", note=note)
    own = [whole - part for whole, part in zip(ours.cpu_micros, ours.upstream_micros, strict=True)]
    yield Figure(f"sign-ins for one of oidc-provider, {algorithm}", ratios(peer.cpu_micros, own), "×", at_least(2))


def _redis(folder: Path) -> AbstractContextManager[Server]:
    """It listens on a port as well, by which it is seen to have started."""
    port = free_port()
    command = [peers.program("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--unixsocket", str(folder / "redis.sock"), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return serving(command, port=port, folder=folder)
