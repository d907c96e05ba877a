"""Who is let in, and what is counted as one place."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from proxy.admission import STATUSES, Admission, ConnectionMetrics, place_at, place_of
from proxy.config import Limits

PLACES = [
    ("198.51.100.7", "198.51.100.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
    ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ("::ffff:198.51.100.7", "198.51.100.7"),
    ("fe80::1%eth0", "fe80::/64"),
    ("", ""),
    ("no:address", ""),
]


@pytest.mark.parametrize(("address", "place"), PLACES)
def test_connections_are_counted_by_place(address: str, place: str) -> None:
    assert place_of(address) == place


# the other end of the connection        what a load balancer said    where it comes from
ENDS = [
    (("198.51.100.7", 40_000),           "",                           "198.51.100.7"),
    (("2001:db8:1:2::7", 40_000, 0, 0),  "",                           "2001:db8:1:2::/64"),
    (("10.0.0.1", 40_000),               "198.51.100.7",               "198.51.100.7"),
    (("10.0.0.1", 40_000),               "2001:db8:1:2::7",            "2001:db8:1:2::/64"),
    ("/run/edge.socket",                 "",                           ""),
    (None,                               "",                           ""),
]  # fmt: skip


@pytest.mark.parametrize(("peer", "said", "place"), ENDS)
def test_a_connection_comes_from_its_other_end_or_from_where_its_balancer_says(
    peer: object, said: str, place: str
) -> None:
    assert place_at(asyncio.Transport({"peername": peer}), said) == place


def limits(**changes: object) -> Limits:
    return Limits.model_validate({"connections": 5, "connections_per_address": 2, **changes})


def test_a_place_that_has_its_share_is_turned_away_and_others_are_not() -> None:
    admission = Admission(limits())
    assert [admission.enter("a") for _ in range(3)] == [None, None, "too-many-connections"]
    assert admission.enter("b") is None
    admission.leave("a")
    assert admission.enter("a") is None


def test_when_all_places_are_taken_everybody_is_turned_away() -> None:
    admission = Admission(limits(connections_per_address=0))
    assert [admission.enter(str(n)) for n in range(6)] == [*[None] * 5, "overloaded"]
    admission.leave("0")
    assert admission.enter("9") is None


def test_zero_is_without_end() -> None:
    admission = Admission(limits(connections=0, connections_per_address=0))
    assert {admission.enter("a") for _ in range(1_000)} == {None}


SHARED = [
    ("198.51.100.7", True),
    ("198.51.101.7", False),
    ("2001:db8:1:2::/64", True),
    ("2001:db9::/64", False),
]


@pytest.mark.parametrize(("place", "is_shared"), SHARED)
def test_an_address_that_many_people_share_has_no_share_of_its_own(place: str, is_shared: bool) -> None:  # noqa: FBT001 - a column
    admission = Admission(limits(shared_addresses=["198.51.100.0/24", "2001:db8::/32"]))
    assert [admission.enter(place) for _ in range(3)][-1] == (None if is_shared else "too-many-connections")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", ""])), max_size=60))
def test_what_came_in_and_went_leaves_nothing_behind(steps: list[tuple[bool, str]]) -> None:
    admission, inside = Admission(limits()), []
    for comes, place in steps:
        if comes and admission.enter(place) is None:
            inside.append(place)
        elif not comes and place in inside:
            inside.remove(place)
            admission.leave(place)
        assert admission.connections == len(inside) <= 5
        assert len(admission) == len(set(inside) - {""})
        assert all(inside.count(name) <= 2 for name in "abc")


def test_every_refusal_has_its_status_and_its_count() -> None:
    registry = CollectorRegistry()
    metrics = ConnectionMetrics(registry)
    for reason in STATUSES:
        metrics.turned_away(reason)
        assert registry.get_sample_value("dvc_edge_turned_away_total", {"reason": reason}) == 1
    metrics.stand(7)
    assert registry.get_sample_value("dvc_edge_connections") == 7
