"""Who gets the next request."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.balancing import Balancer
from proxy.passing.policy import OriginServer

A, B, C = (OriginServer("http", name, 80, weight) for name, weight in (("a", 5), ("b", 1), ("c", 1)))


def test_weights_are_spread_evenly() -> None:
    balancer = Balancer([A, B, C])
    assert "".join(balancer.order(lambda _: True)[0].host for _ in range(7)) == "aabacaa"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_each_gets_its_share(weights: list[int]) -> None:
    origins = [OriginServer("http", str(number), 80, weight) for number, weight in enumerate(weights)]
    balancer = Balancer(origins)
    turns = Counter(balancer.order(lambda _: True)[0] for _ in range(sum(weights) * 3))
    if len(origins) > 1:
        assert turns == {origin: origin.weight * 3 for origin in origins}


def test_those_that_are_ill_come_last() -> None:
    balancer = Balancer([A, B, C])
    for _ in range(5):
        assert balancer.order(lambda origin: origin != A)[-1] == A


def test_when_all_are_ill_they_are_tried_all_the_same() -> None:
    assert sorted(origin.host for origin in Balancer([A, B, C]).order(lambda _: False)) == ["a", "b", "c"]


def test_every_origin_is_tried_once() -> None:
    balancer = Balancer([A, B, C])
    for _ in range(9):
        assert len(set(balancer.order(lambda origin: origin != B))) == 3
