"""What an operator says about upstreams, and the frozen values that the rest works with.

Rows are checked by pydantic, all mistakes at once; `upstreams_of` turns them into Upstream values, among which only
`tls` opens files.
"""

import ipaddress
import re
import ssl
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from proxy.passing.cookies import CookiePolicy
from proxy.passing.forwarded import Network, Trust
from proxy.passing.locations import PUBLIC, Move
from redirect_rules.canonical import BadTarget, canonical_segments, encoded_path, folded
from redirect_rules.parsing import StrictModel

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=100_000)]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PRINTABLE: Final = re.compile(r"[\x21-\x3a\x3c-\x7e]*")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class OriginRow(StrictModel):
    """One machine that answers: `{ url = "https://10.0.0.5:8443", weight = 3 }`."""

    url: str
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1

    @model_validator(mode="after")
    def _is_an_origin(self) -> Self:
        try:
            OriginServer.parse(self.url, self.weight)
        except ValueError:
            text = "write scheme, host and port only, such as https://10.0.0.5:8443 or http://lgsp.internal"
            raise ValueError(f"{self.url!r}: {text}") from None
        return self


class TimerRow(StrictModel):
    """Seconds that each part of a passage may take."""

    connect: Seconds = 3.0  # to connect, with the TLS handshake
    first_byte: Seconds = 60.0  # from the last octet of the request to the first of the answer
    idle: Seconds = 60.0  # between two octets, in either direction
    total: Annotated[float, Field(ge=0, le=86_400)] = 0.0  # for everything; 0: without end (SSE, long downloads)
    wait: Seconds = 2.0  # for a free connection


class PoolRow(StrictModel):
    """Connections of one upstream, all its origins together."""

    connections: Count = 64
    waiting: Annotated[int, Field(ge=0, le=100_000)] = 128  # requests that wait for one; more are answered with 503
    keep: Annotated[int, Field(ge=0, le=10_000)] = 32  # idle ones that are kept
    keep_seconds: Seconds = 15.0  # shorter than the origin's own, or requests fall into the closing of a connection


class BreakerRow(StrictModel):
    """When an upstream is left alone for a while."""

    failures: Count = 8  # one after another
    open_seconds: Seconds = 10.0


class HealthRow(StrictModel):
    """Asking each origin whether it is well."""

    path: Annotated[str, Field(pattern=r"^(?:/[\x21-\x7e]*)?$")] = ""  # empty: nobody asks
    host: str = ""  # the Host that is asked for; empty: the origin's own
    interval: Seconds = 10.0
    timeout: Seconds = 3.0
    rise: Count = 2  # good answers that bring an origin back
    fall: Count = 3  # bad ones that take it out
    statuses: list[Annotated[int, Field(ge=200, le=599)]] = []  # empty: 200 to 399
    eject_after: Count = 5  # failed requests in a row that take an origin out for a while, asked about or not
    eject_seconds: Seconds = 10.0


class TlsRow(StrictModel):
    """For https origins.  The certificate is always verified, against the system's authorities or one's own."""

    ca_file: str = ""
    certificate_file: str = ""  # ours, if the origin wants one
    key_file: str = ""
    server_name: str = ""  # asked for and verified in place of the origin's host


class RewriteRow(StrictModel):
    """What of an answer is changed; by default an origin's own address in Location, and nothing else."""

    locations: dict[str, str] = {}  # beginning → new beginning; "{public}" is scheme and host as visitors see them
    own_addresses: bool = True  # the origins' own URLs become "{public}"
    cookie_domains: dict[str, str] = {}  # old → new; empty: the attribute goes
    cookie_paths: dict[str, str] = {}
    cookie_secure: Literal["keep", "add"] = "keep"

    @model_validator(mode="after")
    def _stays_within_a_line(self) -> Self:
        tables = (self.locations, self.cookie_domains, self.cookie_paths)
        texts = [text for table in tables for pair in table.items() for text in pair]
        if bad := [text for text in texts if not _PRINTABLE.fullmatch(text)]:
            raise ValueError(f"{bad}: letters, digits and signs of ASCII only, without blanks and semicolons")
        if any(not old.strip("/") for old in self.locations):
            raise ValueError("locations: an old beginning must not be empty or '/'")
        return self


class WebsocketRow(StrictModel):
    """Limits of relayed WebSockets."""

    connections: Count = 256  # at one time, beside those of the pool
    message: Annotated[int, Field(ge=125, le=1 << 31)] = 16 * 1024 * 1024  # octets as they are on the wire
    idle: Seconds = 300.0


