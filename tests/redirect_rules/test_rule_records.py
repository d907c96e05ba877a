"""A record gives its rule back, and is short."""

from datetime import UTC

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.exact import ExactRule, Shape
from redirect_rules.exact_complaints import complaint
from redirect_rules.model import Action
from redirect_rules.rule_records import MOST_SHAPES, Records
from tests.redirect_rules.exact_rules import rule

TEXTS = st.text(max_size=12)
INSTANTS = st.none() | st.datetimes(timezones=st.just(UTC))
RULES = st.builds(
    ExactRule,
    st.just("p"),
    st.just("/a"),
    st.just(()),
    st.sampled_from(Action),
    TEXTS,
    TEXTS,
    st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    st.just("") | TEXTS.map(lambda text: "https://" + text),
    INSTANTS,
    INSTANTS,
    st.sampled_from(["", "home"]),
)


FULL = [Shape(Action.GONE, str(i), (), "", "", None, None, "") for i in range(MOST_SHAPES)]


@settings(deadline=None)  # the full dictionary takes its time
@given(st.lists(RULES, max_size=8), st.sampled_from([[], FULL]))
def test_a_record_gives_its_rule_back(rules: list[ExactRule], dictionary: list[Shape]) -> None:
    records = Records(dictionary)
    good = [one for one in rules if complaint(one._replace(id="x")) is None]
    packed = [records.pack(one) for one in good]
    again = Records.from_data(records.as_data())
    assert [again.rule("p", "/a", (), msgpack.unpackb(record)) for record in packed] == good


def test_the_dictionary_is_bounded() -> None:
    records = Records()
    sizes = [len(records.pack(rule(destination=str(i)))) for i in range(MOST_SHAPES + 1)]
    assert len(records.as_data()) == MOST_SHAPES
    assert sizes[-1] > sizes[0]
