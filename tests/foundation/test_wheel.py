"""What we hand over: a wheel that works alone, from anywhere, with the locked run-time dependencies and no others."""

import json
import re
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from http.client import HTTPConnection
from importlib.metadata import distribution
from pathlib import Path
from typing import TypeAlias

import pytest
from packaging.requirements import Requirement

Locked: TypeAlias = Callable[[str], list[tuple[Requirement, str]]]

pytestmark = pytest.mark.xdist_group("wheel")  # built once for all of them

OURS = ("proxy", "sso", "redirect_rules", "templates")
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def run(*command: str | Path) -> str:
    """Run at the root of the file system, without our environment, and give back what was printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        env=BARE,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def environment(wheel: Path, locked: Locked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment: the wheel, and links to the dependencies of requirements/run.txt."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home)}))
    for pin, _ in locked("run"):
        if pin.marker is None or pin.marker.evaluate():
            dependency = distribution(pin.name)
            for top in {file.parts[0] for file in dependency.files or ()} - {"..", "__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(dependency.locate_file(top))))
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        home / "bin" / "python",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
    )
    return home


def test_the_wheel_carries_the_four_packages_and_no_other(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("dvc_edge-")} == set(OURS)


def test_every_file_of_the_packages_and_of_the_configuration_is_in_it(
    wheel: Path, names: set[str], files: list[Path]
) -> None:
    data = "-".join(wheel.name.split("-")[:2]) + ".data/data/share/dvc-edge"
    wanted = {path.as_posix() for path in files if path.parts[0] in OURS}
    wanted |= {f"{data}/{path.as_posix()}" for path in files if path.parts[0] == "conf"}
    assert not wanted - names
    assert any(name.endswith(".html") for name in wanted)
    assert f"{data}/conf/edge.toml" in wanted


def test_neither_tests_nor_measurements_travel_with_it(names: set[str]) -> None:
    assert not [name for name in names if {"tests", "bench", "docs", "scripts"} & set(name.split("/")[:-1])]


def test_it_says_that_it_belongs_to_no_public_index(names: set[str], wheel: Path) -> None:
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        assert "Classifier: Private :: Do Not Upload" in archive.read(metadata).decode()
        (text,) = (name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
        assert b"Apache License" in archive.read(text)


def test_where_it_is_installed_only_we_own_the_four_names(environment: Path) -> None:
    script = (
        "import json; from importlib.metadata import packages_distributions as owners;"
        f"print(json.dumps({{name: owners()[name] for name in {OURS!r}}}))"
    )
    assert json.loads(run(environment / "bin" / "python", "-c", script)) == {name: ["dvc-edge"] for name in OURS}


def test_its_packages_are_found_from_anywhere(environment: Path) -> None:
    script = "import " + ", ".join(OURS) + "; " + "; ".join(f"print({name}.__file__)" for name in OURS)
    places = run(environment / "bin" / "python", "-c", script).split()
    assert all(Path(place).is_relative_to(environment) for place in places)


def test_the_command_tells_its_version(environment: Path) -> None:
    version = run(environment / "bin" / "dvc-edge", "--version")
    assert version == f"dvc-edge {distribution('dvc-edge').version}\n"
    assert run(environment / "bin" / "python", "-m", "proxy", "--version") == version


def test_the_command_explains_an_address_with_the_configuration_it_brought(environment: Path) -> None:
    explained = json.loads(
        run(environment / "bin" / "dvc-edge", "explain", "--json", "https://dichvucong.langson.gov.vn/")
    )
    assert explained["portal"] == "langson"
    assert explained["target"] == "https://dichvucong.gov.vn/"


def test_it_serves_a_page_and_stops_in_peace(environment: Path) -> None:
    served = subprocess.Popen(
        [environment / "bin" / "dvc-edge", "serve"],
        cwd="/",
        env=BARE | {"DVC_EDGE__LISTEN__PORT": "0", "DVC_EDGE__OPERATIONS__PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with served:
        assert served.stdout
        try:
            said = ""
            while not (address := re.search(r"edge +http://([\d.]+):(\d+)/", said)):
                line = served.stdout.readline()
                assert line, said
                said += line
            connection = HTTPConnection(address[1], int(address[2]), timeout=10)
            asked = {"Host": "dichvucong.langson.gov.vn", "Accept": "text/html", "Sec-Fetch-Dest": "document"}
            connection.request("GET", "/", headers=asked)
            answer = connection.getresponse()
            assert answer.status == 200
            assert "https://dichvucong.gov.vn/" in answer.read().decode()
            connection.close()
        finally:
            served.send_signal(signal.SIGINT)
    assert served.returncode == 0
