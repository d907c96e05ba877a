"""What stores promise about consents: kept until they are old, one person's alone, and gone with all that hangs on them."""

import asyncio
from dataclasses import replace

from sso.model import Consent, Participation, digest
from sso.store import Redeemed, Unknown
from sso.stores.valkey import ValkeyStore
from sso.vocabulary import Claim
from tests.sso.specimens import GRANT, IDENTITY, NOW, SESSION
from tests.sso.stores.test_store import redeem, redis_url, store

__all__ = ["redis_url", "store"]

AN = (IDENTITY.upstream, IDENTITY.subject)
CONSENT = Consent("langson", frozenset({Claim.NAME, Claim.CITIZEN_ID}), "v1", NOW, NOW + 3_600)
OTHER = replace(CONSENT, client="caobang", basis="v2")


async def test_what_was_agreed_to_comes_back_by_client(store: ValkeyStore) -> None:
    assert await store.consents(*AN) == {}
    await store.agree(*AN, CONSENT)
    await store.agree(*AN, OTHER)
    assert await store.consents(*AN) == {"langson": CONSENT, "caobang": OTHER}


async def test_a_consent_takes_the_place_of_the_one_before(store: ValkeyStore) -> None:
    await store.agree(*AN, CONSENT)
    wider = replace(CONSENT, claims=frozenset(Claim), since=NOW + 5, until=NOW + 9_000)
    await store.agree(*AN, wider)
    assert await store.consents(*AN) == {"langson": wider}


async def test_nobody_else_has_agreed_to_anything(store: ValkeyStore) -> None:
    await store.agree(*AN, CONSENT)
    assert await store.consents("vneid", "another") == {}
    assert await store.consents("vnconnect", IDENTITY.subject) == {}


async def test_what_is_old_is_thrown_away(store: ValkeyStore) -> None:
    await store.agree(*AN, replace(CONSENT, until=NOW + 1))
    await asyncio.sleep(1.3)
    assert await store.consents(*AN) == {}
    await store.agree(*AN, replace(CONSENT, until=NOW + 10))
    await store.agree(*AN, replace(OTHER, since=NOW + 10, until=NOW + 99))  # at a time when the first is old
    assert set(await store.consents(*AN)) == {"caobang"}


async def test_a_longer_one_is_not_forgotten_with_a_shorter(store: ValkeyStore) -> None:
    await store.agree(*AN, CONSENT)
    await store.agree(*AN, replace(OTHER, until=NOW + 1))
    await asyncio.sleep(1.3)
    assert "langson" in await store.consents(*AN)


async def test_a_consent_is_taken_back_once(store: ValkeyStore) -> None:
    await store.agree(*AN, CONSENT)
    await store.agree(*AN, OTHER)
    taken = await asyncio.gather(*(store.withdraw(*AN, "langson") for _ in range(20)))
    assert taken.count(True) == 1
    assert set(await store.consents(*AN)) == {"caobang"}


async def test_with_it_goes_what_the_client_has_of_the_person_and_nothing_else(store: ValkeyStore) -> None:
    mine = {name: Participation(name, f"sid-{name}", NOW) for name in ("langson", "caobang")}
    await store.open(replace(SESSION, participations=mine), idle_seconds=1_800)
    stranger = replace(
        SESSION, id=digest("s"), handle="h-2", identity=replace(IDENTITY, subject="another"), participations=mine
    )
    await store.open(stranger, idle_seconds=1_800)
    grants = {
        "of langson": GRANT,
        "of caobang": replace(GRANT, id="g-2", client="caobang"),
        "of a stranger": replace(GRANT, id="g-3", session="h-2"),
    }
    for name, grant in grants.items():
        await store.issue(digest(name), grant, seconds=30)
    await store.agree(*AN, CONSENT)
    assert await store.withdraw(*AN, "langson")

    left = await store.session(SESSION.id, now=NOW, idle_seconds=1_800)
    assert left is not None
    assert set(left.participations) == {"caobang"}
    other = await store.session(stranger.id, now=NOW, idle_seconds=1_800)
    assert other is not None
    assert set(other.participations) == set(mine)
    assert isinstance(await redeem(store, digest("of langson"), "langson"), Unknown)
    assert isinstance(await redeem(store, digest("of caobang"), "caobang"), Redeemed)
    assert isinstance(await redeem(store, digest("of a stranger"), "langson"), Redeemed)


async def test_nothing_is_called_by_whose_it_is(store: ValkeyStore) -> None:
    await store.agree(*AN, CONSENT)
    keys = " ".join(await store._plain("KEYS", f"{store._prefix.replace('{', '[{]')}*"))
    assert "ok:" in keys
    assert IDENTITY.subject not in keys
