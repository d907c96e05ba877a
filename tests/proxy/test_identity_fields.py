"""Fields that could be taken for our word are taken out, in whatever spelling; everything else stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import identity_fields
from proxy.passing.fields import Fields

OURS = [
    b"Portal-Identity",
    b"PORTAL_IDENTITY",
    b"portal.identity",
    b"X-Portal-Identity",
    b"HTTP_PORTAL_IDENTITY",
    b"Portal-Identity-2",
]
CUSTOMARY = [b"Remote-User", b"REMOTE_USER", b"X-Forwarded-User", b"x_forwarded_email", b"X-Auth-Request-User"]
OTHERS = [b"Host", b"Authorization", b"X-Portal", b"Identity", b"X-Forwarded-For", b"User-Agent", b"From"]


@pytest.mark.parametrize("name", OURS)
def test_what_looks_like_ours_goes_from_every_path(name: bytes) -> None:
    assert identity_fields.stripped([(name, b"x")], customary=False) == []


@pytest.mark.parametrize("name", CUSTOMARY)
def test_what_systems_commonly_believe_goes_where_people_sign_in(name: bytes) -> None:
    assert identity_fields.stripped([(name, b"x")], customary=True) == []
    assert identity_fields.stripped([(name, b"x")], customary=False) == [(name, b"x")]


@pytest.mark.parametrize("name", OTHERS)
def test_other_fields_stay(name: bytes) -> None:
    assert identity_fields.stripped([(name, b"x")], customary=True) == [(name, b"x")]


@given(
    st.lists(st.tuples(st.sampled_from([*OURS, *OTHERS]), st.binary(max_size=5)), max_size=8),
    st.text(alphabet="-_.~!#$%&'*+^`|", max_size=4),
)
def test_the_rest_keeps_its_order_and_no_mark_between_the_letters_helps(fields: Fields, marks: str) -> None:
    spelt = ("PoRtAl" + marks + "iDeNtItY").encode()
    kept = identity_fields.stripped([*fields, (spelt, b"x")], customary=False)
    assert kept == [field for field in fields if field[0] in OTHERS]


def test_one_field_says_who_asks() -> None:
    assert identity_fields.assertion_field("a.b.c") == (b"Portal-Identity", b"a.b.c")
