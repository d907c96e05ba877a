"""TLS: kept connections and new handshakes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench import peers
from bench.edges import edge
from bench.figures import Figure, Row, Skipped, at_least, ratios
from bench.peers import Nginx
from bench.servers import LOAD_CPU, ROOT, Server, free_port, on_cpu
from bench.workshop import Workshop

ABOUT = (
    "Kept connections and new handshakes (TLS 1.3, no sessions) beside nginx with the same certificate (P-256); a "
    "crawler is sent away from a page that is closed, nginx redirects to a constant."
)
HOST: Final = "dichvucong.langson.gov.vn"
_WAYS: Final = (("kept", 12_000, 0.75), ("new", 400, 0.7))


def run(shop: Workshop) -> Iterator[Row]:
    """Ours beside nginx."""
    openssl = peers.program("openssl")
    if openssl is None or not peers.program("nginx"):
        yield Skipped("TLS beside nginx", "openssl or nginx is not installed")
        return
    folder = shop.place("tls")
    certificate, key = _certificate(folder, openssl)
    port, theirs = free_port(), free_port()
    environ = {
        "DVC_EDGE__LISTEN__TLS__PORT": str(port),
        "DVC_EDGE__LISTEN__TLS__CERTIFICATES": f'[{{ certificate_file = "{certificate}", key_file = "{key}" }}]',
    }
    lines = (
        f"    listen 127.0.0.1:{theirs} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};\n"
        "    ssl_protocols TLSv1.3; ssl_session_tickets off;\n"
        "    location / { return 301 https://dichvucong.gov.vn/; }"
    )
    with ExitStack() as running:
        ours = running.enter_context(edge(shop.place("edge"), shop.place("empty"), environ=environ)).server
        nginx = running.enter_context(peers.nginx(shop.place("nginx"), Nginx(lines)))
        for way, requests, promised in _WAYS:
            mine, others = [], []
            for number in range(shop.extent.rounds + 1):
                found = _cost(ours, port, "/vi", way, requests), _cost(nginx, theirs, "/vi", way, requests)
                if number:  # the first warms
                    mine.append(found[0])
                    others.append(found[1])
                shop.told(f"{way}: {found[0]:.0f} µs, nginx {found[1]:.0f} µs")
            yield Figure(f"TLS, {way}: CPU, edge", tuple(mine), "µs/request")
            yield Figure(f"TLS, {way}: CPU, nginx", tuple(others), "µs/request")
            yield Figure(f"TLS, {way}: CPU, nginx ÷ edge", ratios(others, mine), "×", at_least(promised))


def _cost(server: Server, port: int, target: str, way: str, requests: int) -> float:
    """CPU of the server for one request, in microseconds."""
    before = server.cpu_seconds()
    command = [sys.executable, "-m", "bench.tls_load", str(port), HOST, target, way, str(requests)]
    with on_cpu(LOAD_CPU):
        subprocess.run(command, cwd=ROOT, check=True, timeout=200)
    return (server.cpu_seconds() - before) / requests * 1e6


def _certificate(folder: Path, openssl: str) -> tuple[Path, Path]:
    """One for a day, signed by itself."""
    certificate, key = folder / "edge.pem", folder / "edge.key"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "1", "-subj", f"/CN={HOST}"]
    subprocess.run([*command, "-addext", f"subjectAltName=DNS:{HOST}"], check=True, capture_output=True)
    return certificate, key
