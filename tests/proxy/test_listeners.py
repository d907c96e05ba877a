"""Sockets that many processes share, and that lose no connection when they end."""

import socket
from contextlib import ExitStack

import pytest

from proxy.listeners import address, listen, refuse_new


def test_port_0_is_any_free_one() -> None:
    (listener,) = listen("127.0.0.1", 0)
    with listener:
        host, port = address(listener)
        assert host == "127.0.0.1"
        assert port > 0
        with socket.create_connection((host, port), 5):
            pass


def test_an_address_that_is_taken_is_refused_and_nothing_stays_open() -> None:
    (listener,) = listen("127.0.0.1", 0)
    with listener, pytest.raises(OSError, match="in use"):
        listen(*address(listener))


def test_a_name_is_every_address_that_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def two(*_: object, **__: object) -> list[object]:
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 0, "", ("127.0.0.1", 0)), (socket.AF_INET, kind, 0, "", ("127.0.0.2", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with ExitStack() as opened:
        found = [opened.enter_context(listener) for listener in listen("edge", 0)]
        assert [address(listener)[0] for listener in found] == ["127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize(("place", "error"), [("nowhere.invalid", socket.gaierror), ("192.0.2.1", OSError)])
def test_an_address_that_is_not_ours_is_refused(place: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        listen(place, 0)


def test_what_is_no_internet_address_has_no_place() -> None:
    with socket.socket(socket.AF_UNIX) as other, pytest.raises(TypeError):
        address(other)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_that_are_made_stay_and_new_ones_are_not_made(host: str) -> None:
    try:
        (listener,) = listen(host, 0)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listener, socket.create_connection(address(listener), 5) as made:
        made.sendall(b"before it was accepted")
        assert refuse_new([listener])
        listener.setblocking(True)
        listener.settimeout(5)
        served, _ = listener.accept()
        with served:
            assert served.recv(100) == b"before it was accepted"
            served.sendall(b"and after")
            assert made.recv(100) == b"and after"
        with pytest.raises(TimeoutError):
            socket.create_connection(address(listener), 0.3)
