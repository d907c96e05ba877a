"""What a fork server tells its supervisor arrives as it was meant."""

import gc
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from proxy.app import Parts
from proxy.fork_server import Plan, load, plan_of, problem_from, serve_forks
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.upstream_routes import UpstreamFile
from proxy.worker import Loaded
from redirect_rules.sources import Problem, Problems
from tests.conftest import CONF, settings_with


@pytest.fixture
def loaded(packs: Packs, pages: Pages) -> Loaded:
    return Loaded(settings_with(), Parts(packs, pages, UpstreamFile()))


def test_a_plan_survives_the_way_to_the_supervisor(loaded: Loaded) -> None:
    plan = plan_of(loaded)
    assert Plan.read(json.loads(json.dumps(asdict(plan)))) == plan
    assert (plan.portals, plan.hosts) == (70, 81)


# configured   workers
COUNTS = [("1", 1), ("7", 7), ("0", len(os.sched_getaffinity(0)))]


@pytest.mark.parametrize(("configured", "workers"), COUNTS)
def test_as_many_workers_as_wished_or_as_there_are_processors(
    configured: str, workers: int, packs: Packs, pages: Pages
) -> None:
    settings = settings_with({"DVC_EDGE__WORKERS__COUNT": configured})
    assert plan_of(Loaded(settings, Parts(packs, pages, UpstreamFile()))).workers == workers


def test_a_configuration_is_read_with_everything_it_names() -> None:
    try:
        assert plan_of(load(CONF / "edge.toml")).portals == 70
    finally:
        gc.unfreeze()  # for processes that are forked from here, and no test is


def test_every_complaint_arrives_even_a_very_long_one() -> None:
    problems = [Problem("a.toml", 3, "wrong"), Problem("b.toml", 0, "x" * 1_000_000)]

    def broken() -> Loaded:
        raise Problems(problems)

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        try:
            serve_forks(theirs, broken)
        finally:
            gc.enable()
        told = [json.loads(ours.recv(65_536)) for _ in range(3)]
    assert problem_from(told[0]["problem"]) == problems[0]
    assert problem_from(told[1]["problem"]).text == "x" * 4_000
    assert told[2] == {"refused": True}


_LOADED = """
import gc, sys
from pathlib import Path
import proxy.commands.serve
from proxy import fork_server
before = gc.isenabled()
loaded = fork_server.load(Path(sys.argv[1]))
shared = ("uvloop", "sqlite3", "encodings.idna")
localities = loaded.parts.packs.snapshot.localities
print(*(name in sys.modules for name in shared), "_misspellings" in vars(localities))
print(*(name in sys.modules for name in ("sqlalchemy", "psycopg")))
print(gc.get_freeze_count() > 100_000, gc.get_count()[2], gc.isenabled() == before)
"""


def test_what_every_worker_needs_is_read_before_they_are_made_and_no_more(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, str(CONF / "edge.toml")],
        capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "DVC_EDGE__STATE__FOLDER": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["True True True True", "False False", "True 0 True"]
