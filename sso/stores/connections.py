"""A store's address → a client that gives up in time.

    redis://[:PASSWORD@]HOST[:6379][/DB]   rediss://…   unix:///PATH[?db=0]   (valkey:// and valkeys:// likewise)
    redis+sentinel://[:PASSWORD@]HOST[:26379],HOST…/NAME[/DB][?replicas=1]

With `replicas` a step counts as done only when so many replicas have it too: otherwise a failover could bring back a
code that was used up a moment before.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

MOST_CONNECTIONS: Final = 32
"""Of one process, which waits for its turn; more would only queue in the store, which takes one step at a time."""
_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss"}
_SENTINEL: Final = "redis+sentinel"
_SENTINEL_PORT: Final = 26_379


class BadAddress(ValueError):
    """What was written is no address of a store; the text says what to write instead, and never the password."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A client, and how many replicas must have a step before it counts."""

    client: Redis
    replicas: int = 0
    watchers: tuple[Redis, ...] = ()  # clients of Sentinels

    async def close(self) -> None:
        """Let every connection go."""
        for client in (self.client, *self.watchers):
            await client.aclose(close_connection_pool=True)


def connected(url: str, *, timeout_seconds: float) -> Connected:
    """A client for an address; it connects when it is first used.  Raises BadAddress."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        # A step that was sent may have been done: asked again, a code would look as if it were replayed.
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        "encoding_errors": "replace",
    }
    scheme, _, rest = url.partition("://")
    if scheme == _SENTINEL:
        return _by_sentinel(url, options)
    if scheme not in {"redis", "rediss", "unix", *_SCHEMES} or not rest:
        raise BadAddress("write redis://HOST:6379/0, rediss://…, unix:///PATH or redis+sentinel://HOST:26379,…/NAME")
    try:
        pool = ConnectionPool.from_url(f"{_SCHEMES.get(scheme, scheme)}://{rest}", **options)
    except ValueError:
        raise BadAddress("the port or the number of the database is none") from None
    return Connected(Redis(connection_pool=pool))


def _by_sentinel(url: str, options: dict[str, Any]) -> Connected:
    address, _, query = url.partition("?")
    authority, _, path = address.partition("://")[2].partition("/")
    credentials, _, hosts = authority.rpartition("@")
    name, _, database = path.partition("/")
    asked = parse_qs(query)
    replicas = asked.pop("replicas", ["0"])[0]
    if not name or not hosts or asked or not replicas.isdecimal() or not (database or "0").isdecimal():
        raise BadAddress("write redis+sentinel://HOST:26379,HOST:26379/NAME/0?replicas=1")
    try:
        sentinels = [_place(host) for host in hosts.split(",")]
    except ValueError:
        raise BadAddress("a Sentinel's place is HOST or HOST:PORT; several are parted by commas") from None
    user, _, password = credentials.rpartition(":")
    options |= {"password": unquote(password) or None, "username": unquote(user) or None}
    watch = {key: options[key] for key in ("socket_timeout", "socket_connect_timeout", "retry")}
    watchers = Sentinel(sentinels, sentinel_kwargs=watch, **options)  # type: ignore[no-untyped-call]
    client = watchers.master_for(name, db=int(database or 0))
    return Connected(client, int(replicas), tuple(watchers.sentinels))


def _place(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(text)
    return parts.hostname, parts.port or _SENTINEL_PORT
