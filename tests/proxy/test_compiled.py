"""Compiled or interpreted, the fast lane says the same: what is tested of the one is tested of the other."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from proxy import compiled
from proxy.metrics import Metrics

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MODULES: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]

# The differential suite, and what looks closest at the modules themselves.
SUITE = [
    "attacks/test_fast_lane_leaks.py",
    "attacks/test_fast_lane_smuggling.py",
    "proxy/test_admission.py",
    "proxy/test_clock.py",
    "proxy/test_deadlines.py",
    "proxy/test_fast_lane.py",
    "proxy/test_generations.py",
    "proxy/test_journal.py",
    "proxy/test_notices.py",
    "proxy/test_path_traits.py",
    "proxy/test_plain_answers.py",
    "proxy/test_prepared.py",
    "proxy/test_request_ids.py",
    "proxy/test_shortcuts.py",
    "proxy/test_threshold.py",
    "proxy/test_verdicts.py",
    "redirect_rules/stores/test_address_table.py",
    "redirect_rules/stores/test_lmdb_index.py",
    "redirect_rules/test_hits.py",
    "redirect_rules/test_octets.py",
    "redirect_rules/test_packed_rules.py",
]
FROM_THE_CHECKOUT = ["tests", "conf", "pyproject.toml"]


def missing() -> str:
    if shutil.which(os.environ.get("CC", "cc")) is None:
        return "no C compiler"
    if not all(map(find_spec, ("Cython", "setuptools"))):
        return "Cython and setuptools are not installed: requirements/compile.txt"
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return "" if headers.exists() else "Python's headers are not installed"


# module                      how it runs
FORMS = [
    ("proxy.compiled",        "interpreted"),
    ("msgpack._cmsgpack",     "compiled"),
    ("proxy.no_such_module",  "interpreted"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "form"), FORMS)
def test_a_module_says_how_it_runs(module: str, form: str) -> None:
    assert compiled.form_of(module) == form


def test_operators_are_told_how_the_lane_runs() -> None:
    exposed = Metrics(process=False).exposition().decode()
    assert f'dvc_edge_lane_info{{form="{compiled.lane_form()}"}} 1.0' in exposed


@pytest.mark.parametrize("module", MODULES)
def test_what_is_compiled_is_a_module_of_ours(module: str) -> None:
    assert (ROOT / f"{module.replace('.', '/')}.py").exists()


def test_types_lie_beside_modules_that_are_compiled() -> None:
    typed = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("proxy", "redirect_rules", "sso")
        for path in (ROOT / package).rglob("*.pxd")
    }
    assert typed <= set(MODULES)


def test_nothing_compiled_lies_in_the_checkout() -> None:
    """It would be run in place of a source that was changed after it."""
    for package in ("proxy", "redirect_rules", "sso"):
        assert not list((ROOT / package).rglob("*.so"))


@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.xdist_group("compiled")
def test_the_compiled_lane_passes_what_the_interpreted_one_passes(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    # Quickly made: how well it was optimized changes nothing of what it says.
    subprocess.run([sys.executable, ROOT / "hatch_build.py", folder, "-O0"], cwd=ROOT, check=True, timeout=500)
    for name in FROM_THE_CHECKOUT:
        (folder / name).symlink_to(ROOT / name)
    asked = "import proxy.compiled as c, proxy.fast_lane as f; print(c.lane_form(), f.__file__)"
    environ = os.environ | {"PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    environ.pop("PYTEST_XDIST_WORKER", None)
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=folder, env=environ, check=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.split()[0] == "compiled"
    assert str(folder) in said.stdout
    suite = [f"tests/{name}" for name in SUITE]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--rootdir",
        ".",
        *suite,
    ]
    done = subprocess.run(command, cwd=folder, env=environ, check=False, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-6_000:]
