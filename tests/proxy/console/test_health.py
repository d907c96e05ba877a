"""What the console says of the edge: what the operators' address tells, and "not known" for everything else."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from proxy.console.health import Health, Standing


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/ready" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def said(**upstreams: dict[str, Any]) -> bytes:
    return json.dumps({"status": "ready", "upstreams": upstreams}).encode()


WELL = {"breaker": "closed", "well": 2, "origins": 2, "busy": 0}


@pytest.mark.parametrize(
    ("upstream", "state"),
    [
        (WELL, "good"),
        (WELL | {"well": 1}, "part"),
        (WELL | {"breaker": "half-open"}, "part"),
        (WELL | {"breaker": "open"}, "down"),
        (WELL | {"well": 0}, "down"),
        ({}, "down"),
    ],
)
def test_how_an_upstream_stands_is_told_in_one_word(upstream: dict[str, Any], state: str) -> None:
    with answering(200, said(langson=upstream)) as base:
        health = Health.ask(base)
    assert (health.known, health.ready) == (True, True)
    assert [one.state for one in health.upstreams] == [state]


def test_an_edge_that_drains_is_known_and_not_ready() -> None:
    with answering(503, b'{"status": "not ready"}') as base:
        assert Health.ask(base) == Health(known=True, ready=False)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"upstreams": [1]}', b'{"upstreams": {"a": 1}}'])
def test_whatever_else_is_said_breaks_nothing(body: bytes) -> None:
    with answering(200, body) as base:
        assert Health.ask(base).upstreams == ()


@pytest.mark.parametrize("base", ["http://127.0.0.1:1", "http://", "nonsense", "http://127.0.0.1:99999"])
def test_where_nobody_answers_nothing_is_known(base: str) -> None:
    assert not Health.ask(base).known


def test_those_of_one_portal_are_found_by_name() -> None:
    health = Health(known=True, upstreams=(Standing("a", "closed", 1, 1), Standing("b", "open", 0, 1)))
    assert [one.name for one in health.of_names(["b", "c"])] == ["b"]
