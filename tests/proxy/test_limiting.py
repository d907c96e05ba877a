"""Failures are counted for all workers together; whoever fails too often is refused without asking the store."""

from proxy.limiting import Limiter
from proxy.sign_in_settings import SignInLimits
from sso.limits import LIMITS, RATES
from sso.store import StoreUnavailable
from sso.stores.valkey import ValkeyStore
from tests.sign_in_peers.fixtures import state, store_url

__all__ = ["state", "store_url"]

MOST = LIMITS["client-secret"].most
ADDRESS = "203.0.113.7"


async def fail(limiter: Limiter, times: int, *, client: str = "langson", address: str = ADDRESS, now: int = 100) -> int:
    return [await limiter.failed("client-secret", client, address, now) for _ in range(times)][-1]


async def test_who_fails_too_often_is_locked_out_for_a_while(state: ValkeyStore) -> None:
    limited: list[str] = []
    limiter = Limiter(state, pepper=b"p", on_limited=limited.append)
    assert await fail(limiter, MOST) == 0
    assert limiter.locked("client-secret", "langson", ADDRESS, 100) == 0
    assert await fail(limiter, 1) == LIMITS["client-secret"].lock_seconds
    assert limiter.locked("client-secret", "langson", ADDRESS, 100) == LIMITS["client-secret"].lock_seconds
    assert limiter.locked("client-secret", "langson", ADDRESS, 100 + LIMITS["client-secret"].lock_seconds) == 0
    assert limited == ["client-secret"]


async def test_neither_the_client_nor_the_neighbours_are_locked_out(state: ValkeyStore) -> None:
    limiter = Limiter(state, pepper=b"p")
    await fail(limiter, MOST + 1)
    assert limiter.locked("client-secret", "langson", "203.0.113.8", 100) == 0
    assert limiter.locked("client-secret", "caobang", ADDRESS, 100) == 0
    assert limiter.locked("ticket", "langson", ADDRESS, 100) == 0


async def test_another_worker_learns_of_it_at_the_next_failure(state: ValkeyStore) -> None:
    one, other = Limiter(state, pepper=b"p"), Limiter(state, pepper=b"p")
    await fail(one, MOST)
    assert await fail(other, 1) == LIMITS["client-secret"].lock_seconds
    assert await fail(one, 1) == LIMITS["client-secret"].lock_seconds


async def test_a_store_that_is_gone_locks_nobody_out() -> None:
    class Gone:
        async def count(self, *_: object, **__: object) -> int:
            raise StoreUnavailable

    limiter = Limiter(Gone(), pepper=b"p")  # type: ignore[arg-type]  # nothing else of a store is asked
    assert await fail(limiter, 3) == 0


async def test_a_network_that_begins_too_much_waits_and_the_store_is_not_asked() -> None:
    limited: list[str] = []
    limiter = Limiter(None, pepper=b"p", on_limited=limited.append)  # type: ignore[arg-type]  # it would break
    waits = [limiter.crowded("sign-in", "langson", ADDRESS, 100) for _ in range(RATES["sign-in"].most + 1)]
    assert (set(waits[:-1]), waits[-1]) == ({0}, RATES["sign-in"].window_seconds)
    assert limiter.crowded("sign-in", "caobang", ADDRESS, 100) == 0
    assert limited == ["sign-in"]


async def test_where_a_limit_was_taken_away_nothing_is_counted() -> None:
    limiter = Limiter(None, pepper=b"p", limits={}, rates={})  # type: ignore[arg-type]  # it would break
    assert {await fail(limiter, 100)} == {0}
    assert {limiter.crowded("sign-in", "langson", ADDRESS, 100) for _ in range(1_000)} == {0}


async def test_a_lock_is_told_once(state: ValkeyStore) -> None:
    told: list[tuple[str, str, int]] = []
    limiter = Limiter(state, pepper=b"p", on_locked=lambda *lock: told.append(lock))
    await fail(limiter, MOST + 5)
    assert told == [("client-secret", "langson", 100)]


def test_the_settings_say_what_holds_without_them() -> None:
    settings = SignInLimits()
    assert settings.rates == {kind: rate.most for kind, rate in RATES.items()}
    assert settings.failures == {kind: limit.most for kind, limit in LIMITS.items()}
