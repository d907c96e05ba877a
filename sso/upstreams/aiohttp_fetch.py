"""Fetch over aiohttp: one session for all upstreams, which remembers nothing of one person for the next."""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    FormData,
    StreamReader,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from sso import egress
from sso.upstreams.fetch import FetchFailed, Got

LONGEST_BODY: Final = 262_144  # octets
SECONDS: Final = 8  # a whole request
CONNECT_SECONDS: Final = 3

_EVERYWHERE: Final = egress.networks(["0.0.0.0/0", "::/0"])


def _networks(private: bool) -> egress.Networks:  # noqa: FBT001 - the one thing there is to say
    """Which addresses besides the public ones."""
    return _EVERYWHERE if private else ()


class AiohttpFetch:
    """One pool of connections to every upstream.

    private_hosts  names whose addresses may be private ones; all others must be reachable from everywhere, whatever a
                   name server says at the moment of connecting
    trust          verifies upstreams; None: the context that aiohttp made, which trusts nobody where authorities wait
    """

    def __init__(
        self,
        private_hosts: frozenset[str] = frozenset(),
        *,
        seconds: float = SECONDS,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """To be made inside a running loop."""
        self._private = private_hosts
        self._session = ClientSession(
            connector=TCPConnector(
                resolver=_Resolver(private_hosts), limit_per_host=64, ttl_dns_cache=30, ssl=trust or True
            ),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=seconds, connect=CONNECT_SECONDS),
            headers={"User-Agent": "dvc-edge", "Accept-Encoding": "identity"},
            trust_env=False,
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._session.close()

    async def get(self, uri: str, *, headers: Mapping[str, str] | None = None) -> Got:
        """See Fetch."""
        return await self._ask("GET", uri, None, headers)

    async def post(self, uri: str, *, form: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None) -> Got:
        """See Fetch."""
        return await self._ask("POST", uri, FormData(list(form)), headers)

    async def _ask(self, method: str, uri: str, data: FormData | None, headers: Mapping[str, str] | None) -> Got:
        url = URL(uri, encoded=True)
        self._refuse_private_address(url)
        try:
            async with self._session.request(
                method, url, data=data, headers={"Accept": "application/json", **(headers or {})}, allow_redirects=False
            ) as response:
                body = await _read(response.content)
                return Got(response.status, response.content_type.lower(), body)
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise FetchFailed(type(error).__name__) from None  # its text may quote the address with what is in it

    def _refuse_private_address(self, url: URL) -> None:
        """An address written as such is never resolved, so it is looked at here."""
        address = egress.literal_address(url.host or "")
        if address is not None and not egress.may_call(address, _networks(url.host in self._private)):
            raise FetchFailed("an address that is not asked")


async def _read(content: StreamReader) -> bytes:
    found = bytearray()
    async for chunk in content.iter_any():
        found += chunk
        if len(found) > LONGEST_BODY:
            raise FetchFailed("too long")
    return bytes(found)


class _Resolver(AbstractResolver):
    """Names → addresses that may be connected to.  The check is made on what is connected to, not a moment before."""

    def __init__(self, private_hosts: frozenset[str]) -> None:
        self._inner = ThreadedResolver(loop=asyncio.get_running_loop())
        self._private = private_hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host in self._private and (host == "localhost" or host.endswith(".localhost")):
            return [_loopback(host, port)]  # RFC 6761 §6.3: not every system's resolver knows
        found = await self._inner.resolve(host, port, family)
        networks = _networks(host in self._private)
        allowed = [each for each in found if egress.may_call(each["host"].partition("%")[0], networks)]
        if not allowed:
            raise OSError("no address that may be asked")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def _loopback(host: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
    )
