"""Localities: what a code of either era means today, and which places a typed name or address can mean.

Never chooses for the visitor.  An old commune that was split, or whose succession is disputed, resolves to a
question; a name that several places share is answered with all of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self, TypedDict

from redirect_rules.addresses import readings
from redirect_rules.gazetteer import Gazetteer
from redirect_rules.misspellings import Misspellings
from redirect_rules.placenames import COMMUNE_TYPES, LONGEST_WORDING, Wording, alphabetical, official, read
from redirect_rules.succession import LocalityDataError, Succession, parse_succession
from redirect_rules.units import Confidence, Era, Kind, Locality, LocalityCode, UnitDict

__all__ = [
    "Ask",
    "Confidence",
    "Era",
    "Found",
    "Kind",
    "Localities",
    "Locality",
    "LocalityCode",
    "LocalityDataError",
    "Match",
    "MatchDict",
    "Resolved",
    "Unknown",
    "Whole",
]

MOST_EQUALS: Final = 100  # places equally good that are all shown, whatever the limit
_ELSEWHERE: Final = 3  # the cost of lying outside the preferred province: above another type word, below other marks
_A_TRIFLE: Final = 1  # what costs no more than the best by this is as good: a mark forgotten, a district of long ago
_MOST_BEGINNINGS: Final = 6  # of the place in an address that begins with house and street
_TYPED_CODE: Final = re.compile(r"\s*(?:(old|new)\s*:\s*)?([0-9]{2,5})\s*", re.IGNORECASE)
_BARE_CODES: Final = frozenset({3, 5})  # digits; of fewer they are the name of a ward


@dataclass(frozen=True, slots=True)
class Whole:
    """All of what was asked for lies in one commune of today."""

    commune: Locality
    confidence: Confidence = Confidence.AGREED


@dataclass(frozen=True, slots=True)
class Ask:
    """It lies in one of these communes of today, and only the visitor knows in which; by code, two at least."""

    candidates: tuple[Locality, ...]
    confidence: Confidence = Confidence.AGREED


@dataclass(frozen=True, slots=True)
class Unknown:
    """No unit of that era has this code."""

    code: LocalityCode


Resolved = Whole | Ask | Unknown


class MatchDict(TypedDict):
    """A match as JSON carries it; `district` is null but for old communes."""

    era: str
    code: str
    name: str
    district: str | None
    province_code: str
    province: str
    kind: str
    confidence: str
    now: list[UnitDict]


@dataclass(frozen=True, slots=True)
class Match:
    """A place a query can mean.

    now   the units of today there
    cost  0 when all that was typed agrees with it; the more, the odder; comparable within one answer only
    near  its name is not what was typed, but a few letters away
    """

    locality: Locality
    now: tuple[Locality, ...]
    cost: int = 0
    near: bool = False

    def as_json(self) -> MatchDict:
        """The match in plain types, for `json.dumps`."""
        unit = self.locality
        return {
            "era": str(unit.era),
            "code": unit.code,
            "name": unit.name,
            "district": unit.district or None,
            "province_code": unit.province_code,
            "province": unit.province,
            "kind": str(unit.kind),
            "confidence": str(unit.confidence),
            "now": [successor.to_dict() for successor in self.now],
        }


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query: the best matches, and how many more there are."""

    matches: tuple[Match, ...] = ()
    more: int = 0


