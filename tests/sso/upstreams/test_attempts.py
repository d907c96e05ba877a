"""Whoever comes back must be who left: same attempt, same browser, same upstream."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.model import LoginAttempt, digest
from sso.parameters import Parameters
from sso.upstreams.attempts import ATTEMPT_SECONDS, Arrival, depart, judge
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.vocabulary import Level
from tests.sso.upstreams.provider import DESTINATION, NOW, Provider, Secrets, upstream_of

STATE, BROWSER = "the-state", "the-cookie"
ISSUER = "https://sso.example.gov.vn"
ATTEMPT = LoginAttempt(digest(STATE), digest(BROWSER), "vneid", "n", "v", DESTINATION, Level.TWO, NOW)
ARRIVAL = Arrival("vneid", BROWSER, ISSUER, names_issuer=True)
GOOD = {"code": "c", "state": STATE, "iss": ISSUER}

# what came back                                         what we do
CALLBACKS: list[tuple[dict[str, str], Fault | None]] = [
    (GOOD, None),
    (GOOD | {"session_state": "x", "scope": "openid"}, None),
    (GOOD | {"state": "another"}, Fault.ATTEMPT_UNKNOWN),
    ({"code": "c", "iss": ISSUER}, Fault.ATTEMPT_UNKNOWN),
    (GOOD | {"iss": "https://evil.example"}, Fault.ISSUER_MISMATCH),
    (GOOD | {"iss": ISSUER + "/"}, Fault.ISSUER_MISMATCH),
    ({"code": "c", "state": STATE}, Fault.ISSUER_MISMATCH),
    ({"state": STATE, "iss": ISSUER}, Fault.NO_CODE),
    (GOOD | {"error": "access_denied"}, Fault.DENIED),
    (GOOD | {"error": "unmet_authentication_requirements"}, Fault.LEVEL),
    (GOOD | {"error": "server_error"}, Fault.ANSWERED_ERROR),
    (GOOD | {"error": "<script>alert(1)</script>"}, Fault.ANSWERED_ERROR),
    ({"error": "access_denied", "state": STATE}, Fault.ISSUER_MISMATCH),
]  # fmt: skip


def answer(
    back: dict[str, str], attempt: LoginAttempt | None = ATTEMPT, arrival: Arrival = ARRIVAL, now: int = NOW
) -> str:
    return judge(attempt, arrival, Parameters.of(urlencode(back)), now=now)


@pytest.mark.parametrize(("back", "fault"), CALLBACKS)
def test_what_comes_back_is_judged(back: dict[str, str], fault: Fault | None) -> None:
    if fault is None:
        assert answer(back) == "c"
        return
    with pytest.raises(UpstreamRefused) as refused:
        answer(back)
    assert refused.value.fault is fault


WRONG_CIRCUMSTANCES = {
    "never begun": (None, ARRIVAL, NOW, Fault.ATTEMPT_UNKNOWN),
    "too late": (ATTEMPT, ARRIVAL, NOW + ATTEMPT_SECONDS, Fault.ATTEMPT_UNKNOWN),
    "no cookie, or two": (ATTEMPT, replace(ARRIVAL, browser=None), NOW, Fault.BROWSER_CHANGED),
    "another cookie": (ATTEMPT, replace(ARRIVAL, browser="another"), NOW, Fault.BROWSER_CHANGED),
    "an empty cookie": (ATTEMPT, replace(ARRIVAL, browser=""), NOW, Fault.BROWSER_CHANGED),
    "at another's address": (ATTEMPT, replace(ARRIVAL, upstream="vnconnect"), NOW, Fault.WRONG_UPSTREAM),
}


@pytest.mark.parametrize("what", WRONG_CIRCUMSTANCES)
def test_who_is_not_recognised_is_told_on_a_page_and_no_client_is(what: str) -> None:
    attempt, arrival, now, fault = WRONG_CIRCUMSTANCES[what]
    with pytest.raises(UpstreamRefused) as refused:
        answer(GOOD, attempt, arrival, now)
    assert (refused.value.fault, refused.value.page_only) == (fault, True)


def test_the_last_second_still_counts() -> None:
    assert answer(GOOD, now=NOW + ATTEMPT_SECONDS - 1) == "c"


def test_an_upstream_without_iss_is_taken_without_it_and_never_with_another() -> None:
    silent = replace(ARRIVAL, names_issuer=False)
    assert answer({"code": "c", "state": STATE}, arrival=silent) == "c"
    with pytest.raises(UpstreamRefused):
        answer(GOOD | {"iss": "https://evil.example"}, arrival=silent)


def test_an_upstream_that_says_it_is_overloaded_is_unavailable() -> None:
    with pytest.raises(UpstreamUnavailable):
        answer(GOOD | {"error": "temporarily_unavailable"})


@pytest.mark.parametrize("name", ["code", "iss", "error"])
def test_a_parameter_that_is_there_twice_is_refused(name: str) -> None:
    doubled = urlencode([*GOOD.items(), (name, "x"), (name, "y")])
    with pytest.raises(UpstreamRefused):
        judge(ATTEMPT, ARRIVAL, Parameters.of(doubled), now=NOW)


def test_what_is_kept_of_an_attempt_opens_nothing_by_itself() -> None:
    left = depart(
        DESTINATION, upstream_of(Provider()), level=Level.TWO, browser=None, session=None, now=NOW, secrets=Secrets()
    )
    assert left.attempt.state == digest(left.state)
    assert left.attempt.browser == digest(left.browser)
    assert len({left.state, left.browser, left.attempt.nonce, left.attempt.code_verifier}) == 4
    assert left.state not in repr(left)


def test_a_second_tab_keeps_the_browsers_cookie() -> None:
    left = depart(
        DESTINATION, upstream_of(Provider()), level=Level.TWO, browser="mine", session=None, now=NOW, secrets=Secrets()
    )
    assert left.browser == "mine"


def test_an_upstream_that_knows_neither_is_sent_neither_nonce_nor_challenge() -> None:
    plain = upstream_of(Provider(), pkce=False, nonce=False)
    left = depart(DESTINATION, plain, level=Level.ONE, browser=None, session=None, now=NOW, secrets=Secrets())
    assert (left.attempt.nonce, left.attempt.code_verifier) == (None, None)


@given(st.dictionaries(st.sampled_from(["code", "state", "iss", "error"]), st.text(max_size=40), max_size=4))
def test_whatever_comes_back_there_is_a_code_or_a_refusal_that_quotes_nothing(back: dict[str, str]) -> None:
    clean = {name: "".join(letter for letter in value if letter.isprintable()) for name, value in back.items()}
    try:
        outcome = answer(clean)
    except (UpstreamRefused, UpstreamUnavailable) as refused:
        outcome = str(refused)
        clean = {name: value for name, value in clean.items() if len(value) > 8}
        quoted = [value for value in clean.values() if value in outcome]
    else:
        quoted = [] if outcome == clean["code"] and clean["state"] == STATE else [outcome]
    assert not quoted
