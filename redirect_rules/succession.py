"""The three tables of units and their successors, read and checked.

The caller reads the files; this module sees text.  Every mistake is reported at once, with its line,
so that an operator who corrects the tables needs one round, not ten.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from redirect_rules.placenames import official
from redirect_rules.units import Confidence, Era, Kind, Locality

PROVINCE_COLUMNS: Final = ("era", "code", "name", "successor", "also_written")
COMMUNE_COLUMNS: Final = ("code", "name", "province_code")
SUCCESSION_COLUMNS: Final = (
    "code",
    "name",
    "district_code",
    "district",
    "province_code",
    "successors",
    "confidence",
)

_CONFIDENCES: Final = {str(confidence): confidence for confidence in Confidence}
_BY_DOUBT: Final = tuple(Confidence)


# Stands in for a province a row names and no row describes, so that the rest of the row is still checked.
_NOWHERE: Final = Locality(Era.OLD, "", "", Kind.PROVINCE, Confidence.DISPUTED, "", "", "", "")


class LocalityDataError(ValueError):
    """The tables contradict themselves or each other.

    problems  one sentence each, the table and line in front: "communes, line 7: …"
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Succession:
    """Every unit of both eras by code, the old ones with what has become of them.

    districts     old ones; not the five island districts that had no communes and stand among `old_communes`
    also_written  of provinces, the names besides the official one: "Sài Gòn", "BR-VT"
    """

    new_provinces: Mapping[str, Locality]
    old_provinces: Mapping[str, Locality]
    new_communes: Mapping[str, Locality]
    old_communes: Mapping[str, Locality]
    districts: Mapping[str, Locality]
    also_written: Mapping[Locality, tuple[str, ...]]


def parse_succession(provinces_csv: str, communes_csv: str, successions_csv: str) -> Succession:
    """Build the units from the text of the three tables (conf/localities/README.md describes them).

    Raises LocalityDataError, which lists the problems of all three.
    """
    tables = _Tables()
    for row in tables.rows("provinces", provinces_csv, PROVINCE_COLUMNS):
        tables.add_province(*row)
    for row in tables.rows("communes", communes_csv, COMMUNE_COLUMNS):
        tables.add_commune(*row)
    for row in tables.rows("successions", successions_csv, SUCCESSION_COLUMNS):
        tables.add_succession(*row)
    if tables.problems:
        raise LocalityDataError(tables.problems)
    return Succession(
        tables.new_provinces,
        tables.old_provinces,
        tables.new_communes,
        tables.old_communes,
        _districts(tables.old_communes.values()),
        tables.also_written,
    )


