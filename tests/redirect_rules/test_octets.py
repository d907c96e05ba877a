"""Octets are put together and found, or nothing is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.octets import joined, place_of


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_all_pieces_stand_one_after_the_other(pieces: list[bytes]) -> None:
    assert joined(tuple(pieces)) == b"".join(pieces)


@pytest.mark.parametrize("wrong", [None, "text", 1])
def test_what_is_no_octets_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError):
        joined((b"a", wrong))  # type: ignore[arg-type]


@given(st.binary(min_size=1, max_size=1), st.binary(max_size=40), st.integers(0, 50))
def test_an_octet_is_found_where_it_stands_first(octet: bytes, octets: bytes, begin: int) -> None:
    assert place_of(octet, octets, begin) == octets.find(octet, begin)
    assert place_of(octet, octets + octet, begin) == (octets + octet).find(octet, begin)
