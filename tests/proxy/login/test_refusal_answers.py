"""How a refusal is told: to people, to programs, and never to both in one way."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from proxy.login import refusal_answers
from proxy.login.calls import Call
from sso import refusals
from sso.effects import Json, ShowPage
from sso.model import Client
from sso.refusals import Cause, Refusal
from tests.sign_in_peers.issuer import CLIENTS

ALPHA = CLIENTS["alpha"]


def call(path: str, headers: dict[str, str] | None = None) -> Call:
    return Call("POST", path, "", "", "", MappingProxyType(headers or {}), frozenset(), {}, "", "id")


@pytest.mark.parametrize("path", ["/token", "/par", "/userinfo", "/introspect", "/revoke", "/jwks", "/ticket/redeem"])
def test_programs_get_the_protocol_s_word(path: str) -> None:
    answer = refusal_answers.answer(Refusal(refusals.CODE), call(path), None)
    assert isinstance(answer, Json)
    assert answer.body == {"error": "invalid_grant", "error_description": f"{refusals.CODE.description} (DN-155)"}


@pytest.mark.parametrize("path", ["/authorize", "/logout", "/choose", "/consent", "/callback/home", "/portal"])
def test_people_get_a_page_with_the_code(path: str) -> None:
    answer = refusal_answers.answer(Refusal(refusals.NO_REQUEST), call(path), None)
    assert isinstance(answer, ShowPage)
    assert (answer.name, answer.facts["code"], answer.status) == ("trouble", "DN-103", 400)


@pytest.mark.parametrize(
    ("cause", "given", "told"),
    [
        (refusals.UNAVAILABLE, None, 5),
        (refusals.TOO_OFTEN, None, 60),
        (refusals.TOO_OFTEN, 17, 17),
        (refusals.CLIENT_LOCKED, 900, 900),
        (refusals.CODE, None, None),
    ],
)
def test_who_may_come_again_is_told_when(cause: Cause, given: int | None, told: int | None) -> None:
    refusal = Refusal(cause, retry_after=given)
    page = refusal_answers.answer(refusal, call("/authorize"), None)
    answer = refusal_answers.answer(refusal, call("/token"), None)
    assert isinstance(page, ShowPage)
    assert isinstance(answer, Json)
    assert page.retry_after == told
    assert answer.headers.get("Retry-After") == (None if told is None else str(told))


def test_what_a_protocol_wants_said_is_said_to_programs_alone() -> None:
    refusal = Refusal(refusals.USE_NONCE, headers={"DPoP-Nonce": "n"})
    answer = refusal_answers.answer(refusal, call("/token"), None)
    assert isinstance(answer, Json)
    assert answer.headers["DPoP-Nonce"] == "n"


@pytest.mark.parametrize(
    ("client", "back"),
    [
        (None, ""),
        (ALPHA, "https://alpha.example/out"),
        (replace(ALPHA, post_logout_redirect_uris=()), "https://alpha.example/"),
        (replace(ALPHA, post_logout_redirect_uris=(), redirect_uris=()), ""),
    ],
)
def test_people_may_go_back_to_an_address_that_the_client_has_registered(client: Client | None, back: str) -> None:
    page = refusal_answers.answer(Refusal(refusals.DENIED), call("/authorize"), client)
    assert isinstance(page, ShowPage)
    assert page.facts["back"] == back


def test_only_a_basic_client_is_asked_for_a_password() -> None:
    answer = refusal_answers.answer(Refusal(refusals.CLIENT), call("/token"), None)
    assert isinstance(answer, Json)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
