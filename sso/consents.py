"""Consent that lasts: for one person, one client, a set of attributes, and the legal basis as it was worded then.

A client whose record says `consent = "once"` asks a person once, until the consent is old, is withdrawn, the client
wants more than was agreed to, or gives another reason for it.  It is kept under a keyed digest of the account.
"""

from collections.abc import Mapping
from typing import Final

from sso.model import Client, Consent, digest
from sso.vocabulary import Claim

_DAY: Final = 86_400
_VERSION_LETTERS: Final = 16


def basis_version(client: Client) -> str:
    """Which wording of the client's legal basis is in force: another text, another version."""
    return digest(client.legal_basis)[:_VERSION_LETTERS]


def given(client: Client, claims: frozenset[Claim], before: Consent | None, *, now: int) -> Consent:
    """The consent that a person gives now; what they have agreed to before, in the same words, stays agreed to."""
    still = before.claims if before is not None and _in_force(before, client, now) else frozenset()
    return Consent(client.id, claims | still, basis_version(client), now, now + client.consent_days * _DAY)


def covers(consent: Consent | None, client: Client, claims: frozenset[Claim], *, now: int) -> bool:
    """Whether these may be told without asking."""
    return consent is not None and _in_force(consent, client, now) and claims <= consent.claims


def must_ask(client: Client, claims: frozenset[Claim], consents: Mapping[str, Consent], *, now: int) -> bool:
    """Whether the client's record wants the person to be asked."""
    if client.consent == "once":
        return not covers(consents.get(client.id), client, claims, now=now)
    return client.consent == "always"


def _in_force(consent: Consent, client: Client, now: int) -> bool:
    return now < consent.until and consent.basis == basis_version(client)
