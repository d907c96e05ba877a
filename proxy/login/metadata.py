"""What everybody may know of the issuer: its description and its public keys."""

from typing import Final

from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import discovery
from sso.effects import Effect, Json


async def description(broker: Broker, call: Call) -> Effect:
    """GET /.well-known/openid-configuration (OIDC Discovery §4)."""
    return Json(200, discovery.document(broker.issuer), cacheable=True)


async def keys(broker: Broker, call: Call) -> Effect:
    """GET /jwks (RFC 7517)."""
    return Json(200, broker.signer.jwks(), cacheable=True)


ROUTES: Final = {
    ("GET", discovery.WELL_KNOWN): description,
    ("GET", "/.well-known/oauth-authorization-server"): description,
    ("GET", discovery.PATHS["jwks_uri"]): keys,
}
