"""Refusals of this leg: each cause has its own code, and tells nothing that was sent."""

from sso import refusals
from sso.upstreams.failures import CAUSES, Fault, UpstreamRefused, UpstreamUnavailable
from sso.vocabulary import ErrorCode


def test_no_speakable_code_is_given_twice() -> None:
    assert not set(CAUSES) & set(refusals.CAUSES)
    assert len({cause.description for cause in CAUSES.values()}) == len(CAUSES)


def test_every_fault_has_a_cause() -> None:
    assert {UpstreamRefused("vneid", fault).cause.speakable for fault in Fault} <= set(CAUSES)


def test_what_could_be_an_attack_is_told_to_no_client() -> None:
    told_on_a_page = {fault for fault in Fault if UpstreamRefused("vneid", fault).page_only}
    assert told_on_a_page == {
        Fault.ATTEMPT_UNKNOWN,
        Fault.BROWSER_CHANGED,
        Fault.WRONG_UPSTREAM,
        Fault.ISSUER_MISMATCH,
    }


def test_a_level_that_is_not_reached_has_the_standards_word() -> None:
    assert UpstreamRefused("vneid", Fault.LEVEL).cause.error is ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS


def test_unavailable_says_when_to_come_again() -> None:
    unavailable = UpstreamUnavailable("vneid", 30)
    assert (unavailable.cause.status, unavailable.retry_after) == (503, 30)
