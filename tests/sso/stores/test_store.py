"""The promises of sso.store, held by every store that can be chosen."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sso.model import Participation, TokenTerms, digest
from sso.store import Backlog, Redeemed, Replayed, Rotated, Shown, Store, StoreUnavailable, Unfit, Unknown
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import ValkeyStore, open_store
from tests.sso.specimens import (
    ATTEMPT,
    BINDING,
    DELIVERY,
    DESTINATION,
    GRANT,
    IDENTITY,
    NOW,
    REQUEST,
    SESSION,
    TICKET,
    TOKEN,
)
from tests.sso.stores.servers import DEADLINE_SECONDS, Server, Watcher, needs_redis, running, until

PATIENT_SECONDS = 10.0
IDLE = 1_800
CODE, ACCESS, REFRESH = digest("code"), digest("access"), digest("refresh")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    needs_redis()
    server = Server(tmp_path_factory.mktemp("redis"))
    with running(server):
        server.start()
        yield server.url


@pytest.fixture(params=["embedded Valkey", "Redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ValkeyStore]:
    url = request.getfixturevalue("embedded_url" if request.param == "embedded Valkey" else "redis_url")
    opened = open_store(url, person_key=b"k" * 32, timeout_seconds=PATIENT_SECONDS, namespace=secrets.token_hex(8))
    yield opened
    await opened.close()


def test_it_is_what_the_rest_of_sign_in_asks_for(embedded_url: str) -> None:
    store: Store = open_store(embedded_url)  # mypy holds it to the protocol
    assert isinstance(store, ValkeyStore)


# Requests and attempts


async def test_a_pushed_request_comes_back_once(store: Store) -> None:
    await store.push(digest("ref"), REQUEST, seconds=60)
    assert await store.pushed(digest("ref")) == REQUEST
    assert await store.pushed(digest("ref")) is None


@pytest.mark.parametrize("purpose", [REQUEST, DESTINATION], ids=["a client's", "a portal's"])
async def test_an_attempt_comes_back_once_with_its_purpose(store: Store, purpose: object) -> None:
    attempt = replace(ATTEMPT, purpose=purpose)  # type: ignore[arg-type]
    await store.begin(attempt, seconds=600)
    assert await store.attempt(ATTEMPT.state) == attempt
    assert await store.attempt(ATTEMPT.state) is None


async def test_of_twenty_who_take_an_attempt_one_gets_it(store: Store) -> None:
    await store.begin(ATTEMPT, seconds=600)
    found = await asyncio.gather(*(store.attempt(ATTEMPT.state) for _ in range(20)))
    assert [one for one in found if one is not None] == [ATTEMPT]


async def test_an_attempt_that_nobody_takes_is_forgotten(store: Store) -> None:
    await store.begin(ATTEMPT, seconds=1)
    await asyncio.sleep(1.3)
    assert await store.attempt(ATTEMPT.state) is None


# Sessions


async def test_a_session_comes_back_as_it_was(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    assert await store.session(SESSION.id, now=NOW, idle_seconds=IDLE) == SESSION
    assert await store.session_by_handle(SESSION.handle) == SESSION
    assert await store.sessions_of("vneid", IDENTITY.subject) == [SESSION]
    assert await store.sessions_by_upstream_sid("vneid", "up-1") == [SESSION]
    assert await store.sessions_by_upstream_sid("vnconnect", "up-1") == []


@pytest.mark.parametrize(
    ("asked_at", "lives"),
    [
        (NOW + IDLE - 1, True),
        (NOW + IDLE, False),  # nobody asked for it in the meantime
        (SESSION.absolute_end - 1, False),
    ],
)
async def test_a_session_ends_when_it_is_idle(store: Store, asked_at: int, *, lives: bool) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    assert (await store.session(SESSION.id, now=asked_at, idle_seconds=IDLE) is not None) is lives


async def test_being_asked_for_keeps_a_session_alive_until_its_absolute_end(store: Store) -> None:
    session = replace(SESSION, absolute_end=NOW + 5_000)
    await store.open(session, idle_seconds=IDLE)
    for at in (NOW + 1_500, NOW + 3_000, NOW + 4_500):
        found = await store.session(session.id, now=at, idle_seconds=IDLE)
        assert found
        assert found.seen_at == at
    assert await store.session(session.id, now=NOW + 5_000, idle_seconds=IDLE) is None


async def test_a_session_that_is_replaced_ends_in_the_same_step_and_keeps_its_clients(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    await store.issue(CODE, GRANT, seconds=30)
    stepped_up = replace(SESSION, id=digest("another cookie"))
    await store.open(stepped_up, idle_seconds=IDLE, replaces=SESSION.id)
    assert await store.session(SESSION.id, now=NOW, idle_seconds=IDLE) is None
    assert await store.session(stepped_up.id, now=NOW, idle_seconds=IDLE) == stepped_up
    assert await store.sessions_of("vneid", IDENTITY.subject) == [stepped_up]
    assert isinstance(await redeem(store), Redeemed)  # what the same session was given stays


async def test_another_person_in_the_same_browser_ends_what_the_first_was_given(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    await store.issue(CODE, GRANT, seconds=30)
    other = replace(SESSION, id=digest("other"), handle="handle-2", identity=replace(IDENTITY, subject="acc-2"))
    await store.open(other, idle_seconds=IDLE, replaces=SESSION.id)
    assert await store.session_by_handle(SESSION.handle) is None
    assert await store.sessions_of("vneid", IDENTITY.subject) == []
    assert await redeem(store) == Unknown()


async def test_a_client_joins_once_and_keeps_the_sid_it_got_first(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    first = Participation("hanoi", "sid-1", NOW + 1)
    assert await store.join(SESSION.id, first) == first
    assert await store.join(SESSION.id, Participation("hanoi", "sid-2", NOW + 2)) == first
    found = await store.session(SESSION.id, now=NOW, idle_seconds=IDLE)
    assert found
    assert found.participations["hanoi"] == first


async def test_twenty_clients_that_join_at_once_are_all_there(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    parts = [Participation(f"client-{i}", f"sid-{i}", NOW) for i in range(20)]
    await asyncio.gather(*(store.join(SESSION.id, part) for part in parts))
    found = await store.session_by_handle(SESSION.handle)
    assert found
    assert found.participations == {**SESSION.participations, **{part.client: part for part in parts}}


async def test_a_session_may_be_opened_with_a_code_in_one_step(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE, code=(CODE, GRANT, 30))
    assert await redeem(store) == Redeemed(GRANT)
    assert await store.end(SESSION.id) == SESSION
    assert await store.access_token(ACCESS) is None


async def test_nobody_joins_a_session_that_has_ended(store: Store) -> None:
    assert await store.join(SESSION.id, Participation("hanoi", "sid", NOW)) is None


async def test_ending_a_session_ends_everything_that_was_given_in_it(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    await issued_and_redeemed(store)
    await store.issue(digest("second"), replace(GRANT, id="grant-2"), seconds=30)
    assert await store.end(SESSION.id) == SESSION
    assert await store.end(SESSION.id) is None
    assert await store.session_by_handle(SESSION.handle) is None
    assert await store.access_token(ACCESS) is None
    assert await store.refresh_grant(REFRESH) is None
    assert await redeem(store, code=digest("second")) == Unknown()
    assert await store.sessions_of("vneid", IDENTITY.subject) == []
    assert await store.sessions_by_upstream_sid("vneid", "up-1") == []


async def test_no_code_is_kept_for_a_session_that_was_ended_meanwhile(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    await store.end(SESSION.id)
    await store.issue(CODE, GRANT, seconds=30)
    assert await redeem(store) == Unknown()


async def test_history_tells_what_happened_newest_first_and_no_number(store: ValkeyStore) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    await store.join(SESSION.id, Participation("hanoi", "sid-1", NOW + 1))
    await store.end(SESSION.id)
    history = await store.history(store._person("vneid", IDENTITY.subject))
    assert [(line.event, line.client, line.level) for line in history] == [
        ("sign-out", "", 0),
        ("client", "hanoi", 0),
        ("sign-in", "", 2),
    ]
    assert "001054000123" not in repr(history)


# Codes and tokens


SHOWN = Shown(GRANT.redirect_uri, GRANT.code_challenge)
TERMS = TokenTerms(NOW, NOW + 300)


async def redeem(
    store: Store, code: str = CODE, client: str = "langson", shown: Shown = SHOWN
) -> Redeemed | Unfit | Replayed | Unknown:
    return await store.redeem(
        code, client, shown=shown, access=ACCESS, terms=TERMS, refresh=REFRESH, refresh_seconds=3_600
    )


async def issued_and_redeemed(store: Store) -> None:
    await store.issue(CODE, GRANT, seconds=30)
    assert await redeem(store) == Redeemed(GRANT)


async def test_a_code_gives_its_tokens_in_one_step(store: Store) -> None:
    await issued_and_redeemed(store)
    assert await store.access_token(ACCESS) == TOKEN
    assert await store.refresh_grant(REFRESH) == GRANT


async def test_a_code_that_is_used_again_takes_back_what_it_gave(store: Store) -> None:
    await issued_and_redeemed(store)
    assert await redeem(store) == Replayed("grant-1", "langson")
    assert await store.access_token(ACCESS) is None
    assert await store.refresh_grant(REFRESH) is None


async def test_twenty_concurrent_redemptions_have_one_success(store: Store) -> None:
    await store.issue(CODE, GRANT, seconds=30)
    outcomes = await asyncio.gather(*(redeem(store) for _ in range(20)))
    assert sorted(type(one).__name__ for one in outcomes) == ["Redeemed", *["Replayed"] * 19]
    assert await store.access_token(ACCESS) is None  # nineteen thieves are enough


async def test_another_clients_code_is_burned(store: Store) -> None:
    await store.issue(CODE, GRANT, seconds=30)
    assert await redeem(store, client="hanoi") == Unknown()
    assert not isinstance(await redeem(store), Redeemed)


async def test_an_expired_code_is_as_good_as_unknown(store: Store) -> None:
    await store.issue(CODE, GRANT, seconds=1)
    await asyncio.sleep(1.3)
    assert await redeem(store) == Unknown()


@pytest.mark.parametrize(
    "shown",
    [
        replace(SHOWN, redirect_uri=GRANT.redirect_uri + "/"),
        replace(SHOWN, code_challenge="x" * 43),
        replace(SHOWN, code_challenge=""),
        replace(SHOWN, jkt="thief's"),
        SHOWN,
    ],
    ids=["redirect URI", "verifier", "no verifier", "another key", "no key"],
)
async def test_a_code_that_is_shown_with_anything_else_is_used_up_and_gives_nothing(store: Store, shown: Shown) -> None:
    bound = replace(GRANT, jkt="owner's")
    await store.issue(CODE, bound, seconds=30)
    assert await redeem(store, shown=shown) == Unfit(bound)
    assert await store.access_token(ACCESS) is None
    assert await store.refresh_grant(REFRESH) is None
    assert await redeem(store, shown=replace(SHOWN, jkt="owner's")) == Replayed("grant-1", "langson")


@pytest.mark.parametrize("before", [None, "owner's"])
@pytest.mark.parametrize("after", [None, "owner's"])
async def test_what_a_grant_is_bound_to_may_become_known_at_the_exchange(
    store: Store, before: str | None, after: str | None
) -> None:
    await store.issue(CODE, replace(GRANT, jkt=before), seconds=30)
    bound = replace(GRANT, jkt=after)
    assert await redeem(store, shown=replace(SHOWN, jkt="owner's", bound_jkt=after)) == Redeemed(bound)
    assert await store.refresh_grant(REFRESH) == bound
    assert await rotate(store, "refresh", "second") == Rotated(bound)


async def test_a_refresh_token_is_kept_for_those_who_asked_to_stay(store: Store) -> None:
    await store.issue(CODE, replace(GRANT, scopes=frozenset({"openid"})), seconds=30)
    assert isinstance(await redeem(store), Redeemed)
    assert await store.access_token(ACCESS)
    assert await store.refresh_grant(REFRESH) is None


async def test_an_access_token_may_be_good_for_less_than_its_grant(store: Store) -> None:
    await issued_and_redeemed(store)
    narrow = replace(TERMS, scopes=frozenset({"openid"}), jkt="key")
    await store.rotate(
        REFRESH, "langson", successor=digest("s"), access=digest("n"), now=NOW, seconds=60, grace=5, terms=narrow
    )
    assert await store.access_token(digest("n")) == replace(TOKEN, scopes=frozenset({"openid"}), jkt="key")


async def rotate(
    store: Store, old: str, new: str, *, at: int = NOW, client: str = "langson"
) -> Rotated | Replayed | Unknown:
    return await store.rotate(
        digest(old),
        client,
        successor=digest(new),
        access=digest(f"a-{new}"),
        now=at,
        seconds=3_600,
        grace=5,
        terms=TERMS,
    )


async def test_a_refresh_token_is_exchanged_for_another_and_an_access_token(store: Store) -> None:
    await issued_and_redeemed(store)
    assert await rotate(store, "refresh", "second") == Rotated(GRANT)
    assert await store.refresh_grant(REFRESH) is None
    assert await store.refresh_grant(REFRESH, now=NOW + 5, grace=5) == GRANT  # an answer may have been lost
    assert await store.refresh_grant(digest("second")) == GRANT
    assert await store.access_token(digest("a-second")) == TOKEN
    assert await rotate(store, "second", "third", at=NOW + 60) == Rotated(GRANT)


async def test_a_lost_answer_may_be_asked_for_again_within_the_grace(store: Store) -> None:
    await issued_and_redeemed(store)
    await rotate(store, "refresh", "lost")
    assert await rotate(store, "refresh", "found", at=NOW + 5) == Rotated(GRANT, repeated=True)
    assert await rotate(store, "found", "next", at=NOW + 60) == Rotated(GRANT)


async def test_a_refresh_token_that_comes_back_after_the_grace_ends_the_whole_grant(store: Store) -> None:
    await issued_and_redeemed(store)
    await rotate(store, "refresh", "second")
    assert await rotate(store, "refresh", "thief", at=NOW + 6) == Replayed("grant-1", "langson")
    assert await rotate(store, "second", "third", at=NOW + 7) == Unknown()
    assert await store.access_token(ACCESS) is None


async def test_of_two_successors_the_one_used_second_betrays_the_theft(store: Store) -> None:
    await issued_and_redeemed(store)
    await rotate(store, "refresh", "victim's")
    await rotate(store, "refresh", "thief's", at=NOW + 2)
    assert await rotate(store, "victim's", "goes on", at=NOW + 100) == Rotated(GRANT)
    assert isinstance(await rotate(store, "thief's", "no", at=NOW + 200), Replayed)
    assert await store.refresh_grant(digest("goes on")) is None


async def test_another_clients_refresh_token_is_revoked(store: Store) -> None:
    await issued_and_redeemed(store)
    assert await rotate(store, "refresh", "stolen", client="hanoi") == Unknown()
    assert await rotate(store, "refresh", "second") == Unknown()


async def test_twenty_concurrent_rotations_after_the_grace_give_nothing_that_lives(store: Store) -> None:
    await issued_and_redeemed(store)
    await rotate(store, "refresh", "second")
    outcomes = await asyncio.gather(*(rotate(store, "refresh", f"n{i}", at=NOW + 60) for i in range(20)))
    assert not [one for one in outcomes if isinstance(one, Rotated)]


async def test_revoking_a_refresh_token_revokes_its_grant(store: Store) -> None:
    await issued_and_redeemed(store)
    await store.revoke_token(REFRESH, "hanoi")  # not theirs: nothing happens
    assert await store.access_token(ACCESS)
    await store.revoke_token(REFRESH, "langson")
    assert await store.access_token(ACCESS) is None


async def test_revoking_an_access_token_leaves_the_grant(store: Store) -> None:
    await issued_and_redeemed(store)
    await store.revoke_token(ACCESS, "langson")
    assert await store.access_token(ACCESS) is None
    assert await store.refresh_grant(REFRESH) == GRANT
    await store.revoke_grant("grant-1")
    assert await store.refresh_grant(REFRESH) is None


# Once-only values, tickets, cookies of portals, limits


async def test_a_value_is_new_once(store: Store) -> None:
    seen = await asyncio.gather(*(store.first_use("jti", digest("j"), seconds=60) for _ in range(20)))
    assert sorted(seen) == [False] * 19 + [True]
    assert await store.first_use("dpop", digest("j"), seconds=60)


@pytest.mark.parametrize(
    ("client", "browser", "good"),
    [("langson", "browser", True), ("hanoi", "browser", False), ("langson", "another", False)],
)
async def test_a_ticket_is_used_up_by_whoever_asks(store: Store, client: str, browser: str, *, good: bool) -> None:
    await store.put_ticket(digest("t"), TICKET, seconds=30)
    assert await store.take_ticket(digest("t"), client, digest(browser)) == (TICKET if good else None)
    assert await store.take_ticket(digest("t"), "langson", digest("browser")) is None


async def test_a_portals_cookie_stands_for_a_session_as_long_as_both_live(store: Store) -> None:
    cookie = digest("portal cookie")
    assert await store.bound(cookie, now=NOW, idle_seconds=IDLE) is None
    await store.open(SESSION, idle_seconds=IDLE)
    await store.bind(cookie, BINDING, seconds=600)
    assert await store.bound(cookie, now=NOW, idle_seconds=IDLE) == (BINDING, SESSION)
    await store.unbind(cookie)
    assert await store.bound(cookie, now=NOW, idle_seconds=IDLE) is None
    await store.bind(cookie, BINDING, seconds=600)
    await store.end(SESSION.id)
    assert await store.bound(cookie, now=NOW, idle_seconds=IDLE) is None


async def test_a_portals_cookie_keeps_its_session_from_being_idle(store: Store) -> None:
    await store.open(SESSION, idle_seconds=IDLE)
    await store.bind(digest("c"), BINDING, seconds=60)
    assert await store.bound(digest("c"), now=NOW + 1_700, idle_seconds=IDLE)
    assert await store.session(SESSION.id, now=NOW + 3_400, idle_seconds=IDLE)


async def test_counting_counts_everybody(store: Store) -> None:
    counts = await asyncio.gather(*(store.count("secret", digest("x"), window_seconds=60) for _ in range(20)))
    assert sorted(counts) == list(range(1, 21))
    assert await store.count("ticket", digest("x"), window_seconds=1) == 1
    await asyncio.sleep(1.3)
    assert await store.count("ticket", digest("x"), window_seconds=1) == 1


async def test_a_thousand_at_once_wait_for_their_turn(store: ValkeyStore) -> None:
    counts = await asyncio.gather(*(store.count("many", digest("x"), window_seconds=60) for _ in range(1_000)))
    assert sorted(counts) == list(range(1, 1_001))
    clients = await store._plain("CLIENT", "LIST")
    assert len(clients if isinstance(clients, list) else str(clients).splitlines()) < 100


# Logout deliveries


async def test_a_delivery_is_due_once_and_again_when_its_lease_is_over(store: Store) -> None:
    await store.enqueue([DELIVERY, replace(DELIVERY, id="later", next_at=NOW + 60)])
    taken = await asyncio.gather(*(store.due(now=NOW, limit=10, lease_seconds=30) for _ in range(5)))
    assert [one for found in taken for one in found] == [DELIVERY]
    assert await store.due(now=NOW + 29, limit=10, lease_seconds=30) == []
    assert await store.due(now=NOW + 30, limit=10, lease_seconds=30) == [DELIVERY]


async def test_what_was_tried_waits_and_what_was_delivered_stays_so(store: Store) -> None:
    await store.enqueue([DELIVERY])
    waiting = replace(DELIVERY, attempts=1, next_at=NOW + 60, last_error="HTTP 500")
    await store.settled(waiting)
    assert await store.due(now=NOW + 59, limit=10, lease_seconds=30) == []
    assert await store.due(now=NOW + 60, limit=10, lease_seconds=30) == [waiting]
    done = replace(waiting, attempts=2, state="delivered", last_error="")
    await store.settled(done)
    await store.settled(waiting)  # a worker that had lost its lease
    assert await store.due(now=NOW + 10_000, limit=10, lease_seconds=30) == []
    assert await store.deliveries() == {"langson": [done]}
    assert await store.deliveries("hanoi") == {}


async def test_a_backlog_counts_what_waits_and_what_was_given_up(store: Store) -> None:
    assert await store.backlog() == Backlog(0, 0)
    await store.enqueue([replace(DELIVERY, id=str(i)) for i in range(4)])
    await store.due(now=NOW, limit=1, lease_seconds=60)  # being tried is waiting, too
    assert await store.backlog() == Backlog(4, 0)
    await store.settled(replace(DELIVERY, id="0", state="delivered"))
    await store.settled(replace(DELIVERY, id="1", state="given-up"))
    assert await store.backlog() == Backlog(2, 1)


# What the store cannot know


async def test_damage_is_absence_and_is_counted(embedded_url: str) -> None:
    damaged: list[str] = []
    store = open_store(embedded_url, namespace=secrets.token_hex(8), on_damage=damaged.append)
    await store._set("par:x", '{"client": 7}', 60)
    await store._plain("HSET", store._prefix + "s:y", "v", "{", "s", NOW, "e", NOW + 99)
    assert await store.pushed("x") is None
    assert await store.session("y", now=NOW, idle_seconds=IDLE) is None
    assert damaged == ["request", "session"]
    await store.close()


@pytest.mark.parametrize("text", ["", "{", "7", "null", '{"scopes": 7}'])
async def test_a_code_whose_grant_is_damaged_is_as_good_as_unknown(store: ValkeyStore, text: str) -> None:
    await store.issue(CODE, GRANT, seconds=30)
    await store._plain("HSET", f"{store._prefix}g:{GRANT.id}", "v", text)
    assert await redeem(store) == Unknown()
    assert await store.access_token(ACCESS) is None


async def test_what_a_newer_writer_added_is_ignored(embedded_url: str) -> None:
    store = open_store(embedded_url, namespace=secrets.token_hex(8))
    await store.push("x", REQUEST, seconds=60)
    text = await store._plain("GET", store._prefix + "par:x")
    await store._set("par:x", text[:-1] + ',"of_tomorrow":{"a":[1]}}', 60)
    assert await store.pushed("x") == REQUEST
    await store.close()


async def test_everything_has_an_end(store: ValkeyStore) -> None:
    await store.push(digest("p"), REQUEST, seconds=60)
    await store.begin(ATTEMPT, seconds=60)
    await store.open(SESSION, idle_seconds=IDLE)
    await store.bind(digest("c"), BINDING, seconds=60)
    await issued_and_redeemed(store)
    await rotate(store, "refresh", "second")
    await store.issue(digest("third"), replace(GRANT, id="g3"), seconds=30)
    await store.first_use("jti", digest("j"), seconds=60)
    await store.put_ticket(digest("t"), TICKET, seconds=30)
    await store.count("secret", digest("x"), window_seconds=60)
    await store.enqueue([DELIVERY, replace(DELIVERY, id="d-2")])
    await store.settled(replace(DELIVERY, state="given-up"))
    other = replace(SESSION, id=digest("o"), handle="handle-2", upstream_sid=None)
    await store.open(other, idle_seconds=IDLE)
    await store.end(other.id)
    keys = await store._plain("KEYS", store._prefix + "*")
    assert len(keys) > 20
    assert not [key for key in keys if await store._plain("TTL", key) < 0]


async def test_no_secret_reaches_the_store(store: ValkeyStore) -> None:
    # The caller hashes: "cookie", "code", "access", "refresh" stand for what is never written.
    await store.open(SESSION, idle_seconds=IDLE)
    await issued_and_redeemed(store)
    keys = await store._plain("KEYS", store._prefix + "*")
    assert not [key for key in keys if key.rsplit(":", 1)[-1] in {"cookie", "code", "access", "refresh"}]
    assert not [key for key in keys if IDENTITY.subject in key]


async def test_a_store_that_could_forget_is_told_to_its_operator(store: ValkeyStore, redis_url: str) -> None:
    assert await store.advice() == ()
    theirs = open_store(redis_url, timeout_seconds=PATIENT_SECONDS)
    await theirs._plain("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "appendonly", "no")
    told = await theirs.advice()
    await theirs._plain("CONFIG", "SET", "maxmemory-policy", "noeviction", "appendonly", "yes")
    await theirs.close()
    assert [text.partition(":")[0] for text in told] == ["set maxmemory-policy to noeviction", "set appendonly to yes"]


async def test_what_cannot_be_looked_at_is_not_complained_about() -> None:
    nowhere = open_store("redis://127.0.0.1:1/0")
    assert await nowhere.advice() == ()
    await nowhere.close()


# Stores that die


async def test_a_store_that_is_killed_in_mid_flow_accepts_nothing_twice(tmp_path: Path) -> None:
    embedded = EmbeddedValkey(tmp_path / "store")
    store = open_store(await embedded.start(), timeout_seconds=PATIENT_SECONDS)
    await store.open(SESSION, idle_seconds=IDLE)
    codes = [digest(f"code-{i}") for i in range(40)]
    for i, code in enumerate(codes):
        await store.issue(code, replace(GRANT, id=f"grant-{i}"), seconds=300)
    accepted: list[str] = []
    some = asyncio.Event()

    async def try_all() -> None:
        for code in codes:
            try:
                if isinstance(await redeem(store, code), Redeemed):
                    accepted.append(code)
            except StoreUnavailable:
                return
            if len(accepted) == 5:
                some.set()

    flow = asyncio.ensure_future(try_all())
    await some.wait()
    assert embedded._process
    embedded._process.kill()
    await flow
    with pytest.raises(StoreUnavailable):
        await store.ping()
    await embedded.start()
    assert await store.session(SESSION.id, now=NOW, idle_seconds=IDLE)  # restarted with all it had
    await try_all()
    await try_all()
    assert len(accepted) == len(set(accepted))
    await store.close()
    await embedded.leave()


async def test_sessions_outlive_a_restart_of_redis(tmp_path: Path) -> None:
    server = Server(tmp_path / "redis")
    with running(server):
        server.start()
        store = open_store(server.url, timeout_seconds=PATIENT_SECONDS)
        await store.open(SESSION, idle_seconds=IDLE)
        await issued_and_redeemed(store)
        server.kill()
        with pytest.raises(StoreUnavailable):
            await store.session(SESSION.id, now=NOW, idle_seconds=IDLE)
        server.start()
        assert await store.session(SESSION.id, now=NOW, idle_seconds=IDLE) == SESSION
        assert isinstance(await redeem(store), Replayed)
        await store.close()


@pytest.mark.parametrize("turns", range(12))
async def test_who_is_told_to_stop_while_it_asks_stops(embedded_url: str, turns: int) -> None:
    fresh = open_store(embedded_url, timeout_seconds=PATIENT_SECONDS)  # its first step connects
    asking = asyncio.ensure_future(fresh.ping())
    for _ in range(turns):
        await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()
    await fresh.close()


async def test_a_store_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    server = Server(tmp_path / "redis")
    with running(server):
        server.start()
        store = open_store(server.url, timeout_seconds=0.3)
        await store.ping()
        assert server.process
        server.process.send_signal(19)  # SIGSTOP: it accepts and says nothing
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(store.first_use("jti", "x", seconds=60), 20)
        await store.close()


async def answering(store: Store) -> None:
    """Wait until the Sentinel tells the new master's place."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                return await store.ping()
            except StoreUnavailable:
                await asyncio.sleep(0.1)


