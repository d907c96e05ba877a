"""Attacks on signing out: each is named with what is expected."""

from urllib.parse import urlencode

import pytest

from tests.attacks.test_sign_in_requests import VARIANTS
from tests.sign_in_peers.issuer import BINH, NOW, Desk

# https://alpha.example/out is registered, also with ?x=1
WRONG = [uri.replace("/cb", "/out").replace("?x=1", "?x=2") for uri in VARIANTS if uri and "/out" not in uri]


@pytest.mark.parametrize("uri", WRONG)
async def test_2_nobody_is_sent_where_no_client_has_registered(desk: Desk, uri: str) -> None:
    browser = desk.browser()
    hint = (await desk.tokens(browser))["id_token"]
    answer = await browser.get(f"/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': uri})}")
    assert not answer.location
    assert "evil" not in answer.text


async def test_2_the_address_of_another_client_is_not_ones_own(desk: Desk) -> None:
    browser = desk.browser()
    hint = (await desk.tokens(browser))["id_token"]
    wish = {"id_token_hint": hint, "post_logout_redirect_uri": "https://beta.example/out"}
    assert not (await browser.get(f"/logout?{urlencode(wish)}")).location


async def is_signed_in(desk: Desk, browser: object) -> bool:
    return "code" in (await desk.authorize(browser, prompt="none")).told()  # type: ignore[arg-type]  # a browser


async def test_41_without_a_valid_hint_people_are_asked_first(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    other = desk.browser()
    desk.home.person = BINH
    theirs = (await desk.tokens(other))["id_token"]
    claims = {"iss": "https://evil.example", "aud": "alpha", "sub": "x", "iat": NOW, "exp": NOW + 60}
    foreign = desk.broker.signer.sign(claims, typ="JWT")
    for hint in ("", "nonsense", theirs, foreign, theirs[:-8] + "AAAAAAAA"):
        await browser.get(f"/logout?{urlencode({'id_token_hint': hint})}")
        assert await is_signed_in(desk, browser), hint[:20]


async def test_40_an_answer_that_did_not_come_from_our_question_signs_nobody_out(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    question = await browser.get("/logout")
    assert question.status == 200
    stranger = desk.browser()
    desk.home.person = BINH
    await desk.sign_in(stranger)
    # The attacker's own question, answered by the victim's browser.
    asked = (await stranger.get("/logout")).form()
    await browser.post("/logout/answer", {**asked, "answer": "yes"})
    await browser.post("/logout/answer", {"answer": "yes"})
    assert await is_signed_in(desk, browser)
    await browser.post("/logout/answer", {**question.form(), "answer": "yes"})
    assert not await is_signed_in(desk, browser)
