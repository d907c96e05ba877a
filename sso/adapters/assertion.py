"""The identity assertion: who sends this request, signed for one system and for one minute, in one header field.

A JWS in compact form (RFC 7515 §3.1), ES256, `typ` portal-identity+jwt so that no other token of ours can stand in for
it (RFC 8725 §3.11).  python-jose writes it and nothing else here: what comes from outside never reaches that library.
"""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from jose import jwk, jws

HEADER: Final = "Portal-Identity"
"""The field that carries it.  Systems behind us believe this field alone, and only after checking the signature."""

TYP: Final = "portal-identity+jwt"

ALGORITHM: Final = "ES256"

SECONDS: Final = 60
"""How long an assertion is good: a request is answered in that time, and a stolen one is soon worthless."""

OURS: Final = frozenset({"iss", "aud", "iat", "exp", "jti", "sid"})
"""Claims that the assertion itself makes; what is told about a person never overrides them."""


class AssertionSigner:
    """Signs with one key, which is made ready once: reading a key costs a thousand times what a signature does."""

    def __init__(self, key: EllipticCurvePrivateKey, kid: str, *, issuer: str) -> None:
        """`kid`: the key's RFC 7638 thumbprint, as our JWK Set publishes it; `issuer`: our own, an origin."""
        self.kid = kid
        self._issuer = issuer
        self._key = jwk.construct(key, ALGORITHM)
        self._headers = {"typ": TYP, "kid": kid}

    def assertion(self, told: Mapping[str, object], *, audience: str, sid: str, now: int, jti: str) -> str:
        """The field's value.

        `told`: what `sso.claims.told` tells this system; `audience`: the client's id; `sid`: what the client knows the
        session by; `now` and the instants inside: seconds since 1970; `jti`: a fresh value, never used again.
        """
        person = {name: value for name, value in told.items() if name not in OURS}
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": audience,
            "iat": now,
            "exp": now + SECONDS,
            "jti": jti,
            "sid": sid,
            **person,
        }
        return str(jws.sign(claims, self._key, headers=self._headers, algorithm=ALGORITHM))
