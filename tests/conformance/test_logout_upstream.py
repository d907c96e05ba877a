"""Signing out both ways between us and an upstream: its back-channel word to us, and our visitors' way to it."""

from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc.jwk import ECKey

from sso import logout
from sso.upstreams.directory import Upstreams
from tests.sign_in_peers.issuer import AN, HOME, HOME_KEY, NOW, Browser, Desk, home_upstream, signed

PATH = "/backchannel-logout/home"


def said(desk: Desk, header: Mapping[str, Any] | None = None, key: ECKey = HOME_KEY, **changes: Any) -> str:
    """The upstream's logout token, changed; None takes a claim away."""
    claims: dict[str, object] = {
        "iss": HOME,
        "aud": "dvc-edge",
        "sub": AN.sub,
        "iat": desk.clock.now,
        "exp": desk.clock.now + 120,
        "jti": f"jti-{len(desk.audit)}",
        "events": {logout.EVENT: {}},
    } | changes
    present = {name: value for name, value in claims.items() if value is not None}
    return signed(present, key, header={"typ": "logout+jwt", **(header or {})})


async def told(desk: Desk, token: str, path: str = PATH) -> int:
    answer = await desk.ask("POST", path, None, urlencode({"logout_token": token}))
    assert "no-store" in answer.headers["Cache-Control"]  # Back-Channel Logout §2.8
    return answer.status


async def signed_in(desk: Desk) -> Browser:
    browser = desk.browser()
    await desk.sign_in(browser)
    return browser


async def is_signed_in(desk: Desk, browser: Browser) -> bool:
    return "code" in (await desk.authorize(browser, prompt="none")).told()


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT", None], ids=str)
async def test_a_person_who_signed_out_there_is_signed_out_here_everywhere(desk: Desk, typ: str | None) -> None:
    browsers = [await signed_in(desk) for _ in range(2)]
    token = said(desk, {"typ": typ})
    assert await told(desk, token) == 200
    assert [await is_signed_in(desk, browser) for browser in browsers] == [False, False]


async def test_one_session_is_ended_by_its_sid(desk: Desk) -> None:
    browsers = [await signed_in(desk) for _ in range(2)]
    sessions = await desk.store.sessions_of("home", AN.sub)
    named = replace(sessions[0], upstream_sid="sid-there")
    await desk.store.open(named, idle_seconds=1_800, replaces=named.id)
    assert await told(desk, said(desk, sid="sid-there", sub=None)) == 200
    assert sorted([await is_signed_in(desk, browser) for browser in browsers]) == [False, True]
    assert await told(desk, said(desk, sid="unknown there", jti="other")) == 200  # it was none of ours


