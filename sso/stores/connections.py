"""A store's address → connections to it, as redis-py makes them: TLS, AUTH, SELECT and Sentinels are its part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from sso.stores.addresses import Address

_NAME: Final = "dvc-edge"


@dataclass(frozen=True, slots=True)
class Connections:
    """Makes connections to one store, none of which is connected yet."""

    make: Callable[[], AbstractConnection]
    watchers: tuple[Redis, ...] = ()  # clients of Sentinels

    async def close(self) -> None:
        """Let go of the Sentinels."""
        for client in self.watchers:
            await client.aclose(close_connection_pool=True)


def connections(address: Address, *, timeout_seconds: float) -> Connections:
    """How a store is reached; all of it gives up in time."""
    options: dict[str, Any] = {
        "db": address.database,
        "username": address.user or None,
        "password": address.password or None,
        "client_name": _NAME,
        "decode_responses": True,
        "encoding_errors": "replace",
        "protocol": 2,  # its answers are all that we read
        **_patience(timeout_seconds),
    }
    if address.path:
        return Connections(lambda: UnixDomainSocketConnection(path=address.path, **options))
    if address.master:
        return _by_sentinels(address, options, timeout_seconds)
    options |= address.places[0]._asdict()
    if address.encrypted:
        return Connections(lambda: SSLConnection(ssl_ca_certs=address.authorities or None, **options))
    return Connections(lambda: Connection(**options))


def _by_sentinels(address: Address, options: dict[str, Any], timeout_seconds: float) -> Connections:
    # Several may have to be asked before one knows.
    watch = _patience(timeout_seconds / (len(address.places) + 1))
    sentinel = Sentinel(list(address.places), sentinel_kwargs=watch, **options)  # type: ignore[no-untyped-call]
    client = sentinel.master_for(address.master)

    def make() -> AbstractConnection:
        # Its pool asks the Sentinels; the client keeps it alive.
        connection: AbstractConnection = client.connection_pool.make_connection()
        return connection

    return Connections(make, (client, *sentinel.sentinels))


def _patience(seconds: float) -> dict[str, Any]:
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        # A step that was sent may have been done: asked again, a code would look as if it were replayed.
        "retry": Retry(NoBackoff(), 0),
    }
