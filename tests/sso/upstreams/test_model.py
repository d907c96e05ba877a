"""An upstream is a value that keeps its secrets to itself."""

from sso.upstreams.claim_mapping import ClaimMapping
from sso.upstreams.model import private_hosts
from sso.vocabulary import Level
from tests.sso.upstreams.provider import SECRET, Provider, upstream_of


def test_its_secret_is_not_shown() -> None:
    assert SECRET not in repr(upstream_of(Provider()))


def test_its_level_is_the_most_that_it_can_say() -> None:
    assert upstream_of(Provider()).level is Level.TWO
    assert upstream_of(Provider(), mapping=ClaimMapping(level_untold=Level.ONE)).level is Level.ONE


def test_only_the_hosts_of_those_that_say_so_may_be_private() -> None:
    inside = upstream_of(Provider(), hosts=frozenset({"a", "b"}))
    outside = upstream_of(Provider(), hosts=frozenset({"c"}), private_network=False)
    assert private_hosts([inside, outside]) == {"a", "b"}
