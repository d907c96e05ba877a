"""Nonces for DPoP proofs: good for a while, the same at every node, and nobody else can make one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.dpop_nonces import NONCE_SECONDS, is_good, nonce_at

NOW = 1_795_000_000 // NONCE_SECONDS * NONCE_SECONDS
KEY = b"k" * 32


@pytest.mark.parametrize(
    ("later", "good"),
    [
        (0, True),
        (NONCE_SECONDS - 1, True),
        (NONCE_SECONDS, True),
        (2 * NONCE_SECONDS - 1, True),
        (2 * NONCE_SECONDS, False),
        (86_400, False),
        (-1, False),
        (-NONCE_SECONDS, False),
    ],
)
def test_one_is_good_for_its_own_stretch_of_time_and_the_next(later: int, good: bool) -> None:  # noqa: FBT001 - a column
    assert is_good(nonce_at(NOW, key=KEY), NOW + later, key=KEY) is good


@given(st.integers(0, 2**40), st.integers(0, NONCE_SECONDS))
def test_whoever_is_given_one_has_at_least_two_minutes(now: int, later: int) -> None:
    assert is_good(nonce_at(now, key=KEY), now + later, key=KEY)


@given(st.none() | st.text(max_size=60))
def test_nobody_makes_one_up(nonce: str | None) -> None:
    assert not is_good(nonce, NOW, key=KEY)


def test_another_house_has_others() -> None:
    assert not is_good(nonce_at(NOW, key=b"another"), NOW, key=KEY)


def test_it_consists_of_what_a_header_may_hold() -> None:
    """RFC 9449 §8.1: NQCHAR."""
    nonce = nonce_at(NOW, key=KEY)
    assert len(nonce) == 43
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in nonce)
