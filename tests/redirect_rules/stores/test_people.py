"""Passwords, sessions and tokens, on both databases."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from redirect_rules.objects import Change
from redirect_rules.people import (
    Invitation,
    InvitationGone,
    LinkTaken,
    Password,
    SealBroken,
    SignedIn,
    Token,
    digest_of,
)
from redirect_rules.rights import Deed
from redirect_rules.stores.database import Database
from redirect_rules.stores.ledger import SqlTrail
from redirect_rules.stores.people import SqlPeople
from tests.conftest import AUTUMN
from tests.redirect_rules.seals import OTHER_SEAL, ROTATED_SEAL, SEAL

HALF_AN_HOUR = 1_800


@pytest.fixture
def people(url: str) -> Iterator[SqlPeople]:
    with closing(Database(url)) as database:
        yield SqlPeople(database, SEAL)


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


# What must be read again is sealed


def raw(url: str, column: str) -> str:
    with closing(Database(url)) as database, database.reading() as connection:
        return str(connection.exec_driver_sql(f"select {column}").scalar_one())


def test_a_telephones_secret_is_unreadable_in_the_database(people: SqlPeople, url: str) -> None:
    people.keep_password(Password("an", "$", totp="GEZDGNBV"))
    kept = raw(url, "totp from passwords")
    assert "GEZDGNBV" not in kept
    assert kept.startswith("sealed:k1:")
    assert people.password("an") == Password("an", "$", totp="GEZDGNBV")


def test_a_secret_from_before_there_were_seals_is_read_and_sealed_when_there_is_an_occasion(
    people: SqlPeople, url: str
) -> None:
    people.keep_password(Password("an", "$"))
    people.begin(at_a_browser("one"))
    with closing(Database(url)) as database, database.writing() as connection:
        connection.exec_driver_sql("update passwords set totp = 'GEZDGNBV'")
    found = people.password("an")
    assert found is not None
    assert (found.totp, found.is_stale) == ("GEZDGNBV", True)
    people.seal_again("an")
    assert raw(url, "totp from passwords").startswith("sealed:k1:")
    found = people.password("an")
    assert found is not None
    assert (found.totp, found.is_stale) == ("GEZDGNBV", False)
    assert people.signed_in(digest_of("one"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is not None


def test_a_new_key_opens_what_the_one_before_has_sealed_and_seals_it_anew(people: SqlPeople, url: str) -> None:
    people.keep_password(Password("an", "$", totp="GEZDGNBV"))
    with closing(Database(url)) as database:
        later = SqlPeople(database, ROTATED_SEAL)
        found = later.password("an")
        assert found is not None
        assert (found.totp, found.is_stale) == ("GEZDGNBV", True)
        later.seal_again("an")
        assert raw(url, "totp from passwords").startswith("sealed:k2:")


def test_without_the_key_nobody_gets_past_the_second_factor(people: SqlPeople, url: str) -> None:
    people.keep_password(Password("an", "$", totp="GEZDGNBV"))
    with closing(Database(url)) as database, pytest.raises(SealBroken, match="k1"):
        SqlPeople(database, OTHER_SEAL).password("an")


def test_a_secret_moved_to_another_row_opens_nothing(people: SqlPeople, url: str) -> None:
    people.keep_password(Password("an", "$", totp="GEZDGNBV"))
    people.keep_password(Password("binh", "$"))
    with closing(Database(url)) as database, database.writing() as connection:
        connection.exec_driver_sql(
            "update passwords set totp = (select totp from passwords where actor = 'an') where actor = 'binh'"
        )
    with pytest.raises(SealBroken):
        people.password("binh")


def test_a_session_by_the_broker_keeps_its_id_token_sealed(people: SqlPeople, url: str) -> None:
    people.begin(replace(at_a_browser("c"), way="broker", sid="s1", id_token="header.claims.signature"))
    assert "claims" not in raw(url, "id_token from signed_in")
    found = people.signed_in(digest_of("c"), now=AUTUMN, idle_seconds=HALF_AN_HOUR)
    assert found is not None
    assert (found.sid, found.id_token) == ("s1", "header.claims.signature")
    with closing(Database(url)) as database:
        found = SqlPeople(database, OTHER_SEAL).signed_in(digest_of("c"), now=AUTUMN, idle_seconds=HALF_AN_HOUR)
    assert found is not None
    assert found.id_token == ""


# Invitations and links

ISSUER = "https://signin.example.vn"
BY_THE_CENTRE = Change("trung.uong", "new in Lạng Sơn", AUTUMN)


def invited(people: SqlPeople, code: str, actor: str = "an") -> str:
    digest = digest_of(code)
    people.invite(Invitation(digest, actor, "trung.uong", AUTUMN, AUTUMN + timedelta(hours=24)), "new in Lạng Sơn")
    return digest


def linked(people: SqlPeople, subject: str, actor: str = "an") -> None:
    people.link(invited(people, f"code of {actor} for {subject}", actor), issuer=ISSUER, subject=subject, now=AUTUMN)


def test_an_invitation_links_whoever_brings_it_first_and_is_used_up(people: SqlPeople) -> None:
    digest = invited(people, "code")
    found = people.invitation(digest, now=AUTUMN)
    assert found is not None
    assert (found.actor, found.made_by) == ("an", "trung.uong")
    assert people.link(digest, issuer=ISSUER, subject="s1", now=AUTUMN).actor == "an"
    assert people.linked(ISSUER, "s1") == "an"
    assert people.invitation(digest, now=AUTUMN) is None
    with pytest.raises(InvitationGone):
        people.link(digest, issuer=ISSUER, subject="s2", now=AUTUMN)
    assert people.linked(ISSUER, "s2") is None


def test_an_invitation_ends_after_a_day(people: SqlPeople) -> None:
    digest = invited(people, "code")
    tomorrow = AUTUMN + timedelta(hours=24)
    assert people.invited(now=tomorrow) == []
    assert people.invitation(digest, now=tomorrow) is None
    with pytest.raises(InvitationGone):
        people.link(digest, issuer=ISSUER, subject="s1", now=tomorrow)


def test_a_second_invitation_takes_the_place_of_the_first(people: SqlPeople) -> None:
    first, second = invited(people, "first"), invited(people, "second")
    assert people.invitation(first, now=AUTUMN) is None
    assert people.invitation(second, now=AUTUMN) is not None
    assert len(people.invited(now=AUTUMN)) == 1


def test_an_account_that_is_somebody_elses_changes_nothing_and_leaves_the_invitation_good(people: SqlPeople) -> None:
    linked(people, "s1", "binh")
    digest = invited(people, "code")
    with pytest.raises(LinkTaken):
        people.link(digest, issuer=ISSUER, subject="s1", now=AUTUMN)
    assert people.linked(ISSUER, "s1") == "binh"
    assert people.link(digest, issuer=ISSUER, subject="s2", now=AUTUMN).actor == "an"


def test_the_same_name_of_another_issuer_is_another_account(people: SqlPeople) -> None:
    linked(people, "s1")
    assert people.linked("https://other.example.vn", "s1") is None


def test_a_new_link_puts_out_the_account_that_was_linked_before(people: SqlPeople) -> None:
    linked(people, "s1")
    people.begin(replace(at_a_browser("one"), way="broker", sid="x"))
    linked(people, "s2")
    assert (people.linked(ISSUER, "s1"), people.linked(ISSUER, "s2")) == (None, "an")
    assert people.signed_in(digest_of("one"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None
    assert len(people.links()) == 1


def test_of_ten_who_bring_one_invitation_at_once_one_is_linked(people: SqlPeople) -> None:
    digest = invited(people, "code")

    def link(number: int) -> bool:
        try:
            people.link(digest, issuer=ISSUER, subject=f"s{number}", now=AUTUMN)
        except InvitationGone:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(link, range(10))) == 1
    assert len(people.links()) == 1


def test_of_five_people_who_bring_one_account_at_once_one_is_linked(people: SqlPeople) -> None:
    digests = [invited(people, f"code {number}", f"officer.{number}") for number in range(5)]

    def link(digest: str) -> bool:
        try:
            people.link(digest, issuer=ISSUER, subject="s1", now=AUTUMN)
        except LinkTaken:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(link, digests)) == 1
    assert len(people.links()) == 1


def test_unlinking_shuts_the_brokers_door_and_signs_out_who_came_by_it(people: SqlPeople) -> None:
    linked(people, "s1")
    people.begin(replace(at_a_browser("one"), way="broker", sid="x"))
    people.begin(at_a_browser("by password"))
    assert people.unlink("an", BY_THE_CENTRE)
    assert not people.unlink("an", BY_THE_CENTRE)
    assert people.linked(ISSUER, "s1") is None
    assert people.signed_in(digest_of("one"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None
    assert people.signed_in(digest_of("by password"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is not None


def test_the_trail_says_who_invited_linked_and_unlinked_whom_and_never_the_account(people: SqlPeople, url: str) -> None:
    linked(people, "subject-one")
    linked(people, "subject-two")
    people.unlink("an", BY_THE_CENTRE)
    people.close_passwords("trung.uong", now=AUTUMN)
    with closing(Database(url)) as database:
        trail = SqlTrail(database)
        entries = list(trail.entries())
        assert trail.verify() is None
    assert [(entry.actor, entry.action, entry.subject) for entry in entries] == [
        ("trung.uong", "invite", "person an"),
        ("an", "link", "person an"),
        ("trung.uong", "invite", "person an"),
        ("an", "relink", "person an"),
        ("trung.uong", "unlink", "person an"),
        ("trung.uong", "close-passwords", "console"),
    ]
    assert "subject-" not in repr(entries)


# The broker says that somebody is gone

ENDINGS: list[tuple[str, Callable[[SqlPeople], int], set[str]]] = [
    ("its session", lambda people: people.end_by_sid("s1"), {"binh", "password"}),
    ("another session", lambda people: people.end_by_sid("s9"), {"one", "two", "binh", "password"}),
    ("no session", lambda people: people.end_by_sid(""), {"one", "two", "binh", "password"}),
    ("the person", lambda people: people.end_by_broker("an"), {"binh", "password"}),
]


@pytest.mark.parametrize(("what", "end", "left"), ENDINGS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_ends_at_the_broker_ends_here_and_nothing_else(
    people: SqlPeople, what: str, end: Callable[[SqlPeople], int], left: set[str]
) -> None:
    people.begin(replace(at_a_browser("one"), way="broker", sid="s1"))
    people.begin(replace(at_a_browser("two"), way="broker", sid="s1"))
    people.begin(replace(at_a_browser("binh", "binh"), way="broker", sid="s2"))
    people.begin(at_a_browser("password"))
    assert end(people) == 4 - len(left), what
    cookies = ("one", "two", "binh", "password")
    found = {one for one in cookies if people.signed_in(digest_of(one), now=AUTUMN, idle_seconds=HALF_AN_HOUR)}
    assert found == left


def test_passwords_close_once_and_one_may_be_open_for_a_while(people: SqlPeople) -> None:
    assert people.passwords_closed_at() is None
    assert people.close_passwords("an", now=AUTUMN)
    assert not people.close_passwords("an", now=AUTUMN + timedelta(days=1))
    assert people.passwords_closed_at() == AUTUMN
    assert not people.has_open_password(now=AUTUMN)
    tomorrow = AUTUMN + timedelta(days=1)
    people.keep_password(Password("an", "$", open_until=tomorrow))
    assert people.password("an") == Password("an", "$", open_until=tomorrow)
    assert people.has_open_password(now=AUTUMN)
    assert not people.has_open_password(now=tomorrow)


def test_who_is_forgotten_has_no_door_left(people: SqlPeople) -> None:
    linked(people, "s1")
    digest = invited(people, "another")
    people.keep_password(Password("an", "$"))
    people.begin(at_a_browser("one"))
    people.put_token(a_token("secret"))
    people.forget("an", now=AUTUMN)
    assert people.password("an") is None
    assert people.linked(ISSUER, "s1") is None
    assert people.invitation(digest, now=AUTUMN) is None
    assert people.signed_in(digest_of("one"), now=AUTUMN, idle_seconds=HALF_AN_HOUR) is None
    found = people.token(digest_of("secret"), today="2026-11-22")
    assert found is not None
    assert not found.holds_at(AUTUMN)
