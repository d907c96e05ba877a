"""The places a misspelt address may mean: the last resort, when it can be read in no way at all.

The address, written in one word, is compared with the name of every place, alone and followed by its district,
within the province whose name it ends with, or nearly so.  Missing and needless spaces cost nothing; a few
letters wrong, missing, needless or swapped are forgiven.  Numbers are never corrected: ward 21 is not ward 12.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from rapidfuzz import process
from rapidfuzz.distance import OSA

from redirect_rules.addresses import WRONG_TYPE
from redirect_rules.gazetteer import Gazetteer
from redirect_rules.placenames import UnitType, Wording
from redirect_rules.units import Era, Kind

WRONG_LETTER: Final = 10  # the cost of one: above all that is odd about a reading without any
_LONGEST_PROVINCE: Final = 5  # syllables


class _Shelf(NamedTuple):
    """The places in one province of today, by what they are compared with."""

    wordings: list[str]
    ranks: list[int]


class _Province(NamedTuple):
    """What one name of provinces stands for: "old:24", "new:24", and on which shelves to look."""

    areas: set[str]
    shelves: set[str]


class _Search(NamedTuple):
    """One way to take an address.

    province  where to look; None for everywhere
    letters   how many are wrong in its name already
    """

    wording: str
    province: _Province | None = None
    letters: int = 0


@dataclass(frozen=True, slots=True)
class Misspellings:
    """What misspelt addresses are compared with."""

    gazetteer: Gazetteer
    shelves: Mapping[str, _Shelf]  # by the code of the province
    provinces: Mapping[str, _Province]  # by name, in one word

    @classmethod
    def of(cls, gazetteer: Gazetteer) -> Self:
        """Shelve the places of a gazetteer."""
        shelves = {province: _Shelf([], []) for province in gazetteer.provinces}
        units, joined = gazetteer.localities, [name.plain.replace(" ", "") for name in gazetteer.names]
        districts = {unit.code: name for unit, name in zip(units, joined, strict=True) if unit.kind is Kind.DISTRICT}
        for rank, unit in enumerate(units):
            wordings, ranks = shelves[gazetteer.provinces[rank]]
            wordings.append(joined[rank])
            ranks.append(rank)
            if unit.district_code in districts:
                wordings.append(joined[rank] + districts[unit.district_code])
                ranks.append(rank)
        return cls(gazetteer, shelves, _provinces(gazetteer))

    def near(self, wording: Wording, era: Era | None = None) -> dict[int, int]:
        """The rank of each place fewest letters away from the wording, and the cost of taking it so."""
        typed_type, addresses = _without_type_words(wording)
        costs: dict[int, int] = {}
        for search in (search for address in addresses for search in self._searches(address)):
            for rank, letters in self._compare(search):
                if era in (None, self.gazetteer.localities[rank].era):
                    other_type = typed_type not in {None, self.gazetteer.names[rank].type}
                    cost = WRONG_LETTER * letters + (WRONG_TYPE if other_type else 0)
                    costs[rank] = min(cost, costs.get(rank, cost))
        fewest = min(costs.values(), default=0) // WRONG_LETTER
        return {rank: cost for rank, cost in costs.items() if cost // WRONG_LETTER == fewest}

    def _searches(self, syllables: Sequence[str]) -> Iterator[_Search]:
        """In the province the address ends with; everywhere too, unless that is spelt without fault."""
        ending = min(self._provinces_ending(syllables), key=lambda search: search.letters, default=None)
        if ending:
            yield ending
        if not ending or ending.letters:
            yield _Search("".join(syllables))

    def _provinces_ending(self, syllables: Sequence[str]) -> Iterator[_Search]:
        for start in range(max(1, len(syllables) - _LONGEST_PROVINCE), len(syllables)):
            typed = "".join(syllables[start:])
            found = process.extractOne(typed, self.provinces.keys(), scorer=OSA.distance, score_cutoff=_forgiven(typed))
            if found:
                name, letters, _ = found
                yield _Search("".join(syllables[:start]), self.provinces[name], int(letters))

    def _compare(self, search: _Search) -> Iterator[tuple[int, int]]:
        """Ranks, and how many letters are wrong."""
        for code in search.province.shelves if search.province else self.shelves:
            wordings, ranks = self.shelves[code]
            for wording, letters, index in process.extract(
                search.wording, wordings, scorer=OSA.distance, score_cutoff=_forgiven(search.wording), limit=None
            ):
                areas = self.gazetteer.areas[ranks[index]]
                inside = not search.province or not search.province.areas.isdisjoint(areas)
                if inside and _digits(wording) == _digits(search.wording):
                    yield ranks[index], int(letters) + search.letters


def _forgiven(wording: str) -> int:
    """How many letters may be wrong: none of three, one of four to nine, two of ten to fifteen, three of more."""
    return 0 if len(wording) < 4 else min(1 + (len(wording) - 4) // 6, 3)


def _digits(wording: str) -> str:
    return "".join(filter(str.isdigit, wording))


def _provinces(gazetteer: Gazetteer) -> dict[str, _Province]:
    shelves = {
        f"{unit.era}:{unit.code}": (unit.now or (unit,))[0].code
        for unit in gazetteer.localities
        if unit.kind is Kind.PROVINCE
    }
    provinces: dict[str, _Province] = {}
    for plain, areas in gazetteer.area_names.items():
        for key in (area.key for area in areas if area.key in shelves):
            province = provinces.setdefault(plain.replace(" ", ""), _Province(set(), set()))
            province.areas.add(key)
            province.shelves.add(shelves[key])
    return provinces


def _without_type_words(wording: Wording) -> tuple[UnitType | None, list[Sequence[str]]]:
    """The type word in front; and the syllables with all type words, without that one, and without any.

    Each way, because names can look like them: there is a Phương Độ, a Xà Bang and a Sơn Tịnh.  Without any,
    the name still begins with the syllable that follows the first.
    """
    length = len(wording.plains)
    typed_type, start = wording.type_at(0, length) or (None, 0)
    if start == length:
        return typed_type, []
    named, at = list(wording.plains[start : start + 1]), start + 1
    while at < length:
        if type_word := wording.type_at(at, length):
            at = type_word[1]
        else:
            named.append(wording.plains[at])
            at += 1
    ways = dict.fromkeys([wording.plains, wording.plains[start:], tuple(named)])
    return typed_type, list(ways)
