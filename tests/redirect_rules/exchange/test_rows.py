"""The values that go from reading to importing."""

import pytest

from redirect_rules.exchange.rows import LONGEST_SHOWN, Context, ImportProblem, PortalScope, Wish, shown


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Wish(1, "", "/a").line = 2  # type: ignore[misc]


def test_a_problem_of_the_whole_file_names_no_line() -> None:
    assert str(ImportProblem("a.csv", 0, "no")) == "a.csv: no"
    assert str(ImportProblem("a.csv", 7, "no")) == "a.csv:7: no"


def test_a_context_knows_portals_by_host_and_by_id(context: Context) -> None:
    assert context.hosts["dichvucong.langson.gov.vn"] == context.portals["langson"]
    assert context.first_hosts["langson"] == "dichvucong.langson.gov.vn"


def test_a_portal_answers_below_its_retired_paths() -> None:
    scope = PortalScope("national", retired=(("p",), ("jsp",)))
    assert scope.answers(("p", "home"))
    assert not scope.answers(("tra-cuu",))
    assert PortalScope("all").answers(("x",))


@pytest.mark.parametrize(
    ("text", "seen"), [(" a ", "a"), ("a\nb\tc", "a b c"), ("x" * 999, "x" * (LONGEST_SHOWN - 1) + "…")]
)
def test_a_line_is_shown_on_one_line(text: str, seen: str) -> None:
    assert shown(text) == seen
