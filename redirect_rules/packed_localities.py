"""Localities as octets and back: a fifth of the time of reading the tables and shelving their names anew.

What is said more than once, as most names are, is there once: in the octets, and in memory when they are read.

For a program that packs and unpacks for itself.  The octets are data and nothing else; whoever keeps them says whose
they are, since nothing here checks one against the other what `parse_succession` has checked.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgpack

from redirect_rules.gazetteer import Area, Gazetteer, Name, OtherName
from redirect_rules.placenames import UnitType
from redirect_rules.succession import Succession
from redirect_rules.units import Confidence, Era, Kind, Locality

What = TypeVar("What", bound=Hashable)

_ERAS: Final = tuple(Era)
_KINDS: Final = tuple(Kind)
_CONFIDENCES: Final = tuple(Confidence)
_TYPES: Final = tuple(UnitType)


class _Numbers(Generic[What]):
    """Each different value once, and its number."""

    def __init__(self) -> None:
        self.numbers: dict[What, int] = {}

    def of(self, value: What) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def each(self, values: Iterable[What]) -> list[int]:
        return [self.of(value) for value in values]

    def as_data(self, packed: Callable[[What], Any] = lambda value: value) -> list[Any]:
        return [packed(value) for value in self.numbers]


def packed(succession: Succession, gazetteer: Gazetteer) -> bytes:
    """What `unpacked` reads."""
    texts: _Numbers[str] = _Numbers()
    parts = _parts(succession)
    units = [unit for part in parts for unit in part.values()]
    places = {id(unit): place for place, unit in enumerate(units)}
    names: _Numbers[Name] = _Numbers()
    others: _Numbers[OtherName] = _Numbers()
    areas: _Numbers[tuple[tuple[int, int], ...]] = _Numbers()
    data = {
        "counts": [len(part) for part in parts],
        "units": [_unit_as_data(unit, texts) for unit in units],
        "now": [[places[id(now)] for now in unit.now] for unit in units],
        "written": [(places[id(unit)], list(words)) for unit, words in succession.also_written.items()],
        "ranks": [places[id(unit)] for unit in gazetteer.localities],
        "names": names.each(gazetteer.names),
        "provinces": texts.each(gazetteer.provinces),
        "areas": areas.each(tuple((texts.of(key), cost) for key, cost in area.items()) for area in gazetteer.areas),
        "by_name": [(texts.of(plain), ranks) for plain, ranks in gazetteer.by_name.items()],
        "by_other": {
            plain: [(rank, others.of(other)) for rank, other in ranked] for plain, ranked in gazetteer.by_other.items()
        },
        "area_names": {
            plain: [(area.key, _TYPES.index(area.type), area.marked) for area in found]
            for plain, found in gazetteer.area_names.items()
        },
    }
    data["name_list"] = names.as_data(
        lambda name: (_TYPES.index(name.type), texts.of(name.plain), texts.of(name.marked))
    )
    data["other_list"] = others.as_data(tuple)
    data["area_list"] = areas.as_data(list)
    data["texts"] = texts.as_data()
    octets: bytes = msgpack.packb(data)
    return octets


def unpacked(octets: bytes) -> tuple[Succession, Gazetteer]:
    """What was packed.  Raises ValueError, TypeError, LookupError for octets that are nothing of the kind."""
    data = msgpack.unpackb(octets)
    texts: list[str] = data["texts"]
    units = _units(data["units"], data["now"], texts)
    parts, begin = [], 0
    for count in data["counts"]:
        parts.append({unit.code: unit for unit in units[begin : begin + count]})
        begin += count
    new_provinces, old_provinces, new_communes, old_communes, districts = parts
    also_written = {units[place]: tuple(words) for place, words in data["written"]}
    names = [Name(_TYPES[kind], texts[plain], texts[marked]) for kind, plain, marked in data["name_list"]]
    others = [OtherName(*other) for other in data["other_list"]]
    areas: list[Mapping[str, int]] = [{texts[key]: cost for key, cost in area} for area in data["area_list"]]
    ranks = [*range(len(data["ranks"]))]  # each number once, however many names lead to it
    gazetteer = Gazetteer(
        [units[place] for place in data["ranks"]],
        [names[number] for number in data["names"]],
        [texts[number] for number in data["provinces"]],
        [areas[number] for number in data["areas"]],
        {texts[plain]: [ranks[rank] for rank in found] for plain, found in data["by_name"]},
        {plain: [(rank, others[number]) for rank, number in ranked] for plain, ranked in data["by_other"].items()},
        {
            plain: [Area(key, _TYPES[kind], marked) for key, kind, marked in found]
            for plain, found in data["area_names"].items()
        },
    )
    succession = Succession(new_provinces, old_provinces, new_communes, old_communes, districts, also_written)
    return succession, gazetteer


def _parts(succession: Succession) -> Sequence[Mapping[str, Locality]]:
    """What there is, those first that others became."""
    return (
        succession.new_provinces,
        succession.old_provinces,
        succession.new_communes,
        succession.old_communes,
        succession.districts,
    )


def _unit_as_data(unit: Locality, texts: _Numbers[str]) -> tuple[Any, ...]:
    era, kind, confidence = _ERAS.index(unit.era), _KINDS.index(unit.kind), _CONFIDENCES.index(unit.confidence)
    said = unit.code, unit.name, unit.district_code, unit.district, unit.province_code, unit.province
    return era, kind, confidence, *texts.each(said)


def _units(rows: Sequence[Sequence[Any]], now: Sequence[Sequence[int]], texts: Sequence[str]) -> list[Locality]:
    units: list[Locality] = []
    became: dict[tuple[int, ...], tuple[Locality, ...]] = {(): ()}
    make, eras, kinds, confidences = Locality._make, _ERAS, _KINDS, _CONFIDENCES
    for (era, kind, confidence, code, name, a, b, c, d), places in zip(rows, map(tuple, now), strict=True):
        if (there := became.get(places)) is None:
            there = became[places] = tuple([units[place] for place in places])
        own = eras[era], texts[code], texts[name], kinds[kind], confidences[confidence]
        units.append(make((*own, texts[a], texts[b], texts[c], texts[d], there)))
    return units
