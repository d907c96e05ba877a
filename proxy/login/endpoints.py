"""Every endpoint of the issuer's host in one table."""

from typing import Final

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
from proxy.login.broker import Routes

ROUTES: Final[Routes] = {
    **metadata.ROUTES,
    **authorization.ROUTES,
    **choices.ROUTES,
    **arrivals.ROUTES,
    **permissions.ROUTES,
    **exchange.ROUTES,
    **signing_out.ROUTES,
    **ticketing.ROUTES,
    **rehearsal.ROUTES,
}
