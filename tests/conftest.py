"""What many tests need: the shipped rules, and a real edge on a free port with a clock that stands still."""

import io
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, TCPConnector
from yarl import URL

import proxy.packs
from proxy import config_file
from proxy.app import create_app
from proxy.config import Settings
from proxy.packs import Packs, load_packs
from proxy.pages import Pages
from proxy.serve import Addresses, running
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.packs import LocalityReader, Sources, read_packs
from redirect_rules.snapshot import Snapshot

CONF = Path(__file__).parent.parent / "conf"
NOWHERE = Path(tempfile.gettempdir()) / "dvc-edge-nothing-was-ever-published"
AUTUMN = datetime(2026, 11, 1, 9, tzinfo=HO_CHI_MINH)
"""Every shipped portal is closed by then."""

BROWSER: Mapping[str, str] = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "vi",
    "User-Agent": "Mozilla/5.0 (Linux; Android 9; SM-A105F) Chrome/110 Mobile",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}


def settings_with(environ: Mapping[str, str] | None = None) -> Settings:
    """The shipped configuration on free ports, changed by variables as an operator would."""
    ours = {
        "DVC_EDGE__LISTEN__PORT": "0",
        "DVC_EDGE__OPERATIONS__PORT": "0",
        "DVC_EDGE__STATE__FOLDER": str(NOWHERE),
        "DVC_EDGE__HITS__KEEP_DAYS": "0",
    }
    return config_file.load(CONF / "edge.toml", ours | dict(environ or {}))


@pytest.fixture(scope="session")
def packs() -> Packs:
    return load_packs(settings_with())


_READ: dict[Sources, Packs] = {}


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files are compiled once for all tests that ask for this: packs are frozen, and cost most of a start."""

    def remembered(sources: Sources, *, localities_of: LocalityReader | None = None) -> Packs:
        if sources not in _READ:
            _READ.clear()  # one is enough: nearly all are the shipped ones
            _READ[sources] = read_packs(sources, localities_of=localities_of)
        return _READ[sources]

    monkeypatch.setattr(proxy.packs, "read_packs", remembered)


@pytest.fixture(scope="session")
def snapshot(packs: Packs) -> Snapshot:
    return packs.snapshot


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages()


@dataclass
class RunningEdge:
    """An edge that listens, seen from outside."""

    addresses: Addresses
    session: ClientSession
    log: io.StringIO
    clock: list[datetime] = field(default_factory=lambda: [AUTUMN])

    @property
    def port(self) -> int:
        return self.addresses.edge[1]

    def url(self, host: str, target: str = "/") -> str:
        """The address under which Chromium reaches a portal here."""
        return f"http://{host}.localhost:{self.port}{target}"

    async def get(
        self, url: str, headers: Mapping[str, str] = BROWSER, *, method: str = "GET", data: object = None
    ) -> ClientResponse:
        """Ask for the address of an old portal, as if DNS led here; redirects are not followed."""
        _, _, rest = url.partition("://")
        authority, _, target = rest.partition("/")
        authority, question, query = authority.partition("?")
        target = f"/{target}{question}{query}"
        here = URL(f"http://127.0.0.1:{self.port}{target}", encoded=True)
        response = await self.session.request(
            method, here, headers={"Host": authority, **headers}, data=data, allow_redirects=False
        )
        await response.read()
        return response


Start = Callable[..., AbstractAsyncContextManager[RunningEdge]]


@pytest.fixture
def start(packs: Packs, pages: Pages) -> Start:
    """Start an edge: `async with start(packs=…, environ=…) as edge`."""

    @asynccontextmanager
    async def started(
        *, packs: Packs = packs, pages: Pages = pages, environ: Mapping[str, str] | None = None, at: datetime = AUTUMN
    ) -> AsyncIterator[RunningEdge]:
        clock, log = [at], io.StringIO()
        app = create_app(settings_with(environ), parts=(packs, pages), clock=lambda: clock[0], log=log)
        async with (
            running(app) as addresses,
            ClientSession(
                cookie_jar=DummyCookieJar(),
                connector=TCPConnector(),
                auto_decompress=True,
                skip_auto_headers=("User-Agent",),
            ) as session,
        ):
            yield RunningEdge(addresses, session, log, clock)

    return started


@pytest.fixture
async def edge(start: Start) -> AsyncIterator[RunningEdge]:
    """The shipped edge."""
    async with start() as running_edge:
        yield running_edge
