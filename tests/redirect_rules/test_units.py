"""Codes and the eras that give them a meaning."""

import pytest

from redirect_rules.units import Confidence, Era, Kind, Locality, LocalityCode

CODES = [
    ("old:24",    LocalityCode(Era.OLD, "24")),
    ("new:24",    LocalityCode(Era.NEW, "24")),
    ("old:018",   LocalityCode(Era.OLD, "018")),
    ("old:00007", LocalityCode(Era.OLD, "00007")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), CODES)
def test_a_code_is_read_and_written(text: str, code: LocalityCode) -> None:
    assert LocalityCode.parse(text) == code
    assert str(code) == text


@pytest.mark.parametrize(
    "text",
    ["", "00007", "old", "old:", ":24", "OLD:24", "old:7", "old:0007", "old:000070", "old:²4", "old:24\n", "old: 24"],
)
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(ValueError, match="write old: or new:"):
        LocalityCode.parse(text)


def test_one_code_of_two_eras_is_two_things() -> None:
    assert LocalityCode(Era.OLD, "24") != LocalityCode(Era.NEW, "24")


def test_a_unit_is_known_by_what_it_is_not_by_what_became_of_it() -> None:
    now = Locality(
        Era.NEW, "00008", "Phường Ngọc Hà", Kind.CURRENT, Confidence.AGREED, "", "", "01", "Thành phố Hà Nội"
    )
    was = Locality(
        Era.OLD, "00006", "Phường Vĩnh Phúc", Kind.WHOLE, Confidence.AGREED,
        "001", "Quận Ba Đình", "01", "Thành phố Hà Nội", (now,),
    )  # fmt: skip
    again = Locality(
        Era.OLD, "00006", "Phường Vĩnh Phúc", Kind.WHOLE, Confidence.AGREED,
        "001", "Quận Ba Đình", "01", "Thành phố Hà Nội",
    )  # fmt: skip
    assert was == again
    assert len({was, again, now}) == 2
    assert now.to_dict() == {
        "code": "00008",
        "name": "Phường Ngọc Hà",
        "province_code": "01",
        "province": "Thành phố Hà Nội",
    }
