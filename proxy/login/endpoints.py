"""Every endpoint of the issuer's host in one table."""

from typing import Final

from proxy.login import authorization, exchange, metadata, signing_out, ticketing
from proxy.login.broker import Routes

ROUTES: Final[Routes] = {
    **metadata.ROUTES,
    **authorization.ROUTES,
    **exchange.ROUTES,
    **signing_out.ROUTES,
    **ticketing.ROUTES,
}
