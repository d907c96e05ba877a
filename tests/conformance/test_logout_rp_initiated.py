"""OpenID Connect RP-Initiated Logout, module by module.

It mirrors the list of modules of the OpenID Foundation's conformance suite, and is no certification: the suite itself
is a program of its own.  After every good sign-out `prompt=none` must fail, and after every refused one it must not.
"""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.sign_in_peers.issuer import Answer, Browser, Desk

HERE = "https://alpha.example/out"


async def signed_in(desk: Desk, name: str = "alpha") -> tuple[Browser, dict[str, Any]]:
    """Somebody who is signed in, and what their client got."""
    browser = desk.browser()
    told = await desk.sign_in(browser, name)
    body: dict[str, Any] = (await desk.exchange(told["code"], name)).json()
    return browser, body


async def sign_out(browser: Browser, **parameters: str) -> Answer:
    return await browser.get(f"/logout?{urlencode(parameters)}")


async def is_signed_in(desk: Desk, browser: Browser) -> bool:
    return "code" in (await desk.authorize(browser, prompt="none")).told()


async def agree(browser: Browser, asked: Answer, answer: str = "yes") -> Answer:
    """Press a button of the page that asks."""
    assert asked.status == 200
    assert "/logout/answer" in asked.text
    return await browser.post("/logout/answer", {**asked.form(), "answer": answer})


@pytest.mark.parametrize("method", ["get", "post"])
async def test_oidcc_rp_initiated_logout(desk: Desk, method: str) -> None:
    browser, body = await signed_in(desk)
    wish = {"id_token_hint": body["id_token"], "post_logout_redirect_uri": HERE, "state": "x y&z"}
    answer = await (sign_out(browser, **wish) if method == "get" else browser.post("/logout", wish))
    assert answer.status == 303
    assert answer.location == f"{HERE}?state=x%20y%26z"
    assert not browser.cookies.keys() & {"sign-in", "__Host-sign-in"}
    assert not await is_signed_in(desk, browser)
    assert (await desk.userinfo(body["access_token"])).status == 401


async def test_oidcc_rp_initiated_logout_discovery(desk: Desk) -> None:
    document = (await desk.ask("GET", "/.well-known/openid-configuration")).json()
    assert document["end_session_endpoint"] == f"{desk.broker.issuer}/logout"


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    answer = await sign_out(browser, id_token_hint=body["id_token"], post_logout_redirect_uri=f"{HERE}/x", state="s")
    assert answer.status == 400
    assert not answer.location
    assert "DN-187" in answer.text
    assert await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    head, claims, signature = body["id_token"].split(".")
    forged = f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    answer = await sign_out(browser, id_token_hint=forged, post_logout_redirect_uri=HERE, state="s")
    assert answer.status == 400
    assert not answer.location
    assert "DN-185" in answer.text
    assert await is_signed_in(desk, browser)


