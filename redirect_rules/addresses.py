"""Read an address: which places can it mean?

A wording means a place when all of it is accounted for: the name of the place, the names of areas the place
lies in (its district, its province, the province of today, those its land came from) in whatever order, and
before each the word for its type.  Commas are not needed: "xa co bi gia lam ha noi".

Where several places can be meant, each reading has a cost, the sum of what is odd about it:

    1  diacritics left out here, but not everywhere       2  the type word is another: phường for a xã
    1  an area that the land of the place only came from  2  one half of a double name
    1  the type word of an area is another                4  other diacritics than those of the name
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from redirect_rules.gazetteer import Area, Gazetteer
from redirect_rules.placenames import Diacritics, UnitType, Wording
from redirect_rules.units import Era

WRONG_TYPE: Final = 2
_WRONG_AREA_TYPE: Final = 1
_DIACRITICS: Final = {Diacritics.AGREE: 0, Diacritics.LEFT_OUT: 1, Diacritics.DIFFER: 4}
# Said along with places, naming none: "xã Cổ Bi (cũ) thuộc huyện Gia Lâm, Việt Nam".
_FILLERS: Final = frozenset({"cu", "thuoc", "viet nam", "vietnam", "vn"})
_FILLERS_BEGIN: Final = frozenset(words.split(" ")[0] for words in _FILLERS)
LONGEST_NAME: Final = 5  # syllables: Văn Miếu - Quốc Tử Giám


def readings(wording: Wording, gazetteer: Gazetteer, era: Era | None = None) -> dict[int, int]:
    """The rank of each place the wording can mean, and the cost of reading it so."""
    address = _Address(wording, gazetteer)
    costs: dict[int, int] = {}
    for start, end, rank, spelt in address.names():
        if era not in (None, gazetteer.localities[rank].era):
            continue
        rest = address.rest(start, end, gazetteer.names[rank].type, gazetteer.areas[rank])
        if rest is not None:
            costs[rank] = min(spelt + rest, costs.get(rank, spelt + rest))
    return costs


class _Address:
    """A wording and what each stretch of it can name."""

    def __init__(self, wording: Wording, gazetteer: Gazetteer) -> None:
        self.wording = wording
        self.gazetteer = gazetteer
        self.length = len(wording.plains)
        # Of those who type no diacritics at all none are expected.
        self.marked = wording.plains != wording.marks
        self.stretches = [
            [(end, self.key(start, end)) for end in range(min(start + LONGEST_NAME, self.length), start, -1)]
            for start in range(self.length)
        ]
        self.type_words = [wording.type_at(at, self.length) for at in range(self.length)]
        self.fillers = [self._filler(at) for at in range(self.length)]
        self.areas = [list(self._areas_at(start)) for start in range(self.length)]

    def key(self, start: int, end: int) -> str:
        return " ".join(self.wording.plains[start:end])

    def diacritics(self, start: int, end: int, marked: str) -> int:
        return _DIACRITICS[self.wording.diacritics(start, end, marked)] if marked and self.marked else 0

    def names(self) -> Iterator[tuple[int, int, int, int]]:
        """Stretches that name a place, its rank and the cost of spelling its name so.

        Only where what stands before and after could be areas, of whatever place.
        """
        steps = [set(self._steps(at)) for at in range(self.length)]
        after = {self.length}
        for at in reversed(range(self.length)):
            if steps[at] & after:
                after.add(at)
        before = {0}
        for start in range(self.length):
            if start in before:
                before |= steps[start]
                for end, key in self.stretches[start]:
                    if end in after:
                        yield from ((start, end, rank, cost) for rank, cost in self._named(start, end, key))

    def _named(self, start: int, end: int, key: str) -> Iterator[tuple[int, int]]:
        for rank in self.gazetteer.by_name.get(key, ()):
            yield rank, self.diacritics(start, end, self.gazetteer.names[rank].marked)
        for rank, other in self.gazetteer.by_other.get(key, ()):
            yield rank, other.cost + self.diacritics(start, end, other.marked)

    def rest(self, start: int, end: int, own_type: UnitType, own_areas: Mapping[str, int]) -> int | None:
        """The cost of all that is not the name of the place, or None when some of it has nothing to do with it."""
        cost = at = 0
        said: list[UnitType] = []
        while at < self.length:
            stop = start if at < start else self.length
            if at == start:
                cost += _unless_said(own_type, said, WRONG_TYPE)
                at, said = end, []
            elif area := self._area(at, stop, own_areas, said):
                at, said = area[0], []
                cost += area[1]
            elif type_word := self._type_word(at, stop):
                said.append(type_word[0])
                at = type_word[1]
            elif (filler := self.fillers[at]) and filler <= stop:
                at = filler
            else:
                return None
        return None if said else cost

    def _area(self, at: int, stop: int, areas: Mapping[str, int], said: Sequence[UnitType]) -> tuple[int, int] | None:
        """Where the longest name of one of these areas ends, and what naming it here costs."""
        for end, named in self.areas[at]:
            if end <= stop:
                here = [
                    areas[area.key] + spelt + _unless_said(area.type, said, _WRONG_AREA_TYPE)
                    for area, spelt in named
                    if area.key in areas
                ]
                if here:
                    return end, min(here)
        return None

    def _areas_at(self, start: int) -> Iterator[tuple[int, list[tuple[Area, int]]]]:
        for end, key in self.stretches[start]:
            if named := self.gazetteer.area_names.get(key):
                yield end, [(area, self.diacritics(start, end, area.marked)) for area in named]

    def _type_word(self, at: int, stop: int) -> tuple[UnitType, int] | None:
        found = self.type_words[at]
        return self.wording.type_at(at, stop) if found and found[1] > stop else found

    def _filler(self, at: int) -> int:
        """Where the filler that begins here ends, or 0."""
        if self.wording.plains[at] not in _FILLERS_BEGIN:
            return 0
        return next((end for end in (at + 2, at + 1) if self.key(at, end) in _FILLERS), 0)

    def _steps(self, at: int) -> Iterator[int]:
        """Where an area, a type word or a filler that begins here may end."""
        yield from (end for end, _ in self.areas[at])
        if self.fillers[at]:
            yield self.fillers[at]
        if type_word := self.type_words[at]:
            yield from range(at + 1, type_word[1] + 1)


def _unless_said(unit_type: UnitType, said: Sequence[UnitType], cost: int) -> int:
    return cost if said and unit_type not in said else 0
