"""Octets are put together, or nothing is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.octets import joined


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_all_pieces_stand_one_after_the_other(pieces: list[bytes]) -> None:
    assert joined(tuple(pieces)) == b"".join(pieces)


@pytest.mark.parametrize("wrong", [None, "text", 1])
def test_what_is_no_octets_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError):
        joined((b"a", wrong))  # type: ignore[arg-type]
