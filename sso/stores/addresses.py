"""A store's address, read.

    redis://[[USER]:PASSWORD@]HOST[:6379][/DB]   rediss://…   unix://[[USER]:PASSWORD@]/PATH[?db=0]
    redis+sentinel://[[USER]:PASSWORD@]HOST[:26379],HOST…/NAME[/DB][?replicas=1]

`valkey` may stand for `redis` everywhere.  `rediss` is TLS, proven by the system's authorities or, with
`?ssl_ca_certs=FILE`, by those.  With `replicas` a step counts as done only when so many replicas have it too: otherwise
a failover could bring back a code that was used up a moment before.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_PORT: Final = 6_379
_SENTINEL_PORT: Final = 26_379
_HELP: Final = "write redis://HOST:6379/0, rediss://…, unix:///PATH or redis+sentinel://HOST:26379,…/NAME"
_SENTINEL_HELP: Final = "write redis+sentinel://HOST:26379,HOST:26379/NAME/0?replicas=1"


class BadAddress(ValueError):
    """What was written is no address of a store; the text says what to write instead, and never the password."""


class Place(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is, and how one gets in."""

    places: tuple[Place, ...] = ()  # of the server, or of the Sentinels that know it
    path: str = ""  # of a Unix socket
    master: str = ""  # the name that the Sentinels know it by
    user: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    encrypted: bool = False
    authorities: str = ""  # a file; "": those of the system
    replicas: int = 0


def address_of(url: str) -> Address:
    """What such a text means.  Raises BadAddress."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.replace("valkey", "redis")
    if not rest:
        raise BadAddress(_HELP)
    match scheme:
        case "redis" | "rediss":
            return _of_server(_split(rest), encrypted=scheme == "rediss")
        case "unix":
            return _of_socket(rest)
        case "redis+sentinel":
            return _by_sentinels(rest)
    raise BadAddress(_HELP)


def _of_server(parts: SplitResult, *, encrypted: bool) -> Address:
    options = _options(parts.query, {"db", "ssl_ca_certs"} if encrypted else {"db"})
    place = _place(parts, _PORT)
    if place is None:
        raise BadAddress(_HELP)
    user, password = _credentials(parts.netloc)
    return Address(
        (place,),
        user=user,
        password=password,
        database=_number(parts.path.strip("/") or options.get("db", "0")),
        encrypted=encrypted,
        authorities=options.get("ssl_ca_certs", ""),
    )


def _of_socket(rest: str) -> Address:
    where, _, query = rest.partition("?")
    authority, slash, path = where.partition("/")
    if not slash or not path or (authority and not authority.endswith("@")):
        raise BadAddress(_HELP)
    options = _options(query, {"db"})
    user, password = _credentials(authority)
    return Address(path=unquote(f"/{path}"), user=user, password=password, database=_number(options.get("db", "0")))


def _by_sentinels(rest: str) -> Address:
    where, _, query = rest.partition("?")
    authority, _, path = where.partition("/")
    name, _, database = path.partition("/")
    hosts = authority.rpartition("@")[2]
    options = _options(query, {"replicas"})
    places = [_place(_split(host), _SENTINEL_PORT) for host in hosts.split(",")]
    if not name or None in places:
        raise BadAddress(_SENTINEL_HELP)
    user, password = _credentials(authority)
    return Address(
        tuple(place for place in places if place),
        master=name,
        user=user,
        password=password,
        database=_number(database or "0"),
        replicas=_number(options.get("replicas", "0")),
    )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(f"//{text}")
    except ValueError:  # brackets that are none
        raise BadAddress(_HELP) from None


def _place(parts: SplitResult, port: int) -> Place | None:
    try:
        return Place(parts.hostname, parts.port or port) if parts.hostname else None
    except ValueError:
        raise BadAddress("the port is none: write HOST or HOST:PORT, several Sentinels parted by commas") from None


def _credentials(authority: str) -> tuple[str, str]:
    user, _, password = authority.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def _options(query: str, known: set[str]) -> dict[str, str]:
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    if not asked.keys() <= known:
        raise BadAddress(f"after the question mark may stand {' and '.join(sorted(known))}")
    return asked


def _number(text: str) -> int:
    if not text.isdecimal():
        raise BadAddress("the number of the database, or of the replicas, is none")
    return int(text)
