"""What a client would be told, covered: names of attributes, and never enough of a value to use it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.model import Client
from sso.refusals import Refusal
from sso.rehearsal import SECONDS, covered, invitation, invited, lacking
from sso.vocabulary import Claim

TOLD = {
    "sub": "3q2-7wB5",
    "acr": "urn:dvc-edge:level:2",
    "auth_time": 1,
    "amr": ["pwd"],
    "account_type": "citizen",
    "name": "Nguyễn Văn An",
    "citizen_id": "000000000001",
    "email": "a@b",
}


def test_each_attribute_is_named_and_its_value_covered() -> None:
    assert covered(TOLD) == (
        ("account_type", "citizen"), ("name", "N•••"), ("citizen_id", "0•••"), ("email", "•••")
    )  # fmt: skip


@given(st.text())
def test_of_no_value_more_than_its_first_letter_is_left(value: str) -> None:
    ((_, shown),) = covered({"name": value})
    assert len(shown.replace("•", "")) <= 1


def test_what_the_account_lacks_is_named() -> None:
    client = Client("a", {"vi": "A"}, "a", attributes=frozenset({Claim.NAME, Claim.TAX_CODE}))
    assert lacking(TOLD, client) == ("tax_code",)


def test_an_invitation_is_good_for_an_hour() -> None:
    text = invitation("langson", now=1_000)
    assert invited(text, now=1_000 + SECONDS - 1) == "langson"
    with pytest.raises(Refusal):
        invited(text, now=1_000 + SECONDS)
