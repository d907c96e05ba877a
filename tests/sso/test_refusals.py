"""Causes are told apart by what people read out, and say nothing that a header could not carry."""

from sso import refusals
from sso.refusals import CAUSES, Cause


def test_no_two_causes_have_one_code() -> None:
    own = [value for value in vars(refusals).values() if isinstance(value, Cause)]
    assert len({cause.speakable for cause in own}) == len(own) == len(CAUSES)


def test_descriptions_are_what_rfc_6749_allows() -> None:
    for cause in CAUSES.values():
        assert cause.description.isascii()
        assert cause.description.isprintable()
        assert not set('"\\') & set(cause.description), cause.speakable
        assert cause.status == 200 or 400 <= cause.status < 600


def test_a_refusal_says_its_code_and_never_more_than_it_was_given() -> None:
    assert str(refusals.Refusal(refusals.CODE, "used")) == "DN-155 used"
