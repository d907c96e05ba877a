"""What a load says of itself, and when it is none."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import wrk
from bench.rulesets import head
from bench.wrk import Loaded, LoadFailed, load

SAID = '{"requests": 200, "seconds": 2.0, "broken": 0, "refused": 0, "p50": 10.0, "p99": 20.0, "most": 30.0}'


def test_the_last_line_is_what_counts() -> None:
    loaded = Loaded.read(f"Running 2s test\n  Requests/sec: 100\n{SAID}\n")
    assert loaded.rate == 100
    assert loaded.p99 == 20


@pytest.mark.parametrize("said", ["", "unable to connect", "{}", "[1]"])
def test_words_that_are_no_result_are_an_error(said: str) -> None:
    with pytest.raises(LoadFailed):
        Loaded.read(said)


class Answering(ThreadingHTTPServer):
    """Answers everything alike, and keeps what it was asked."""

    daemon_threads = False  # closing waits for those that still serve

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.seen: set[bytes] = set()
        self.port = self.server_port


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Answering

    def do_GET(self) -> None:
        lines = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
        self.server.seen.add("\r\n".join(lines).encode())
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[Answering]:
    with Answering(getattr(request, "param", 200)) as made:
        thread = threading.Thread(target=made.serve_forever, args=[0.05])
        thread.start()
        yield made
        made.shutdown()
        thread.join()


REQUESTS = [head("a.vn", f"/{number}", "Accept: */*") for number in range(40)]
GENERATORS = [pytest.param(True, marks=pytest.mark.skipif(not wrk.installed(), reason="wrk is not installed")), False]


@pytest.mark.parametrize("by_wrk", GENERATORS)
def test_every_request_of_the_list_goes_over_the_wire_as_it_stands(
    answering: Answering, *, by_wrk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrk, "installed", lambda: by_wrk)
    loaded = load(answering.port, REQUESTS, 1, connections=4)
    assert answering.seen == set(REQUESTS)
    assert loaded.requests >= len(REQUESTS)
    assert 0 < loaded.p50 <= loaded.p99 <= loaded.most


@pytest.mark.parametrize("by_wrk", GENERATORS)
@pytest.mark.parametrize("answering", [404], indirect=True)
def test_refusals_are_no_load_unless_they_are_what_is_asked_for(
    answering: Answering, *, by_wrk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrk, "installed", lambda: by_wrk)
    with pytest.raises(LoadFailed, match="refused"):
        load(answering.port, REQUESTS, 1, connections=4)
    assert load(answering.port, REQUESTS, 1, connections=4, refusals=True).refused > 0
