"""The table of endpoints."""

from proxy.login import (
    arrivals,
    authorization,
    choices,
    exchange,
    metadata,
    permissions,
    rehearsal,
    signing_out,
    ticketing,
)
from proxy.login.endpoints import ROUTES
from sso.discovery import PATHS, WELL_KNOWN


def test_no_endpoint_is_there_twice() -> None:
    modules = (arrivals, authorization, choices, exchange, metadata, permissions, rehearsal, signing_out, ticketing)
    assert sum(len(module.ROUTES) for module in modules) == len(ROUTES)


def test_what_is_announced_has_an_endpoint() -> None:
    assert {*PATHS.values(), WELL_KNOWN} <= {path for _, path in ROUTES}


def test_every_endpoint_says_what_it_is() -> None:
    assert all(handler.__doc__ for handler in ROUTES.values())