class UpstreamRow(StrictModel):
    """One [[upstream]]: a provincial system behind the edge."""

    name: str
    origins: Annotated[list[OriginRow], Field(min_length=1, max_length=64)]
    host: str = ""  # sent as Host; empty: as the visitor sent it
    body: Annotated[int, Field(ge=0, le=1 << 40)] = 0  # octets of a request's body; 0: any number
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    allow_networks: list[str] = []  # else forbidden: loopback, link-local, metadata
    resolve_seconds: Seconds = 30.0
    timers: TimerRow = TimerRow()
    pool: PoolRow = PoolRow()
    breaker: BreakerRow = BreakerRow()
    health: HealthRow = HealthRow()
    tls: TlsRow = TlsRow()
    rewrite: RewriteRow = RewriteRow()
    websocket: WebsocketRow = WebsocketRow()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        checks = [
            (_NAME.fullmatch(self.name), f"name {self.name!r}: small letters, digits and hyphens"),
            (not self.host or _HOST.fullmatch(self.host), f"host {self.host!r}: write a host, with a port if need be"),
            (
                not self.health.host or _HOST.fullmatch(self.health.host),
                f"health.host {self.health.host!r}: write a host, with a port if need be",
            ),
            (not self.tls.key_file or self.tls.certificate_file, "tls.key_file: name its certificate_file too"),
            (len({origin.url for origin in self.origins}) == len(self.origins), "origins: one of them stands twice"),
        ]
        problems = [text for good, text in checks if not good]
        problems += [f"allow_networks: {text!r} is no network" for text in self.allow_networks if not _network(text)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class RouteRow(StrictModel):
    """One [[route]]: paths of a portal that belong to an upstream.  Whole segments; the longest wins."""

    portal: str
    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")] = "/"
    upstream: str
    body: Annotated[int, Field(ge=0, le=1 << 40)] | None = None  # in place of the upstream's own; 0: any number

    @model_validator(mode="after")
    def _is_a_path(self) -> Self:
        try:
            _, devious = canonical_segments(self.path)
        except BadTarget:
            devious = True
        if devious or "?" in self.path or "#" in self.path:
            raise ValueError(f"path {self.path!r}: write a path alone, without dots, backslashes and parameters: /api")
        return self


class UpstreamsRow(StrictModel):
    """The file of upstreams: what there is behind the portals, and which paths belong to it."""

    upstream: list[UpstreamRow] = []
    route: list[RouteRow] = []

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Self:
        names = [row.name for row in self.upstream]
        problems = [f"upstream {name!r} stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
        problems += [
            f"route {row.path!r} of {row.portal!r}: there is no upstream {row.upstream!r}"
            for row in self.route
            if row.upstream not in names
        ]
        places = [(row.portal, row.path.rstrip("/") or "/") for row in self.route]
        problems += [
            f"route {path!r} of {portal!r} stands twice: one path belongs to one upstream"
            for portal, path in sorted({place for place in places if places.count(place) > 1})
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class PassingRow(StrictModel):
    """How we speak of ourselves and of visitors, and whom we believe."""

    via: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,63}$")] = "dvc-edge"  # our name in Via; another per deployment
    trusted_peers: list[str] = []  # networks whose word about visitors is believed
    trusted_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"

    @model_validator(mode="after")
    def _networks_are_networks(self) -> Self:
        if bad := [text for text in self.trusted_peers if not _network(text)]:
            raise ValueError("; ".join(f"trusted_peers: {text!r} is no network" for text in bad))
        return self

    def trust(self) -> Trust:
        """Whose word about visitors is believed."""
        return Trust(networks(self.trusted_peers), self.trusted_header)


@dataclass(frozen=True, slots=True)
class OriginServer:
    """One machine that answers."""

    scheme: Literal["http", "https"]
    host: str  # a name, or an address without brackets; lower case
    port: int
    weight: int = 1
    _hash: int = field(init=False, repr=False, compare=False)

    @classmethod
    def parse(cls, url: str, weight: int = 1) -> Self:
        """Read "https://host:port".  Raises ValueError."""
        parts = urlsplit(url)
        scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
        plain = parts.scheme in _DEFAULT_PORTS and not (
            parts.path or parts.query or parts.fragment or "@" in parts.netloc
        )
        if not plain or not _HOST.fullmatch(parts.netloc) or not parts.hostname or parts.port == 0:
            raise ValueError(url)
        return cls(scheme, parts.hostname, parts.port or _DEFAULT_PORTS[scheme], weight)

    @property
    def authority(self) -> str:
        """As it stands in Host: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def __hash__(self) -> int:
        return self._hash  # asked for several times by every request

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.scheme, self.host, self.port, self.weight)))


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provincial system behind the edge: its machines, its limits, and what is changed on the way."""

    name: str
    origins: tuple[OriginServer, ...]
    host: bytes = b""  # sent as Host; empty: as received
    body_octets: int = 0  # the longest body of a request; 0: any
    attempts: int = 3
    allowed: tuple[Network, ...] = ()
    resolve_seconds: float = 30.0
    timers: TimerRow = field(default_factory=TimerRow)
    pool: PoolRow = field(default_factory=PoolRow)
    breaker: BreakerRow = field(default_factory=BreakerRow)
    health: HealthRow = field(default_factory=HealthRow)
    tls: TlsRow = field(default_factory=TlsRow)
    websocket: WebsocketRow = field(default_factory=WebsocketRow)
    cookies: CookiePolicy = field(default_factory=CookiePolicy)
    moves: tuple[Move, ...] = ()


def upstream_of(row: UpstreamRow) -> Upstream:
    """The value of a row."""
    origins = tuple(OriginServer.parse(origin.url, origin.weight) for origin in row.origins)
    rewrite = row.rewrite
    moves = [Move(old.encode(), new.encode()) for old, new in rewrite.locations.items()]
    if rewrite.own_addresses:
        moves += [Move(str(origin).encode(), PUBLIC) for origin in origins]
    domains = {old.lstrip(".").lower().encode(): new.encode() for old, new in rewrite.cookie_domains.items()}
    paths = {old.encode(): new.encode() for old, new in rewrite.cookie_paths.items()}
    return Upstream(
        name=row.name,
        origins=origins,
        host=row.host.encode(),
        body_octets=row.body,
        attempts=row.attempts,
        allowed=networks(row.allow_networks),
        resolve_seconds=row.resolve_seconds,
        timers=row.timers,
        pool=row.pool,
        breaker=row.breaker,
        health=row.health,
        tls=row.tls,
        websocket=row.websocket,
        cookies=CookiePolicy(domains, paths, rewrite.cookie_secure),
        moves=tuple(sorted(moves, key=lambda move: len(move.source), reverse=True)),
    )


PORTALS_OWN: Final = "portal:"
"""Begins the name of an upstream that a portal's own `upstream` stands for; no [[upstream]] can be called so."""


class Routes:
    """Which upstream a path of a portal belongs to: the longest [[route]], or else the portal's own origin.

    Paths are compared in their canonical form, the one that decides whether they pass at all.
    """

    def __init__(
        self, row: UpstreamsRow, origins: Mapping[str, str] | None = None, *, folding: Container[str] = ()
    ) -> None:
        """`origins`: by portal, the origin that takes what no route does: "https://10.0.0.5:8443".

        `folding`: portals whose paths are compared in lower case.
        """
        upstreams = {upstream.name: upstream_of(upstream) for upstream in row.upstream}
        routes: dict[str, list[tuple[str, Upstream]]] = {}
        for route in row.route:
            prefix = _canonical(route.path, fold_case=route.portal in folding)
            to = upstreams[route.upstream]
            to = to if route.body is None else replace(to, body_octets=route.body)
            routes.setdefault(route.portal, []).append((prefix, to))
        for portal, url in (origins or {}).items():
            if any(not prefix for prefix, _ in routes.get(portal, ())):
                continue  # where both name the whole portal, the route is the one that somebody wrote for it
            own = f"{PORTALS_OWN}{portal}"
            routes.setdefault(portal, []).append(("", Upstream(own, (OriginServer.parse(url),), moves=_own(url))))
        self._routes: Mapping[str, Sequence[tuple[str, Upstream]]] = {
            portal: sorted(own, key=lambda pair: len(pair[0]), reverse=True) for portal, own in routes.items()
        }
        used = {upstream.name: upstream for own in self._routes.values() for _, upstream in own}
        self.upstreams: tuple[Upstream, ...] = tuple((used | upstreams).values())  # as they are without a route's limit

    def find(self, portal: str, path: str) -> Upstream | None:
        """The upstream of the longest route that covers a canonical path in whole segments."""
        for prefix, upstream in self._routes.get(portal, ()):
            if path == prefix or path.startswith(prefix + "/") or not prefix:
                return upstream
        return None


def _canonical(path: str, *, fold_case: bool) -> str:
    """As `Key.path` has it, but for the root, which is empty."""
    segments, _ = canonical_segments(path)
    return encoded_path(folded(segments) if fold_case else segments).rstrip("/")


def _own(url: str) -> tuple[Move, ...]:
    return (Move(str(OriginServer.parse(url)).encode(), PUBLIC),)


def tls_context(row: TlsRow, folder: Path) -> ssl.SSLContext:
    """A context that verifies.  Raises OSError (SSLError among it) when a file cannot be read."""
    context = ssl.create_default_context(cafile=str(folder / row.ca_file) if row.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if row.certificate_file:
        key = str(folder / row.key_file) if row.key_file else None
        context.load_cert_chain(str(folder / row.certificate_file), key)
    return context


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks out of their texts, which have been checked."""
    return tuple(found for text in texts if (found := _network(text)))


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None
