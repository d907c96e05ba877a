"""How often somebody may fail: per client and network, and no address can be read out of what is kept."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso import limits
from sso.limits import LIMITS, RATES, Beginnings, Lockouts, key_of, lock_after, network_of, with_most

PEPPER = b"p" * 32

NETWORKS = [
    ("203.0.113.7", "203.0.113.7"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ("", "unknown"),
    ("not an address", "unknown"),
]


@pytest.mark.parametrize(("address", "network"), NETWORKS)
def test_an_address_stands_for_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_each_client_and_each_network_is_counted_for_itself() -> None:
    keys = {
        key_of(kind, client, address, pepper=PEPPER)
        for kind in LIMITS
        for client in ("langson", "caobang")
        for address in ("203.0.113.7", "203.0.113.8")
    }
    assert len(keys) == len(LIMITS) * 4


@given(st.ip_addresses(), st.text(max_size=20))
def test_what_is_kept_does_not_show_the_address(address: object, client: str) -> None:
    key = key_of("ticket", client, str(address), pepper=PEPPER)
    assert len(key) == 64
    assert key != key_of("ticket", client, str(address), pepper=b"another house")


@pytest.mark.parametrize("kind", sorted(LIMITS))
def test_the_first_failures_cost_nothing_and_one_more_locks(kind: str) -> None:
    most = LIMITS[kind].most
    assert [lock_after(LIMITS[kind], count) for count in range(1, most + 1)] == [0] * most
    assert lock_after(LIMITS[kind], most + 1) == LIMITS[kind].lock_seconds > 0


def test_an_operator_may_set_other_numbers_and_take_a_limit_away() -> None:
    changed = with_most(RATES, {"authorize": 50, "userinfo": 0})
    assert changed["authorize"] == replace(RATES["authorize"], most=50)
    assert "userinfo" not in changed
    assert changed["token"] == RATES["token"]
    with pytest.raises(KeyError):
        with_most(RATES, {"nothing": 1})


def test_an_office_behind_one_address_begins_its_day_unhindered() -> None:
    """Fifty people, each at two systems, each of which asks silently at five pages within the first minute."""
    assert RATES["sign-in"].most >= 50 * 2
    assert RATES["authorize"].most >= 50 * 2 * 5


def test_a_lock_ends_by_itself() -> None:
    locks = Lockouts()
    locks.lock("k", until=100)
    assert [locks.seconds("k", now=now) for now in (10, 99, 100, 101)] == [90, 1, 0, 0]


def test_nobody_else_is_locked_out() -> None:
    locks = Lockouts()
    locks.lock("k", until=100)
    assert locks.seconds("other", now=10) == 0


def test_an_attacker_with_many_networks_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_LOCKS", 10)
    locks = Lockouts()
    for number in range(100):
        locks.lock(str(number), until=1_000)
    assert [locks.seconds(str(number), now=0) > 0 for number in (0, 89, 90, 99)] == [False, False, True, True]


def test_what_is_begun_too_often_waits_for_the_next_window() -> None:
    limit, beginnings = RATES["sign-in"], Beginnings()
    assert [beginnings.count("k", limit, now=100) for _ in range(limit.most)] == [0] * limit.most
    assert beginnings.count("k", limit, now=110) == limit.window_seconds - 10
    assert beginnings.count("other", limit, now=110) == 0
    assert beginnings.count("k", limit, now=100 + limit.window_seconds) == 0


def test_nor_do_beginnings_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_LOCKS", 10)
    beginnings = Beginnings()
    for number in range(100):
        beginnings.count(str(number), RATES["sign-in"], now=0)
    assert len(beginnings._counts) == 10
