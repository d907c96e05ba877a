"""Why a request is refused: three things kept apart.

On the wire stands an error's word and one fixed sentence (RFC 6749 §4.1.2.1, §5.2); people see a short code that they
can read out over the telephone; what exactly was wrong is `detail`, for the log, and never holds what somebody sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sso.vocabulary import ErrorCode


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason to refuse."""

    speakable: str  # "DN-104": for support staff, stable for ever
    error: ErrorCode
    description: str  # ASCII (RFC 6749 §4.1.2.1)
    status: int = 400


class Refusal(Exception):
    """A request is refused; the endpoint that was asked decides how that is said.

    retry_after  seconds after which it is worth another try; None: the cause says, or it is not
    headers      what the protocol wants said beside it, to programs (`DPoP-Nonce`)
    client       the id of the client whose request it was, once that is known: people may go back to it
    """

    def __init__(
        self,
        cause: Cause,
        detail: str = "",
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(f"{cause.speakable} {detail or cause.description}")
        self.cause = cause
        self.detail = detail
        self.retry_after = retry_after
        self.headers = headers
        self.client = ""


# Of an authorization request: these two are never told to a redirect URI, because there is none that could be trusted.
UNKNOWN_CLIENT: Final = Cause("DN-101", ErrorCode.INVALID_REQUEST, "The client is not known.")
REDIRECT_URI: Final = Cause("DN-102", ErrorCode.INVALID_REQUEST, "The return address is not registered.")
NO_REQUEST: Final = Cause(
    "DN-103", ErrorCode.INVALID_REQUEST, "This page has expired: begin again where you came from."
)
DUPLICATE: Final = Cause("DN-104", ErrorCode.INVALID_REQUEST, "A parameter is there twice.")
UNREADABLE: Final = Cause("DN-105", ErrorCode.INVALID_REQUEST, "The parameters cannot be read.")
TOO_LARGE: Final = Cause("DN-106", ErrorCode.INVALID_REQUEST, "The request is too large.", 413)

RESPONSE_TYPE_MISSING: Final = Cause("DN-110", ErrorCode.INVALID_REQUEST, "response_type is missing.")
RESPONSE_TYPE: Final = Cause("DN-111", ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "Only response_type=code is supported.")
RESPONSE_MODE: Final = Cause("DN-112", ErrorCode.INVALID_REQUEST, "response_mode must be query or form_post.")
SCOPE: Final = Cause("DN-113", ErrorCode.INVALID_SCOPE, "scope must contain openid.")
PKCE_MISSING: Final = Cause("DN-114", ErrorCode.INVALID_REQUEST, "code_challenge is required (S256).")
PKCE_METHOD: Final = Cause("DN-115", ErrorCode.INVALID_REQUEST, "code_challenge_method must be S256.")
PROMPT: Final = Cause("DN-116", ErrorCode.INVALID_REQUEST, "prompt is not understood.")
MAX_AGE: Final = Cause("DN-117", ErrorCode.INVALID_REQUEST, "max_age must be a number of seconds.")
CLAIMS: Final = Cause("DN-118", ErrorCode.INVALID_REQUEST, "claims must be a JSON object (OIDC Core 5.5).")
HINT: Final = Cause("DN-119", ErrorCode.INVALID_REQUEST, "id_token_hint is not an ID token of this issuer.")
JKT: Final = Cause("DN-120", ErrorCode.INVALID_REQUEST, "dpop_jkt must be a SHA-256 thumbprint and match the proof.")
ACR_UNKNOWN: Final = Cause(
    "DN-121", ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS, "No level of assurance that was asked for is known."
)
PUSH_REQUIRED: Final = Cause("DN-122", ErrorCode.INVALID_REQUEST, "This client must push its requests (RFC 9126).")
REQUEST_URI: Final = Cause("DN-123", ErrorCode.INVALID_REQUEST_URI, "The request_uri is unknown, used or expired.")
REQUEST_URI_FOREIGN: Final = Cause(
    "DN-124", ErrorCode.REQUEST_URI_NOT_SUPPORTED, "Only a request_uri from our own PAR endpoint is taken."
)
REQUEST_OBJECT: Final = Cause("DN-125", ErrorCode.INVALID_REQUEST_OBJECT, "The request object is not acceptable.")
REQUEST_OBJECT_UNSUPPORTED: Final = Cause(
    "DN-126", ErrorCode.REQUEST_NOT_SUPPORTED, "This client has no keys for request objects."
)
REQUEST_OBJECT_REQUIRED: Final = Cause(
    "DN-127", ErrorCode.INVALID_REQUEST, "This client must sign its requests (RFC 9101)."
)
RESPONSE_VALUE: Final = Cause("DN-128", ErrorCode.INVALID_REQUEST, "state or nonce is too long.")
LEVEL_UNKNOWN: Final = Cause("DN-129", ErrorCode.INVALID_REQUEST, "The upstream is not offered to this client.")

# What becomes of a well-formed authorization request
LOGIN_REQUIRED: Final = Cause("DN-130", ErrorCode.LOGIN_REQUIRED, "A sign-in is needed.")
CONSENT_REQUIRED: Final = Cause("DN-131", ErrorCode.CONSENT_REQUIRED, "Consent is needed.")
INTERACTION_REQUIRED: Final = Cause("DN-132", ErrorCode.INTERACTION_REQUIRED, "A stronger sign-in is needed.")
DENIED: Final = Cause("DN-133", ErrorCode.ACCESS_DENIED, "The person did not agree.")
UNMET: Final = Cause("DN-134", ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS, "The level of assurance was not reached.")
OTHER_PERSON: Final = Cause("DN-135", ErrorCode.LOGIN_REQUIRED, "Another person signed in than was asked for.")
CROSS_SITE: Final = Cause("DN-136", ErrorCode.ACCESS_DENIED, "The answer did not come from our own page.", 403)

# Client authentication (RFC 6749 §2.3, RFC 7523)
CLIENT: Final = Cause("DN-140", ErrorCode.INVALID_CLIENT, "Client authentication failed.", 401)
CLIENT_LOCKED: Final = Cause("DN-141", ErrorCode.INVALID_CLIENT, "Too many failed attempts: try again later.", 429)
CROWDED: Final = Cause(
    "DN-143", ErrorCode.TEMPORARILY_UNAVAILABLE, "Too many sign-ins from this network: try again in a minute.", 429
)
TOO_OFTEN: Final = Cause(
    "DN-144", ErrorCode.TEMPORARILY_UNAVAILABLE, "Too many requests from this address: try again later.", 429
)
CLIENT_TWICE: Final = Cause("DN-142", ErrorCode.INVALID_REQUEST, "Only one way of client authentication may be used.")

# The token endpoint and its neighbours
IN_THE_QUERY: Final = Cause("DN-150", ErrorCode.INVALID_REQUEST, "Parameters belong into the body, not into the URL.")
CONTENT_TYPE: Final = Cause("DN-151", ErrorCode.INVALID_REQUEST, "Send application/x-www-form-urlencoded.")
GRANT_TYPE_MISSING: Final = Cause("DN-152", ErrorCode.INVALID_REQUEST, "grant_type is missing.")
GRANT_TYPE: Final = Cause(
    "DN-153", ErrorCode.UNSUPPORTED_GRANT_TYPE, "Only authorization_code and refresh_token are supported."
)
CODE_MISSING: Final = Cause("DN-154", ErrorCode.INVALID_REQUEST, "code is missing.")
CODE: Final = Cause("DN-155", ErrorCode.INVALID_GRANT, "The code is unknown, used or expired.")
CODE_REDIRECT: Final = Cause("DN-156", ErrorCode.INVALID_GRANT, "redirect_uri differs from the authorization request.")
VERIFIER: Final = Cause("DN-157", ErrorCode.INVALID_GRANT, "code_verifier is missing or does not fit.")
REFRESH_MISSING: Final = Cause("DN-158", ErrorCode.INVALID_REQUEST, "refresh_token is missing.")
REFRESH_TOKEN: Final = Cause(
    "DN-159", ErrorCode.INVALID_GRANT, "The refresh token is unknown, used, expired or revoked."
)
SCOPE_WIDER: Final = Cause("DN-160", ErrorCode.INVALID_SCOPE, "scope may only become narrower.")
GRANT_NOT_ALLOWED: Final = Cause("DN-161", ErrorCode.UNAUTHORIZED_CLIENT, "This client gets no refresh tokens.")
DPOP: Final = Cause("DN-162", ErrorCode.INVALID_DPOP_PROOF, "The DPoP proof is not acceptable.")
DPOP_MISSING: Final = Cause("DN-163", ErrorCode.INVALID_DPOP_PROOF, "A DPoP proof is required.")
DPOP_KEY: Final = Cause("DN-164", ErrorCode.INVALID_GRANT, "The DPoP key is not the one this was bound to.")
TOKEN_MISSING: Final = Cause("DN-165", ErrorCode.INVALID_REQUEST, "token is missing.")
USE_NONCE: Final = Cause(
    "DN-166", ErrorCode.USE_DPOP_NONCE, "Make the DPoP proof again, with the nonce of the DPoP-Nonce header."
)

# Resources (RFC 6750 §3.1)
NO_TOKEN: Final = Cause("DN-170", ErrorCode.INVALID_REQUEST, "An access token is needed.", 401)
TOKEN: Final = Cause("DN-171", ErrorCode.INVALID_TOKEN, "The access token is unknown, expired or revoked.", 401)
TOKEN_TWICE: Final = Cause("DN-172", ErrorCode.INVALID_REQUEST, "Send the access token once, and not in the URL.")
TOKEN_DPOP: Final = Cause("DN-173", ErrorCode.INVALID_DPOP_PROOF, "The DPoP proof is not acceptable.", 401)
TOKEN_NONCE: Final = Cause("DN-175", ErrorCode.USE_DPOP_NONCE, USE_NONCE.description, 401)
SCOPE_MISSING: Final = Cause("DN-174", ErrorCode.INSUFFICIENT_SCOPE, "The token lacks the scope openid.", 403)

# Login tickets and portals
TICKET: Final = Cause("DN-180", ErrorCode.INVALID_GRANT, "The ticket is unknown, used, expired or of another browser.")
TICKET_NONE: Final = Cause("DN-181", ErrorCode.UNAUTHORIZED_CLIENT, "This client gets no login tickets.")
TICKET_BROWSER: Final = Cause(
    "DN-182", ErrorCode.INVALID_REQUEST, "browser must be the SHA-256 of the browser's secret, in hexadecimal."
)
TICKET_LEVEL: Final = Cause("DN-183", ErrorCode.INVALID_REQUEST, "level must be 1 or 2.")
ENTRY: Final = Cause("DN-184", ErrorCode.INVALID_REQUEST, "This link has expired: open the form's address again.")

# Signing out
LOGOUT_HINT: Final = Cause("DN-185", ErrorCode.INVALID_REQUEST, "id_token_hint is not an ID token of this issuer.")
LOGOUT_CLIENT: Final = Cause("DN-186", ErrorCode.INVALID_REQUEST, "client_id is not known, or not that of the hint.")
LOGOUT_ADDRESS: Final = Cause(
    "DN-187", ErrorCode.INVALID_REQUEST, "The address to come back to after signing out is not registered."
)
LOGOUT_EXPIRED: Final = Cause("DN-188", ErrorCode.INVALID_REQUEST, "This page has expired: sign out once more.")
LOGOUT_STAYED: Final = Cause("DN-189", ErrorCode.ACCESS_DENIED, "You are still signed in.", 200)
LOGOUT_TOKEN: Final = Cause("DN-192", ErrorCode.INVALID_REQUEST, "The logout token is not acceptable.")

UNAVAILABLE: Final = Cause(
    "DN-190", ErrorCode.TEMPORARILY_UNAVAILABLE, "Sign-in cannot answer now: try again shortly.", 503
)
FAILED: Final = Cause("DN-191", ErrorCode.SERVER_ERROR, "Sign-in failed on our side.", 500)

CAUSES: Final = MappingProxyType(
    {cause.speakable: cause for cause in list(globals().values()) if isinstance(cause, Cause)}
)
"""Every cause by its speakable code, for the look-up that support staff use."""
