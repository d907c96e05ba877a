"""A console on a free port, over a state folder of its own, with officers of every role."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from yarl import URL

from proxy.config import Settings
from proxy.console import passwords, whole
from proxy.console.desk import Desk
from proxy.console.pages import ConsolePages
from proxy.console.whole import create_console
from redirect_rules.objects import Change, Kind, Ref
from redirect_rules.packs import Packs
from redirect_rules.people import Password
from tests.conftest import AUTUMN, settings_with

PASSWORD = "mot hai ba bon nam"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2id as in production, without what makes guessing dear; test_passwords.py holds the real one to its price."""

HASHED = CHEAP.hash(PASSWORD)
OFFICERS = {
    "trung.uong": [{"role": "administrator"}],
    "bien.tap": [{"role": "editor"}],
    "phe.duyet": [{"role": "approver"}],
    "van.hanh": [{"role": "operator"}],
    "kiem.toan": [{"role": "auditor"}],
    "xem": [{"role": "viewer"}],
    "lang.son": [{"role": "editor", "province": "20"}],
    "nguoi.la": [],
}


@cache
def pages() -> ConsolePages:
    """Templates and words: no test changes them."""
    return ConsolePages()


@pytest.fixture(autouse=True)
def cheap(read_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What every console does at its start is done once, and checking a password costs next to nothing."""
    monkeypatch.setattr(whole, "ConsolePages", pages)
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    monkeypatch.setattr(passwords, "_NOBODYS", HASHED)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = AUTUMN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hire(desk: Desk, officers: dict[str, list[dict[str, str]]] = OFFICERS) -> None:
    """Give everybody their roles and the same password."""
    for actor, grants in officers.items():
        change = Change("setup", "a test needs them", AUTUMN)
        desk.store.put(Ref(Kind.PERSON, "", actor), {"name": actor, "grants": grants}, change, seen_version=0)
        desk.people.keep_password(Password(actor, HASHED))


def settings_over(folder: Path) -> Settings:
    """The shipped configuration over a state folder; nobody publishes alone."""
    return settings_with({"DVC_EDGE__STATE__FOLDER": str(folder), "DVC_EDGE__PUBLISHING__FOUR_EYES": "true"})


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with the shipped packs and the officers in it, to be copied."""
    folder = tmp_path_factory.mktemp("furnished") / "var"
    with Desk.open(settings_over(folder), Clock()) as opened:
        hire(opened)
    return folder


@pytest.fixture(scope="session")
def at_first(furnished: Path) -> Packs:
    """What serves while nothing has been published: the same for every desk, and half a second to read."""
    with Desk.open(settings_over(furnished), Clock()) as opened:
        return opened.published()


def knowing(desk: Desk, at_first: Packs) -> Desk:
    """A desk that has looked already; it looks again when something is published."""
    desk._packs, desk._stamp = at_first, desk._stamp_now()
    return desk


@pytest.fixture
def desk(furnished: Path, at_first: Packs, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    shutil.copytree(furnished, tmp_path / "var")
    with Desk.open(settings_over(tmp_path / "var"), clock) as opened:
        yield knowing(opened, at_first)


@dataclass
class Browser:
    """Somebody at the console, without scripts."""

    session: ClientSession
    base: URL
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.session.get(self.base.join(URL(path, encoded=True)), headers=headers, allow_redirects=False)

    async def text(self, path: str) -> str:
        response = await self.get(path)
        assert response.status == 200, (response.status, response.headers.get("Location"))
        return await response.text()

    async def post(self, path: str, fields: dict[str, str] | list[tuple[str, str]], **headers: str) -> ClientResponse:
        pairs = [*fields.items()] if isinstance(fields, dict) else fields
        if self.csrf:
            pairs = [*pairs, ("csrf", self.csrf)]
        return await self.session.post(self.base.join(URL(path)), data=pairs, headers=headers, allow_redirects=False)

    async def enter(self, actor: str) -> None:
        """Sign in; whoever has no role gets no further than that."""
        response = await self.post("/sign-in", {"actor": actor, "password": PASSWORD, "next": "/explain"})
        assert response.status == 303, await response.text()
        page = await (await self.get("/explain")).text()
        self.csrf = page.partition('name="csrf" value="')[2].partition('"')[0]

    async def sign_in(self, actor: str) -> None:
        await self.enter(actor)
        assert self.csrf


@pytest.fixture
async def base(desk: Desk) -> AsyncIterator[URL]:
    server = TestServer(create_console(desk, secure=False))
    async with server:
        yield server.make_url("/")


@asynccontextmanager
async def at(base: URL, actor: str = "") -> AsyncIterator[Browser]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        browser = Browser(session, base)
        if actor:
            await browser.sign_in(actor)
        yield browser


@pytest.fixture
async def anybody(base: URL) -> AsyncIterator[Browser]:
    async with at(base) as browser:
        yield browser


@pytest.fixture
async def administrator(base: URL) -> AsyncIterator[Browser]:
    async with at(base, "trung.uong") as browser:
        yield browser
