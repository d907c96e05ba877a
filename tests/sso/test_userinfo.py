"""How an access token is shown, and what is told for it."""

from dataclasses import replace

import pytest

from sso import refusals, userinfo
from sso.effects import Json, Text
from sso.parameters import Parameters
from sso.refusals import Cause, Refusal
from sso.userinfo import ShownToken
from tests.sign_in_peers.issuer import CLIENTS, signer
from tests.sso.specimens import NOW, TOKEN

NONE = Parameters({})


def test_a_token_is_shown_in_the_header_or_the_body() -> None:
    assert userinfo.shown_token("Bearer abc", NONE, NONE) == ShownToken("Bearer", "abc")
    assert userinfo.shown_token("bearer abc", NONE, NONE) == ShownToken("Bearer", "abc")
    assert userinfo.shown_token("DPoP abc", NONE, NONE) == ShownToken("DPoP", "abc")
    assert userinfo.shown_token(None, NONE, Parameters({"access_token": "abc"})) == ShownToken("Bearer", "abc")
    assert "abc" not in repr(ShownToken("Bearer", "abc"))


@pytest.mark.parametrize(
    ("authorization", "query", "body", "cause"),
    [
        (None, {}, {}, refusals.NO_TOKEN),
        ("Basic abc", {}, {}, refusals.NO_TOKEN),
        ("Bearer", {}, {}, refusals.NO_TOKEN),
        ("Bearer abc", {}, {"access_token": "abc"}, refusals.TOKEN_TWICE),
        (None, {"access_token": "abc"}, {}, refusals.TOKEN_TWICE),
        ("Bearer abc", {"access_token": "abc"}, {}, refusals.TOKEN_TWICE),
    ],
)
def test_it_is_shown_once_and_not_in_the_url(
    authorization: str | None, query: dict[str, str], body: dict[str, str], cause: Cause
) -> None:
    with pytest.raises(Refusal) as refused:
        userinfo.shown_token(authorization, Parameters(query), Parameters(body))
    assert refused.value.cause is cause


BEARER, DPOP = ShownToken("Bearer", "x"), ShownToken("DPoP", "x")
BOUND = replace(TOKEN, jkt="key")

# token, how it is shown, the proven key → None where it is good
CHECKS: list[tuple[object, ShownToken, str | None, Cause | None]] = [
    (TOKEN, BEARER, None, None),
    (BOUND, DPOP, "key", None),
    (None, BEARER, None, refusals.TOKEN),
    (replace(TOKEN, expires_at=NOW), BEARER, None, refusals.TOKEN),
    (replace(TOKEN, scopes=frozenset({"email"})), BEARER, None, refusals.SCOPE_MISSING),
    (BOUND, BEARER, None, refusals.TOKEN),
    (BOUND, BEARER, "key", refusals.TOKEN),
    (BOUND, DPOP, None, refusals.TOKEN_DPOP),
    (BOUND, DPOP, "another", refusals.TOKEN_DPOP),
    (TOKEN, DPOP, "key", refusals.TOKEN),
]


@pytest.mark.parametrize(("token", "shown", "jkt", "cause"), CHECKS)
def test_a_token_is_good_as_it_was_given(
    token: object, shown: ShownToken, jkt: str | None, cause: Cause | None
) -> None:
    if cause is None:
        assert userinfo.check(token, shown, jkt, NOW) is token  # type: ignore[arg-type]  # a table's column
        return
    with pytest.raises(Refusal) as refused:
        userinfo.check(token, shown, jkt, NOW)  # type: ignore[arg-type]  # as above
    assert refused.value.cause is cause


def test_it_is_signed_where_the_record_says_so() -> None:
    plain = userinfo.answer({"sub": "me"}, CLIENTS["alpha"], issuer="https://i", signer=signer(), now=NOW)
    assert plain == Json(200, {"sub": "me"})
    made = userinfo.answer({"sub": "me"}, CLIENTS["beta"], issuer="https://i", signer=signer(), now=NOW)
    assert isinstance(made, Text)
    assert made.content_type == "application/jwt"
    said = signer().verify(made.body, typ="userinfo+jwt", issuer="https://i", audience="beta", now=NOW)
    assert said["sub"] == "me"


def test_who_shows_nothing_is_told_no_error() -> None:
    """RFC 6750 §3"""
    assert userinfo.challenge(refusals.NO_TOKEN, "Bearer") == {"WWW-Authenticate": 'Bearer realm="userinfo"'}
    assert 'error="invalid_token"' in userinfo.challenge(refusals.TOKEN, "Bearer")["WWW-Authenticate"]
    assert 'algs="ES256 PS256"' in userinfo.challenge(refusals.TOKEN_DPOP, "DPoP")["WWW-Authenticate"]
