"""What a client is told about a person: which attributes, and under which name.

The name (`sub`) is pairwise (OIDC Core §8.1): derived from the upstream's stable id of the account, never from civil
status, so that it outlives a new identity card; different for each sector, so that two systems cannot join what they
know.  Every format, be it an ID token, a signed header or a ticket, is made of `told`, and so says the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from sso.keys import Salt
from sso.model import Client, Identity
from sso.vocabulary import SCOPES, Claim

REFERENCE_LETTERS: Final = 16


def person_reference(upstream: str, subject: str, key: bytes) -> str:
    """What stands for a person in audit events and commands: 16 hexadecimal letters that lead back to nobody.

    key  of the house (KeyRing.person): without it a reference could be found by trying all numbers
    """
    return hmac.digest(key, _joined("person", upstream, subject), hashlib.sha256).hex()[:REFERENCE_LETTERS]


def person_digest(upstream: str, subject: str, key: bytes) -> str:
    """What a person's consents are kept under: 64 hexadecimal letters, so that no two people ever share them."""
    return hmac.digest(key, _joined("consents", upstream, subject), hashlib.sha256).hex()


def pairwise_sub(upstream: str, subject: str, sector: str, salt: Salt) -> str:
    """The `sub` of an account for a sector: 43 letters of the url-safe alphabet."""
    made = hmac.digest(salt.secret, _joined("sub", str(salt.version), upstream, subject, sector), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def subject_for(identity: Identity, client: Client, salts: Mapping[int, Salt]) -> str:
    """What this client knows the account by."""
    return pairwise_sub(identity.upstream, identity.subject, client.sector, salts[client.salt_version])


def previous_subs(identity: Identity, client: Client, salts: Mapping[int, Salt], now: int) -> tuple[str, ...]:
    """What the systems that this one succeeded knew the account by, for as long as the record says."""
    return tuple(
        pairwise_sub(
            identity.upstream, identity.subject, alias.sector, salts[alias.salt_version or client.salt_version]
        )
        for alias in client.aliases
        if alias.since <= now and (alias.until is None or now < alias.until)
    )


def allowed(client: Client, scopes: Iterable[str], claims: Iterable[Claim] = ()) -> frozenset[Claim]:
    """Which attributes may be told: what was asked for by scope or by name, and what the client's record allows.

    The kind of account is told to everybody: without it nobody could know for whom the person acts.
    """
    asked = frozenset(claims).union(*(SCOPES.get(scope, frozenset()) for scope in scopes))
    return (asked & client.attributes) | ({Claim.ACCOUNT_TYPE} & asked)


def released(
    identity: Identity, client: Client, scopes: Iterable[str], claims: Iterable[Claim] = ()
) -> dict[str, object]:
    """The attributes themselves, in the order of their names; what the upstream did not tell is left out."""
    values: dict[str, object] = {}
    for claim in sorted(allowed(client, scopes, claims)):
        if claim is Claim.ACCOUNT_TYPE:
            values[claim.value] = identity.account.value
        elif value := identity.claims.get(claim):
            # OIDC Core §5.1.1: an address is an object.
            values[claim.value] = {"formatted": value} if claim is Claim.ADDRESS else value
    return values


def told(
    identity: Identity,
    client: Client,
    scopes: Iterable[str],
    claims: Iterable[Claim] = (),
    *,
    salts: Mapping[int, Salt],
    now: int,
) -> dict[str, object]:
    """All that a client is told about who signed in, the same in every format.

    `sub`, `acr`, `auth_time`, `amr` where known, `previous_sub` (a list) where the record names predecessors, and the
    attributes.
    """
    facts: dict[str, object] = {
        "sub": subject_for(identity, client, salts),
        "acr": identity.level.acr,
        "auth_time": identity.auth_time,
    }
    if identity.amr:
        facts["amr"] = list(identity.amr)
    if previous := previous_subs(identity, client, salts, now):
        facts["previous_sub"] = list(previous)
    return facts | released(identity, client, scopes, claims)


def _joined(*parts: str) -> bytes:
    # Each part with its length before it: no two different lists become the same octets.
    return b"".join(len(octets).to_bytes(4, "big") + octets for octets in (part.encode() for part in parts))
