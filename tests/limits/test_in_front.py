"""The examples for what stands in front of the edge work as they are written, but for ports and certificates."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # as far as one example is read

from proxy.packs import Packs
from proxy.pages import Pages
from tests.conftest import CONF, RunningEdge
from tests.passing_peers.certificates import Authority
from tests.passing_peers.real import free_port
from tests.passing_peers.recording import RecordingOrigin, recording_origin
from tests.proxy.conftest import MODEL, day, edge_over

pytestmark = pytest.mark.clocked


LIVE = day(2025, 6, 1)  # everything passes
NGINX_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
HAS_STREAMS = NGINX_MODULE.exists()


def needed(name: str) -> str:
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


def keys_said(example: Path) -> Mapping[str, str]:
    """The settings of edge.toml that an example asks for in its comments, as an environment."""
    found, table = {}, ""
    for line in example.read_text("utf-8").splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#"):
            break
        if header := re.fullmatch(r"\[+([a-z_.]+)\]+", text):
            table = header[1]
        elif table and "certificates" not in table and (pair := re.fullmatch(r"([a-z_]+) = (.+)", text)):
            found["DVC_EDGE__" + f"{table}.{pair[1]}".upper().replace(".", "__")] = pair[2]
    return {key: value for key, value in found.items() if not key.endswith(("__HOST", "__PORT"))}


def upstreams(folder: Path, port: int) -> dict[str, str]:
    (folder / "upstreams.toml").write_text(
        '[[upstream]]\nname = "province"\nallow_networks = ["127.0.0.0/8"]\n'
        f'origins = [{{ url = "http://127.0.0.1:{port}" }}]\n'
        '[[route]]\nportal = "langson"\nupstream = "province"\n'
    )
    return {"DVC_EDGE__PASSING__FILE": str(folder / "upstreams.toml")}


@asynccontextmanager
async def passing(
    packs: Packs, pages: Pages, folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[tuple[RunningEdge, RecordingOrigin]]:
    async with recording_origin() as origin:
        given = {**environ, **upstreams(folder, origin.port)}
        async with edge_over(packs, pages, given, at=LIVE) as edge:
            yield edge, origin


def filled(example: Path, folder: Path, **changes: str) -> Path:
    """The example in a folder, with these texts in place of those that stand in it; each must stand there."""
    text = example.read_text("utf-8")
    for old, new in {"/etc/dvc-edge/tls": str(folder), **changes}.items():
        assert old in text, old
        text = text.replace(old, new)
    made = folder / example.name
    made.write_text(text)
    return made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path)
    certificate, key = authority.issue(MODEL)
    (tmp_path / "edge.pem").write_bytes(certificate.read_bytes())
    (tmp_path / "edge.key").write_bytes(key.read_bytes())
    (tmp_path / "edge-and-key.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    return authority


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "front.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            for _ in range(400):
                try:
                    socket.create_connection(("127.0.0.1", port), 0.5).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "front.log").read_text()
                    process_wait(process, 0.05)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process_wait(process, 10)
            process.kill()
            process.wait()


def process_wait(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


async def browse(authority: Authority, port: int, target: str, *more: str) -> tuple[str, str, str]:
    """Ask as a browser would: the version that was spoken, the status and the body."""
    command = [
        *(needed("curl"), "--silent", "--show-error", "--max-time", "20", "--path-as-is", "--http2"),
        *("--cacert", str(authority.file), "--resolve", f"{MODEL}:{port}:127.0.0.1"),
        *("--write-out", "\n%{http_version} %{http_code}", *more, f"https://{MODEL}:{port}{target}"),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    body, _, said = output.decode().rpartition("\n")
    version, _, status = said.partition(" ")
    return version, status, body


def nginx_command(folder: Path, text: str) -> list[str]:
    program = needed("nginx")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    load = f"load_module {NGINX_MODULE};" if "stream" in text and HAS_STREAMS else ""
    body = f"http {{ access_log off; {temporary} {text} }}" if "http_version" in text else text
    (folder / "nginx.conf").write_text(
        f"{load} daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\n{body}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, check=False)
    assert tested.returncode == 0, tested.stderr.decode()
    return command


async def test_nginx_speaks_http_2_in_front_and_is_believed(
    packs: Packs, pages: Pages, authority: Authority, tmp_path: Path
) -> None:
    example, port = CONF / "nginx/http.conf", free_port()
    async with passing(packs, pages, tmp_path, keys_said(example)) as (edge, origin):
        changes = {"127.0.0.1:8080": f"127.0.0.1:{edge.port}", "listen 443 ssl http2": f"listen {port} ssl http2"}
        text = filled(example, tmp_path, **changes).read_text()
        with running(nginx_command(tmp_path, text), port, tmp_path):
            lie = ("--header", "X-Forwarded-For: 203.0.113.9", "--header", 'Forwarded: for="203.0.113.9"')
            assert await browse(authority, port, "/a%2Fb//c?q=%20+%C3", *lie) == ("2", "200", "ok")
        (seen,) = origin.seen
        assert seen.target == b"/a%2Fb//c?q=%20+%C3"
        assert seen.one("host") == f"{MODEL}:{port}"
        assert seen.one("x-forwarded-proto") == "https"
        assert "203.0.113.9" not in b"".join(map(bytes, origin.raw)).decode()


async def test_nginx_hands_connections_over_with_the_proxy_protocol(
    packs: Packs, pages: Pages, authority: Authority, tmp_path: Path
) -> None:
    if not HAS_STREAMS:
        pytest.skip("nginx has no stream module here")
    example, port = CONF / "nginx/proxy_protocol.conf", free_port()
    environ = {
        **keys_said(example),
        "DVC_EDGE__LISTEN__TLS__PORT": "0",
        "DVC_EDGE__LISTEN__TLS__CERTIFICATES": f'[{{ certificate_file = "{tmp_path}/edge-and-key.pem" }}]',
    }
    async with passing(packs, pages, tmp_path, environ) as (edge, origin):
        assert edge.addresses.secure is not None
        text = (
            example.read_text().replace("8443;", f"{edge.addresses.secure[1]};").replace("listen 443", f"listen {port}")
        )
        with running(nginx_command(tmp_path, text), port, tmp_path):
            assert await browse(authority, port, "/a") == ("1.1", "200", "ok")
        (seen,) = origin.seen
        assert (seen.one("x-forwarded-for"), seen.one("x-forwarded-proto")) == ("127.0.0.1", "https")


async def test_haproxy_speaks_http_2_in_front_and_says_who_comes(
    packs: Packs, pages: Pages, authority: Authority, tmp_path: Path
) -> None:
    example, port, program = CONF / "haproxy/haproxy.cfg", free_port(), needed("haproxy")
    async with passing(packs, pages, tmp_path, keys_said(example)) as (edge, origin):
        made = filled(
            example, tmp_path, **{"127.0.0.1:8080": f"127.0.0.1:{edge.port}", "bind :443": f"bind 127.0.0.1:{port}"}
        )
        tested = subprocess.run([program, "-c", "-f", str(made)], capture_output=True, check=False)  # noqa: ASYNC221 - short
        assert tested.returncode == 0, tested.stderr.decode()
        with running([program, "-db", "-f", str(made)], port, tmp_path):
            lie = ("--header", "X-Forwarded-For: 203.0.113.9", "--header", 'Forwarded: for="203.0.113.9"')
            assert await browse(authority, port, "/a%2Fb//c?q=%20+%C3", *lie) == ("2", "200", "ok")
        (seen,) = origin.seen
        assert seen.target == b"/a%2Fb//c?q=%20+%C3"
        assert (seen.one("x-forwarded-for"), seen.one("x-forwarded-proto")) == ("127.0.0.1", "https")


async def test_a_page_of_ours_comes_through_what_stands_in_front(
    packs: Packs, pages: Pages, authority: Authority, tmp_path: Path
) -> None:
    example, port = CONF / "nginx/http.conf", free_port()
    async with edge_over(packs, pages, keys_said(example)) as edge:
        changes = {"127.0.0.1:8080": f"127.0.0.1:{edge.port}", "listen 443 ssl http2": f"listen {port} ssl http2"}
        text = filled(example, tmp_path, **changes).read_text()
        with running(nginx_command(tmp_path, text), port, tmp_path):
            for _ in range(2):  # the second by the fast lane
                _, status, body = await browse(
                    authority, port, "/vi", "--header", "Accept: text/html", "--user-agent", "Mozilla"
                )
                assert status == "200"
                assert "<title>" in body


def test_the_example_for_envoy_is_one_that_can_be_read() -> None:
    """Envoy itself checks it where it is installed; else it is read as YAML, and its names are looked at."""
    path = CONF / "envoy/envoy.yaml"
    if (program := shutil.which("envoy")) is not None:
        subprocess.run([program, "--mode", "validate", "-c", str(path)], check=True, env=os.environ)
    table = yaml.safe_load(path.read_text("utf-8"))["static_resources"]
    (cluster,) = table["clusters"]
    routes = [route for manager in managers(table) for route in manager["route_config"]["virtual_hosts"][0]["routes"]]
    assert {route["route"]["cluster"] for route in routes} == {cluster["name"]}
    assert [manager["codec_type"] for manager in managers(table)] == ["AUTO", "HTTP3"]
    assert all(manager["normalize_path"] is False for manager in managers(table))
    assert cluster["transport_socket"]["typed_config"]["config"] == {"version": "V2"}
    assert set(keys_said(path)) == {"DVC_EDGE__LISTEN__PROXY_PROTOCOL", "DVC_EDGE__PASSING__TRUSTED_PEERS"}


def managers(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    chains = [chain for listener in table["listeners"] for chain in listener["filter_chains"]]
    return [chain["filters"][0]["typed_config"] for chain in chains]
