"""Rows of CSV as people write them; a stray quote costs its line and no other."""

import pytest

from redirect_rules.exchange.rows import ImportProblem, MatchKind
from redirect_rules.exchange.tabular import MOST_COLUMNS, delimiter_of, records, restored, wishes

HOME = "https://dichvucong.gov.vn/"


def cells(text: str) -> list[tuple[int, list[str]] | tuple[int, str]]:
    return [
        (row.line, row.say) if isinstance(row, ImportProblem) else (row.line, list(row.cells))
        for row in records("x", text.split("\n"))
    ]


# text                                   rows
ROWS = [
    ("a,b\nc,d", [(1, ["a", "b"]), (2, ["c", "d"])]),
    ("a;b,c\nd;e,f", [(1, ["a", "b,c"]), (2, ["d", "e,f"])]),
    ("a\tb;c", [(1, ["a", "b;c"])]),
    ("a|b", [(1, ["a", "b"])]),
    ("a", [(1, ["a"])]),
    ("sep=;\na;b,c", [(2, ["a", "b,c"])]),
    ("a,b\n\n   \nc,d", [(1, ["a", "b"]), (4, ["c", "d"])]),
    ('a,b\n"c,d",e', [(1, ["a", "b"]), (2, ["c,d", "e"])]),
    ('a,b\n"c ""d""",e', [(1, ["a", "b"]), (2, ['c "d"', "e"])]),
    ('a,b\n"c\nd",e\nf,g', [(1, ["a", "b"]), (2, ["c\nd", "e"]), (4, ["f", "g"])]),
    ('"a;b",c', [(1, ["a;b", "c"])]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rows"), ROWS)
def test_rows_have_their_cells_and_their_lines(text: str, rows: list[object]) -> None:
    assert cells(text) == rows


@pytest.mark.parametrize(
    "tail",
    ["", "\n" + "x,y\n" * 300, '\n"' + "z" * 70_000 + '"\nf,g', '\nx\x00y",z\nf,g'],
    ids=["end", "many", "long", "nul"],
)
def test_a_quote_that_nobody_closes_costs_its_own_line(tail: str) -> None:
    found = cells('a,b\n"c,d\nf,g' + tail)
    assert found[1] == (2, 'a quotation mark is never closed: write "" for a mark inside a quoted cell')
    assert found[2] == (3, ["f", "g"])


def test_a_quote_inside_a_bare_cell_that_runs_on_is_refused() -> None:
    assert cells('a,b "c\nd" e,f') == [
        (1, 'a quotation mark stands inside a cell that is not quoted: write the cell as "a ""b"" c"')
    ]


def test_huge_counts_of_columns_are_refused() -> None:
    assert cells("a,b\n" + "," * MOST_COLUMNS)[1] == (2, f"{MOST_COLUMNS + 1} columns: write {MOST_COLUMNS} at most")


@pytest.mark.parametrize(
    ("line", "delimiter"), [("a;b;c,d", ";"), ("a,b", ","), ("a\tb,c", "\t"), ('"a,b,c";d', ";"), ("a", ",")]
)
def test_the_first_line_tells_the_delimiter(line: str, delimiter: str) -> None:
    assert delimiter_of(line) == delimiter


def read(text: str) -> list[str]:
    return [
        f"{wish.line}: {wish.say}"
        if isinstance(wish, ImportProblem)
        else f"{wish.kind} {wish.old} {wish.new} {wish.cells}"
        for wish in wishes("x", records("x", text.split("\n")))
    ]


# text                                           what is read, or the beginning of what is said
LAYOUTS = [
    ("old_url,new_url\n/a,b", ["exact /a b {}"]),
    ("new_url,note,old_url\nb,c,/a", ["exact /a b {'note': 'c'}"]),
    ("old_url,new_url,note\n/a,b", ["exact /a b {}"]),
    ("old_url,new_url\n/a,b,more", ["exact /a b {}"]),
    ("old_url,STT,tt\n/a,1,2", ["exact /a  {}"]),
    ("/a,b", ["exact /a b {}"]),
    ("a.vn/a,b,301,FALSE", ["exact a.vn/a b {'status': '301', 'preserve_query_string': 'FALSE'}"]),
    ("old_url\n/{id:hex24}/x", ["template /{id:hex24}/x  {}"]),
    ("old_url\na.vn~^/[^/]+$", ["regex a.vn~^/[^/]+$  {}"]),
    ("old_url\n~^/a$", ["regex ~^/a$  {}"]),
    ("old_url\n/~nguyen/a", ["exact /~nguyen/a  {}"]),
    ("old_url,note\n/a,'=1+1", ["exact /a  {'note': '=1+1'}"]),
    ("x,y\n1,2", ["1: the first line names no column old_url"]),
    ("/a,b,c", ["1: three columns and more need a first line"]),
    ("new_url,note\nb,c", ["1: there is no column old_url"]),
    ("old_url,old url\n/a,/b", ["1: two columns are called old_url", "exact /a  {}"]),
    ("old_url,gia\n/a,5", ["1: no column is called 'gia': remove it", "exact /a  {}"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LAYOUTS)
def test_columns_are_found_by_their_names(text: str, expected: list[str]) -> None:
    found = read(text)
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected


def test_kinds_are_what_the_address_looks_like() -> None:
    assert {kind.value for kind in MatchKind} == {"exact", "below", "template", "regex"}


@pytest.mark.parametrize(
    ("cell", "text"),
    [("'=1", "=1"), ("''=1", "'=1"), ("'a", "'a"), ("'", "'"), ("''", "''"), ("'-5", "-5"), ("=1", "=1"), ("", "")],
)
def test_a_harmless_formula_becomes_itself_again(cell: str, text: str) -> None:
    assert restored(cell) == text
