"""The lock files say what pyproject.toml asks for, to the byte, and nothing of where it came from."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Locked: TypeAlias = Callable[[str], list[tuple[Requirement, str]]]

LOCKS = ("run", "build", "test")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}( \\)?$", re.MULTILINE)
PLACE = re.compile(r"://|^\s*-(?:i|f)\s|--(?:index-url|extra-index-url|find-links|trusted-host)", re.MULTILINE)


def declared(pyproject: Mapping[str, Any], lock: str) -> list[Requirement]:
    """What a lock file must satisfy."""
    project, build = pyproject["project"]["dependencies"], pyproject["build-system"]["requires"]
    texts = {"run": project, "build": build, "test": [*project, *pyproject["dependency-groups"]["test"]]}[lock]
    return [Requirement(text) for text in texts]


def versions(locked: Locked, lock: str) -> dict[str, str]:
    """Canonical name → pinned version."""
    return {canonicalize_name(pin.name): str(pin.specifier) for pin, _ in locked(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_exact_and_has_hashes(locked: Locked, lock: str) -> None:
    loose = [str(pin) for pin, rest in locked(lock) if not (str(pin.specifier).startswith("==") and HASH.search(rest))]
    assert locked(lock)
    assert not loose


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_place(root: Path, lock: str) -> None:
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not PLACE.findall(text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_dependency_is_locked_as_asked(locked: Locked, pyproject: Mapping[str, Any], lock: str) -> None:
    pinned = versions(locked, lock)
    unmet = [
        f"{wish}: locked {pinned.get(canonicalize_name(wish.name), 'not at all')}"
        for wish in declared(pyproject, lock)
        if not wish.specifier.contains(pinned.get(canonicalize_name(wish.name), "").removeprefix("=="))
    ]
    assert not unmet, "run make lock"


@pytest.mark.parametrize("lock", ["run", "test"])
def test_nothing_is_locked_for_us_that_we_no_longer_declare(
    locked: Locked, pyproject: Mapping[str, Any], lock: str
) -> None:
    # The resolver notes who asked for a pin.
    for_us = {canonicalize_name(pin.name) for pin, rest in locked(lock) if "dvc-edge (pyproject.toml" in rest}
    assert for_us == {canonicalize_name(wish.name) for wish in declared(pyproject, lock)}, "run make lock"


@pytest.mark.parametrize("lock", ["run", "build"])
def test_tests_run_on_what_ships(locked: Locked, lock: str) -> None:
    tested = versions(locked, "test")
    assert {name: tested.get(name) for name in versions(locked, lock)} == versions(locked, lock), "run make lock"


def test_the_browser_tests_lock_has_hashes_and_no_addresses(root: Path) -> None:
    folder = root / "tests" / "browser"
    wishes = json.loads((folder / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert packages.pop("")["devDependencies"] == wishes
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
