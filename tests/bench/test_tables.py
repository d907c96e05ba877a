"""RESULTS.md: what is measured anew replaces its section, what is not stays as it was."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Row, Skipped, at_least
from bench.tables import TITLE, balance, document, line, section, sections

ROWS: list[Row] = [
    Figure("rate", (2.0, 1.0, 4.0), "requests/s"),
    Figure("ratio", (0.5, 0.7), "×", at_least(0.95), "one core"),
    Skipped("Caddy", "not installed"),
]


def test_a_row_has_target_median_range_unit_and_verdict() -> None:
    assert [line(row) for row in ROWS] == [
        "| rate |  | 2 | 1 to 4 | requests/s |  |",
        "| ratio | ≥ 0.95 | 0.6 | 0.5 to 0.7 | × | **missed**; one core |".replace("0.600", "0.6")
        .replace("0.500", "0.5")
        .replace("0.700", "0.7"),
        "| Caddy | | | | | skipped: not installed |",
    ]


def test_a_bar_or_a_new_line_in_a_text_does_not_break_the_table() -> None:
    assert line(Skipped("a|b", "c\nd")) == "| a\\|b | | | | | skipped: c d |"


def test_a_single_round_has_no_range() -> None:
    assert line(Figure("ready", (0.5,), "s")) == "| ready |  | 0.5 |  | s |  |"


def test_what_was_written_is_read_again() -> None:
    known = {"exact": section("exact", "About.", ROWS, measured="Measured today."), "memory": "Other words.\n"}
    text = document(["a machine"], known, order=["exact", "memory"])
    assert text.startswith(TITLE)
    assert "- a machine" in text
    assert {name: body.strip() for name, body in sections(text).items()} == {
        name: body.strip() for name, body in known.items()
    }


def test_writing_what_was_read_changes_nothing() -> None:
    order = ["exact", "memory"]
    text = document(["a machine"], {"memory": "One.\n", "exact": "Two.\n"}, order=order)
    assert document(["a machine"], sections(text), order=order) == text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == order


def test_a_section_that_nobody_measures_any_more_is_left_out() -> None:
    assert "old" not in document([], {"old": "x", "exact": "y"}, order=["exact"])


def test_a_file_of_another_form_has_no_sections() -> None:
    assert sections("# Something else\n\n## exact\n\nx\n") == {}


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text("xyz |-\n", min_size=1).filter(str.strip)))
def test_any_bodies_survive_being_written(known: dict[str, str]) -> None:
    read = sections(document([], known, order=["a", "b", "c"]))
    assert {name: body.strip() for name, body in read.items()} == {name: body.strip() for name, body in known.items()}


def test_promises_that_are_missed_are_named_above_all_tables() -> None:
    rows = [*ROWS, Figure("cost | p99", (1.0,), "×", at_least(2)), Figure("kept", (3.0,), "×", at_least(2), "note")]
    known = {"exact": section("exact", "About.", rows, measured="Today.")}
    assert balance(known) == "Promises kept: 1; missed: 2:\n\n- exact: ratio\n- exact: cost \\| p99"
    assert document([], known, order=["exact"]).count("- exact: ratio") == 1


def test_where_all_is_well_nothing_is_named() -> None:
    assert balance({"exact": section("exact", "", [Figure("kept", (3.0,), "×", at_least(2))], measured="")}) == (
        "Promises kept: 1; missed: 0."
    )
