"""Whole sign-ins, at a server that answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bench.logins import NotSignedIn, Visitors, approved


@contextmanager
def answering(steps: dict[str, tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """A server with an answer for each path: a status, and where it sends to or what it says."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            path = self.path.partition("?")[0]
            asked.append(f"{self.command} {path} {self.headers.get('Cookie', '')}".strip())
            status, said = steps[path]
            body = b"" if status == 303 else said.encode()
            self.send_response(status)
            if status == 303:
                self.send_header("Location", said)
            self.send_header("Set-Cookie", "a=1; Path=/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


BACK = "http://localhost:1/callback/home"
GOOD = {
    "/authorize": (
        303,
        "https://home.example/authorize?" + urlencode({"redirect_uri": BACK, "state": "s", "nonce": "n"}),
    ),
    "/callback/home": (303, "https://alpha.example/cb?code=c&state=s"),
    "/token": (200, '{"id_token": "x"}'),
}


def test_a_visitor_goes_all_the_way_with_the_cookies_of_its_browser() -> None:
    with answering(GOOD) as (port, asked):
        visitors = Visitors(port, "/authorize")
        visitors.sign_in()
        visitors.close()
    assert asked == ["GET /authorize", "GET /callback/home a=1", "POST /token"]


@pytest.mark.parametrize(
    "steps",
    [
        {"/authorize": (400, "no")},
        {"/callback/home": (503, "later")},
        {"/token": (400, "used")},
        {"/token": (200, "{}")},
    ],
)
def test_a_sign_in_that_is_none_is_not_counted(steps: dict[str, tuple[int, str]]) -> None:
    with answering({**GOOD, **steps}) as (port, _):
        visitors = Visitors(port, "/authorize")
        with pytest.raises(NotSignedIn):
            visitors.sign_in()
        visitors.close()


def test_somebody_new_comes_back_from_where_the_account_is_each_time() -> None:
    place = GOOD["/authorize"][1]
    codes = [parse_qs(urlsplit(approved(place)).query)["code"][0] for _ in range(50)]
    assert len(set(codes)) == 50
    assert {code.partition(".")[2] for code in codes} == {"n"}
