"""Who is at the browser, and which forms are ours."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proxy.console.desk import Desk
from proxy.console.sessions import LONGEST, CookieName, Forged, Outdated, begun, check_form, holder, minutes_left
from redirect_rules.people import digest_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
COOKIE = "a" * 43
SESSION = begun("an", COOKIE, "the-token", now=NOW, way="password")


def test_the_store_is_told_the_digest_of_a_cookie_and_never_the_cookie() -> None:
    assert SESSION.digest == digest_of(COOKIE)
    assert COOKIE not in repr(SESSION)


def test_behind_tls_every_cookie_is_bound_to_the_host() -> None:
    bound = CookieName(secure=True)
    assert all(name.startswith("__Host-") for name in (bound.session, bound.under_way, bound.notice, bound.language))
    plain = CookieName(secure=False)
    assert not any(name.startswith("__") for name in (plain.session, plain.under_way, plain.notice, plain.language))


@pytest.mark.parametrize("cookie", ["", "short", "a" * 19, "a" * 201])
def test_what_cannot_be_a_cookie_of_ours_is_not_looked_up(desk: Desk, cookie: str) -> None:
    desk.people.begin(replace(SESSION, digest=digest_of(cookie)))
    assert holder(desk.people, cookie, now=NOW) is None


def test_a_cookie_of_ours_says_who_it_is(desk: Desk) -> None:
    desk.people.begin(SESSION)
    assert holder(desk.people, COOKIE, now=NOW) == SESSION
    assert holder(desk.people, "b" * 43, now=NOW) is None


@pytest.mark.parametrize(
    ("before_the_end", "left"),
    [(timedelta(hours=1), None), (timedelta(minutes=6), None), (timedelta(minutes=5), 5), (timedelta(seconds=59), 0)],
)
def test_the_end_is_announced_when_it_is_near(before_the_end: timedelta, left: int | None) -> None:
    assert minutes_left(SESSION, NOW + LONGEST - before_the_end) == left


OURS: list[Mapping[str, str]] = [
    {},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"origin": "https://console.example.vn"},
    {"origin": "http://console.example.vn"},  # behind TLS that somebody else speaks, we are told nothing of it
]


@pytest.mark.parametrize("headers", OURS, ids=str)
def test_a_form_of_ours_is_taken(headers: Mapping[str, str]) -> None:
    check_form(SESSION, "the-token", headers, "console.example.vn")


FORGED: list[tuple[str, Mapping[str, str]]] = [
    ("", {}),
    ("the-toke", {}),
    ("mã", {}),
    ("\ud800", {}),
    ("the-token", {"sec-fetch-site": "cross-site"}),
    ("the-token", {"sec-fetch-site": "same-site"}),
    ("the-token", {"sec-fetch-site": ""}),
    ("the-token", {"origin": "null"}),
    ("the-token", {"origin": "https://evil.example"}),
    ("the-token", {"origin": "https://console.example.vn.evil.example"}),
    ("the-token", {"origin": "https://console.example.vn:8443"}),
]


@pytest.mark.parametrize(("token", "headers"), FORGED, ids=str)
def test_a_form_from_elsewhere_is_not(token: str, headers: Mapping[str, str]) -> None:
    with pytest.raises(Forged):
        check_form(SESSION, token, headers, "console.example.vn")


LATE: list[tuple[Mapping[str, str], bool]] = [
    ({"sec-fetch-site": "same-origin"}, True),
    ({"origin": "https://console.example.vn"}, True),
    ({"sec-fetch-site": "none", "origin": "https://console.example.vn"}, False),
    ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({}, False),
]


@pytest.mark.parametrize(("headers", "is_ours"), LATE, ids=str)
def test_a_form_of_the_session_before_is_told_from_a_forged_one_by_the_browsers_own_word(
    headers: Mapping[str, str],
    is_ours: bool,  # noqa: FBT001 - a column
) -> None:
    with pytest.raises(Forged) as raised:
        check_form(SESSION, "the-token-of-the-session-before", headers, "console.example.vn")
    assert isinstance(raised.value, Outdated) is is_ours


def test_neither_the_forms_token_nor_the_brokers_is_in_its_description() -> None:
    by_broker = begun("an", COOKIE, "the-token", now=NOW, way="broker", sid="s", id_token="header.claims.signature")
    assert (by_broker.sid, by_broker.id_token) == ("s", "header.claims.signature")
    assert "the-token" not in repr(by_broker)
    assert "claims" not in repr(by_broker)


def test_before_anybody_is_signed_in_a_form_has_no_token_and_still_may_not_come_from_elsewhere() -> None:
    check_form(None, "", {"sec-fetch-site": "same-origin"}, "console.example.vn")
    with pytest.raises(Forged):
        check_form(None, "", {"origin": "https://evil.example"}, "console.example.vn")
