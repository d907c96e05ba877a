"""TLS: kept connections and new handshakes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench import peers
from bench.edges import Edge, edge
from bench.figures import Figure, Row, Skipped, at_least, ratios
from bench.peers import Nginx
from bench.rulesets import CRAWLING, head
from bench.servers import LOAD_CPU, ROOT, Server, exchange, free_port, on_cpu
from bench.workshop import Workshop

ABOUT = (
    "Kept connections and new handshakes (TLS 1.3, no sessions of before) beside nginx with the same certificate "
    "(P-256). Both send one sealed ticket for each handshake: nginx would send two, or, with tickets off, two that no "
    "other worker knows. A crawler is sent away from a page that is closed, nginx redirects "
    "to a constant."
)
HOST: Final = "dichvucong.langson.gov.vn"
_WAYS: Final = (("kept", 40_000, 0.75), ("new", 1_600, 0.7))
_SETTLED_SECONDS: Final = 30.0


def run(shop: Workshop) -> Iterator[Row]:
    """Ours beside nginx."""
    openssl = peers.program("openssl")
    if openssl is None or not peers.program("nginx"):
        yield Skipped("TLS beside nginx", "openssl or nginx is not installed")
        return
    folder = shop.place("tls")
    certificate, key = _certificate(folder, openssl)
    ports, theirs = [free_port() for _ in shop.forms], free_port()
    lines = (
        f"    listen 127.0.0.1:{theirs} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};\n"
        "    ssl_protocols TLSv1.3; ssl_session_tickets on; ssl_conf_command NumTickets 1;\n"
        "    location / { return 301 https://dichvucong.gov.vn/; }"
    )
    with ExitStack() as running:
        edges = {
            form: running.enter_context(
                edge(shop.place("edge"), shop.place("empty"), environ=_environ(certificate, key, port), program=program)
            )
            for (form, program), port in zip(shop.forms, ports, strict=True)
        }
        for running_edge in edges.values():
            _settle(running_edge)
        ours = {form: one.server for form, one in edges.items()}
        nginx = running.enter_context(peers.nginx(shop.place("nginx"), Nginx(lines)))
        for way, requests, promised in _WAYS:
            contestants = {**dict(zip(ours, ports, strict=True)), "nginx": theirs}
            found: dict[str, list[float]] = {name: [] for name in contestants}
            for number in range(shop.extent.rounds + 1):
                for name, port in contestants.items():
                    micros = _cost(ours.get(name, nginx), port, "/vi", way, requests)
                    if number:  # the first warms
                        found[name].append(micros)
                    shop.told(f"{way}: {name}: {micros:.0f} µs")
            for name, micros_of in found.items():
                yield Figure(f"TLS, {way}: CPU, {name}", tuple(micros_of), "µs/request")
            for form in ours:
                # Promises are about what the image has; where that cannot be made, about the sources.
                target = at_least(promised) if form == shop.forms[-1][0] else None
                yield Figure(f"TLS, {way}: CPU, nginx ÷ {form}", ratios(found["nginx"], found[form]), "×", target)


def _settle(running: Edge) -> None:
    """Wait until hits were written once: the drivers that are read for it take as much as 10,000 answers."""
    exchange(running.server.port, [head(HOST, "/vi", *CRAWLING)])
    until = time.monotonic() + _SETTLED_SECONDS
    while not running.metric("dvc_edge_hits_written_total") and time.monotonic() < until:
        time.sleep(0.1)


def _environ(certificate: Path, key: Path, port: int) -> dict[str, str]:
    return {
        "DVC_EDGE__LISTEN__TLS__PORT": str(port),
        "DVC_EDGE__LISTEN__TLS__CERTIFICATES": f'[{{ certificate_file = "{certificate}", key_file = "{key}" }}]',
    }


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
