"""What everybody may know."""

from sso import discovery
from tests.sign_in_peers.issuer import Desk


async def test_both_well_known_places_say_the_same(desk: Desk) -> None:
    one = await desk.ask("GET", discovery.WELL_KNOWN)
    other = await desk.ask("GET", "/.well-known/oauth-authorization-server")  # RFC 8414 §3
    assert one.json() == other.json() == discovery.document(desk.broker.issuer)


async def test_the_keys_are_those_of_the_signer(desk: Desk) -> None:
    assert (await desk.ask("GET", "/jwks")).json() == desk.broker.signer.jwks()
