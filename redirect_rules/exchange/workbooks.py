"""XLSX → rows, in a stream and within bounds: a workbook is a zip of XML, and both can be bombs.

Read: the first sheet that is not hidden; shared and inline texts, numbers, truth values, dates, and the last result of
a formula.  Nothing is evaluated, no entity is expanded, no link is followed (ECMA-376 part 1, §18.3, §18.4).
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from redirect_rules.exchange.decoding import LONGEST_LINE
from redirect_rules.exchange.packages import Handler, Package, parse, read_part
from redirect_rules.exchange.rows import ImportProblem, Refused, shown
from redirect_rules.exchange.tabular import MOST_COLUMNS, Record

MOST_SHARED: Final = 64 * 1024 * 1024
"""Characters of all shared texts, which are held in memory."""

_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)})  # §18.8.30
_DATE_LETTERS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_COLUMN = re.compile(r"([A-Z]{1,3})([0-9]{1,7})?\Z")
_LETTERS = 26


class _SharedTexts(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._phonetic = False
        self._total = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - shared texts have none
        if tag == "rPh":
            self._phonetic = True  # how a text is read aloud is not part of it
        self.keeps = tag == "t" and not self._phonetic

    def end(self, tag: str) -> None:
        self.keeps = False
        if tag == "rPh":
            self._phonetic = False
        elif tag == "si":
            self.texts.append(self.taken())
            self._total += len(self.texts[-1]) + 1
            if self._total > MOST_SHARED:
                raise Refused("the workbook holds too much text: save the sheet as CSV in UTF-8")


class _Sheets(Handler):
    """Workbook.xml: the first visible sheet, and from which day dates count."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ""
        self.epoch = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no zone; schedules.instant gives it Viet Nam's

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "workbookPr" and attributes.get("date1904") in {"1", "true"}:
            self.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - as above
        if tag == "sheet" and not self.first and attributes.get("state", "visible") == "visible":
            wanted = (value for name, value in attributes.items() if name.endswith("}id"))
            self.first = next(wanted, "")


class _Relationships(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            self.targets[attributes.get("Id", "")] = posixpath.join("/xl", attributes.get("Target", ""))


class _Styles(Handler):
    """Which cell styles show a number as a date."""

    def __init__(self) -> None:
        super().__init__()
        self.dates: list[bool] = []
        self._own: dict[str, bool] = {}
        self._in_cells = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "numFmt":
            letters = _DATE_LETTERS.sub("", attributes.get("formatCode", "")).lower()
            self._own[attributes.get("numFmtId", "")] = any(letter in letters for letter in "ymdh")
        elif tag == "cellXfs":
            self._in_cells = True
        elif tag == "xf" and self._in_cells:
            number = attributes.get("numFmtId", "0")
            self.dates.append(self._own.get(number, number.isdigit() and int(number) in _DATE_FORMATS))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._in_cells = False


class _Rows(Handler):
    """The sheet's rows, those read since the last piece."""

    def __init__(self, source: str, shared: list[str], styles: list[bool], epoch: datetime) -> None:
        super().__init__()
        self.found: list[Record | ImportProblem] = []
        self._source = source
        self._shared, self._styles, self._epoch = shared, styles, epoch
        self._line = 0
        self._cells: list[str] = []
        self._wrong = ""
        self._column, self._type, self._style, self._formula = 0, "", 0, False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "row":
            number = attributes.get("r", "")
            self._line = int(number) if number.isdigit() else self._line + 1
            self._cells, self._wrong = [], ""
        elif tag == "c":
            self._column = _column(attributes.get("r", ""), len(self._cells))
            self._type, self._style = attributes.get("t", "n"), int(attributes.get("s", "0") or 0)
            self._formula = False
            self.taken()
        elif tag == "f":
            self._formula = True
        self.keeps = tag in {"v", "t"}

    def end(self, tag: str) -> None:
        self.keeps = False
        if tag == "c":
            self._cell()
        elif tag == "row" and (self._wrong or any(self._cells)):
            text = "\t".join(self._cells)
            if self._wrong:
                self.found.append(ImportProblem(self._source, self._line, self._wrong, shown(text)))
            else:
                self.found.append(Record(self._line, text, self._cells))

    def _cell(self) -> None:
        if self._column >= MOST_COLUMNS:
            self._wrong = f"a cell stands in column {self._column + 1}: write {MOST_COLUMNS} columns at most"
            return
        if self.size > LONGEST_LINE:
            self._wrong = f"a cell is longer than {LONGEST_LINE:,} characters: shorten it"
        text = self._value(self.taken())
        if "\x00" in text:
            self._wrong = "a cell holds a NUL: type it again"
        self._cells += [""] * (self._column - len(self._cells))
        if self._column < len(self._cells):
            self._wrong = "two cells stand in one place: save the workbook again from Excel"
            return
        self._cells.append(text)

    def _value(self, text: str) -> str:
        if self._formula and not text:
            self._wrong = "a formula has no result: open and save the workbook in Excel, or paste the values"
        match self._type:
            case "s":
                if not text.isdigit() or int(text) >= len(self._shared):
                    self._wrong = "a cell points to a text that is not there: save the workbook again from Excel"
                    return ""
                return self._shared[int(text)]
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(text, text)
            case "e":
                self._wrong = f"a formula ends in {text}: correct it, or paste the value"
                return text
            case "n":
                return self._number(text)
        return text

    def _number(self, text: str) -> str:
        try:
            number = float(text) if text else 0.0
            if self._style < len(self._styles) and self._styles[self._style] and text:
                return (self._epoch + timedelta(seconds=round(number * 86_400))).isoformat(" ")
            return str(int(number)) if text and number == int(number) else text
        except (ValueError, OverflowError):
            self._wrong = f"{text[:20]!r} is no number: type the cell again"
            return ""


def _column(reference: str, following: int) -> int:
    match = _COLUMN.match(reference)
    if match is None:
        return following
    number = 0
    for letter in match[1]:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1


def records(source: str, data: bytes) -> Iterator[Record | ImportProblem]:
    """The rows of the first visible sheet; their numbers are those at its left edge."""
    rows: _Rows | None = None
    try:
        workbook = Package(data)
        sheets, names, shared, styles = _Sheets(), _Relationships(), _SharedTexts(), _Styles()
        read_part(workbook, "xl/workbook.xml", sheets)
        read_part(workbook, "xl/_rels/workbook.xml.rels", names)
        for name, handler in (("xl/sharedStrings.xml", shared), ("xl/styles.xml", styles)):
            if workbook.has(name):
                read_part(workbook, name, handler)
        sheet = posixpath.normpath(names.targets.get(sheets.first, "")).lstrip("/")
        rows = _Rows(source, shared.texts, styles.dates, sheets.epoch)
        for _ in parse(workbook, sheet, rows):
            yield from rows.found
            rows.found = []
    except Refused as error:
        if rows is not None:
            yield from rows.found
        yield ImportProblem(source, 0, str(error))
