"""The places a misspelt address may mean: the last resort, when it can be read in no way at all.

The address, written in one word, is compared with the name of every place, alone and followed by its district,
within the province whose name it ends with, or nearly so.  Missing and needless spaces cost nothing; a few
letters wrong, missing, needless or swapped are forgiven.  Numbers are never corrected: ward 21 is not ward 12.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self, TypeAlias

from rapidfuzz import process
from rapidfuzz.distance import OSA

from redirect_rules.addresses import WRONG_TYPE
from redirect_rules.gazetteer import Gazetteer
from redirect_rules.placenames import UnitType, Wording
from redirect_rules.units import Era, Kind

WRONG_LETTER: Final = 10  # the cost of one: above all that is odd about a reading without any
_LONGEST_PROVINCE: Final = 5  # syllables
_MOST_FORGIVEN: Final = 6  # letters: in the name of a place and in that of a province


class _Shelf(NamedTuple):
    """What places of one length are compared with, each once; and of each the ranks of the places so named."""

    wordings: list[str]
    ranks: list[list[int]]


_Shelves: TypeAlias = Mapping[int, _Shelf]
"""By the length of what stands there: who mistypes a letter or two is out by no more than so many in length."""


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
    everywhere: _Shelves
    shelves: Mapping[str, _Shelves]  # by the code of the province
    provinces: Mapping[str, _Province]  # by name, in one word

    @classmethod
    def of(cls, gazetteer: Gazetteer) -> Self:
        """Shelve the places of a gazetteer."""
        units, joined = gazetteer.localities, [name.plain.replace(" ", "") for name in gazetteer.names]
        districts = {unit.code: name for unit, name in zip(units, joined, strict=True) if unit.kind is Kind.DISTRICT}
        everywhere: dict[str, list[int]] = {}
        for rank, unit in enumerate(units):
            district = districts.get(unit.district_code)
            for wording in (joined[rank], joined[rank] + district) if district else (joined[rank],):
                if (ranks := everywhere.get(wording)) is None:
                    everywhere[wording] = [rank]
                else:
                    ranks.append(rank)
        shelves = _by_province(everywhere, gazetteer.provinces)
        return cls(gazetteer, _shelved(everywhere.items()), shelves, _provinces(gazetteer))

    def near(self, wording: Wording, era: Era | None = None) -> dict[int, int]:
        """The rank of each place fewest letters away from the wording, and the cost of taking it so."""
        typed_type, addresses = _without_type_words(wording)
        costs: dict[int, int] = {}
        fewest = _MOST_FORGIVEN
        # Without type words first: names are shorter so, and what is found soon spares comparing with what is further.
        for search in (search for address in reversed(addresses) for search in self._searches(address)):
            for rank, letters in self._compare(search, fewest):
                if era in (None, self.gazetteer.localities[rank].era):
                    other_type = typed_type not in {None, self.gazetteer.names[rank].type}
                    cost = WRONG_LETTER * letters + (WRONG_TYPE if other_type else 0)
                    costs[rank] = min(cost, costs.get(rank, cost))
                    fewest = min(fewest, letters)
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

    def _compare(self, search: _Search, most: int) -> Iterator[tuple[int, int]]:
        """Ranks, and how many letters are wrong: no more than `most`."""
        forgiven, digits = min(_forgiven(search.wording), most - search.letters), _digits(search.wording)
        where = [self.shelves[code] for code in search.province.shelves] if search.province else [self.everywhere]
        for wordings, ranks in _within(where, len(search.wording), forgiven):
            for wording, letters, index in process.extract(
                search.wording, wordings, scorer=OSA.distance, score_cutoff=forgiven, limit=None
            ):
                if _digits(wording) == digits:
                    for rank in ranks[index]:
                        areas = self.gazetteer.areas[rank]
                        if not search.province or not search.province.areas.isdisjoint(areas):
                            yield rank, int(letters) + search.letters


def _by_province(everywhere: Mapping[str, list[int]], provinces: Sequence[str]) -> Mapping[str, _Shelves]:
    """Of every province the places in it; the ranks of a name that is of one province only are kept once."""
    found: dict[str, list[tuple[str, list[int]]]] = {province: [] for province in provinces}
    for wording, ranks in everywhere.items():
        first = provinces[ranks[0]]
        if len(ranks) == 1 or all(provinces[rank] == first for rank in ranks):
            found[first].append((wording, ranks))
            continue
        apart: dict[str, list[int]] = {}
        for rank in ranks:
            apart.setdefault(provinces[rank], []).append(rank)
        for province, there in apart.items():
            found[province].append((wording, there))
    return {province: _shelved(named) for province, named in found.items()}


def _shelved(named: Iterable[tuple[str, list[int]]]) -> _Shelves:
    shelves: dict[int, _Shelf] = {}
    for wording, ranks in named:
        length = len(wording)
        shelf = shelves.get(length)
        if shelf is None:
            shelf = shelves[length] = _Shelf([], [])
        shelf.wordings.append(wording)
        shelf.ranks.append(ranks)
    return shelves


def _within(several: Sequence[_Shelves], length: int, letters: int) -> Iterator[_Shelf]:
    """What is not out by more letters in length already."""
    for shelves in several:
        for each in range(length - letters, length + letters + 1):
            if each in shelves:
                yield shelves[each]


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
