"""Rows → CSV that `reading` reads as the same rows, and that a spreadsheet opens without running anything.

A cell that begins like a formula gets an apostrophe in front (OWASP, CSV injection), which reading takes off again.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from redirect_rules.captures import TYPES
from redirect_rules.exchange.cells import tags_text
from redirect_rules.exchange.checking import id_of
from redirect_rules.exchange.old_addresses import encoded
from redirect_rules.exchange.rows import Context, ImportedRow, Refused
from redirect_rules.exchange.targets import Targets, To

COLUMNS: Final = (
    *("old_url", "new_url", "action", "destination", "code", "keyword", "valid_from", "valid_until"),
    *("note", "owner", "tags", "legal_basis", "id", "when", "query"),
)
_FORMULA = frozenset("=+-@\t\r")
_ARGUMENTS = frozenset({"destination", "code", "keyword"})


def csv_lines(rows: Iterable[ImportedRow], context: Context) -> Iterator[str]:
    """The lines of the table, their ends included; the first begins with a mark by which Excel knows UTF-8."""
    writer = _Writer(context)
    yield "\ufeff" + writer.line(dict(zip(COLUMNS, COLUMNS, strict=True)))
    for row in rows:
        yield writer.line(writer.cells(row))


class _Writer:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._targets = Targets(context)
        self._buffer = io.StringIO()
        self._csv = csv.writer(self._buffer, lineterminator="\r\n")

    def line(self, cells: Mapping[str, str]) -> str:
        self._csv.writerow([protected(cells.get(column, "")) for column in COLUMNS])
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text

    def cells(self, row: ImportedRow) -> dict[str, str]:
        rule: Mapping[str, Any] = row.rule
        cells = {name: str(rule.get(name, "")) for name in ("action", "note", "owner", "legal_basis")}
        cells["old_url"] = self._old(row)
        cells |= self._leading(row, rule.get("to", []))
        for name in ("valid_from", "valid_until"):
            if at := rule.get(name):
                cells[name] = at.isoformat() if isinstance(at, datetime) else str(at)
        if tags := rule.get("tags"):
            cells["tags"] = tags_text(list(tags))
        if rule.get("id") != id_of(row.key):
            cells["id"] = str(rule.get("id", ""))
        for name in ("when", "query"):
            if rule.get(name):
                cells[name] = json.dumps(rule[name], ensure_ascii=False)
        return cells

    def _old(self, row: ImportedRow) -> str:
        host = self._context.first_hosts[row.portal]
        if row.regex:
            return f"{host}~{row.regex}"
        if row.exact:
            query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in row.query_equals)
            return f"https://{host}{row.exact}" + (f"?{query}" if query else "")
        paths: Any = row.rule["paths"]
        return f"https://{host}{paths[0]}"

    def _leading(self, row: ImportedRow, to: list[To]) -> dict[str, str]:
        match to:
            case []:
                return {}
            case [str(name)]:
                return {"destination": name}
            case [{"url": url, **rest}] if not rest and self._reads_as(url, row, to):
                return {"new_url": url}
            case [dict(goal), str()] if goal.keys() <= _ARGUMENTS and self._names(goal, to):
                return goal
        return {"destination": json.dumps(to, ensure_ascii=False)}

    def _reads_as(self, url: str, row: ImportedRow, to: list[To]) -> bool:
        try:
            return "{" not in url and self._targets.to(url, old_path=row.exact) == to
        except Refused:
            return False

    def _names(self, goal: Mapping[str, str], to: list[To]) -> bool:
        arguments = {name: goal[name] for name in ("code", "keyword") if name in goal}
        if any("{" in text or text != TYPES["text"].read(text) for text in arguments.values()):
            return False
        try:
            return self._targets.named(goal.get("destination", ""), arguments) == to
        except Refused:
            return False


def protected(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `tabular.restored` takes it back."""
    return f"'{cell}" if cell.lstrip("'")[:1] in _FORMULA and cell.lstrip("'") else cell
