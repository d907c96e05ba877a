"""What is written as CSV is read as the same rows; and no cell is a formula."""

import csv
import io
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.exchange.checking import id_of
from redirect_rules.exchange.exports.tables import COLUMNS, csv_lines, protected
from redirect_rules.exchange.headers import COLUMNS as KNOWN
from redirect_rules.exchange.reading import read_rules
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem
from redirect_rules.exchange.tabular import restored

Read = Callable[..., list[ImportedRow | ImportProblem]]

OLD = [
    "/a",
    "/tra-cứu?Q=khai+sinh&a=B",
    "/x y/{id:hex24}",
    "~^/(?:a|b)/(\\d+)$",
    "https://dichvucong.haiphong.gov.vn/",
    "/a,b;c?q=%22%0A%3D",
]
LINES = [
    f"{old}\t{rest}"
    for old in OLD
    for rest in (
        "https://dichvucong.gov.vn/\t\t\t\t\t\t\t",
        "https://vpcp.dichvucong.gov.vn/x?a=b\tredirect\t\t\t01/07/2025\t2026-01-01T00:00Z\tghi chú\ta|b",
        "\tgone\t\t\t\t\t\t",
        "\t\tprocedure\t1.001193\t\t\t=cmd()\t@x",
        '\t\thelp\t\t\t\t\'=x\t["a,b", "-c"]',
        '\t\t[{"url":"https://vpcp.dichvucong.gov.vn/{keyword}","keyword":"x"},"home"]\t\t\t\t\t',
        '\t\t[{"url":"https://dichvucong.gov.vn/"}]\t\t\t\t\t',
    )
]
HEADER = "old_url\tnew_url\taction\tdestination\tcode\tvalid_from\tvalid_until\tnote\ttags\n"


def written(rows: list[ImportedRow], context: Context) -> list[ImportedRow | ImportProblem]:
    text = "".join(csv_lines(rows, context))
    return list(read_rules(text.encode(), name="x.csv", context=context))


def bare(row: ImportedRow | ImportProblem) -> object:
    assert isinstance(row, ImportedRow), row
    return row.portal, row.key, row.rule, row.exact, row.query_equals, row.regex


@pytest.mark.parametrize("line", LINES)
def test_a_row_comes_back(line: str, read: Read, context: Context) -> None:
    portal = None if "https://dichvucong.haiphong" in line else "langson"
    (row,) = read(HEADER + line, portal=portal)
    assert isinstance(row, ImportedRow), row
    (back,) = written([row], context)
    assert bare(back) == bare(row)


words = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=["Mn", "Mc", "Lo", "So"]), max_size=20
)
tails = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n/\\%.;"), min_size=1, max_size=9)


@given(
    path=st.lists(tails, max_size=3),
    query=st.dictionaries(st.sampled_from(["a", "MaTTHC", "q.x"]), words, max_size=3),
    note=words,
    tags=st.lists(words.map(str.strip).filter(bool), max_size=3),
    action=st.sampled_from(["notice", "redirect", "ask"]),
    url=st.sampled_from(["https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/x?a=b&c=%20", "https://vpcp.dichvucong.gov.vn/a"]),
)  # fmt: skip
def test_any_row_comes_back(
    context: Context, path: list[str], query: dict[str, str], note: str, tags: list[str], action: str, url: str
) -> None:
    old = "/" + "/".join(quote(part, safe="") for part in path)
    old += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items()) if query else ""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["old_url", "new_url", "action"])
    csv.writer(buffer).writerow([old, url, action])
    found = next(read_rules(buffer.getvalue().encode(), name="x", portal="langson", context=context))
    if isinstance(found, ImportProblem):
        return  # a control character, perhaps
    more = {"note": note, "tags": tags}
    rule = {**found.rule, **{name: value for name, value in more.items() if value}, "id": id_of(found.key)}
    row = ImportedRow(1, found.portal, found.key, rule, found.exact, found.query_equals)
    (back,) = written([row], context)
    assert bare(back) == bare(row)


@given(st.text())
def test_no_cell_is_a_formula_and_every_cell_comes_back(text: str) -> None:
    cell = protected(text)
    assert cell[:1] not in set("=+-@\t\r")
    assert restored(cell) == text or not (cell != text or text.startswith("'"))


# cell            as written
@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-5", "'-5"),
        ("'=1", "''=1"),
        ("a=b", "a=b"),
        ("'a", "'a"),
        ("", ""),
        ("'", "'"),
        ("\tx", "'\tx"),
    ],
)
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str, cell: str) -> None:
    assert protected(text) == cell
    assert restored(cell) == text


def test_a_spreadsheet_knows_the_encoding_and_every_column(context: Context) -> None:
    (header,) = csv_lines([], context)
    assert header.startswith("\ufeffold_url,new_url,action")
    assert set(COLUMNS) <= set(KNOWN)


def test_a_rule_with_a_name_of_its_own_keeps_it(read: Read, context: Context) -> None:
    (row,) = read("old_url,new_url,id\n/a,https://dichvucong.gov.vn/,my-id")
    assert isinstance(row, ImportedRow)
    assert ",my-id," in list(csv_lines([row], context))[1]


def test_an_odd_way_is_written_as_it_is(read: Read, context: Context) -> None:
    """A url that nobody may be sent to any more, a destination that is no more: written, and complained about on reading."""
    (row,) = read("old_url,new_url\n/a,https://dichvucong.gov.vn/")
    assert isinstance(row, ImportedRow)
    for to in ([{"url": "https://example.com/"}], [{"destination": "no-more", "code": "1.001193"}, "home"]):
        odd = ImportedRow(1, row.portal, row.key, {**row.rule, "to": to}, row.exact)
        (problem,) = written([odd], context)
        assert isinstance(problem, ImportProblem)
