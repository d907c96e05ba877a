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

from tests.conftest import CONF, Start

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
            env={**os.environ, **PORTS, **environ},
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


async def test_an_address_that_is_taken_is_said_so_with_what_to_do(tmp_path: Path, start: Start) -> None:
    async with start() as edge:
        with serving(tmp_path, DVC_EDGE__LISTEN__PORT=str(edge.port)) as (process, said):
            assert process.wait(WITHIN_SECONDS) == 2
            assert f"cannot listen on 127.0.0.1:{edge.port}" in said.read_text()
            assert "DVC_EDGE__LISTEN__PORT=8081" in said.read_text()
            assert "Traceback" not in said.read_text()


def test_a_broken_configuration_starts_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, DVC_EDGE__NOTICE__SECONDS="-1") as (process, said):
        assert process.wait(WITHIN_SECONDS) == 2
        assert "environment DVC_EDGE__NOTICE__SECONDS" in said.read_text()
