"""What a request to the issuer's host is read as."""

import pytest

from proxy.login.calls import Call, _cookies, wire_name
from sso.refusals import CONTENT_TYPE, IN_THE_QUERY, UNREADABLE, Cause, Refusal

FORM = "application/x-www-form-urlencoded"


def call(method: str = "POST", *, query: str = "", body: str = "", kind: str = FORM, repeated: str = "") -> Call:
    return Call(method, "/token", query, body, kind, {"a": "1"}, frozenset(repeated.split()), {}, "", "")


def test_cookies_are_bound_to_this_host_over_tls() -> None:
    assert wire_name("session", secure=True) == "__Host-sign-in"
    assert wire_name("session", secure=False) == "sign-in"


# Cookie headers → our session
COOKIES = [
    (["__Host-sign-in=a"], "a"),
    (["x=1; __Host-sign-in=a; y=2"], "a"),
    (["x=1", "__Host-sign-in=a"], "a"),
    (["__Host-sign-in=a; __Host-sign-in=b"], None),
    (["__Host-sign-in=a; __Host-sign-in=a"], None),
    (["__Host-sign-in=a", "__Host-sign-in=b"], None),
    (["__Host-sign-in=; __Host-sign-in=b"], None),
    (["sign-in=a"], None),
    (["__host-sign-in=a"], None),
    (["__Host-sign-in"], None),
    (["__Host-sign-in="], None),
    ([], None),
]


@pytest.mark.parametrize(("headers", "session"), COOKIES)
def test_of_two_cookies_with_one_name_neither_is_believed(headers: list[str], session: str | None) -> None:
    assert _cookies(headers, secure=True).get("session") == session


# a call → why it is no call of a program
PROGRAMS: list[tuple[Call, Cause]] = [
    (call(query="a=1"), IN_THE_QUERY),
    (call(kind="application/json", body="{}"), CONTENT_TYPE),
    (call(kind="", body="a=1"), CONTENT_TYPE),
]


@pytest.mark.parametrize(("made", "cause"), PROGRAMS)
def test_programs_send_forms_and_nothing_beside(made: Call, cause: Cause) -> None:
    with pytest.raises(Refusal) as refused:
        made.form_parameters()
    assert refused.value.cause is cause


def test_browsers_send_a_query_or_a_form() -> None:
    assert call("GET", query="a=1").parameters().values == {"a": "1"}
    assert call(body="a=1").parameters().values == {"a": "1"}
    assert call(query="a=1", body="a=2").parameters().repeated == {"a"}


def test_a_header_that_is_there_twice_is_not_chosen_from() -> None:
    assert call().header("a") == "1"
    assert call().header("b") is None
    with pytest.raises(Refusal) as refused:
        call(repeated="a").header("a")
    assert refused.value.cause is UNREADABLE
