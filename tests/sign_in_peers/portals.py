"""A portal behind a whole edge on loopback: rules, gate, issuer, store and a system that writes down what it is told."""

import io
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, hdrs
from aiohttp.test_utils import RawTestServer
from aiohttp.web import BaseRequest, Response
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry, generate_latest
from yarl import URL

from proxy.app import App, create_app
from proxy.gate import Gate
from proxy.limiting import Limiter
from proxy.login.reception import Reception
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.portal_entrances import PortalEntrances
from proxy.portal_sessions import Lifetimes, PortalSessions
from proxy.serve import running
from proxy.sign_in_metrics import SignInMetrics
from proxy.sign_in_paths import parse_sign_in
from redirect_rules.sources import Document
from sso.adapters.verify_kit import VerifyKit
from sso.limits import Lockouts
from sso.model import Client
from sso.store import Store
from sso.vocabulary import Claim, Level
from tests.conftest import AUTUMN, BROWSER, settings_with
from tests.sign_in_peers.issuer import AN, HOME, NOW, Desk, client, issuing, signer

PORTAL = "dichvucong.khanhhoa.gov.vn"
OTHER = "dichvucong.langson.gov.vn"
FORM = "/vi/nps/apply?MaTTHC=1.001193"
PATHS = """
[forward_auth]
peers = ["127.0.0.1"]

[[portal]]
id = "khanhhoa"
client = "khanhhoa"
paths = [
  { prefix = "/vi/nps", level = 2, deep_links = true },
  { prefix = "/nop-ho-so", level = 2, deep_links = true },
  { prefix = "/vi/iframe", level = 1 },
  { prefix = "/vi/dossier", mode = "shadow" },
]

[[portal]]
id = "langson"
client = "langson"
paths = [{ prefix = "/vi/nps", level = 1, deep_links = true }]
"""

FORMATS = frozenset({"oidc", "header", "forward-auth", "ticket"})
CLIENTS: dict[str, Client] = {
    one.id: one
    for one in (
        client("khanhhoa", portals=("khanhhoa",), formats=FORMATS, sector="khanhhoa"),
        client("langson", portals=("langson",), formats=FORMATS, attributes=frozenset({Claim.NAME}), sector="langson"),
        client("motcua", formats=frozenset({"ticket"}), level=Level.TWO),
    )
}


