"""Packed and unpacked, localities are what they were."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgpack.exceptions import UnpackException

from redirect_rules.gazetteer import Gazetteer
from redirect_rules.localities import Localities
from redirect_rules.packed_localities import packed, unpacked
from redirect_rules.succession import Succession, parse_succession
from redirect_rules.units import Confidence, Kind

FOLDER = Path(__file__).parents[2] / "conf/localities"
TABLES = ("provinces.csv", "communes_2025.csv", "communes_old_to_new.csv")
QUERIES = (
    "Phường Phúc Xá, Quận Ba Đình, Thành phố Hà Nội", "xa co bi gia lam ha noi", "phuong 1", "tan thanh",
    "Phuc Xaa, Ba Dinh, Ha Noi", "Tan Thanhh", "12 Láng Hạ, phường Láng Hạ, Đống Đa, Hà Nội", "sai gon", "kontum",
    "My Dinh I", "N Thol Ha", "old:00007", "24",
)  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Succession:
    return parse_succession(*((FOLDER / name).read_text("utf-8") for name in TABLES))


@pytest.fixture(scope="module")
def again(shipped: Succession) -> tuple[Succession, Gazetteer]:
    return unpacked(packed(shipped, Gazetteer.of(shipped)))


def test_what_is_said_more_than_once_is_there_once(again: tuple[Succession, Gazetteer]) -> None:
    succession, gazetteer = again
    said = [unit.name for unit in (*succession.new_communes.values(), *succession.old_communes.values())]
    said += [name.plain for name in gazetteer.names] + [*gazetteer.by_name]
    assert len({id(text) for text in said}) == len(set(said)) < len(said) / 2


def test_the_shipped_units_come_back_with_what_became_of_them(
    shipped: Succession, again: tuple[Succession, Gazetteer]
) -> None:
    succession = again[0]
    assert succession == shipped
    for part in ("new_provinces", "old_provinces", "new_communes", "old_communes", "districts"):
        before, after = getattr(shipped, part), getattr(succession, part)
        assert list(before) == list(after), part
        for code, unit in before.items():
            assert (*after[code][:-1], after[code].now) == (*unit[:-1], unit.now)


def test_the_gazetteer_comes_back(shipped: Succession, again: tuple[Succession, Gazetteer]) -> None:
    assert again[1] == Gazetteer.of(shipped)


def test_a_unit_is_one_object_wherever_it_stands(again: tuple[Succession, Gazetteer]) -> None:
    succession, gazetteer = again
    communes = succession.new_communes
    assert all(communes[now.code] is now for unit in succession.old_communes.values() for now in unit.now)
    listed = {id(unit) for unit in gazetteer.localities}
    assert {id(unit) for unit in communes.values()} <= listed


@pytest.mark.parametrize("query", QUERIES)
def test_a_place_is_found_as_before(shipped: Succession, again: tuple[Succession, Gazetteer], query: str) -> None:
    assert Localities(*again).find(query) == Localities(shipped).find(query)


def test_words_of_a_closed_list_come_back_as_members_of_it(again: tuple[Succession, Gazetteer]) -> None:
    for unit in again[1].localities:
        assert isinstance(unit.kind, Kind)
        assert isinstance(unit.confidence, Confidence)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_octets_of_another_kind_are_refused_by_the_errors_that_are_named(octets: bytes) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, UnpackException)):
        unpacked(octets)
