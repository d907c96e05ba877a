"""The service manager hears what it asked to hear, and nothing goes wrong where there is none."""

import socket
from pathlib import Path

import pytest

from proxy import systemd


@pytest.fixture
def manager(tmp_path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.settimeout(5)
    return listening


def test_a_state_reaches_the_manager(manager: socket.socket, tmp_path: Path) -> None:
    with manager:
        assert systemd.notify(systemd.READY, {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager.recv(100) == b"READY=1"


def test_an_abstract_name_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0dvc-edge-test-manager")
        manager.settimeout(5)
        assert systemd.notify(systemd.STOPPING, {"NOTIFY_SOCKET": "@dvc-edge-test-manager"})
        assert manager.recv(100) == b"STOPPING=1"


def test_a_reload_says_when_it_began() -> None:
    first, second = systemd.reloading().split("\n")
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdigit()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}])
def test_without_a_manager_nothing_is_sent(environ: dict[str, str]) -> None:
    assert not systemd.notify(systemd.READY, environ)


def test_a_manager_that_has_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert not systemd.notify(systemd.READY, {"NOTIFY_SOCKET": str(tmp_path / "gone")})
