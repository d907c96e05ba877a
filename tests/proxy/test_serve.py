"""A real process: starts, says where it listens, answers, and stops cleanly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from proxy.app import create_app
from proxy.listeners import listen
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from tests.conftest import CONF, Start, settings_with

PORTS = {"DVC_EDGE__LISTEN__PORT": "0", "DVC_EDGE__OPERATIONS__PORT": "0"}
WITHIN_SECONDS = 30


@contextmanager
def serving(tmp_path: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    said = tmp_path / "stderr"
    with said.open("wb") as err, (tmp_path / "stdout").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "serve", "--config", str(CONF / "edge.toml")],
            stdout=out,
            stderr=err,
            env={**os.environ, **PORTS, "DVC_EDGE__STATE__FOLDER": str(tmp_path / "var"), **environ},
            cwd=CONF.parent,
        )
    try:
        yield process, said
    finally:
        process.kill()
        process.wait()


def addresses(said: Path) -> list[str]:
    until = time.monotonic() + WITHIN_SECONDS
    while "Ctrl-C" not in said.read_text():
        assert time.monotonic() < until, said.read_text()
        time.sleep(0.05)
    return [word for word in said.read_text().split() if word.startswith("http://")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_edge_says_where_it_listens_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as (process, said):
        edge, _, operations = addresses(said)
        request = Request(
            edge, headers={"Host": "dichvucong.langson.gov.vn", "User-Agent": "Mozilla/5.0", "Accept": "text/html"}
        )
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        with urlopen(operations.replace("/metrics", "/ready"), timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(number)
        assert process.wait(WITHIN_SECONDS) == 0
        assert "dvc-edge stopped." in said.read_text()
        assert "Traceback" not in said.read_text()
        assert '"portal": "langson"' in (tmp_path / "stdout").read_text()


@pytest.mark.parametrize("address", ["listen", "operations"])
async def test_an_address_that_is_taken_is_said_so_with_what_to_do(tmp_path: Path, start: Start, address: str) -> None:
    async with start() as edge:
        port = (edge.addresses.edge if address == "listen" else edge.addresses.operations)[1]
        with serving(tmp_path, **{f"DVC_EDGE__{address.upper()}__PORT": str(port)}) as (process, said):
            assert process.wait(WITHIN_SECONDS) == 2
            assert f"cannot listen on 127.0.0.1:{port}" in said.read_text()
            assert f"DVC_EDGE__{address.upper()}__PORT={port + 1}" in said.read_text()
            assert "Traceback" not in said.read_text()


def test_rules_with_mistakes_start_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, DVC_EDGE__RULES__PORTALS="missing.toml") as (process, said):
        assert process.wait(WITHIN_SECONDS) == 2
        assert "1 mistake to mend" in said.read_text()
        assert "missing.toml: cannot be read" in said.read_text()
        assert "Traceback" not in said.read_text()


async def test_an_edge_that_cannot_have_both_addresses_keeps_none(packs: Packs, pages: Pages, start: Start) -> None:
    async with start() as taken:
        (operations,) = listen("127.0.0.1", 0)
        port = str(operations.getsockname()[1])
        operations.close()
        environ = {"DVC_EDGE__LISTEN__PORT": str(taken.port), "DVC_EDGE__OPERATIONS__PORT": port}
        with pytest.raises(OSError, match="in use"):
            async with running(create_app(settings_with(environ), parts=(packs, pages))):
                pass
        listen("127.0.0.1", int(port))[0].close()


def test_a_broken_configuration_starts_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, DVC_EDGE__NOTICE__SECONDS="-1") as (process, said):
        assert process.wait(WITHIN_SECONDS) == 2
        assert "environment DVC_EDGE__NOTICE__SECONDS" in said.read_text()
