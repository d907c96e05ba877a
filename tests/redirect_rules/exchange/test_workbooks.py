"""Workbooks of an independent writer are read cell by cell; bombs and ruins are refused within bounds."""

import io
from collections.abc import Callable
from datetime import date, datetime

import pytest

from redirect_rules.exchange import workbooks
from redirect_rules.exchange.rows import ImportedRow, ImportProblem
from tests.redirect_rules.exchange.workbook_files import NAMESPACE, PARTS, cells, sheet

Read = Callable[..., list[ImportedRow | ImportProblem]]


def test_a_workbook_of_another_writer_is_read_cell_by_cell() -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is missing: pip install it to compare workbooks")
    book = openpyxl.Workbook()
    book.active.title = "ẩn"
    book.active.sheet_state = "hidden"
    table = book.create_sheet("danh sách")
    table.append(["Địa chỉ cũ", None, "Địa chỉ mới"])
    table.append([])
    table.append(["/a", True, 12, 1.5, date(2025, 7, 1), datetime(2025, 7, 1, 8, 30), "dòng 1\ndòng 2", "=cũ"])  # noqa: DTZ001 - as in a cell
    table["H3"].data_type = "s"
    file = io.BytesIO()
    book.save(file)
    assert cells(file.getvalue()) == [
        (1, ["Địa chỉ cũ", "", "Địa chỉ mới"]),
        (3, ["/a", "TRUE", "12", "1.5", "2025-07-01 00:00:00", "2025-07-01 08:30:00", "dòng 1\ndòng 2", "=cũ"]),
    ]


def test_rows_of_a_workbook_become_rules(read: Read) -> None:
    text = '<row r="%d"><c t="inlineStr"><is><t>%s</t></is></c><c t="inlineStr"><is><t>%s</t></is></c></row>'
    rows = text % (1, "old_url", "new_url") + text % (5, "/a", "https://dichvucong.gov.vn/")
    (row,) = read(sheet(rows), name="x.bin")
    assert isinstance(row, ImportedRow)
    assert (row.line, row.key, row.rule["to"], row.text) == (5, "langson/a", ["home"], "/a https://dichvucong.gov.vn/")


SHARED = f"<sst {NAMESPACE}><si><t>một</t></si><si><r><t>ha</t></r><r><t>i</t></r><rPh><t>x</t></rPh></si><si><t>a_x000D_b</t></si></sst>"
# rows                                                          read
CELLS = [
    ('<row r="2"><c r="B2" t="s"><v>0</v></c><c t="s"><v>1</v></c></row>', [(2, ["", "một", "hai"])]),
    ('<row><c t="s"><v>2</v></c></row>', [(1, ["a\rb"])]),
    ('<row><c t="str"><f>A1</f><v>kết quả</v></c></row>', [(1, ["kết quả"])]),
    ("<row><c><v>1E3</v></c><c><v>0.25</v></c><c/></row>", [(1, ["1000", "0.25", ""])]),
    ('<row r="1"/><row r="4"><c t="b"><v>0</v></c></row>', [(4, ["FALSE"])]),
    ("<row><c><f>1+1</f></c></row>", [(1, "a formula has no result: open and save the workbook in Excel, or paste the values")]),
    ('<row><c t="e"><v>#REF!</v></c></row>', [(1, "a formula ends in #REF!: correct it, or paste the value")]),
    ('<row><c t="s"><v>99</v></c></row>', [(1, "a cell points to a text that is not there: save the workbook again from Excel")]),
    ("<row><c><v>1e999</v></c></row>", [(1, "'1e999' is no number: type the cell again")]),
    ('<row><c r="XFD1"><v>1</v></c></row><row><c><v>2</v></c></row>', [(1, "a cell stands in column 16384: write 200 columns at most"), (2, ["2"])]),
    ('<row><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', [(1, "two cells stand in one place: save the workbook again from Excel")]),
    ('<row><c t="inlineStr"><is><t>a_x0000_</t></is></c></row>', [(1, "a cell holds a NUL: type it again")]),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), CELLS)
def test_cells_are_read_as_people_see_them(rows: str, expected: list[object]) -> None:
    assert cells(sheet(rows, xl__sharedStrings_xml="", **{"xl__sharedStrings.xml": SHARED})) == expected


def test_days_may_count_from_1904() -> None:
    styles = (
        f'<styleSheet {NAMESPACE}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    book = PARTS["xl/workbook.xml"].replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    data = sheet(
        '<row><c s="1"><v>1</v></c><c s="0"><v>1</v></c></row>', **{"xl__styles.xml": styles, "xl__workbook.xml": book}
    )
    assert cells(data) == [(1, ["1904-01-02 00:00:00", "1"])]


def test_a_cell_of_ten_megabytes_is_a_problem_and_the_next_row_is_read() -> None:
    rows = f'<row r="1"><c t="inlineStr"><is><t>{"x" * 10_000_000}</t></is></c></row><row r="2"><c><v>1</v></c></row>'
    first, second = cells(sheet(rows))
    assert first[1] == "a cell is longer than 65,536 characters: shorten it"
    assert second == (2, ["1"])


def test_shared_texts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_SHARED", 1_000)
    texts = f"<sst {NAMESPACE}>{'<si><t>abcdefghij</t></si>' * 100}</sst>"
    assert "too much text" in str(cells(sheet("", **{"xl__sharedStrings.xml": texts}))[-1][1])
