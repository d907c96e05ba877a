"""Codes that people can write down, and who may hand them out."""

import secrets
from datetime import timedelta
from unittest.mock import sentinel

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.invitations import ALPHABET, HOLDS, LETTERS, digest_of_code, holds, invite, new_code, unlink
from redirect_rules.objects import Change
from redirect_rules.people import Invitation
from redirect_rules.rights import Grant, NotAllowed, Person, Role
from tests.conftest import AUTUMN

ADMINISTRATOR = Person("trung.uong", frozenset({Grant(Role.ADMINISTRATOR)}))
CHANGE = Change("trung.uong", "new in Lạng Sơn", AUTUMN)
CODE = new_code(secrets.choice)


class Kept:
    """Remembers what it was told, as the store would."""

    def __init__(self) -> None:
        self.invitations: list[tuple[Invitation, str]] = []
        self.unlinked: list[str] = []

    def invite(self, invitation: Invitation, reason: str) -> None:
        self.invitations.append((invitation, reason))

    def unlink(self, actor: str, change: Change) -> bool:
        self.unlinked.append(actor)
        return True


def test_a_code_has_123_random_bits_and_no_letter_that_is_mistaken_for_another() -> None:
    assert len(ALPHABET) ** LETTERS > 2**123
    assert not set("ilo01") & set(ALPHABET)
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert new_code(secrets.choice) != new_code(secrets.choice)


@given(st.lists(st.sampled_from([" ", "-", "\n", "\t"]), min_size=LETTERS, max_size=LETTERS), st.booleans())
def test_however_a_code_is_typed_it_is_the_same(between: list[str], capitals: bool) -> None:  # noqa: FBT001
    plain = CODE.replace("-", "")
    typed = "".join(letter + gap for letter, gap in zip(plain, between, strict=True))
    assert digest_of_code(typed.upper() if capitals else typed) == digest_of_code(CODE)


@given(st.text(max_size=80))
def test_what_is_no_code_is_looked_up_nowhere(typed: str) -> None:
    plain = "".join(typed.split()).replace("-", "").casefold()
    is_one = len(plain) == LETTERS and set(plain) <= set(ALPHABET)
    assert (digest_of_code(typed) is not None) is is_one


def test_an_invitation_holds_for_a_day() -> None:
    people = Kept()
    made = invite(ADMINISTRATOR, people, "an", CODE, CHANGE)  # type: ignore[arg-type]
    assert people.invitations == [(made, "new in Lạng Sơn")]
    assert holds(made, AUTUMN + HOLDS - timedelta(seconds=1))
    assert not holds(made, AUTUMN + HOLDS)
    assert CODE.replace("-", "") not in repr(made)


OTHERS = [Grant(role) for role in Role if role is not Role.ADMINISTRATOR] + [Grant(Role.ADMINISTRATOR, "20")]


@pytest.mark.parametrize("grant", OTHERS, ids=lambda grant: f"{grant.role}-{grant.province}")
def test_nobody_but_an_administrator_of_the_whole_country_invites_or_unlinks(grant: Grant) -> None:
    person, people = Person("trung.uong", frozenset({grant})), Kept()
    with pytest.raises(NotAllowed):
        invite(person, people, "an", CODE, CHANGE)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        unlink(person, people, "an", CHANGE)  # type: ignore[arg-type]
    assert (people.invitations, people.unlinked) == ([], [])


@pytest.mark.parametrize("change", [Change("an", "reason", AUTUMN), Change("trung.uong", " ", AUTUMN)])
def test_it_is_done_in_ones_own_name_and_for_a_reason(change: Change) -> None:
    with pytest.raises(ValueError, match="own name"):
        invite(ADMINISTRATOR, sentinel.people, "an", CODE, change)
    with pytest.raises(ValueError, match="own name"):
        unlink(ADMINISTRATOR, sentinel.people, "an", change)


def test_a_code_that_is_none_is_never_kept() -> None:
    with pytest.raises(ValueError, match="no code"):
        invite(ADMINISTRATOR, sentinel.people, "an", "1234", CHANGE)