@dataclass(frozen=True)
class Told:
    """A request as the system behind the edge got it."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for own, value in self.fields if own.lower() == name.lower()]

    @property
    def assertions(self) -> list[str]:
        return self.values("Portal-Identity")


@dataclass(frozen=True)
class Page:
    """What came back to a browser."""

    status: int
    address: str
    headers: CIMultiDict[str]
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


@dataclass
class Visitor:
    """A browser: cookies by host, as RFC 6265 gives them back; every dialog at home is one press of a button."""

    standing: "Standing"
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    dialogs: int = 0
    seen: list[str] = field(default_factory=list)  # addresses, in order

    async def ask(
        self, address: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Page:
        """One request; nothing is followed."""
        parts = urlsplit(address)
        self.seen.append(address)
        kept = self.cookies.setdefault(parts.netloc, {})
        given = {**BROWSER, "Host": parts.netloc, **(headers or {})}
        if kept and "Cookie" not in given:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        url = URL(f"http://127.0.0.1:{parts.port or self.standing.port}{target or '/'}", encoded=True)
        async with self.standing.http.request(method, url, headers=given, data=data, allow_redirects=False) as got:
            for line in got.headers.getall("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    kept.pop(name, None)
                    if morsel.value and morsel["max-age"] != "0":
                        kept[name] = morsel.value
            return Page(got.status, address, CIMultiDict(got.headers), await got.text())

    async def go(self, address: str) -> Page:
        """Follow wherever it leads, through the dialogs, to a page."""
        for _ in range(15):
            page = await self.ask(address)
            if page.status not in {301, 302, 303}:
                return page
            address = urljoin(page.address, page.location)
            if address.startswith(HOME):
                self.dialogs += 1
                address = self.standing.desk.home.approve(address)
        raise AssertionError(f"going round: {self.seen}")


@dataclass
class Standing:
    """All of it."""

    app: App
    port: int  # that visitors know
    desk: Desk
    gate: Gate
    http: ClientSession
    log: io.StringIO
    registry: CollectorRegistry
    told: list[Told]
    edge_port: int
    system_port: int | None  # of the system behind the edge
    planted: list[str]  # cookies that it gives with every answer

    def begin(self) -> None:
        """Forget what earlier tests did."""
        desk = self.desk
        desk.clock.now, desk.home.person, desk.home.fails, desk.broker.clients = NOW, AN, False, CLIENTS
        limiter = desk.broker.limiter
        assert isinstance(limiter, Limiter)
        limiter._pepper, limiter._locks = secrets.token_bytes(32), Lockouts()  # whoever failed is somebody else now
        desk.audit.clear()
        self.told.clear()
        self.planted.clear()
        self.log.seek(0)
        self.log.truncate()

    def counted(self, line: str) -> float:
        """How often something was counted, by its line in the metrics without the number."""
        return sum(float(own.rpartition(" ")[2]) for own in self.metrics().splitlines() if own.startswith(f"{line} "))

    def address(self, target: str = "/", host: str = PORTAL) -> str:
        return f"http://{host}.localhost:{self.port}{target}"

    def visitor(self) -> Visitor:
        return Visitor(self)

    def verified(self, told: Told, audience: str = "khanhhoa") -> dict[str, Any]:
        """What the system behind the edge believes."""
        kit = VerifyKit(issuer=self.desk.broker.issuer, audience=audience, keys=signer().jwks())
        return kit.verified(told.assertions, now=self.desk.clock.now)

    def metrics(self) -> str:
        return generate_latest(self.registry).decode()


@asynccontextmanager
async def standing(
    store: Store,
    packs: Packs,
    pages: Pages,
    folder: Path,
    *,
    paths: str = PATHS,
    clients: Mapping[str, Client] = CLIENTS,
    lifetimes: Lifetimes | None = None,
    public_port: int | None = None,
) -> AsyncIterator[Standing]:
    """`folder`: an empty one, for the configuration of what is behind the edge; `public_port`: of a proxy in front."""
    told: list[Told] = []
    planted: list[str] = []

    async def system(request: BaseRequest) -> Response:
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers)
        told.append(Told(request.method, request.raw_path, fields, await request.read()))
        answer = Response(text=json.dumps({"target": request.raw_path}), content_type="application/json")
        for line in planted:
            answer.headers.add("Set-Cookie", line)
        return answer

    origin = RawTestServer(system, host="127.0.0.1")
    await origin.start_server(access_log=None)
    upstreams = folder / "upstreams.toml"
    upstreams.write_text(
        f"""
        [[upstream]]
        name = "system"
        origins = [{{ url = "http://127.0.0.1:{origin.port}" }}]
        allow_networks = ["127.0.0.0/8"]
        """
        + "".join(f'[[route]]\nportal = "{portal}"\nupstream = "system"\n' for portal in ("khanhhoa", "langson")),
        "utf-8",
    )
    log = io.StringIO()
    settings = settings_with({"DVC_EDGE__PASSING__FILE": str(upstreams)})
    app = create_app(settings, parts=(packs, pages), clock=lambda: AUTUMN, log=log)
    try:
        async with (
            running(app) as addresses,
            issuing(
                store,
                pages,
                clients=clients,
                issuer=f"http://signin.localhost:{public_port or addresses.edge[1]}",
            ) as desk,
            ClientSession(
                cookie_jar=DummyCookieJar(), connector=TCPConnector(), skip_auto_headers=(hdrs.USER_AGENT,)
            ) as http,
        ):
            registry = CollectorRegistry()
            gate = gate_over(desk, packs, registry, paths=paths, lifetimes=lifetimes)
            app.edge.sign_in_by(Reception(desk.broker, trust=settings.passing.trust(), suffixes=["localhost"]), gate)
            yield Standing(
                app,
                public_port or addresses.edge[1],
                desk,
                gate,
                http,
                log,
                registry,
                told,
                addresses.edge[1],
                origin.port,
                planted,
            )
    finally:
        await origin.close()


def gate_over(
    desk: Desk,
    packs: Packs,
    registry: CollectorRegistry,
    *,
    paths: str = PATHS,
    lifetimes: Lifetimes | None = None,
    issuer: str | None = None,
) -> Gate:
    """A gate before an issuer's clients; `issuer` None: the desk's."""
    broker, metrics = desk.broker, SignInMetrics(registry)
    portals = {portal.id: portal for portal in packs.snapshot.all_portals}
    sessions = PortalSessions(
        broker.store, issuer=issuer or broker.issuer, clock=broker.clock, secrets=broker.secrets, lifetimes=lifetimes
    )
    limiter = Limiter(broker.store, pepper=signer().person_key, on_limited=metrics.limited)
    broker.limiter = limiter

    class Audit:
        def write(self, event: Any) -> None:
            desk.audit.append(event)

    entrances = PortalEntrances(sessions, signer=signer, clients=lambda: broker.clients, limiter=limiter, audit=Audit())
    return Gate(
        parse_sign_in(Document("sign_in.toml", paths), portals=portals, clients=broker.clients),
        sessions=sessions,
        entrances=entrances,
        signer=signer,
        clients=lambda: broker.clients,
        metrics=metrics,
    )


def with_client(**changes: Any) -> dict[str, Client]:
    """The clients, with Khánh Hòa's changed."""
    return {**CLIENTS, "khanhhoa": replace(CLIENTS["khanhhoa"], **changes)}
