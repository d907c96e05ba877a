"""Passwords, sessions and tokens, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from redirect_rules.people import Password, SignedIn, Token, digest_of
from redirect_rules.rights import Deed
from redirect_rules.stores.database import Database
from redirect_rules.stores.people import SqlPeople
from tests.conftest import AUTUMN

HALF_AN_HOUR = 1_800


@pytest.fixture
def people(url: str) -> Iterator[SqlPeople]:
    with closing(Database(url)) as database:
        yield SqlPeople(database)


def at_a_browser(cookie: str, actor: str = "an") -> SignedIn:
    return SignedIn(digest_of(cookie), actor, "csrf", AUTUMN, AUTUMN, AUTUMN + timedelta(hours=8), "password")


def a_token(secret: str, actor: str = "an", id_: str = "t1") -> Token:
    ends = AUTUMN + timedelta(days=90)
    return Token(id_, actor, "nightly", digest_of(secret), frozenset({Deed.SEE, Deed.EDIT}), AUTUMN, ends)


def test_a_password_is_kept_and_replaced(people: SqlPeople) -> None:
    assert people.password("an") is None
    people.keep_password(Password("an", "$argon2id$1"))
    people.keep_password(Password("an", "$argon2id$2", totp="sealed"))
    assert people.password("an") == Password("an", "$argon2id$2", totp="sealed")


def test_wrong_passwords_are_counted_until_a_right_one(people: SqlPeople) -> None:
    people.keep_password(Password("an", "$"))
    people.count_failure("an", locked_until=None)
    people.count_failure("an", locked_until=AUTUMN)
    assert people.password("an") == Password("an", "$", failures=2, locked_until=AUTUMN)
    people.forget_failures("an")
    assert people.password("an") == Password("an", "$")


def test_a_new_password_signs_out_whoever_used_the_old_one(people: SqlPeople) -> None:
    people.begin(at_a_browser("one"))
    people.begin(at_a_browser("other", "binh"))
    people.keep_password(Password("an", "$"))
    assert people.signed_in(digest_of("one"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None
    assert people.signed_in(digest_of("other"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is not None


def test_somebody_stays_signed_in_while_they_work_but_not_beyond_the_end(people: SqlPeople) -> None:
    people.begin(at_a_browser("c"))
    now = AUTUMN
    while now < AUTUMN + timedelta(hours=8):
        found = people.signed_in(digest_of("c"), now=now, idle_seconds=HALF_AN_HOUR)
        assert found is not None
        assert found.seen_at == now
        now += timedelta(minutes=29)
    assert people.signed_in(digest_of("c"), now=now, idle_seconds=HALF_AN_HOUR) is None


def test_whoever_is_idle_too_long_is_signed_out_for_good(people: SqlPeople) -> None:
    people.begin(at_a_browser("c"))
    late = AUTUMN + timedelta(seconds=HALF_AN_HOUR)
    assert people.signed_in(digest_of("c"), now=late, idle_seconds=HALF_AN_HOUR) is None
    assert people.signed_in(digest_of("c"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None


def test_signing_out_ends_one_place_or_all(people: SqlPeople) -> None:
    for cookie in ("one", "two", "three"):
        people.begin(at_a_browser(cookie))
    people.end(digest_of("one"))
    assert people.signed_in(digest_of("one"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None
    assert people.end_all("an") == 2
    assert people.end_all("an") == 0


def test_sessions_that_have_ended_are_cleared_away(people: SqlPeople) -> None:
    people.begin(at_a_browser("old"))
    later = AUTUMN + timedelta(days=2)
    people.begin(replace(at_a_browser("new"), begun_at=later, seen_at=later, ends_at=later + timedelta(hours=8)))
    assert people.end_all("an") == 1


def test_a_token_is_found_by_what_its_holder_has_and_says_when_it_was_used(people: SqlPeople) -> None:
    people.put_token(a_token("secret"))
    assert people.token(digest_of("other"), today="2026-11-01") is None
    found = people.token(digest_of("secret"), today="2026-11-02")
    assert found == replace(a_token("secret"), used_on="2026-11-02")
    assert people.tokens() == [found]


def test_a_token_is_revoked_once(people: SqlPeople) -> None:
    people.put_token(a_token("secret"))
    assert people.revoke("t1", at=AUTUMN)
    assert not people.revoke("t1", at=AUTUMN + timedelta(days=1))
    (token,) = people.tokens("an")
    assert token.revoked_at == AUTUMN
    assert people.tokens("binh") == []


def test_nothing_that_opens_a_door_is_kept_as_itself(people: SqlPeople, url: str) -> None:
    people.begin(at_a_browser("the-cookie-itself"))
    people.put_token(a_token("the-token-itself"))
    with closing(Database(url)) as database, database.reading() as connection:
        for table in ("passwords", "signed_in", "tokens"):
            rows = connection.exec_driver_sql(f"select * from {table}").all()
            assert "itself" not in str(rows)


def test_the_code_of_a_step_counts_once_and_no_earlier_one_after_it(people: SqlPeople) -> None:
    people.keep_password(Password("an", "$", totp="secret"))
    assert [people.use_step("an", step) for step in (100, 100, 99, 101)] == [True, False, False, True]
    assert people.password("an") == Password("an", "$", totp="secret", last_step=101)
    assert not people.use_step("nobody", 100)


def test_of_twenty_who_show_the_same_code_at_once_one_gets_in(people: SqlPeople) -> None:
    people.keep_password(Password("an", "$", totp="secret"))
    with ThreadPoolExecutor(20) as crowd:
        taken = list(crowd.map(lambda _: people.use_step("an", 100), range(20)))
    assert taken.count(True) == 1


def test_a_password_that_is_forgotten_lets_nobody_in_nor_stay(people: SqlPeople) -> None:
    people.keep_password(Password("an", "$"))
    people.begin(at_a_browser("c"))
    people.forget_password("an")
    assert people.password("an") is None
    assert people.signed_in(digest_of("c"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None
