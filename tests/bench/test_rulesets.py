"""Rules in any number, the same ones every time."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bench.rulesets import CRAWLING, PAGES, Site, drawn, head, old_address, old_addresses, template
from redirect_rules.canonical import canonical_key

SITES = [Site("langson", "a.gov.vn"), Site("hue", "b.gov.vn"), Site("hanoi", "c.gov.vn")]
NUMBERS = st.integers(0, 10**7)


@given(NUMBERS, NUMBERS)
def test_every_number_has_an_address_and_a_target_of_its_own(one: int, other: int) -> None:
    first, second = old_address(one, SITES), old_address(other, SITES)
    assert (first.path == second.path) == (one == other)
    assert (first.target == second.target) == (one == other)


@given(NUMBERS)
def test_an_address_is_as_canonicalisation_leaves_it(number: int) -> None:
    one = old_address(number, SITES)
    assert canonical_key(one.site.host, one.path).path == one.path
    assert one.target.startswith(PAGES)
    assert one.url == f"https://{one.site.host}{one.path}"


@given(NUMBERS)
def test_another_edition_leads_elsewhere_from_the_same_address(number: int) -> None:
    one, other = old_address(number, SITES), old_address(number, SITES, edition=1)
    assert one.path == other.path
    assert one.target != other.target


def test_a_draw_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert drawn(50, 10**6, SITES, seed=1) == drawn(50, 10**6, SITES, seed=1)
    assert drawn(50, 10**6, SITES, seed=1) != drawn(50, 10**6, SITES, seed=2)


def test_only_rules_that_there_are_are_drawn_and_in_time_all_of_them() -> None:
    assert set(drawn(1_000, 20, SITES, seed=3)) == set(old_addresses(20, SITES))


@given(st.integers(0, 10**6 - 1), st.integers(0, 10**9))
def test_the_sample_of_a_template_is_known_to_its_own_expression_and_to_no_other(number: int, value: int) -> None:
    one = template(number)
    found = re.match(one.expression, one.sample.format(value))
    assert found is not None
    assert found[1] == str(value)
    assert not re.match(template(number + 6).expression, one.sample.format(value))


def test_a_request_is_a_whole_head() -> None:
    assert head("a.gov.vn", "/vi", "Accept: */*") == b"GET /vi HTTP/1.1\r\nHost: a.gov.vn\r\nAccept: */*\r\n\r\n"
    assert head("a.gov.vn", "/vi", *CRAWLING).count(b"\r\n\r\n") == 1
