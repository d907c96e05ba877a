"""The real nginx before a provincial system, with the configuration that is shipped, asks the edge by auth_request."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from tests.conftest import CONF
from tests.sign_in_peers.issuer import free_port, signer
from tests.sign_in_peers.portals import Standing, standing
from tests.sso.adapters.vectors import ROOT

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed: apt-get install nginx")

SHIPPED = CONF / "nginx" / "forward_auth.conf"
MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")


def configured(edge: Standing, port: int) -> str:
    """The shipped server, on loopback without TLS, and the issuer's host beside it."""
    text = SHIPPED.read_text("utf-8")
    for shipped, here in (
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} default_server;"),
        ("    ssl_certificate     /etc/nginx/tls/portal.pem;\n", ""),
        ("    ssl_certificate_key /etc/nginx/tls/portal.key;\n", ""),
        ("127.0.0.1:8080;", f"127.0.0.1:{edge.edge_port};"),
        ("10.1.0.5:8000;", f"127.0.0.1:{edge.system_port};"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    issuer = f"""
    server {{
        listen 127.0.0.1:{port};
        server_name signin.localhost;
        location / {{ proxy_pass http://127.0.0.1:{edge.edge_port}; proxy_set_header Host $http_host; }}
    }}
    """
    return text + issuer


@contextmanager
def nginx(folder: Path, http: str, *, load: str = "") -> Iterator[None]:
    """nginx with these servers, until the block ends."""
    file = folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # or its workers may not read our files
    file.write_text(
        f"{load}\n{user} daemon off; pid {folder}/pid; error_log {folder}/error.log info; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{http}\n}}\n",
        "utf-8",
    )
    tested = subprocess.run([NGINX, "-t", "-c", str(file)], capture_output=True, text=True, timeout=30, check=False)
    assert tested.returncode == 0, tested.stderr
    running = subprocess.Popen([NGINX, "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)


async def listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@asynccontextmanager
async def behind_nginx(packs: Packs, pages: Pages, folder: Path) -> AsyncIterator[tuple[Standing, EmbeddedValkey]]:
    valkey = EmbeddedValkey(folder / "valkey")
    await asyncio.to_thread(valkey.start_now)
    store = open_store(valkey.url, person_key=b"k" * 32, timeout_seconds=5.0)
    port = free_port()
    try:
        async with standing(store, packs, pages, folder, public_port=port) as edge:
            with nginx(folder, configured(edge, port)):
                await listening(port)
                yield edge, valkey
    finally:
        await store.close()
        await asyncio.to_thread(valkey.leave_now)


async def test_people_sign_in_before_nginx_lets_them_through(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with behind_nginx(packs, pages, tmp_path) as (edge, valkey):
        visitor, form = edge.visitor(), edge.address("/nop-ho-so/1?MaTTHC=1.001193&x=a%2fb")

        page = await visitor.go(form)
        assert (page.status, page.address, visitor.dialogs) == (200, form, 1)
        assert edge.verified(edge.told[-1])["name"] == "Nguyễn Văn An"
        assert edge.told[-1].target == "/nop-ho-so/1?MaTTHC=1.001193&x=a%2fb"

        # What a visitor says of themself does not arrive, and does not confuse the question.
        for name in ("Portal-Identity", "Portal_Identity", "X-Original-URI", "X-Forwarded-Uri", "X-Rewrite-Url"):
            assert (await visitor.ask(form, headers={name: "/public"})).status == 200
            assert edge.verified(edge.told[-1])["sub"]
        stranger = await edge.visitor().ask(form, headers={"Portal-Identity": "forged"})
        assert (stranger.status, stranger.location) == (
            303,
            "/_edge/sign-in/begin?to=/nop-ho-so/1?MaTTHC=1.001193&x=a%2fb",
        )

        # Forms, crooked paths, the question itself.
        assert (await edge.visitor().ask(form, method="POST", data=b"a=1")).status == 401
        heard = len(edge.told)
        for target in (
            "/nop-ho-so/../nop-ho-so/1",
            "/nop-ho-so/%2e%2e/x",
            "/nop-ho-so/..;/x",
            "/nop-ho-so/%252e%252e/",
        ):
            assert (await edge.visitor().ask(edge.address(target))).status in {303, 400, 401, 403, 404}
        assert (await visitor.ask(edge.address("/_edge/sign-in/check"))).status == 404
        assert len(edge.told) == heard

        # Nothing opens when the store is gone.
        await asyncio.to_thread(valkey.leave_now)
        assert (await visitor.ask(form)).status == 500
        assert len(edge.told) == heard


@pytest.mark.skipif(not MODULE.exists(), reason="nginx has no njs: apt-get install libnginx-mod-http-js")
async def test_the_verify_kit_works_in_nginx_itself(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(signer().jwks()), "utf-8")
    port, now = free_port(), int(time.time())
    kit = ROOT / "docs" / "verify-kit"
    servers = f"""
    js_path {kit}; js_import identity from portal_identity.js;
    server {{
        listen 127.0.0.1:{port};
        set $portal_issuer "https://signin.example"; set $portal_audience "khanhhoa";
        set $portal_keys "{tmp_path}/jwks.json";
        location = /_identity {{ internal; js_content identity.check; }}
        location /app {{ auth_request /_identity; root {tmp_path}; try_files /jwks.json =404; }}
    }}
    """
    claims = {
        "iss": "https://signin.example",
        "aud": "khanhhoa",
        "sub": "x",
        "jti": "j",
        "iat": now,
        "exp": now + 60,
        "acr": "a",
    }
    good = signer().sign(claims, typ="portal-identity+jwt")
    other = signer().sign(claims | {"aud": "langson"}, typ="portal-identity+jwt")
    with nginx(tmp_path, servers, load=f"load_module {MODULE};"):
        await listening(port)
        said = {}
        for name, lines in {"good": [good], "other": [other], "none": [], "two": [good, good]}.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            fields = "".join(f"Portal-Identity: {value}\r\n" for value in lines)
            writer.write(f"GET /app HTTP/1.1\r\nHost: x\r\n{fields}Connection: close\r\n\r\n".encode())
            said[name] = int((await reader.readline()).split()[1])
            writer.close()
    assert said == {"good": 200, "other": 401, "none": 401, "two": 401}
