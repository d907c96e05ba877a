"""The demonstration as one server: who is asked for is told by the host, and every other host is a portal's."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult

from proxy.authorities import trusting
from proxy.simulation.procedure_system import ProcedureSystem
from proxy.simulation.provider import SimulatedProvider

KINDS: Final[tuple[Literal["vneid", "vnconnect"], ...]] = ("vneid", "vnconnect")
SYSTEM_HOST: Final = "he-thong-mau.localhost"


class Unfit(Exception):
    """The demonstration must not run here."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is simulated."""

    port: int
    providers: Mapping[str, SimulatedProvider]
    system: ProcedureSystem


def check(issuer: str, environment: str) -> None:
    """Raise Unfit unless this is development: it would sign in anybody as anybody."""
    if environment != "development" or not issuer.startswith("http://"):
        raise Unfit(
            'the simulator signs in anybody as anybody: it runs only with [sso] environment = "development" and an '
            "issuer of plain http on *.localhost"
        )


def now() -> int:
    """The clock of the demonstration."""
    return int(time.time())


@asynccontextmanager
async def simulated(
    issuer: str, port: int, *, environment: str, clock: Callable[[], int] = now
) -> AsyncIterator[Simulation]:
    """Answer on a port of the loopback until the end.  Raises Unfit, and OSError when the port is taken."""
    check(issuer, environment)
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)
    async with ClientSession(
        connector=TCPConnector(resolver=_Loopback(), ssl=trusting()),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=10),
    ) as session:
        providers: dict[str, SimulatedProvider] = {
            kind: SimulatedProvider(
                kind, f"http://{kind}.localhost:{port}", f"{issuer}/callback/{kind}", clock, session
            )
            for kind in KINDS
        }
        system = ProcedureSystem(issuer, f"http://{SYSTEM_HOST}:{port}", session, clock)
        for kind, provider in providers.items():
            app.add_domain(f"{kind}.localhost:{port}", provider.app())
        app.add_domain(f"{SYSTEM_HOST}:{port}", system.app())
        app.router.add_route("*", "/{path:.*}", system.behind_the_edge)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield Simulation(port, providers, system)
        finally:
            await runner.cleanup()


async def serve(issuer: str, port: int, *, environment: str) -> None:
    """Answer until cancelled."""
    async with simulated(issuer, port, environment=environment):
        await asyncio.Event().wait()


class _Loopback(AbstractResolver):
    """Every name is this machine (RFC 6761 §6.3); the demonstration asks for nothing else."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - what aiohttp asks for
    ) -> list[ResolveResult]:
        if host != "localhost" and not host.endswith(".localhost"):
            raise OSError("the demonstration stays on this machine")
        found = ResolveResult(
            hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
        )
        return [found]

    async def close(self) -> None:
        """Nothing to close."""
