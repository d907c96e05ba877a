"""Sessions after a sign-in: a new id always, nothing of one person's for another."""

from dataclasses import replace

import pytest

from sso.callback import open_session
from sso.model import Identity, Participation, Session, digest
from sso.upstreams.attempts import Identified
from sso.vocabulary import AccountType, Claim, Level
from tests.sso.upstreams.provider import NOW, Secrets

AN = Identity("vneid", "account-1", AccountType.CITIZEN, Level.ONE, {Claim.NAME: "An"}, NOW - 5)
EARLIER = Session(
    id=digest("the old cookie"),
    handle="h-1",
    identity=AN,
    created_at=NOW - 600,
    seen_at=NOW - 60,
    absolute_end=NOW + 600,
    participations={"langson": Participation("langson", "sid-1", NOW - 500)},
)
HIGHER = Identified(replace(AN, level=Level.TWO), sid="theirs", id_token="token")


def test_a_sign_in_opens_a_session_under_an_id_that_nobody_knew() -> None:
    opened = open_session(HIGHER, previous=None, absolute_seconds=8 * 3600, now=NOW, secrets=Secrets())
    assert opened.session.id == digest(opened.cookie)
    assert opened.session.handle not in {opened.cookie, opened.session.id}
    assert (opened.session.created_at, opened.session.absolute_end) == (NOW, NOW + 8 * 3600)
    assert (opened.session.upstream_sid, opened.session.upstream_id_token) == ("theirs", "token")
    assert (opened.replaces, opened.displaced) == (None, None)


def test_the_id_changes_when_the_same_person_is_stepped_up() -> None:
    opened = open_session(HIGHER, previous=EARLIER, absolute_seconds=8 * 3600, now=NOW, secrets=Secrets())
    assert opened.session.id != EARLIER.id
    assert opened.replaces == EARLIER.id
    assert opened.session.identity.level is Level.TWO


def test_the_same_person_keeps_what_was_theirs_and_no_more_time() -> None:
    opened = open_session(HIGHER, previous=EARLIER, absolute_seconds=8 * 3600, now=NOW, secrets=Secrets())
    kept = opened.session
    assert (kept.handle, kept.participations) == ("h-1", EARLIER.participations)
    assert (kept.created_at, kept.absolute_end) == (EARLIER.created_at, EARLIER.absolute_end)
    assert opened.displaced is None


@pytest.mark.parametrize("other", [replace(AN, subject="account-2"), replace(AN, upstream="vnconnect")])
def test_another_person_gets_nothing_of_the_first_ones_session(other: Identity) -> None:
    opened = open_session(Identified(other), previous=EARLIER, absolute_seconds=8 * 3600, now=NOW, secrets=Secrets())
    assert opened.session.handle != "h-1"
    assert not opened.session.participations
    assert (opened.replaces, opened.displaced) == (EARLIER.id, EARLIER)


def test_two_accounts_with_one_name_and_one_address_are_two_people() -> None:
    claims = {Claim.NAME: "An", Claim.EMAIL: "an@example.vn", Claim.PHONE_NUMBER: "+84912345678"}
    first = replace(EARLIER, identity=replace(AN, claims=claims))
    other = Identified(replace(AN, subject="account-2", claims=claims))
    assert open_session(other, previous=first, absolute_seconds=60, now=NOW, secrets=Secrets()).displaced is first


def test_no_secret_is_shown_by_accident() -> None:
    opened = open_session(HIGHER, previous=None, absolute_seconds=60, now=NOW, secrets=Secrets())
    assert opened.cookie not in repr(opened)
    assert "token" not in repr(HIGHER)