FAULTS: dict[str, dict[str, Any]] = {
    "no-event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event that is no object": {"events": {logout.EVENT: True}},
    "events that are no object": {"events": [logout.EVENT]},
    "with-nonce": {"nonce": "n-0S6"},
    "with an empty nonce": {"nonce": ""},
    "wrong-aud": {"aud": "another"},
    "wrong-iss": {"iss": "https://evil.example"},
    "about nobody": {"sub": None},
    "about a number": {"sub": 1},
    "without jti": {"jti": None},
    "without iat": {"iat": None},
    "of tomorrow": {"iat": NOW + 86_400},
    "of yesterday": {"iat": NOW - 86_400},
    "expired": {"exp": NOW - 60},
    "expiring never": {"exp": float("inf")},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_logout_token_with_a_fault_is_refused(desk: Desk, fault: str) -> None:
    browser = await signed_in(desk)
    assert await told(desk, said(desk, **FAULTS[fault])) == 400
    assert await is_signed_in(desk, browser)


async def test_alg_none_a_strangers_key_and_an_id_token_are_refused(desk: Desk) -> None:
    browser = await signed_in(desk)
    head, body, _ = said(desk).split(".")
    none = said(desk).replace(head, "eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9").rpartition(".")[0] + "."
    stranger = said(desk, key=ECKey.generate_key("P-256", {"kid": "home"}))
    id_token = signed({"iss": HOME, "aud": "dvc-edge", "sub": AN.sub, "iat": NOW, "exp": NOW + 60}, HOME_KEY)
    for token in (none, stranger, id_token, f"{head}.{body}.", "nothing", ""):
        assert await told(desk, token) == 400
    assert await is_signed_in(desk, browser)


async def test_a_logout_token_is_good_once_and_at_its_upstreams_own_address(desk: Desk) -> None:
    token = said(desk)
    assert await told(desk, token, "/backchannel-logout/nobody") == 400
    assert await told(desk, token) == 200
    assert await told(desk, token) == 400


async def test_an_upstream_that_cannot_be_asked_for_its_keys_is_asked_to_come_again(desk: Desk) -> None:
    desk.home.fails = True
    assert await told(desk, said(desk)) == 503


# Our visitors' way there


@pytest.fixture
def leaving(desk: Desk) -> Desk:
    """An issuer whose upstream has an end-session endpoint."""
    upstream = home_upstream()
    assert upstream.endpoints
    endpoints = replace(upstream.endpoints, end_session_endpoint=f"{HOME}/end?x=1")
    desk.broker.upstreams = Upstreams(
        {"home": replace(upstream, endpoints=endpoints)}, desk.home, issuer=desk.broker.issuer
    )
    return desk


async def test_who_signs_out_here_goes_there_and_comes_back_to_the_client(leaving: Desk) -> None:
    browser = leaving.browser()
    body = (await leaving.exchange((await leaving.sign_in(browser))["code"])).json()
    wish = {"id_token_hint": body["id_token"], "post_logout_redirect_uri": "https://alpha.example/out", "state": "s"}
    answer = await browser.get(f"/logout?{urlencode(wish)}")
    # Their ID token tells who the person is: it goes in a form, never in an address.
    assert answer.status == 200
    assert not answer.location
    form = answer.form()
    assert f'action="{HOME}/end"' in unescape(answer.text)
    assert form["id_token_hint"].count(".") == 2
    assert form["client_id"] == "dvc-edge"
    assert form["x"] == "1"
    assert form["post_logout_redirect_uri"] == f"{leaving.broker.issuer}/logout/done"
    assert not await is_signed_in(leaving, browser)
    assert "alpha" not in form["state"]
    back = await browser.get(f"/logout/done?{urlencode({'state': form['state']})}")
    assert back.location == "https://alpha.example/out?state=s"


async def test_with_frames_the_way_there_has_no_token_in_it(leaving: Desk) -> None:
    broker = leaving.broker
    framed = replace(broker.clients["alpha"], frontchannel_logout_uri="https://alpha.example/front")
    broker.clients = {**broker.clients, "alpha": framed}
    browser = leaving.browser()
    body = (await leaving.exchange((await leaving.sign_in(browser))["code"])).json()
    answer = await browser.get(f"/logout?{urlencode({'id_token_hint': body['id_token']})}")
    assert "https://alpha.example/front?iss=" in unescape(answer.text)
    onward = next(part for part in unescape(answer.text).split('"') if part.startswith(f"{HOME}/end?"))
    assert parse_qs(urlsplit(onward).query).keys() == {"x", "client_id", "post_logout_redirect_uri", "state"}


@pytest.mark.parametrize("state", [None, "", "https://evil.example/", "x" * 90])
async def test_who_comes_back_with_anything_else_stays_with_us(leaving: Desk, state: str | None) -> None:
    target = "/logout/done" if state is None else f"/logout/done?{urlencode({'state': state})}"
    answer = await leaving.browser().get(target)
    assert answer.status == 200
    assert not answer.location
    assert "evil" not in answer.text


async def test_a_way_back_does_not_stay_open(leaving: Desk) -> None:
    browser = leaving.browser()
    body = (await leaving.exchange((await leaving.sign_in(browser))["code"])).json()
    wish = {"id_token_hint": body["id_token"], "post_logout_redirect_uri": "https://alpha.example/out"}
    form = (await browser.get(f"/logout?{urlencode(wish)}")).form()
    leaving.clock.now += logout.PAGE_SECONDS + 1
    assert (await browser.get(f"/logout/done?{urlencode({'state': form['state']})}")).status == 200
