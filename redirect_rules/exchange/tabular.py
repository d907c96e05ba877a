"""CSV as spreadsheets and people write it: comma, semicolon, tab or bar; quotes, line breaks in cells, stray quotes."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from redirect_rules.exchange.cells import is_yes
from redirect_rules.exchange.decoding import LONGEST_LINE, admitted
from redirect_rules.exchange.headers import COLUMNS, column_of, names_columns
from redirect_rules.exchange.rows import NO_CELLS, ImportProblem, MatchKind, Refused, Wish, shown

DELIMITERS = ("\t", ";", ",", "|")
MOST_COLUMNS = 200
_LONGEST_RECORD = 100  # lines that one quoted cell may span
_BARE = ("old_url", "new_url")
_CLOUDFLARE = (
    *("old_url", "new_url", "status"),
    *("preserve_query_string", "include_subdomains", "subpath_matching", "preserve_path_suffix"),
)
_NOT_CELLS = frozenset({"old_url", "new_url"})


class Record(NamedTuple):
    """The cells of one row, with the line on which it begins."""

    line: int
    text: str
    cells: Sequence[str]


def delimiter_of(line: str) -> str:
    """What separates the cells of a first line, outside of its quotes."""
    bare = "".join(line.split('"')[::2])
    found = max(DELIMITERS, key=lambda delimiter: (bare.count(delimiter), -DELIMITERS.index(delimiter)))
    return found if found in bare else ","


def records(source: str, lines: Iterable[str], delimiter: str | None = None) -> Iterator[Record | ImportProblem]:
    """The rows of a CSV file.  A quote that nobody closes costs its own line, not the rest of the file."""
    feed = _Feed(lines)
    while (line := feed.next()) is not None:
        number = feed.number
        if delimiter is None:
            if line.lower().startswith("sep=") and len(line) == len("sep=;"):
                delimiter = line[-1]  # Excel's own hint
                continue
            delimiter = delimiter_of(line)
        if not line or line.isspace():
            continue
        try:
            text = line if line.count('"') % 2 == 0 else _whole_record(feed, line)
            yield Record(number, text, _cells(admitted(text) if text is line else text, delimiter))
        except Refused as error:
            yield ImportProblem(source, number, str(error), shown(line))


class _Feed:
    """Lines with their numbers, of which some can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: list[str] = []
        self.number = 0

    def next(self) -> str | None:
        line = self._back.pop() if self._back else next(self._lines, None)
        self.number += line is not None
        return line

    def give_back(self, lines: list[str]) -> None:
        self._back += reversed(lines)
        self.number -= len(lines)


def _whole_record(feed: _Feed, line: str) -> str:
    taken: list[str] = []
    size, quotes = len(admitted(line)), line.count('"')
    while len(taken) < _LONGEST_RECORD and size <= LONGEST_LINE and (more := feed.next()) is not None:
        taken.append(more)
        size += len(more)
        quotes += more.count('"')
        if quotes % 2 == 0:
            try:
                return "\n".join([line, *map(admitted, taken)])
            except Refused:
                break
    feed.give_back(taken)
    raise Refused('a quotation mark is never closed: write "" for a mark inside a quoted cell')


def _cells(text: str, delimiter: str) -> Sequence[str]:
    try:
        cells = text.split(delimiter) if '"' not in text else next(csv.reader([text], delimiter=delimiter))
    except csv.Error:
        raise Refused(
            'a quotation mark stands inside a cell that is not quoted: write the cell as "a ""b"" c"'
        ) from None
    if len(cells) > MOST_COLUMNS:
        raise Refused(f"{len(cells)} columns: write {MOST_COLUMNS} at most")
    return cells


def wishes(
    source: str, rows: Iterable[Record | ImportProblem], *, columns: Sequence[str] = ()
) -> Iterator[Wish | ImportProblem]:
    """What the rows ask for; the first names the columns, unless it is an address already."""
    layout: _Layout | None = None
    for row in rows:
        if isinstance(row, ImportProblem):
            yield row
        elif layout is not None:
            yield layout.wish(row)
        elif columns or not names_columns(row.cells):
            try:
                layout = _Layout(columns or _unnamed(row.cells))
            except Refused as error:
                yield ImportProblem(source, row.line, str(error), shown(row.text))
                return
            yield layout.wish(row)
        else:
            layout, problems = _header(source, row)
            yield from problems
            if layout is None:
                return


def _unnamed(cells: Sequence[str]) -> Sequence[str]:
    if not cells[0].strip().startswith(("/", "http://", "https://")) and "." not in cells[0].partition("/")[0]:
        names = ", ".join(name for name in COLUMNS if name not in _CLOUDFLARE[3:])
        raise Refused(f"the first line names no column old_url (địa chỉ cũ): write a header; columns are {names}")
    if len(cells) > len(_BARE) and cells[2].strip().isdigit():
        return _CLOUDFLARE[: len(cells)]
    if len(cells) > len(_BARE) and any(map(str.strip, cells[2:])):
        raise Refused("three columns and more need a first line that names them: old_url,new_url,note")
    return _BARE


def _header(source: str, row: Record) -> "tuple[_Layout | None, list[ImportProblem]]":
    columns: list[str] = []
    problems: list[str] = []
    for cell in row.cells:
        column = column_of(cell)
        if column is None:
            problems.append(f"no column is called {cell.strip()!r}: remove it, or name it one of {', '.join(COLUMNS)}")
        elif column and column in columns:
            problems.append(f"two columns are called {column}: remove one")
        columns.append(column or "")
    if "old_url" not in columns:
        problems.append("there is no column old_url (địa chỉ cũ): add one with the old addresses")
    found = [ImportProblem(source, row.line, say, shown(row.text)) for say in problems]
    return (_Layout(columns) if "old_url" in columns else None), found


class _Layout:
    """Which column stands where."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._old = columns.index("old_url")
        self._new = columns.index("new_url") if "new_url" in columns else None
        self._more = [(i, column) for i, column in enumerate(columns) if column and column not in _NOT_CELLS]

    def wish(self, row: Record) -> Wish:
        cells = row.cells
        count = len(cells)
        old = restored(cells[self._old]).strip() if self._old < count else ""
        new = restored(cells[self._new]).strip() if self._new is not None and self._new < count else ""
        more = NO_CELLS
        if self._more:
            more = {name: restored(cells[i]) for i, name in self._more if i < count and cells[i]}
        kind = MatchKind.EXACT
        if "~" in old and "~" in old.partition("/")[0]:
            kind = MatchKind.REGEX  # "dichvucong.langson.gov.vn~^/a+$"
        elif "{" in old:
            kind = MatchKind.TEMPLATE
        elif more and is_yes(more, "subpath_matching"):
            kind = MatchKind.BELOW
        return Wish(row.line, shown(row.text), old, new, kind, (), more)


def restored(cell: str) -> str:
    """A cell whose formula sign was made harmless on the way out (exports.tables.protected)."""
    if cell[:1] == "'" and cell.lstrip("'")[:1] in {"=", "+", "-", "@", "\t", "\r"} and cell.lstrip("'"):
        return cell[1:]
    return cell