async def test_a_failover_in_mid_flow_brings_no_code_back(tmp_path: Path) -> None:
    needs_redis()
    master = Server(tmp_path / "master", options=("--repl-diskless-sync-delay", "0"))
    replica = Server(tmp_path / "replica", options=("--replicaof", "127.0.0.1", str(master.port)))
    watcher = Watcher(tmp_path / "sentinel")
    with running(watcher, replica, master):
        master.start()
        replica.start()
        until(lambda: "'state': 'online'" in str(master.ask("INFO", "replication")), "the replica")
        watcher.watch(master, "signin")
        url = f"redis+sentinel://127.0.0.1:{watcher.port}/signin/0?replicas=1"
        until(lambda: "'slaves': 1" in str(watcher.ask("INFO", "sentinel")), "the Sentinel to know the replica")
        store = open_store(url, timeout_seconds=PATIENT_SECONDS)
        await store.open(SESSION, idle_seconds=IDLE)
        codes = [digest(f"code-{i}") for i in range(60)]
        for i, code in enumerate(codes):
            await store.issue(code, replace(GRANT, id=f"grant-{i}"), seconds=300)
        accepted = [code for code in codes[:20] if isinstance(await redeem(store, code), Redeemed)]
        assert len(accepted) == 20
        master.kill()
        with pytest.raises(StoreUnavailable):
            await redeem(store, codes[20])
        # The new master has no replica: what cannot be kept twice is not accepted at all.
        until(lambda: "'role': 'master'" in str(replica.ask("INFO", "replication")), "the failover")
        with pytest.raises(StoreUnavailable):
            await redeem(store, codes[21])
        # An operator who takes that risk says so; everything that was accepted before is known to be used.
        alone = open_store(url.replace("replicas=1", "replicas=0"), timeout_seconds=PATIENT_SECONDS)
        await answering(alone)
        assert await alone.session(SESSION.id, now=NOW, idle_seconds=IDLE)
        again = [await redeem(alone, code) for code in accepted]
        assert {type(one) for one in again} == {Replayed}
        for code in codes[20:]:
            assert not (
                isinstance(await redeem(alone, code), Redeemed) and isinstance(await redeem(alone, code), Redeemed)
            )
        await store.close()
        await alone.close()
