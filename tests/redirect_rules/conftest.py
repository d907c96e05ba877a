"""A rule store on each kind of database, new for every test: a file, and a real PostgreSQL that this session starts."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from redirect_rules.stores.sql import SqlStore

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
OPEN = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "timezone=Asia/Tokyo")

Opener = Callable[..., SqlStore]


def postgres_tool(name: str) -> str:
    """The path of one of PostgreSQL's programs, or a failure that says what to install."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        pytest.fail("PostgreSQL is not installed, and the rules must be kept there as well: apt-get install postgresql")
    return found


def as_postgres(*command: str) -> None:
    """Run a program as a user whom PostgreSQL accepts: it refuses to be root."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL of our own, with a database `ready` whose tables are made."""
    initdb, pg_ctl = postgres_tool("initdb"), postgres_tool("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="rules-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    options = ("-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", *OPEN)
    try:
        as_postgres(initdb, "-D", data, "-U", "rules", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        as_postgres(pg_ctl, "-D", data, "-w", "-o", " ".join(options), "-l", str(folder / "log"), "start")
        address = f"postgresql://rules@127.0.0.1:{port}"
        create(address, "ready", "template0")
        SqlStore(f"{address}/ready").close()
        yield address
    finally:
        as_postgres(pg_ctl, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def create(address: str, name: str, template: str) -> None:
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())


def drop(address: str, name: str) -> None:
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose tables are made."""
    path = tmp_path_factory.mktemp("rules") / "ready.db"
    SqlStore(f"sqlite:///{path}").close()
    return path


NAMES = count()


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty store is."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("ready_file"), tmp_path / "rules.db")
        yield f"sqlite:///{tmp_path / 'rules.db'}"
        return
    address: str = request.getfixturevalue("postgres")
    name = f"test_{next(NAMES)}"
    create(address, name, "ready")
    yield f"{address}/{name}"
    drop(address, name)


@pytest.fixture
def opened(url: str) -> Iterator[Opener]:
    """Open the same store several times, as several processes do."""
    stores: list[SqlStore] = []

    def open_store(*, four_eyes: bool = True, wait_seconds: float = 30) -> SqlStore:
        stores.append(SqlStore(url, four_eyes=four_eyes, wait_seconds=wait_seconds))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> SqlStore:
    """An empty store."""
    return opened()
