"""conf/sign_in.toml → which paths of which portals are for people who have signed in."""

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import Field

from proxy.passing.forwarded import Address, Network
from redirect_rules.canonical import BadTarget, canonical_segments
from redirect_rules.model import Portal
from redirect_rules.parsing import StrictModel, read
from redirect_rules.sources import Document, Place, Problem, Problems
from sso.model import Client
from sso.protection import PortalProtections, Protection, Protections, meant
from sso.vocabulary import Level

FLAGS: Final = {"vneid": "vneid", "vnconnect": "vnconnect"}
"""How the national portal's links ask for a sign-in, and by which upstream."""


class PathRow(StrictModel):
    """`{ prefix = "/nop-ho-so", level = 2, deep_links = true }`: a path and everything below it."""

    prefix: str
    level: Annotated[int, Field(ge=1, le=2)] = 1
    mode: Literal["required", "shadow"] = "required"
    deep_links: bool = False
    client: str = ""  # where another system answers there than on the rest of the portal


class PortalRow(StrictModel):
    """One [[portal]]."""

    id: str
    client: str
    paths: Annotated[list[PathRow], Field(min_length=1)]


class ForwardAuthRow(StrictModel):
    """Who may ask whether a request may go through."""

    peers: list[str] = []


class SignInRow(StrictModel):
    """The whole file."""

    flags: dict[str, str] = FLAGS
    forward_auth: ForwardAuthRow = ForwardAuthRow()
    portal: list[PortalRow] = []


@dataclass(frozen=True, slots=True)
class SignInPaths:
    """What the file says."""

    protections: Protections = field(default_factory=Protections)
    peers: tuple[Network, ...] = ()

    def may_ask(self, address: Address | None) -> bool:
        """Whether a proxy at this address may ask by forward-auth."""
        return address is not None and any(address in network for network in self.peers)


def parse_sign_in(
    document: Document,
    *,
    portals: Mapping[str, Portal],
    clients: Mapping[str, Client],
    upstreams: Collection[str] | None = None,
) -> SignInPaths:
    """Read the file.  Raises Problems with every mistake in it.

    `portals` and `clients` by their ids; `upstreams`: the ids of those there are, None: not known here.
    """
    row = read(document, SignInRow)
    reader = _Reader(document, portals, clients)
    for name, upstream in row.flags.items():
        if upstreams is not None and upstream not in upstreams:
            reader.complain(("flags", name), f"there is no upstream {upstream!r}: {_one_of(upstreams)}")
    peers = [reader.network(("forward_auth", "peers", i), text) for i, text in enumerate(row.forward_auth.peers)]
    found: dict[str, PortalProtections] = {}
    for i, portal_row in enumerate(row.portal):
        if portal_row.id in found:
            reader.complain(("portal", i, "id"), f"{portal_row.id!r} stands here twice: put its paths together")
        found[portal_row.id] = reader.portal(("portal", i), portal_row)
    if reader.problems:
        raise Problems(reader.problems)
    flags = {name.lower(): upstream for name, upstream in row.flags.items()}
    return SignInPaths(Protections(found, flags), tuple(peer for peer in peers if peer is not None))


class _Reader:
    """Turns rows into protections and remembers every mistake on the way."""

    def __init__(self, document: Document, portals: Mapping[str, Portal], clients: Mapping[str, Client]) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._portals = portals
        self._clients = clients

    def complain(self, place: Place, text: str) -> None:
        self.problems.append(self._document.problem(place, text))

    def network(self, place: Place, text: str) -> Network | None:
        try:
            return ipaddress.ip_network(text)
        except ValueError:
            self.complain(place, f"{text!r} is no network: write 10.0.0.0/8, ::1 or 192.0.2.7")
            return None

    def portal(self, place: Place, row: PortalRow) -> PortalProtections:
        portal = self._portals.get(row.id)
        if portal is None:
            self.complain((*place, "id"), f"there is no portal {row.id!r} in portals.toml")
        paths: list[Protection] = []
        for i, path in enumerate(row.paths):
            own = (*place, "paths", i)
            prefix = self._prefix((*own, "prefix"), path.prefix)
            if any(prefix == other.prefix for other in paths):
                self.complain((*own, "prefix"), f"{path.prefix!r} stands here twice")
            client = path.client or row.client
            self._check_client((*own, "client") if path.client else (*place, "client"), client, row.id)
            paths.append(Protection(prefix, client, Level(path.level), path.mode, path.deep_links))
        return PortalProtections(row.id, tuple(paths))

    def _prefix(self, place: Place, text: str) -> tuple[str, ...]:
        try:
            segments, devious = canonical_segments(text)
        except BadTarget:
            segments, devious = (), True
        if devious or not text.startswith("/") or set("{}?#*") & set(text):
            self.complain(place, f"{text!r}: write a path without captures, such as /nop-ho-so")
            return ()
        return meant(segments)

    def _check_client(self, place: Place, name: str, portal: str) -> None:
        client = self._clients.get(name)
        if client is None:
            self.complain(place, f"there is no client {name!r}: {_one_of(self._clients)}")
            return
        if portal not in client.portals:
            self.complain(place, f"add {portal!r} to `portals` of the client {name!r}: it answers for that portal")
        if not client.formats & {"header", "forward-auth"}:
            self.complain(place, f'add "header" or "forward-auth" to `formats` of the client {name!r}')


def _one_of(names: Collection[str]) -> str:
    listed: Sequence[str] = sorted(names)
    return f"one of {', '.join(listed)}" if listed else "there are none yet"
