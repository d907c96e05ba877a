"""The edge over https: as over http, and a little more."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from proxy.app import create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import Addresses, running
from tests.conftest import AUTUMN, CONF, settings_with
from tests.passing_peers.certificates import Authority
from tests.passing_peers.real import free_port
from tests.proxy.conftest import MODEL, request_bytes

pytestmark = pytest.mark.clocked


ASKED = request_bytes("/vi", headers=["Accept: text/html", "User-Agent: Mozilla"], keep=True)
ENDED = request_bytes("/vi", headers=["Accept: text/html", "User-Agent: Mozilla"])  # with the answer
CHOOSING = request_bytes("/vi?_place=new:06184", headers=["Accept: text/html", "User-Agent: Mozilla"])


def tls_environ(*files: tuple[Path, Path]) -> dict[str, str]:
    certificates = ", ".join(
        f'{{ certificate_file = "{certificate}", key_file = "{key}" }}' for certificate, key in files
    )
    return {
        "DVC_EDGE__LISTEN__TLS__PORT": "0",
        "DVC_EDGE__LISTEN__TLS__CERTIFICATES": f"[{certificates}]",
        "DVC_EDGE__LISTEN__TLS__FOLLOW_SECONDS": "0.05",
        "DVC_EDGE__LISTEN__TLS__HANDSHAKE_SECONDS": "1",
        "DVC_EDGE__LISTEN__TLS__HSTS_SECONDS": "300",
    }


@asynccontextmanager
async def https_edge(packs: Packs, pages: Pages, *files: tuple[Path, Path]) -> AsyncIterator[Addresses]:
    app = create_app(settings_with(tls_environ(*files)), parts=(packs, pages), clock=lambda: AUTUMN)
    async with running(app) as addresses:
        yield addresses


async def ask(
    place: tuple[str, int] | None, context: ssl.SSLContext, *requests: bytes, host: str = MODEL
) -> list[tuple[bytes, bytes]]:
    """Ask over one connection: heads and bodies."""
    assert place is not None
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*place, ssl=context, server_hostname=host)
        found = []
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
            found.append((head, body))
        writer.close()
    return found


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


async def test_pages_are_the_same_over_https_slow_and_fast(
    packs: Packs, pages: Pages, authority: Authority, trusting: ssl.SSLContext
) -> None:
    async with https_edge(packs, pages, authority.issue(MODEL)) as addresses:
        answers = await ask(addresses.secure, trusting, *[ASKED] * 4)
        bodies = {body for _, body in answers}
        assert len(bodies) == 1
        assert all(head.count(b"\r\nStrict-Transport-Security: max-age=300\r\n") == 1 for head, _ in answers)
        # New connections, on which it is known at once: kept, and ended with the answer.
        for asked in (ASKED, ENDED, ENDED):
            ((known, _),) = await ask(addresses.secure, trusting, asked)
            assert known.count(b"\r\nStrict-Transport-Security: max-age=300\r\n") == 1
        reader, writer = await asyncio.open_connection(*addresses.edge)
        for _ in range(2):  # the second is known from https, and not more is said than over http
            writer.write(ASKED)
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
            assert b"Strict-Transport-Security" not in head
            assert body in bodies
        writer.close()


async def test_a_cookie_that_was_set_over_https_stays_there(
    packs: Packs, pages: Pages, authority: Authority, trusting: ssl.SSLContext
) -> None:
    async with https_edge(packs, pages, authority.issue(MODEL)) as addresses:
        ((head, _),) = await ask(addresses.secure, trusting, CHOOSING)
    (cookie,) = [line for line in head.split(b"\r\n") if line.startswith(b"Set-Cookie: ")]
    assert b"; Secure" in cookie


async def test_new_certificates_are_shown_without_a_restart_and_old_connections_go_on(
    packs: Packs, pages: Pages, authority: Authority, trusting: ssl.SSLContext
) -> None:
    async def shown(place: tuple[str, int]) -> object:
        _, writer = await asyncio.open_connection(*place, ssl=trusting, server_hostname=MODEL)
        certificate = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
        return certificate

    async with https_edge(packs, pages, authority.issue(MODEL)) as addresses:
        assert addresses.secure is not None
        reader, writer = await asyncio.open_connection(*addresses.secure, ssl=trusting, server_hostname=MODEL)
        before = await shown(addresses.secure)
        authority.issue(MODEL)
        async with asyncio.timeout(30):
            while await shown(addresses.secure) == before:  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.05)
            writer.write(ASKED)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_who_does_not_finish_a_handshake_is_let_go(packs: Packs, pages: Pages, authority: Authority) -> None:
    async with https_edge(packs, pages, authority.issue(MODEL)) as addresses:
        assert addresses.secure is not None
        for octets in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection(*addresses.secure)
            writer.write(octets)
            async with asyncio.timeout(30):
                assert not (await reader.read()).startswith(b"HTTP")
            writer.close()


@contextmanager
def supervised(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as state:
        ours = {"DVC_EDGE__STATE__FOLDER": state, "DVC_EDGE__WORKERS__COUNT": "2", "DVC_EDGE__HITS__KEEP_DAYS": "0"}
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "serve", "--config", str(CONF / "edge.toml")],
            env=os.environ | ours | environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def test_workers_answer_over_https_and_take_new_certificates_with_sighup(
    authority: Authority, trusting: ssl.SSLContext
) -> None:
    files = authority.issue(MODEL)
    port = free_port()
    environ = tls_environ(files) | {
        "DVC_EDGE__LISTEN__PORT": str(free_port()),
        "DVC_EDGE__LISTEN__TLS__PORT": str(port),
        "DVC_EDGE__OPERATIONS__PORT": str(free_port()),
        "DVC_EDGE__LISTEN__TLS__FOLLOW_SECONDS": "3600",
    }

    async def shown() -> object:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=MODEL)
        except (OSError, ssl.SSLError):
            return None
        certificate = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
        return certificate

    with supervised(environ) as process:
        async with asyncio.timeout(60):
            while (before := await shown()) is None:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)
            ((head, _),) = await ask(("127.0.0.1", port), trusting, ASKED)
            assert head.startswith(b"HTTP/1.1 200 ")
            authority.issue(MODEL)
            process.send_signal(signal.SIGHUP)
            while await shown() in {before, None}:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)