class Localities:
    """The units of both eras.  Never changes."""

    def __init__(self, succession: Succession, gazetteer: Gazetteer | None = None) -> None:
        """Of what was read; `gazetteer`: that of these units, where somebody has it already."""
        self._old = {**succession.old_provinces, **succession.districts, **succession.old_communes}
        self._new = {**succession.new_provinces, **succession.new_communes}
        self._communes = _communes_of_provinces(succession)
        self._new_provinces = tuple(
            sorted(succession.new_provinces.values(), key=lambda unit: alphabetical(official(unit.name)[1]))
        )
        self._gazetteer = Gazetteer.of(succession) if gazetteer is None else gazetteer

    @cached_property
    def _misspellings(self) -> Misspellings:
        # Made for the first misspelt name, in some 50 ms: many processes never meet one.
        return Misspellings.of(self._gazetteer)

    def prepare(self) -> None:
        """Make what the first misspelt name would have to wait for, so that whoever is forked from here shares it."""
        self._misspellings  # noqa: B018 - what is asked for is made

    @classmethod
    def parse(cls, provinces_csv: str, communes_csv: str, successions_csv: str) -> Self:
        """Make it from the text of the three tables of conf/localities.

        Raises LocalityDataError, which lists every problem of the three with its line.
        """
        return cls(parse_succession(provinces_csv, communes_csv, successions_csv))

    def by_code(self, era: Era, code: str) -> Locality | None:
        """The unit with this code in this era: a province (2 digits), old district (3) or commune (5)."""
        return (self._old if era == Era.OLD else self._new).get(code)

    def successors(self, locality: Locality) -> tuple[Locality, ...]:
        """What stands there today, by code: of a commune or district communes, of a province the province."""
        return locality.now or (locality,)

    def new_provinces(self) -> tuple[Locality, ...]:
        """The provinces of today in the order of the Vietnamese alphabet."""
        return self._new_provinces

    def disputed(self) -> tuple[Locality, ...]:
        """Old communes on whose successor the public sources do not agree, by code."""
        communes = (unit for unit in self._old.values() if unit.kind in {Kind.WHOLE, Kind.SPLIT})
        return tuple(
            sorted((one for one in communes if one.confidence is Confidence.DISPUTED), key=lambda one: one.code)
        )

    def communes_of(self, province: str) -> tuple[Locality, ...]:
        """The communes of today in a province of today, by code; none where there is no such province."""
        return self._communes.get(f"new:{province}", ())

    def province_of_old(self, old_province_code: str) -> Locality:
        """The province of today in which all of an old province lies.  Raises KeyError."""
        province = self._old[old_province_code]
        if province.kind is not Kind.PROVINCE:
            raise KeyError(old_province_code)
        return province.now[0]

    def resolve(self, code: LocalityCode) -> Resolved:
        """In which commune of today?  What is disputed, or lies in several, is to be asked."""
        if (unit := self.by_code(code.era, code.code)) is None:
            return Unknown(code)
        communes = self._communes.get(str(code), ()) if unit.kind is Kind.PROVINCE else self.successors(unit)
        if len(communes) == 1 and unit.confidence is not Confidence.DISPUTED:
            return Whole(communes[0], unit.confidence)
        return Ask(communes, unit.confidence)

    def search(
        self, query: str, *, limit: int = 10, province: str | None = None, era: Era | None = None
    ) -> tuple[Match, ...]:
        """The places a query can mean, best first: `find` without its count of more."""
        return self.find(query, limit=limit, province=province, era=era).matches

    def find(self, query: str, *, limit: int = 10, province: str | None = None, era: Era | None = None) -> Found:
        """The places a query can mean, best first, and how many more there are.

        query     a code ("old:00007", or five digits: of both eras) or a name or address in any spelling
        limit     how many to show; those as good as the first are all shown, up to MOST_EQUALS
        province  code of a province of today; places in it come before others
        era       only units of this era
        """
        if len(query) > LONGEST_WORDING:
            return Found()
        if (coded := self._by_typed_code(query, era)) is not None:
            return Found(tuple(Match(unit, self.successors(unit)) for unit in coded))
        near, costs = self._understand(read(query), era)
        ranking = sorted((cost + self._elsewhere(rank, province), rank) for rank, cost in costs.items())
        equals = sum(cost <= ranking[0][0] + _A_TRIFLE for cost, _ in ranking)
        shown = [
            (self._gazetteer.localities[rank], cost)
            for cost, rank in ranking[: max(limit, min(equals, MOST_EQUALS))]
        ]  # fmt: skip
        matches = tuple(Match(unit, self.successors(unit), cost, near) for unit, cost in shown)
        return Found(matches, len(ranking) - len(matches))

    def _elsewhere(self, rank: int, province: str | None) -> int:
        return 0 if province in {None, self._gazetteer.provinces[rank]} else _ELSEWHERE

    def _by_typed_code(self, query: str, era: Era | None) -> list[Locality] | None:
        """The units with the code typed; None where no code was, as "12" is rather the name of a ward."""
        if not (typed := _TYPED_CODE.fullmatch(query)) or (not typed[1] and len(typed[2]) not in _BARE_CODES):
            return None
        eras = [Era(typed[1].lower())] if typed[1] else [Era.NEW, Era.OLD]
        return [unit for each in eras if era in (None, each) and (unit := self.by_code(each, typed[2]))]

    def _understand(self, wording: Wording, era: Era | None) -> tuple[bool, Mapping[int, int]]:
        """Whether letters had to be forgiven; and ranks of places with the costs of meaning them.

        The first way to understand the wording that works: as it stands, misspelt, with house and street left out,
        or without its diacritics.
        """
        if costs := readings(wording, self._gazetteer, era):
            return False, costs
        if costs := self._misspellings.near(wording, era):
            return True, costs
        for start in _beginnings(wording):
            if costs := readings(wording.after(start), self._gazetteer, era):
                return False, costs
        # A tone on the wrong vowel, or half of the marks lost on the way: better understood without any.
        costs = readings(wording.unmarked(), self._gazetteer, era)
        return bool(costs), costs


def _beginnings(wording: Wording) -> list[int]:
    """Where the place may begin in an address that mentions house and street before it.

    At the word xã, phường, thị trấn or đặc khu; or after a comma when another follows.
    """
    length = len(wording.plains)
    typed = (at for at in range(1, length) if (word := wording.type_at(at, length)) and word[0] in COMMUNE_TYPES)
    return sorted({*typed, *wording.commas[:-1]})[:_MOST_BEGINNINGS]


def _communes_of_provinces(succession: Succession) -> dict[str, tuple[Locality, ...]]:
    """For "old:24" and "new:24" alike, the communes of today on their land."""
    communes: dict[str, dict[str, Locality]] = {}
    for commune in succession.new_communes.values():
        communes.setdefault(f"new:{commune.province_code}", {})[commune.code] = commune
    islands = [unit for unit in succession.old_communes.values() if unit.code == unit.district_code]
    for unit in (*succession.districts.values(), *islands):
        there = communes.setdefault(f"old:{unit.province_code}", {})
        there.update((commune.code, commune) for commune in unit.now)
    return {province: tuple(there[code] for code in sorted(there)) for province, there in communes.items()}
