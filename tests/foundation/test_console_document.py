"""docs/console.md says who may do what, and names all that the API does."""

from pathlib import Path

import pytest

from proxy.console.api_endpoints import ENDPOINTS
from proxy.console.api_operations import Endpoint
from proxy.console.sessions import IDLE_SECONDS, LONGEST, WARN_MINUTES
from proxy.console.work import KEPT
from redirect_rules.rights import DEEDS, Deed, Role

TEXT = (Path(__file__).parent.parent.parent / "docs/console.md").read_text("utf-8")


def test_the_table_of_roles_has_a_column_for_every_deed() -> None:
    assert f"| role | {' | '.join(Deed)} |" in TEXT


@pytest.mark.parametrize("role", Role)
def test_the_table_of_roles_is_the_one_that_counts(role: Role) -> None:
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{role}` |")]
    ticks = [cell.strip() for cell in row.strip("|").split("|")[1:]]
    assert {deed for deed, tick in zip(Deed, ticks, strict=True) if tick == "x"} == DEEDS[role]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_is_named(endpoint: Endpoint) -> None:
    assert f"| `{endpoint.method} {endpoint.path}` | {endpoint.summary} |" in TEXT


def test_the_times_that_it_promises_are_those_that_hold() -> None:
    assert (IDLE_SECONDS, LONGEST.total_seconds(), WARN_MINUTES, KEPT) == (30 * 60, 9 * 3_600, 5, 50)
