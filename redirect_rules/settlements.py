"""Settlements: what officers found out about a commune whose successor the public sources do not agree on.

A settlement names the communes of today and says on whose word.  It is part of the draft, so a second person approves
it with the rest; published, it stands in the number's table of successions, and nobody is asked there any more.  What
is shipped stays as it is: a settlement that is removed makes the sources disagree again.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import Field, ValidationError

from redirect_rules.objects import Kind, Ref, Stored
from redirect_rules.packs import LOCALITY_TABLES, Table
from redirect_rules.parsing import StrictModel
from redirect_rules.sources import Problem, Problems
from redirect_rules.units import Confidence

_PROVINCES, _COMMUNES, _SUCCESSIONS = range(len(LOCALITY_TABLES))
_ADDRESS: Final = re.compile(r"https?://[^\s/]+\.[^\s]+\Z")
_NUMBERED: Final = re.compile(r"[0-9]+/\S")  # 1678/NQ-UBTVQH15, 202/2025/QH15


class SettlementRow(StrictModel):
    """The body of a settlement."""

    successors: Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{5}$")]], Field(min_length=1, max_length=40)]
    source: Annotated[str, Field(min_length=4, max_length=500)]  # an address, or the number of a document
    decided_on: date | None = None  # of the document

    def complaint(self) -> str:
        """Why nobody could look it up, and what to write instead; "": somebody can."""
        if _ADDRESS.match(self.source):
            return ""
        if not _NUMBERED.search(self.source):
            return "source: write the address of a page (https://…), or the number of a document, 1678/NQ-UBTVQH15"
        return "" if self.decided_on is not None else "decided_on: of which day is the document?"


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An old commune on which the sources do not all agree."""

    code: str
    name: str
    district: str
    province: str  # its name before the merger
    province_now: str  # code of the province of today that it lies in
    confidence: Confidence
    candidates: tuple[str, ...]  # codes of communes of today

    @property
    def ref(self) -> Ref:
        """Where its settlement is kept."""
        return Ref(Kind.SETTLEMENT, self.province_now, self.code)


def doubtful(tables: Sequence[Table]) -> list[Doubtful]:
    """All of them, by code, from the shipped tables (which were checked when they were read)."""
    provinces = {
        (row["era"], row["code"]): (row["name"], row["successor"])
        for row in csv.DictReader(io.StringIO(tables[_PROVINCES].text))
    }
    found = []
    for row in csv.DictReader(io.StringIO(tables[_SUCCESSIONS].text)):
        if row["confidence"] != Confidence.AGREED:
            name, now = provinces["old", row["province_code"]]
            candidates = tuple(row["successors"].split(";"))
            confidence = Confidence(row["confidence"])
            found.append(Doubtful(row["code"], row["name"], row["district"], name, now, confidence, candidates))
    return sorted(found, key=lambda one: one.code)


def parse(body: Mapping[str, object]) -> SettlementRow:
    """A body as a store keeps it.  Raises ValueError saying what to write instead."""
    try:
        row = SettlementRow.model_validate_json(json.dumps(body))
    except ValidationError as error:
        said = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, said['loc']))}: {said['msg']}") from None
    if complaint := row.complaint():
        raise ValueError(complaint)
    if row.successors != sorted(set(row.successors)):
        raise ValueError("successors: each code once, in ascending order")
    return row


def settled(tables: Sequence[Table], settlements: Iterable[Stored]) -> tuple[Table, ...]:
    """The locality tables with what was settled written into them.  Raises Problems, all at once."""
    by_code: dict[str, str] = {}
    problems: list[Problem] = []
    communes: Mapping[str, str] | None = None
    for stored in settlements:
        if communes is None:
            communes = _provinces_of_communes(tables[_COMMUNES])
        try:
            row = parse(stored.body)
            _check_place(row, stored.ref, communes)
        except ValueError as error:
            problems.append(Problem("settlements", 0, f"{stored.ref.id}: {error}"))
        else:
            by_code[stored.ref.id] = ";".join(row.successors)
    if not (by_code or problems):
        return tuple(tables)
    wanted = set(by_code)
    text = "".join(_rewritten(tables[_SUCCESSIONS].text, by_code, wanted))
    problems += [Problem("settlements", 0, f"{code}: no old commune has this code") for code in sorted(wanted)]
    if problems:
        raise Problems(problems)
    changed = Table(tables[_SUCCESSIONS].source, text)
    return tuple(changed if at == _SUCCESSIONS else table for at, table in enumerate(tables))


def _check_place(row: SettlementRow, ref: Ref, communes: Mapping[str, str]) -> None:
    """Whoever may settle things in one province settles nothing in another."""
    for code in row.successors:
        if communes.get(code) != ref.scope:
            raise ValueError(f"{code} is no commune of today in province {ref.scope}")


def _provinces_of_communes(table: Table) -> dict[str, str]:
    return {row["code"]: row["province_code"] for row in csv.DictReader(io.StringIO(table.text))}


def _rewritten(text: str, by_code: Mapping[str, str], wanted: set[str]) -> Iterator[str]:
    """Only the lines that are settled change, so that a number's table can be compared with the shipped one."""
    for line in text.splitlines(keepends=True):
        code = line.partition(",")[0]
        if code not in by_code:
            yield line
            continue
        wanted.discard(code)
        *fields, _, _ = next(csv.reader([line]))
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([*fields, by_code[code], Confidence.AGREED])
        yield out.getvalue()