@pytest.mark.parametrize("hint", ["bad", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 20_000])
async def test_oidcc_rp_initiated_logout_bad_id_token_hint(desk: Desk, hint: str) -> None:
    browser, _ = await signed_in(desk)
    answer = await browser.post("/logout", {"id_token_hint": hint, "post_logout_redirect_uri": HERE})
    assert answer.status == 400
    assert not answer.location
    assert await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(desk: Desk) -> None:
    # Whose address it would be nobody says: people are asked, signed out, and stay with us.
    browser, _ = await signed_in(desk)
    asked = await sign_out(browser, post_logout_redirect_uri=HERE, state="s")
    assert await is_signed_in(desk, browser)
    answer = await agree(browser, asked)
    assert answer.status == 200
    assert not answer.location
    assert HERE not in answer.text
    assert not await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_no_params(desk: Desk) -> None:
    browser, _ = await signed_in(desk)
    answer = await agree(browser, await browser.get("/logout"))
    assert answer.status == 200
    assert not await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    answer = await sign_out(browser, id_token_hint=body["id_token"], state="s")
    assert answer.status == 200
    assert not answer.location
    assert not await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_no_state(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    answer = await sign_out(browser, id_token_hint=body["id_token"], post_logout_redirect_uri=HERE)
    assert answer.location == HERE
    assert not await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_only_state(desk: Desk) -> None:
    browser, _ = await signed_in(desk)
    answer = await agree(browser, await sign_out(browser, state="s"))
    assert answer.status == 200
    assert not answer.location
    assert not await is_signed_in(desk, browser)


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    added = await sign_out(browser, id_token_hint=body["id_token"], post_logout_redirect_uri=f"{HERE}?foo=bar")
    assert added.status == 400
    assert not added.location
    assert await is_signed_in(desk, browser)
    # One that was registered with a query is another matter.
    with_query = await sign_out(
        browser, id_token_hint=body["id_token"], post_logout_redirect_uri=f"{HERE}?x=1", state="s"
    )
    assert parse_qs(urlsplit(with_query.location).query) == {"x": ["1"], "state": ["s"]}


# What the suite does not ask


async def test_a_person_may_say_no(desk: Desk) -> None:
    browser, _ = await signed_in(desk)
    answer = await agree(browser, await browser.get("/logout"), "no")
    assert "DN-189" in answer.text
    assert await is_signed_in(desk, browser)


async def test_a_client_that_names_itself_has_its_address_followed_once_the_person_agrees(desk: Desk) -> None:
    browser, _ = await signed_in(desk)
    asked = await sign_out(browser, client_id="alpha", post_logout_redirect_uri=HERE, state="s")
    answer = await agree(browser, asked)
    assert answer.location == f"{HERE}?state=s"


@pytest.mark.parametrize("client_id", ["beta", "nobody"])
async def test_a_client_that_names_another_is_refused(desk: Desk, client_id: str) -> None:
    browser, body = await signed_in(desk)
    answer = await sign_out(browser, id_token_hint=body["id_token"], client_id=client_id)
    assert "DN-186" in answer.text
    assert await is_signed_in(desk, browser)


async def test_a_hint_of_another_session_does_not_save_the_question(desk: Desk) -> None:
    _, theirs = await signed_in(desk)
    browser, _ = await signed_in(desk)
    asked = await sign_out(browser, id_token_hint=theirs["id_token"], post_logout_redirect_uri=HERE)
    assert "/logout/answer" in asked.text
    assert await is_signed_in(desk, browser)


async def test_an_expired_hint_is_good_enough(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    desk.clock.now += 1_500
    answer = await sign_out(browser, id_token_hint=body["id_token"], post_logout_redirect_uri=HERE)
    assert answer.location == HERE
    assert not await is_signed_in(desk, browser)


async def test_nobody_signed_in_is_sent_on_at_once(desk: Desk) -> None:
    _, body = await signed_in(desk)
    stranger = desk.browser()
    answer = await sign_out(stranger, id_token_hint=body["id_token"], post_logout_redirect_uri=HERE)
    assert answer.location == HERE


async def test_a_form_from_the_clients_own_site_signs_out_although_it_brings_no_cookie(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    wish = {"id_token_hint": body["id_token"], "post_logout_redirect_uri": HERE, "state": "s"}
    # Browsers keep our cookie back: it is SameSite=Lax.
    first = await desk.browser().post("/logout", wish)
    assert first.status == 200
    assert not first.location
    assert f'action="{desk.broker.issuer}/logout"' in first.text
    assert wish.items() <= first.form().items()
    second = await browser.post("/logout", first.form())  # from our own page
    assert second.location == f"{HERE}?state=s"
    assert not await is_signed_in(desk, browser)
    # Who has no session at all is not sent round in circles.
    assert (await desk.browser().post("/logout", first.form())).location == f"{HERE}?state=s"


async def test_an_answer_of_another_session_or_of_yesterday_ends_nothing(desk: Desk) -> None:
    mine, _ = await signed_in(desk)
    theirs, _ = await signed_in(desk)
    asked = await mine.get("/logout")
    crossed = await theirs.post("/logout/answer", {**asked.form(), "answer": "yes"})
    assert "DN-188" in crossed.text
    made_up = await mine.post("/logout/answer", {"wish": "x" * 80, "answer": "yes"})
    assert "DN-188" in made_up.text
    desk.clock.now += 901
    late = await mine.post("/logout/answer", {**asked.form(), "answer": "yes"})
    assert "DN-188" in late.text
    assert await is_signed_in(desk, mine)
    assert await is_signed_in(desk, theirs)
