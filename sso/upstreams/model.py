"""What an upstream is: values, as `configuration` reads them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from joserfc.jwk import Key

from sso.upstreams.claim_mapping import ClaimMapping
from sso.upstreams.discovery import Metadata
from sso.vocabulary import Level

Authentication = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider that knows people, and how it is spoken to."""

    id: str
    names: Mapping[str, str]  # by language, "vi" at least
    issuer: str
    client_id: str
    client_authentication: Authentication
    scopes: tuple[str, ...]
    pkce: bool
    nonce: bool
    id_token: Literal["required", "none"]
    userinfo: Literal["none", "get", "post"]
    userinfo_signed: bool
    algorithms: frozenset[str]
    mapping: ClaimMapping
    hosts: frozenset[str]  # where its endpoints may be
    private_network: bool  # whether they may have addresses that are not public
    endpoints: Metadata | None  # None: asked by discovery
    names_issuer: bool = False  # whether `iss` must come back, whatever its metadata says (RFC 9207)
    ask_level: Mapping[Level, str] = field(default_factory=dict)  # acr_values for a level
    client_secret: str = field(default="", repr=False)
    signing_key: Key | None = field(default=None, repr=False)
    development: bool = False  # http on *.localhost is allowed

    @property
    def level(self) -> Level:
        """The most that it can say of a person."""
        known = [*self.mapping.levels.values(), self.mapping.level_untold or Level.ONE]
        return max(known)


def private_hosts(upstreams: Iterable[Upstream]) -> frozenset[str]:
    """The hosts whose addresses need not be public."""
    return frozenset(host for upstream in upstreams for host in _private(upstream))


def _private(upstream: Upstream) -> Iterator[str]:
    if upstream.private_network:
        yield from upstream.hosts