@dataclass(slots=True)
class _Tables:
    """What has been read so far, and what is wrong with it."""

    new_provinces: dict[str, Locality] = field(default_factory=dict)
    old_provinces: dict[str, Locality] = field(default_factory=dict)
    new_communes: dict[str, Locality] = field(default_factory=dict)
    old_communes: dict[str, Locality] = field(default_factory=dict)
    also_written: dict[Locality, tuple[str, ...]] = field(default_factory=dict)
    successors: dict[str, tuple[Locality, ...]] = field(default_factory=dict)  # by cell: two in three are repeated
    districts: dict[str, tuple[str, str]] = field(default_factory=dict)  # code -> name, code of the province
    names: set[str] = field(default_factory=set)  # found good
    problems: list[str] = field(default_factory=list)
    table: str = ""
    line: int = 1

    def complain(self, problem: str) -> None:
        self.problems.append(f"{self.table}, line {self.line}: {problem}")

    def rows(self, table: str, text: str, columns: Sequence[str]) -> Iterator[list[str]]:
        """The rows under the header, `table` and `line` kept in step; what is no row is left out."""
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        self.table, self.line = table, 1
        try:
            if next(reader, None) != list(columns):
                self.complain(f"the columns are not {','.join(columns)}")
                return
            for row in reader:
                self.line = reader.line_num
                if len(row) == len(columns):
                    yield row
                else:
                    self.complain(f"{len(row)} columns, not {len(columns)}")
        except csv.Error as error:
            self.line = reader.line_num
            self.complain(str(error))

    def add_province(self, era: str, code: str, name: str, successor: str, also_written: str) -> None:
        if era == Era.NEW:
            province = Locality(Era.NEW, code, name, Kind.PROVINCE, Confidence.AGREED, "", "", code, name)
            self._add(province, 2, self.new_provinces)
            if successor != code:
                self.complain(f"a province of today succeeds itself, not {successor!r}")
        elif era == Era.OLD:
            now = self._province(successor, self.new_provinces)
            province = Locality(Era.OLD, code, name, Kind.PROVINCE, Confidence.AGREED, "", "", code, name, (now,))
            self._add(province, 2, self.old_provinces)
        else:
            self.complain(f"the era is {era!r}, not new or old")
            return
        self.also_written[province] = tuple(filter(None, also_written.split(";")))

    def add_commune(self, code: str, name: str, province_code: str) -> None:
        province = self._province(province_code, self.new_provinces).name
        commune = Locality(Era.NEW, code, name, Kind.CURRENT, Confidence.AGREED, "", "", province_code, province)
        self._add(commune, 5, self.new_communes)

    def add_succession(
        self,
        code: str,
        name: str,
        district_code: str,
        district: str,
        province_code: str,
        successors: str,
        confidence: str,
    ) -> None:
        province = self._province(province_code, self.old_provinces)
        now = self._successors(successors, province)
        commune = Locality(
            Era.OLD,
            code,
            name,
            Kind.SPLIT if len(now) > 1 else Kind.WHOLE,
            self._confidence(confidence, len(now)),
            district_code,
            district,
            province_code,
            province.name,
            now,
        )
        self._add(commune, 3 if code == district_code else 5, self.old_communes)
        self._check_district(district_code, (district, province_code))

    def _add(self, unit: Locality, digits: int, known: dict[str, Locality]) -> None:
        self._check_code(unit.code, digits)
        self._check_name(unit.name)
        if known.setdefault(unit.code, unit) is not unit:
            self.complain(f"the code {unit.code!r} stands further up already")

    def _province(self, code: str, known: Mapping[str, Locality]) -> Locality:
        if (found := known.get(code)) is None:
            self.complain(f"no province further up has the code {code!r}")
            return _NOWHERE
        return found

    def _successors(self, cell: str, province: Locality) -> tuple[Locality, ...]:
        now = self.successors.get(cell) or self._read_successors(cell)
        if now and province.now and now[0].province_code != province.now[0].code:
            self.complain(f"{cell} is not in what {province.name} became")
        return now

    def _read_successors(self, cell: str) -> tuple[Locality, ...]:
        codes = cell.split(";")
        now = tuple(self.new_communes[code] for code in codes if code in self.new_communes)
        if len(now) != len(codes) or sorted(set(codes)) != codes:
            self.complain(f"{cell!r} are not codes of communes of today in ascending order")
        if len({commune.province_code for commune in now}) > 1:
            self.complain(f"{cell} do not lie in one province")
        self.successors[cell] = now
        return now

    def _confidence(self, word: str, candidates: int) -> Confidence:
        if word not in _CONFIDENCES:
            self.complain(f"the confidence is {word!r}, not one of {', '.join(Confidence)}")
            return Confidence.DISPUTED
        if word == Confidence.DISPUTED and candidates < 2:
            self.complain("a disputed succession lists its candidates, two at least")
        return _CONFIDENCES[word]

    def _check_district(self, code: str, name_and_province: tuple[str, str]) -> None:
        if (known := self.districts.get(code)) is None:
            self.districts[code] = name_and_province
            self._check_code(code, 3)
            self._check_name(name_and_province[0])
        elif known != name_and_province:
            self.complain(f"district {code!r} is {' in province '.join(known)} further up")

    def _check_code(self, code: str, digits: int) -> None:
        if len(code) != digits or not (code.isascii() and code.isdigit()):
            self.complain(f"{code!r} is not a code of {digits} digits")

    def _check_name(self, name: str) -> None:
        if name not in self.names:  # every fourth is a namesake
            try:
                official(name)
            except ValueError as error:
                self.complain(str(error))
            else:
                self.names.add(name)


def _districts(communes: Iterable[Locality]) -> dict[str, Locality]:
    members: dict[str, list[Locality]] = {}
    for commune in communes:
        if commune.code != commune.district_code:
            members.setdefault(commune.district_code, []).append(commune)
    return {code: _district(code, parts) for code, parts in members.items()}


def _district(code: str, communes: Sequence[Locality]) -> Locality:
    """An abolished district: it became what its communes became, as certain as the least certain of them."""
    now = {unit.code: unit for commune in communes for unit in commune.now}
    return Locality(
        Era.OLD,
        code,
        communes[0].district,
        Kind.DISTRICT,
        max((commune.confidence for commune in communes), key=_BY_DOUBT.index),
        "",
        "",
        communes[0].province_code,
        communes[0].province,
        tuple(now[code] for code in sorted(now)),
    )
