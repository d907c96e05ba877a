"""What effects become on the wire."""

from http.cookies import SimpleCookie

import pytest
from aiohttp.web import Response
from hypothesis import given
from hypothesis import strategies as st

from proxy.login.calls import Call
from proxy.login.responding import Responder
from proxy.pages import Pages
from sso.effects import Cookie, Effect, Json, PostForm, Redirect, ShowPage, Text

CALL = Call("GET", "/", "", "", "", {"accept-language": "vi"}, frozenset(), {}, "", "k7m2-9fxd-3hqp")
TROUBLE = ShowPage("trouble", {"code": "DN-1", "reason": "server_error", "status": 500}, 500)
EFFECTS: list[Effect] = [
    Redirect("https://a.example/cb?code=1"),
    PostForm("https://a.example/cb", (("code", "1"),), "A"),
    TROUBLE,
    Json(200, {"a": "đ"}),
    Text(200),
]


@pytest.fixture
def responder(pages: Pages) -> Responder:
    return Responder(pages, secure=True)


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_every_answer_is_kept_by_nobody_framed_by_nobody_and_tells_nobody(responder: Responder, effect: Effect) -> None:
    headers = responder.respond(effect, CALL).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Request-Id"] == "k7m2-9fxd-3hqp"


def test_a_redirect_is_303_letter_by_letter(responder: Responder) -> None:
    response = responder.respond(Redirect("https://a.example/cb?x=%2F&code=a+b"), CALL)
    assert (response.status, response.headers["Location"]) == (303, "https://a.example/cb?x=%2F&code=a+b")


def test_cookies_are_ours_alone(responder: Responder) -> None:
    response = responder.respond(Redirect("/", (Cookie("session", "v"), Cookie("browser", ""))), CALL)
    session, browser = response.headers.getall("Set-Cookie")
    assert session.startswith("__Host-sign-in=v; ")
    assert browser.startswith("__Host-sign-in-browser=; ")
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=Lax"):
        assert attribute in session
    assert "Domain" not in session
    assert "Max-Age=0" in browser


def test_in_development_cookies_do_without_tls(pages: Pages) -> None:
    response = Responder(pages, secure=False).respond(Redirect("/", (Cookie("session", "v"),)), CALL)
    assert "Secure" not in response.headers["Set-Cookie"]


@given(st.text(st.sampled_from("abcXYZ019-_.~"), max_size=60), st.none() | st.integers(1, 10**9), st.booleans())
def test_a_cookie_is_written_as_the_library_writes_it(value: str, life: int | None, secure: bool) -> None:  # noqa: FBT001
    responder = Responder(None, secure=secure)  # type: ignore[arg-type]  # no page is shown
    theirs = Response()
    name = "__Host-sign-in" if secure else "sign-in"
    age = life if value else 0
    theirs.set_cookie(name, value, max_age=age, path="/", secure=secure, httponly=True, samesite="Lax")
    written = responder.respond(Redirect("/", (Cookie("session", value, life),)), CALL).headers["Set-Cookie"]
    ours, expected = SimpleCookie(written)[name], theirs.cookies[name]
    assert (ours.value, {k: v for k, v in ours.items() if v}) == (value, {k: v for k, v in expected.items() if v})


@pytest.mark.parametrize("value", ["a;b", "a\r\nX: y", "a b", "ă"])
def test_what_is_no_value_of_ours_never_becomes_a_header(responder: Responder, value: str) -> None:
    with pytest.raises(ValueError, match="not ours"):
        responder.respond(Redirect("/", (Cookie("session", value),)), CALL)


def test_what_is_the_same_for_all_may_be_kept_and_read_from_anywhere(responder: Responder) -> None:
    headers = responder.respond(Json(200, {}, cacheable=True), CALL).headers
    assert headers["Cache-Control"] == "public, max-age=300"
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_a_form_leads_where_the_answer_goes(responder: Responder) -> None:
    response = responder.respond(EFFECTS[1], CALL)
    assert "form-action 'self' https://a.example" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("asked", "language"), [((), "vi"), (("en",), "en"), (("fr", "en-GB"), "en"), (("fr",), "vi")])
def test_the_client_asks_for_a_language_before_the_browser_does(
    responder: Responder, asked: tuple[str, ...], language: str
) -> None:
    page = ShowPage("trouble", TROUBLE.facts, 500, languages=asked)
    assert responder.respond(page, CALL).headers["Content-Language"] == language


def test_who_may_try_again_is_told_when(responder: Responder) -> None:
    page = ShowPage("trouble", TROUBLE.facts, 503, retry_after=5)
    assert responder.respond(page, CALL).headers["Retry-After"] == "5"
