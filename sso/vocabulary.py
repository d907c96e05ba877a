"""The words of sign-in: claims, levels, scopes, errors.  Every other module takes its strings from here.

Claims that OpenID Connect Core §5.1 names keep that name; what only Viet Nam has gets an English name here, and each
upstream's own word for it stands in that upstream's configuration.
"""

from enum import IntEnum, StrEnum
from typing import Final


class Claim(StrEnum):
    """What may be told about a person or an organisation."""

    NAME = "name"  # "Nguyễn Văn An", as the identity document writes it
    BIRTHDATE = "birthdate"  # "1954-09-02" (OIDC Core §5.1)
    EMAIL = "email"
    PHONE_NUMBER = "phone_number"  # "+84912345678"
    ADDRESS = "address"
    CITIZEN_ID = "citizen_id"  # số định danh, twelve digits
    OLD_ID_NUMBER = "old_id_number"  # CMND, nine digits
    PASSPORT_NUMBER = "passport_number"
    TAX_CODE = "tax_code"
    ENTERPRISE_CODE = "enterprise_code"
    ORGANISATION_NAME = "organisation_name"
    ACCOUNT_TYPE = "account_type"  # an AccountType


SCOPES: Final[dict[str, frozenset[Claim]]] = {
    "openid": frozenset({Claim.ACCOUNT_TYPE}),
    "profile": frozenset({Claim.NAME, Claim.BIRTHDATE}),
    "email": frozenset({Claim.EMAIL}),
    "phone": frozenset({Claim.PHONE_NUMBER}),
    "address": frozenset({Claim.ADDRESS}),
    "citizen": frozenset({Claim.CITIZEN_ID, Claim.OLD_ID_NUMBER, Claim.PASSPORT_NUMBER}),
    "organisation": frozenset({Claim.ORGANISATION_NAME, Claim.TAX_CODE, Claim.ENTERPRISE_CODE}),
    "offline_access": frozenset(),
}
"""What each scope asks for (OIDC Core §5.4).  A client gets of it what its record allows, never more."""


class AccountType(StrEnum):
    """Who acts: a person for themself, or for an organisation."""

    CITIZEN = "citizen"
    ORGANISATION = "organisation"


class Level(IntEnum):
    """How sure the upstream is of the person: VNeID accounts have these two; services demand the second."""

    ONE = 1
    TWO = 2

    @property
    def acr(self) -> str:
        """As clients read it in `acr` (OIDC Core §2)."""
        return f"urn:dvc-edge:level:{self.value}"

    @classmethod
    def of_acr(cls, acr: str) -> "Level | None":
        """The level a client means by an acr value; None: a value we do not know."""
        return _LEVELS.get(acr)


_LEVELS: Final = {level.acr: level for level in Level}


class ErrorCode(StrEnum):
    """Errors as the wire spells them (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 9126, RFC 9449)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - an error's name
    INSUFFICIENT_SCOPE = "insufficient_scope"
    ACCESS_DENIED = "access_denied"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    INTERACTION_REQUIRED = "interaction_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_REQUEST_OBJECT = "invalid_request_object"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    REQUEST_URI_NOT_SUPPORTED = "request_uri_not_supported"
    UNMET_AUTHENTICATION_REQUIREMENTS = "unmet_authentication_requirements"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"
