"""The discovery document (OIDC Discovery §3, RFC 8414): what we can do, made from the same words that the code uses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sso import client_authentication, dpop, jws
from sso.authorize import CLAIMS_ANSWERED
from sso.tokens import GRANT_TYPES
from sso.vocabulary import SCOPES, Level

PATHS: Final = MappingProxyType(
    {
        "authorization_endpoint": "/authorize",
        "pushed_authorization_request_endpoint": "/par",
        "token_endpoint": "/token",
        "userinfo_endpoint": "/userinfo",
        "introspection_endpoint": "/introspect",
        "revocation_endpoint": "/revoke",
        "end_session_endpoint": "/logout",
        "jwks_uri": "/jwks",
    }
)
"""Where each endpoint is, under the issuer."""

WELL_KNOWN: Final = "/.well-known/openid-configuration"
_OF_THE_TOKEN: Final = ("iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash", "sid")


def document(issuer: str) -> Mapping[str, object]:
    """The document of an issuer."""
    signing = sorted(jws.ASYMMETRIC)
    methods = list(client_authentication.METHODS)
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in PATHS.items()},
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": list(GRANT_TYPES),
        "acr_values_supported": [level.acr for level in Level],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "userinfo_signing_alg_values_supported": ["ES256", "RS256"],
        "request_object_signing_alg_values_supported": signing,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": signing,
        "introspection_endpoint_auth_methods_supported": methods[:-1],
        "introspection_endpoint_auth_signing_alg_values_supported": signing,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": signing,
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "claim_types_supported": ["normal"],
        "claims_supported": [*_OF_THE_TOKEN, *sorted(CLAIMS_ANSWERED)],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,  # of strangers; those of our own PAR are another thing (RFC 9126 §5)
        "require_request_uri_registration": False,
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["vi", "en"],
        "display_values_supported": ["page"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }
