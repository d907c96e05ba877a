"""What is announced is what is done."""

from authlib.oidc.discovery import OpenIDProviderMetadata

from sso import client_authentication, discovery, dpop, jws
from sso.vocabulary import SCOPES, Level

ISSUER = "https://signin.example.vn"
DOCUMENT = discovery.document(ISSUER)


def test_it_is_valid_to_another_reader() -> None:
    OpenIDProviderMetadata(DOCUMENT).validate()


def test_every_address_is_under_the_issuer() -> None:
    assert {DOCUMENT[name] for name in discovery.PATHS} == {ISSUER + path for path in discovery.PATHS.values()}


def test_the_words_are_those_that_the_code_uses() -> None:
    assert DOCUMENT["token_endpoint_auth_methods_supported"] == list(client_authentication.METHODS)
    assert DOCUMENT["dpop_signing_alg_values_supported"] == list(dpop.ALGORITHMS)
    assert DOCUMENT["request_object_signing_alg_values_supported"] == sorted(jws.ASYMMETRIC)
    assert DOCUMENT["scopes_supported"] == list(SCOPES)
    assert DOCUMENT["acr_values_supported"] == [level.acr for level in Level]


def test_nothing_weak_is_announced() -> None:
    said = str(DOCUMENT)
    assert not [weak for weak in ("HS256", "plain", "implicit", "fragment", "password") if weak in said]
