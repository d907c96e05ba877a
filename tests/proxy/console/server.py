"""A desk over PostgreSQL, for journeys that must go the same way there.

A test module that imports `desk` and `furnished_server` from here has them in the place of those of conftest.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.config import Settings
from proxy.console.desk import Desk
from tests.conftest import settings_with
from tests.proxy.console.conftest import Clock, hire
from tests.redirect_rules.conftest import NAMES, create, drop, postgres

__all__ = ["desk", "furnished_server", "on_server", "postgres"]


def on_server(folder: Path, url: str) -> Settings:
    """As `settings_over`, with PostgreSQL for the store."""
    return settings_with(
        {
            "DVC_EDGE__STATE__FOLDER": str(folder),
            "DVC_EDGE__STATE__DATABASE": url,
            "DVC_EDGE__PUBLISHING__FOUR_EYES": "true",
        }
    )


@pytest.fixture(scope="session")
def furnished_server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A PostgreSQL whose database `furnished` has the shipped packs and the officers in it, and the folder to it."""
    create(postgres, "furnished", "ready")
    folder = tmp_path_factory.mktemp("furnished-server") / "var"
    with Desk.open(on_server(folder, f"{postgres}/furnished"), Clock()) as opened:
        hire(opened)
    return postgres, folder


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def desk(furnished_server: tuple[str, Path], tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk on a database of its own."""
    address, folder = furnished_server
    shutil.copytree(folder, tmp_path / "var")
    name = f"console_{next(NAMES)}"
    create(address, name, "furnished")
    try:
        with Desk.open(on_server(tmp_path / "var", f"{address}/{name}"), clock) as opened:
            yield opened
    finally:
        drop(address, name)
