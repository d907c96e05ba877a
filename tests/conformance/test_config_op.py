"""OpenID Connect Config OP, module by module: it mirrors the suite's list, and is no certification."""

from authlib.oidc.discovery import OpenIDProviderMetadata

from sso.discovery import PATHS
from sso.discovery import document as sso_document
from tests.sign_in_peers.issuer import Desk


async def test_oidcc_discovery_endpoint_verification(desk: Desk) -> None:
    answer = await desk.ask("GET", "/.well-known/openid-configuration")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    document = answer.json()
    # The one thing that development does not have.
    OpenIDProviderMetadata(sso_document("https://signin.example.vn")).validate()
    assert document["issuer"] == desk.broker.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["subject_types_supported"] == ["pairwise"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


async def test_every_endpoint_that_is_announced_is_there(desk: Desk) -> None:
    document = (await desk.ask("GET", "/.well-known/openid-configuration")).json()
    for name in PATHS:
        uri = document[name]
        method = "GET" if name in {"jwks_uri", "authorization_endpoint", "userinfo_endpoint"} else "POST"
        assert uri.startswith(desk.broker.issuer)
        assert (await desk.ask(method, uri)).status not in {404, 405}, name


async def test_the_keys_are_public_named_and_of_the_announced_algorithms(desk: Desk) -> None:
    answer = await desk.ask("GET", "/jwks")
    keys = answer.json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "RS256"}
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all(key["use"] == "sig" and not key.keys() & {"d", "p", "q", "k"} for key in keys)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
