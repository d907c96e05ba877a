"""Fixtures of sign-in, for the conftest of each folder that needs them."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from proxy.packs import Packs
from proxy.pages import Pages
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import ValkeyStore, open_store
from tests.sign_in_peers.issuer import Desk, issuing
from tests.sign_in_peers.portals import Standing, standing

PATIENT_SECONDS = 10.0
"""A machine at work may be slow: what is tested is not the clock."""


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One embedded Valkey for the tests of a folder."""
    embedded = EmbeddedValkey(Path(tmp_path_factory.mktemp("valkey")))
    embedded.start_now()
    yield embedded.url
    embedded.leave_now()


@pytest.fixture
async def state(store_url: str) -> AsyncIterator[ValkeyStore]:
    """A store in which nothing is yet."""
    opened = open_store(
        store_url, person_key=b"k" * 32, timeout_seconds=PATIENT_SECONDS, namespace=secrets.token_hex(8)
    )
    yield opened
    await opened.close()


@pytest.fixture
async def desk(state: ValkeyStore, pages: Pages) -> AsyncIterator[Desk]:
    """An issuer with its clients, and one upstream."""
    async with issuing(state, pages) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_edge(
    store_url: str, packs: Packs, pages: Pages, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Standing]:
    """One portal behind a whole edge, for all tests of a module: `pytestmark = IN_ONE_LOOP`, and `edge` for each."""
    opened = open_store(
        store_url, person_key=b"k" * 32, timeout_seconds=PATIENT_SECONDS, namespace=secrets.token_hex(8)
    )
    async with standing(opened, packs, pages, tmp_path_factory.mktemp("portals")) as made:
        yield made
    await opened.close()


@pytest.fixture
def edge(standing_edge: Standing) -> Standing:
    """The same, as if nothing had happened: visitors are new in each test."""
    standing_edge.begin()
    return standing_edge


IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
"""Of tests that share an edge."""
