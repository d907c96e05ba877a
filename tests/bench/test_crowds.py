"""Bad company is there when it says so, and gone when it is sent away."""

import socket
import time

import pytest

from bench.crowds import crowd, head

pytestmark = pytest.mark.clocked


def accepted(listener: socket.socket, wanted: int) -> list[socket.socket]:
    listener.settimeout(20)
    return [listener.accept()[0] for _ in range(wanted)]


@pytest.mark.parametrize("kind", ["attackers", "readers"])
def test_a_crowd_comes_whole_and_goes(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        with crowd(kind, listener.getsockname()[1], "a.gov.vn", "/x", 5):
            held = accepted(listener, 5)
            begun = {one.recv(4_096)[:4] for one in held}
            assert begun == {b"GET "}
        deadline = time.monotonic() + 20
        for one in held:
            one.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                while one.recv(4_096):
                    pass
            except ConnectionResetError:
                pass
            one.close()


def test_a_request_is_a_browser_s() -> None:
    assert head("a.gov.vn", "/x").startswith(b"GET /x HTTP/1.1\r\nHost: a.gov.vn\r\nUser-Agent: Mozilla/5.0\r\n")
