"""What the watchers over the project look at: its files, its locks, its declarations."""

import ast
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OURS = ("proxy", "sso", "redirect_rules", "templates")
NOT_SOURCE = {".git", ".venv", "node_modules", "var", "dist", "htmlcov", "test-results", "__pycache__"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """What belongs to the project, relative to its folder: what git would keep, or all of it where git cannot say."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        asked = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(asked, cwd=ROOT, capture_output=True, check=False, text=True).stdout.split("\0")
        if kept := {Path(name) for name in listed if name and (ROOT / name).is_file()}:
            return sorted(kept)
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in found if NOT_SOURCE.isdisjoint(path.parts) and not path.parts[0].endswith("_cache"))


@pytest.fixture(scope="session")
def sources(files: list[Path]) -> Mapping[Path, ast.Module]:
    """Our modules, parsed."""
    return {
        path: ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))
        for path in files
        if path.suffix == ".py" and path.parts[0] in OURS
    }


@pytest.fixture(scope="session")
def pyproject() -> Mapping[str, Any]:
    """The project's declarations."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def locked() -> Callable[[str], list[tuple[Requirement, str]]]:
    """Read a lock file: each pin with the rest of its entry, hashes and comments."""

    def read(name: str) -> list[tuple[Requirement, str]]:
        pins: list[tuple[Requirement, str]] = []
        for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith(" ") and pins:
                pin, rest = pins[-1]
                pins[-1] = (pin, f"{rest}\n{line.strip()}")
            else:
                pins.append((Requirement(line.removesuffix("\\")), ""))
        return pins

    return read
