"""Calls to addresses that somebody registered: looked at after they have been resolved, right where they are connected
to, so that no name can lead a call into the house in the meantime (SSRF, DNS rebinding).
"""

import asyncio
import socket
from typing import Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from proxy.authorities import trusting
from sso import egress
from sso.egress import Networks

CONNECT_SECONDS: Final = 4


class AddressRefused(OSError):
    """A name that leads to no address that may be called."""


class GuardedResolver(AbstractResolver):
    """Names → addresses that may be called.  The check is made on what is then connected to."""

    def __init__(self, allowed: Networks) -> None:
        """To be made inside a running loop.  `allowed`: private networks that may be called, too."""
        self._allowed = allowed
        self._inner = ThreadedResolver(loop=asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Those of its addresses that may be called.  Raises AddressRefused when there is none."""
        if host == "localhost" or host.endswith(".localhost"):
            found = [_loopback(host, port)]  # RFC 6761 §6.3: not every system's resolver knows
        else:
            found = await self._inner.resolve(host, port, family)
        good = [one for one in found if egress.may_call(one["host"].partition("%")[0], self._allowed)]
        if not good:
            raise AddressRefused("no address that may be called")
        return good

    async def close(self) -> None:
        """Let go of what it resolves with."""
        await self._inner.close()


def _loopback(host: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
    )


def is_refused(url: URL, allowed: Networks) -> bool:
    """Whether an address is written as such, in whatever spelling, and may not be called: no resolver is asked then."""
    literal = egress.literal_address(url.host or "")
    return literal is not None and not egress.may_call(literal, allowed)


def guarded_session(allowed: Networks, *, seconds: float) -> ClientSession:
    """A client that calls no address it may not, keeps no cookie, and gives a call so many seconds.

    To be made inside a running loop.  Redirects and addresses written as such are the caller's to refuse.
    """
    return ClientSession(
        connector=TCPConnector(
            resolver=GuardedResolver(allowed), use_dns_cache=False, limit_per_host=4, ssl=trusting()
        ),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=seconds, connect=CONNECT_SECONDS),
        headers={"User-Agent": "dvc-edge", "Accept-Encoding": "identity"},
        trust_env=False,
    )
