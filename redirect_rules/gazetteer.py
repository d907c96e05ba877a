"""The places an address can name, and every way their names are spelt.

Lists the units of both eras with the areas each may be found in.  How an address is read with this list is
the business of addresses; how a misspelt one is, that of misspellings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from redirect_rules.placenames import UnitType, Wording, alphabetical, official, read
from redirect_rules.succession import Succession
from redirect_rules.units import Locality

_HALF_OF_A_NAME: Final = 2
_FORMER_AREA: Final = 1
_ROMAN: Final = {"1": "i", "2": "ii", "3": "iii", "4": "iv", "5": "v"}


class Name(NamedTuple):
    """An official name: "Phường Phúc Xá" is of type PHUONG and, in plain wording, "phuc xa".

    marked  the same with diacritics, as `Wording.marked`
    """

    type: UnitType
    plain: str
    marked: str


class OtherName(NamedTuple):
    """A name besides the official one; `marked` is empty where diacritics cannot be compared."""

    plain: str
    marked: str = ""
    cost: int = 0


class Area(NamedTuple):
    """A district or province under one of its names; `key` is "old:001" or "new:01"."""

    key: str
    type: UnitType
    marked: str


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All places by rank, and what each plain wording may name.

    A rank is an index into the first four.  Ranks are the order in which equals are shown: communes of today,
    communes of old, districts, provinces; each by province in the alphabet, then as in the tables.

    localities   the places
    names        their official names
    provinces    codes of the provinces of today they lie in
    areas        the districts and provinces an address may mention with each -> what mentioning one costs
    by_name      plain wording -> ranks of the places so named
    by_other     plain wording -> names besides the official one, with the rank
    area_names   plain wording -> districts and provinces so named, officially or not
    """

    localities: list[Locality] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    provinces: list[str] = field(default_factory=list)
    areas: list[Mapping[str, int]] = field(default_factory=list)
    by_name: dict[str, list[int]] = field(default_factory=dict)
    by_other: dict[str, list[tuple[int, OtherName]]] = field(default_factory=dict)
    area_names: dict[str, list[Area]] = field(default_factory=dict)

    @classmethod
    def of(cls, succession: Succession) -> "Gazetteer":
        """List the units of both eras."""
        alphabet, areas = _alphabet(succession), _areas(succession)
        listing = _Listing(cls())
        for unit in sorted(succession.new_communes.values(), key=lambda unit: alphabet[unit.province]):
            listing.add(unit, unit.province_code, areas[f"new:{unit.code}"])
        for unit in sorted(succession.old_communes.values(), key=lambda unit: alphabet[unit.province]):
            listing.add(unit, unit.now[0].province_code, areas[f"old:{unit.district_code}"])
        for unit in sorted(succession.districts.values(), key=lambda unit: alphabet[unit.province]):
            listing.add(unit, unit.now[0].province_code, areas[f"old:{unit.code}"])
            listing.add_area(f"old:{unit.code}")
        for unit in sorted(succession.also_written, key=lambda unit: alphabet[unit.province]):
            listing.add(unit, (unit.now or (unit,))[0].code, {f"new:{there.code}": 0 for there in unit.now})
            listing.add_area(f"{unit.era}:{unit.code}", succession.also_written[unit])
        return listing.gazetteer


class _Spelt(NamedTuple):
    """A name without its type word, as often as it occurs."""

    plain: str
    marked: str
    others: tuple[OtherName, ...]


@dataclass(slots=True)
class _Listing:
    """A gazetteer in the making."""

    gazetteer: Gazetteer
    # Namesakes share what is costly to make: by official name its parts and ranks, by bare name its spellings.
    named: dict[str, tuple[Name, list[int], _Spelt]] = field(default_factory=dict)
    spelt: dict[str, _Spelt] = field(default_factory=dict)

    def add(self, unit: Locality, province: str, areas: Mapping[str, int]) -> None:
        listed = self.gazetteer
        name, ranks, spelt = self.named.get(unit.name) or self._learn(unit.name)
        rank = len(listed.localities)
        ranks.append(rank)
        for other in spelt.others:
            listed.by_other.setdefault(other.plain, []).append((rank, other))
        listed.localities.append(unit)
        listed.names.append(name)
        listed.provinces.append(province)
        listed.areas.append(areas)

    def _learn(self, official_name: str) -> tuple[Name, list[int], _Spelt]:
        unit_type, words = official(official_name)
        if (spelt := self.spelt.get(words)) is None:
            wording = read(words)
            spelt = _Spelt(wording.plain, wording.marked, tuple(_other_names(words, wording)))
            self.spelt[words] = spelt
        ranks = self.gazetteer.by_name.setdefault(spelt.plain, [])
        self.named[official_name] = learnt = Name(unit_type, spelt.plain, spelt.marked), ranks, spelt
        return learnt

    def add_area(self, key: str, also_written: Sequence[str] = ()) -> None:
        """Make an area of the place added last.

        Areas go by more names than communes, and are written in one word: Sài Gòn, Hanoi, Kontum.
        """
        listed = self.gazetteer
        name, _, spelt = self.named[listed.localities[-1].name]
        given = [OtherName(wording.plain, wording.marked) for wording in map(read, also_written)]
        known = [OtherName(spelt.plain, spelt.marked), *spelt.others, *given]
        joined = [OtherName(other.plain.replace(" ", "")) for other in known if " " in other.plain]
        for other in (*given, *joined):
            listed.by_other.setdefault(other.plain, []).append((len(listed.localities) - 1, other))
        for other in (*known, *joined):
            listed.area_names.setdefault(other.plain, []).append(Area(key, name.type, other.marked))


def _other_names(words: str, wording: Wording) -> Iterator[OtherName]:
    if "'" in words:  # N'Thol Hạ is also written N Thol Hạ
        yield OtherName(read(words.replace("'", " ")).plain)
    *first, last = wording.plains or ("",)
    if first and last in _ROMAN:  # Mỹ Đình 1 was founded as Mỹ Đình I
        yield OtherName(" ".join((*first, _ROMAN[last])))
    if " - " in words:  # of Phan Rang - Tháp Chàm people say one half
        for half in map(read, words.split(" - ")):
            yield OtherName(half.plain, half.marked, _HALF_OF_A_NAME)


def _alphabet(succession: Succession) -> dict[str, int]:
    """Where each province stands in the alphabet, by its official name."""
    names = {province.name for province in succession.also_written}
    ordered = sorted(names, key=lambda name: alphabetical(official(name)[1]))
    return {name: index for index, name in enumerate(ordered)}


def _areas(succession: Succession) -> dict[str, dict[str, int]]:
    """The areas a place may be mentioned with.

    By "new:" and its code for a commune of today; by "old:" and the code of a district for that district and
    its communes, which share them.
    """
    areas = {f"new:{unit.code}": {f"new:{unit.province_code}": 0} for unit in succession.new_communes.values()}
    for unit in succession.old_communes.values():
        district, province = f"old:{unit.district_code}", f"old:{unit.province_code}"
        for commune in unit.now:
            former = areas[f"new:{commune.code}"]
            former[district] = former[province] = _FORMER_AREA
        if district not in areas:
            areas[district] = {district: 0, province: 0, f"new:{unit.now[0].province_code}": 0}
    return areas
