"""A figure is its rounds; its median is what a promise is held against."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Target, Verdict, at_least, at_most, below, percentile, ratios, shown

MICROS = st.floats(0.1, 1e6)


@pytest.mark.parametrize(
    ("target", "figure", "verdict"),
    [
        (at_least(0.95), 0.95, Verdict.MET),
        (at_least(0.95), 0.949, Verdict.MISSED),
        (at_most(5), 5.0, Verdict.MET),
        (at_most(5), 5.01, Verdict.MISSED),
        (below(1.3), 1.29, Verdict.MET),
        (below(1.3), 1.3, Verdict.MISSED),
        (at_most(0), 0.0, Verdict.MET),
    ],
)
def test_a_bound_is_kept_on_its_side_and_itself_only_where_it_says_so(
    target: Target, figure: float, verdict: Verdict
) -> None:
    assert target.verdict(figure) is verdict


def test_the_median_decides_and_not_the_best_round() -> None:
    assert Figure("ratio", (1.2, 0.5, 0.6), "×", at_least(0.95)).verdict is Verdict.MISSED
    assert Figure("ratio", (0.1, 1.0, 1.1), "×", at_least(0.95)).verdict is Verdict.MET


def test_what_promises_nothing_is_neither_met_nor_missed() -> None:
    assert Figure("rate", (1.0,), "requests/s").verdict is Verdict.NONE


def test_a_figure_without_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        Figure("nothing", (), "µs")


def test_ratios_are_those_of_one_round() -> None:
    # The machine was twice as slow in the second round: the ratio does not see it.
    assert ratios((10.0, 20.0), (5.0, 10.0)) == (2.0, 2.0)


def test_rounds_that_do_not_pair_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios((1.0, 2.0), (1.0,))


@given(st.lists(st.tuples(MICROS, MICROS), min_size=1))
def test_a_ratio_turned_round_is_its_inverse(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    for one, other in zip(ratios(ours, theirs), ratios(theirs, ours), strict=True):
        assert one * other == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0], 0.99, 1.0),
        (list(map(float, range(1, 101))), 0.99, 99.0),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_percentiles_by_nearest_rank(values: list[float], share: float, found: float) -> None:
    assert percentile(values, share) == found


@given(st.lists(MICROS, min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_234_567.8, "1,234,568"),
        (200.0, "200"),
        (17.46, "17.5"),
        (1.034, "1.03"),
        (0.00635, "0.00635"),
        (0.0, "0"),
        (-2.5, "-2.50"),
    ],
)
def test_figures_are_shown_with_three_digits_and_thousands_apart(value: float, text: str) -> None:
    assert shown(value) == text
