"""Every way in which the names of places are spelt, and where each place may be found."""

import pytest

from redirect_rules.addresses import LONGEST_NAME
from redirect_rules.gazetteer import Name
from redirect_rules.placenames import UnitType, alphabetical, official, read
from redirect_rules.units import Era, Kind, Locality, LocalityCode
from tests.redirect_rules import shipped


def rank_of(text: str) -> int:
    """Where the unit with this code stands in the shipped gazetteer."""
    code = LocalityCode.parse(text)
    units = enumerate(shipped.gazetteer().localities)
    return next(rank for rank, unit in units if (unit.era, unit.code) == (code.era, code.code))


def standing(unit: Locality) -> int:
    if unit.kind in {Kind.PROVINCE, Kind.DISTRICT}:
        return [Kind.DISTRICT, Kind.PROVINCE].index(unit.kind) + 2
    return [Era.NEW, Era.OLD].index(unit.era)


def test_communes_of_today_come_first_then_old_ones_then_districts_then_provinces() -> None:
    order = [standing(unit) for unit in shipped.gazetteer().localities]
    assert order == sorted(order)


def test_equals_stand_by_province_in_the_alphabet() -> None:
    communes = [unit for unit in shipped.gazetteer().localities if unit.kind is Kind.CURRENT]
    provinces = [alphabetical(official(unit.province)[1]) for unit in communes]
    assert provinces == sorted(provinces)


def test_a_name_is_parted_from_its_type() -> None:
    assert shipped.gazetteer().names[rank_of("old:00001")] == Name(UnitType.PHUONG, "phuc xa", read("Phúc Xá").marked)


# unit          may be mentioned with                           because
AREAS = [
    ("old:00001", {"old:001": 0, "old:01": 0, "new:01": 0},      "its district, its province, the province of today"),
    ("old:018",   {"old:018": 0, "old:01": 0, "new:01": 0},      "a district, with itself too: thành phố Huế, Huế"),
    ("old:24",    {"new:24": 0},                                 "Bắc Giang lies in Bắc Ninh"),
    ("new:24",    {},                                            "a province of today lies in none"),
    ("new:00097", {"new:01": 0, "old:01": 1, "old:001": 1, "old:002": 1, "old:003": 1, "old:004": 1},
                                                                 "districts that Hồng Hà was made of still come to mind"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "areas", "why"), AREAS)
def test_areas(code: str, areas: dict[str, int], why: str) -> None:
    found = shipped.gazetteer().areas[rank_of(code)]
    assert areas.items() <= found.items()
    assert len(found) < 12


# plain wording                 names besides the official one
OTHERS = [
    ("sai gon", "old:79", "also written so"),
    ("sai gon", "new:79", "in either era"),
    ("br vt", "old:77", "initials"),
    ("brvt", "old:77", "in one word"),
    ("contum", "old:62", "in one word, and k is c"),
    ("hanoi", "new:01", "in one word"),
    ("vung tau", "old:77", "half of a double name"),
    ("phan rang", "old:582", "half of a double name"),
    ("xuan huong", "new:24781", "half of a double name"),
    ("ea m droh", "new:24286", "an apostrophe may be a space"),
    ("mi dinh i", "old:00625", "a number may be Roman"),
]


@pytest.mark.parametrize(("plain", "code", "why"), OTHERS)
def test_other_names(plain: str, code: str, why: str) -> None:
    assert rank_of(code) in {rank for rank, _ in shipped.gazetteer().by_other[plain]}


@pytest.mark.parametrize(
    ("plain", "areas"), [("ha noi", {"old:01", "new:01"}), ("brvt", {"old:77"}), ("1", {"old:760"})]
)
def test_area_names(plain: str, areas: set[str]) -> None:
    assert {area.key for area in shipped.gazetteer().area_names[plain]} == areas


def test_communes_are_no_areas() -> None:
    assert "phuc xa" not in shipped.gazetteer().area_names


def test_no_name_is_longer_than_addresses_look_for() -> None:
    gazetteer = shipped.gazetteer()
    spellings = [*gazetteer.by_name, *gazetteer.by_other, *gazetteer.area_names]
    assert max(len(plain.split(" ")) for plain in spellings) == LONGEST_NAME
