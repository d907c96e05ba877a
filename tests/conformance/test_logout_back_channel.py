"""OpenID Connect Back-Channel Logout, module by module.

It mirrors the list of modules of the OpenID Foundation's conformance suite, and is no certification.  What a delivery
withstands is in tests/proxy/test_logout_deliveries.py.
"""

from joserfc import jwt

from proxy.pages import Pages
from sso import logout
from sso.store import Store
from tests.sign_in_peers.issuer import Desk
from tests.sign_in_peers.provinces import deliver, desk_with, province, published, signed_out


async def test_oidcc_backchannel_discovery_endpoint_verification(desk: Desk) -> None:
    document = (await desk.ask("GET", "/.well-known/openid-configuration")).json()
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True


async def test_oidcc_backchannel_rp_initiated_logout(state: Store, pages: Pages) -> None:
    async with province() as one, province() as two, desk_with(state, pages, one.address, two.address) as desk:
        id_tokens = await signed_out(desk, "c0", "c1")
        assert await deliver(desk) == 2
        keys = await published(desk)
        for name, server, algorithm in (("c0", one, "ES256"), ("c1", two, "RS256")):
            (token,) = server.tokens
            read = jwt.decode(token, keys, algorithms=[algorithm])
            assert read.header["typ"] == "logout+jwt"
            assert read.claims.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
            assert read.claims["iss"] == desk.broker.issuer
            assert read.claims["aud"] == name
            assert read.claims["sid"] == id_tokens[name]["sid"]
            assert read.claims["sub"] == id_tokens[name]["sub"]
            assert read.claims["events"] == {logout.EVENT: {}}
            assert read.claims["iat"] == desk.clock.now
            assert 0 < read.claims["exp"] - read.claims["iat"] <= 120
        assert id_tokens["c0"]["sid"] != id_tokens["c1"]["sid"]
        assert [event.event for event in desk.audit if event.event.startswith("logout.del")] == ["logout.delivered"] * 2
