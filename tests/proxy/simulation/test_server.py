"""The demonstration refuses to run where anybody could be harmed by it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from proxy.simulation.server import Unfit, check
from tests.proxy.simulation.conftest import Visit


async def test_each_host_is_somebody_and_every_other_is_a_portal(visit: Visit) -> None:
    shown = {}
    for host in ("vneid.localhost", "vnconnect.localhost", "he-thong-mau.localhost", "dichvucong.khanhhoa.localhost"):
        async with visit.browser.get(f"http://{host}:{visit.simulation.port}/") as answer:
            text = await answer.text()
            assert "DEMONSTRATION" in text
            shown[host.partition(".")[0]] = text.partition("<h1>")[2].partition("</h1>")[0]
    assert shown == {
        "vneid": "VNeID",
        "vnconnect": "VNConnect",
        "he-thong-mau": "Hệ thống một cửa",
        "dichvucong": "Nộp hồ sơ",
    }


@pytest.mark.parametrize(
    ("issuer", "environment"),
    [
        ("https://signin.example.gov.vn", "development"),
        ("http://signin.localhost:8080", "production"),
        ("", "development"),
    ],
)
def test_it_refuses_to_run_beside_a_production_issuer(issuer: str, environment: str) -> None:
    with pytest.raises(Unfit):
        check(issuer, environment)


async def test_the_program_says_so_when_its_port_is_taken(visit: Visit, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    sso = f'issuer = "http://signin.localhost:8080"\nenvironment = "development"\nsimulator = {visit.simulation.port}\n'
    config.write_text(f"[sso]\n{sso}", "utf-8")
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy.simulation", "--config", str(config)), stderr=asyncio.subprocess.PIPE
    )
    _, told = await asyncio.wait_for(program.communicate(), 60)
    assert (program.returncode, b"cannot listen on port" in told, b"Traceback" in told) == (2, True, False)


async def test_the_program_ends_with_words_where_it_must_not_run() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proxy.simulation",
        "--config",
        "conf/edge.toml",
        cwd=Path(__file__).parents[3],
        env={**os.environ},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(program.communicate(), 60)
    assert (program.returncode, b"signs in anybody as anybody" in told) == (2, True)
