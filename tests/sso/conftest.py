"""What tests of sign-in need: a real store, whose keys are their own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import ValkeyStore, open_store

PATIENT_SECONDS = 10.0
"""A machine at work may be slow: what is tested is not the clock."""


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One embedded Valkey for all tests of this process."""
    embedded = EmbeddedValkey(Path(tmp_path_factory.mktemp("valkey")))
    embedded.start_now()
    yield embedded.url
    embedded.leave_now()


@pytest.fixture
async def store(embedded_url: str) -> AsyncIterator[ValkeyStore]:
    """A store in which nothing is yet."""
    opened = open_store(
        embedded_url, person_key=b"k" * 32, timeout_seconds=PATIENT_SECONDS, namespace=secrets.token_hex(8)
    )
    yield opened
    await opened.close()
