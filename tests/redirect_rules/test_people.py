"""What opens doors: digests, tokens that end, and people who hold back."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.people import Token, digest_of, limited
from redirect_rules.rights import CENTRE, Deed, Grant, Person, Role
from tests.conftest import AUTUMN

TOKEN = Token("t1", "an", "nightly", digest_of("x"), frozenset({Deed.SEE}), AUTUMN, AUTUMN + timedelta(days=90))


def test_a_digest_tells_nothing_and_is_always_the_same() -> None:
    assert digest_of("mật khẩu") == digest_of("mật khẩu")
    assert len(digest_of("x")) == 64
    assert digest_of("x") != digest_of("y")


def test_a_token_holds_until_it_ends_or_is_revoked() -> None:
    assert TOKEN.holds_at(AUTUMN)
    assert not TOKEN.holds_at(TOKEN.expires_at)
    assert not replace(TOKEN, revoked_at=AUTUMN).holds_at(AUTUMN)


@given(
    st.frozensets(st.builds(Grant, st.sampled_from(Role), st.sampled_from(["24", "20", "*"]))),
    st.frozensets(st.sampled_from(Deed)),
    st.sampled_from(Deed),
    st.sampled_from(["24", "20", CENTRE]),
)
def test_a_program_may_never_more_than_its_owner_nor_than_its_token(
    grants: frozenset[Grant], deeds: frozenset[Deed], deed: Deed, province: str
) -> None:
    owner = Person("an", grants)
    program = limited(owner, deeds)
    assert program.may(deed, province) == (owner.may(deed, province) and deed in deeds)
    assert program.may_somewhere(deed) == (owner.may_somewhere(deed) and deed in deeds)
    assert program.actor == "an"
