"""Test persons as officers: each linked to the account that the demonstration's broker will tell, once."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from proxy.simulation.officers import OFFICERS, SECTOR, UPSTREAM, enlist
from proxy.simulation.people import PEOPLE, subject_of
from redirect_rules.objects import Kind, Ref
from redirect_rules.rights import CENTRE, Deed, person_of
from redirect_rules.stores.database import Database
from redirect_rules.stores.people import SqlPeople
from redirect_rules.stores.sql import SqlStore
from sso.claims import pairwise_sub, subject_for
from sso.clients import load_clients
from sso.keys import Salt
from sso.model import Identity
from sso.vocabulary import AccountType, Level
from tests.conftest import AUTUMN, CONF
from tests.redirect_rules.seals import SEAL

ISSUER = "http://signin.localhost:8080"
SALTS = {1: Salt(1, b"salt")}


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[SqlStore, SqlPeople]]:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    with closing(SqlStore(url)) as store, closing(Database(url)) as database:
        yield store, SqlPeople(database, SEAL)


def account(person: str) -> str:
    return pairwise_sub(UPSTREAM, subject_of(UPSTREAM, person), SECTOR, SALTS[1])


def test_they_are_officers_with_their_accounts_and_only_once(stores: tuple[SqlStore, SqlPeople]) -> None:
    store, people = stores
    assert enlist(store, people, issuer=ISSUER, salts=SALTS, now=AUTUMN) == len(OFFICERS)
    assert enlist(store, people, issuer=ISSUER, salts=SALTS, now=AUTUMN) == 0
    assert {one.person: people.linked(ISSUER, account(one.person)) for one in OFFICERS} == {
        one.person: one.actor for one in OFFICERS
    }
    assert people.invited(now=AUTUMN) == []
    assert people.linked(ISSUER, account("cuong")) is None  # an organisation: a stranger


def test_with_other_keys_they_are_linked_anew(stores: tuple[SqlStore, SqlPeople]) -> None:
    store, people = stores
    enlist(store, people, issuer=ISSUER, salts={1: Salt(1, b"keys of last year")}, now=AUTUMN)
    assert enlist(store, people, issuer=ISSUER, salts=SALTS, now=AUTUMN) == len(OFFICERS)
    assert people.linked(ISSUER, account("an")) == "an.nguyen"


def test_one_of_them_may_do_everything_and_a_second_may_approve(stores: tuple[SqlStore, SqlPeople]) -> None:
    store, people = stores
    enlist(store, people, issuer=ISSUER, salts=SALTS, now=AUTUMN)
    found = {}
    for officer in OFFICERS:
        stored = store.get(Ref(Kind.PERSON, "", officer.actor))
        assert stored is not None
        assert stored.body["name"].endswith("(mẫu)")
        found[officer.person] = person_of(officer.actor, stored.body)
    assert all(found["an"].may(deed, CENTRE) for deed in Deed)
    assert found["giang"].may(Deed.APPROVE, CENTRE)
    assert found["dung"].may(Deed.EDIT, "56")
    assert not found["dung"].may(Deed.EDIT, "20")


def test_the_broker_tells_the_shipped_client_exactly_this_name() -> None:
    client = load_clients(CONF / "demonstration" / "clients", development=True)["console"]
    identity = Identity(UPSTREAM, subject_of(UPSTREAM, "an"), AccountType.CITIZEN, Level.TWO, {}, 0, ())
    assert subject_for(identity, client, SALTS) == account("an")
    assert client.attributes == frozenset()
    assert {officer.person for officer in OFFICERS} <= PEOPLE.keys()
