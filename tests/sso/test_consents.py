"""Consent that lasts: for these attributes, for this reason, for so long."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso import consents
from sso.model import Client, Consent
from sso.vocabulary import Claim

NOW = 1_795_000_000
DAY = 86_400
CLIENT = Client("a", {"vi": "A"}, "a", consent="once", consent_days=30, legal_basis="Nghị định 118/2025/NĐ-CP")
NAME, NUMBER = frozenset({Claim.NAME}), frozenset({Claim.CITIZEN_ID})
CLAIMS = st.frozensets(st.sampled_from(list(Claim)))


def agreed(claims: frozenset[Claim], before: Consent | None = None, now: int = NOW) -> Consent:
    return consents.given(CLIENT, claims, before, now=now)


# client, attributes, days later → whether they may be told without asking
COVERED = [
    ("the same", CLIENT, NAME, 0, True),
    ("nothing", CLIENT, frozenset[Claim](), 0, True),
    ("more", CLIENT, NAME | NUMBER, 0, False),
    ("others", CLIENT, NUMBER, 0, False),
    ("on the last day", CLIENT, NAME, 29, True),
    ("when it is old", CLIENT, NAME, 30, False),
    ("for another reason", replace(CLIENT, legal_basis="Nghị định 200/2026/NĐ-CP"), NAME, 0, False),
    ("for a reason with one letter changed", replace(CLIENT, legal_basis=CLIENT.legal_basis + "."), NAME, 0, False),
]


@pytest.mark.parametrize(
    ("client", "claims", "days", "covered"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED]
)
def test_what_an_agreement_covers(client: Client, claims: frozenset[Claim], days: int, covered: bool) -> None:  # noqa: FBT001 - a column
    assert consents.covers(agreed(NAME), client, claims, now=NOW + days * DAY) is covered
    must = consents.must_ask(client, claims, {"a": agreed(NAME)}, now=NOW + days * DAY)
    assert must is not covered


def test_without_an_agreement_nothing_is_covered() -> None:
    assert not consents.covers(None, CLIENT, NAME, now=NOW)
    assert consents.must_ask(CLIENT, NAME, {"b": agreed(NAME)}, now=NOW)


def test_the_law_asks_nobody_and_always_asks_each_time() -> None:
    assert not consents.must_ask(replace(CLIENT, consent="never"), NAME, {}, now=NOW)
    assert consents.must_ask(replace(CLIENT, consent="always"), NAME, {"a": agreed(NAME)}, now=NOW)


def test_who_agrees_to_more_still_agrees_to_what_was_before() -> None:
    both = agreed(NUMBER, agreed(NAME), NOW + DAY)
    assert both.claims == NAME | NUMBER
    assert (both.since, both.until) == (NOW + DAY, NOW + 31 * DAY)


@pytest.mark.parametrize("before", [replace(agreed(NAME), until=NOW), replace(agreed(NAME), basis="x")])
def test_what_is_old_or_had_another_reason_is_not_taken_over(before: Consent) -> None:
    assert agreed(NUMBER, before).claims == NUMBER


@given(CLAIMS, CLAIMS, CLAIMS)
def test_nothing_is_ever_covered_that_nobody_agreed_to(
    first: frozenset[Claim], second: frozenset[Claim], wanted: frozenset[Claim]
) -> None:
    consent = agreed(second, agreed(first))
    assert consents.covers(consent, CLIENT, wanted, now=NOW) == (wanted <= first | second)
