"""What exchange tests need: the shipped portals as a context, and rows from a text."""

from collections.abc import Callable

import pytest

from redirect_rules.exchange.reading import read_rules
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem
from redirect_rules.snapshot import Snapshot

Read = Callable[..., list[ImportedRow | ImportProblem]]


@pytest.fixture(scope="session")
def context(snapshot: Snapshot) -> Context:
    return Context.of(snapshot.all_portals, snapshot.destinations)


@pytest.fixture(scope="session")
def read(context: Context) -> Read:
    """Rows and problems of a text, for Lạng Sơn where it names no host."""

    def reading(data: str | bytes, **more: object) -> list[ImportedRow | ImportProblem]:
        octets = data.encode() if isinstance(data, str) else data
        named = {"name": "list", "portal": "langson", "context": context} | more
        return list(read_rules(octets, **named))  # type: ignore[arg-type]

    return reading
