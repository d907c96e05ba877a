"""What people type, and the place they mean by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.addresses import readings
from redirect_rules.placenames import read
from redirect_rules.units import Era
from tests.redirect_rules import shipped


def meant(typed: str, era: Era | None = None) -> list[tuple[int, str]]:
    """Cost and code of everything a wording can mean, best first."""
    gazetteer = shipped.gazetteer()
    found = sorted((cost, rank) for rank, cost in readings(read(typed), gazetteer, era).items())
    return [(cost, f"{gazetteer.localities[rank].era}:{gazetteer.localities[rank].code}") for cost, rank in found]


def cost_of(typed: str, code: str) -> int | None:
    return next((cost for cost, found in meant(typed) if found == code), None)


# typed                                                 means          because
MEANT = [
    ("Phường Phúc Xá, Quận Ba Đình, Thành phố Hà Nội",   "old:00001",   "as it is written in a deed"),
    ("Phúc Xá, Ba Đình, Hà Nội",                         "old:00001",   "type words may be left out"),
    ("phuc xa ba dinh ha noi",                           "old:00001",   "and commas, and diacritics"),
    ("PHÚC XÁ - BA ĐÌNH - HÀ NỘI",                       "old:00001",   "case and hyphens say nothing"),
    ("p. phúc xá (q. ba đình, tp. hà nội)",              "old:00001",   "abbreviations, brackets"),
    ("Hà Nội, Ba Đình, Phúc Xá",                         "old:00001",   "in any order"),
    ("Phúc Xá, Ba Đình, Hanoi, Việt Nam",                "old:00001",   "the country is no news"),
    ("xa co bi gia lam ha noi",                          "old:00553",   "nobody types commas on a phone"),
    ("xã Cổ Bi (cũ) thuộc huyện Gia Lâm",                "old:00553",   "what was, is called old"),
    ("P12 Q. Gò Vấp TPHCM",                              "old:26881",   "letters and numbers run together"),
    ("f.12, gò vấp, sg",                                 "old:26881",   "as the South says it"),
    ("phường 12 gò vấp tp hcm",                          "old:26881",   "in full"),
    ("Phường 01, Quận 10, Sài Gòn",                      "old:27184",   "leading zeros, the old name of the city"),
    ("p1 q10 tp.hồ chí minh",                            "old:27184",   "two numbers are two names"),
    ("Quận 1",                                           "old:760",     "a district is a place too"),
    ("q1 tphcm",                                         "old:760",     "however short"),
    ("Xã Xà Bang, Châu Đức, BR-VT",                      "old:26596",   "a name may begin like a type word"),
    ("xa xa bang chau duc brvt",                         "old:26596",   "without diacritics as well"),
    ("xa bang chau duc",                                 "old:26596",   "or without the type word"),
    ("Phường Phường Đúc, Huế",                           "old:19780",   "one is the type, one the name"),
    ("Phường Đúc, Thừa Thiên - Huế",                     "old:19780",   "or just the name; and the province of 2024"),
    ("xã Xa Dung, Điện Biên Đông",                       "old:03373",   "xa, xa"),
    ("huyện Quan Hóa, Thanh Hoá",                        "old:385",     "quận is no part of Quan Hóa"),
    ("tt Trâu Quỳ",                                      "old:00565",   "a township"),
    ("TX Sơn Tây",                                       "old:269",     "a town"),
    ("huyện đảo Lý Sơn",                                 "old:536",     "an island"),
    ("đặc khu Lý Sơn, Quảng Ngãi",                       "new:21548",   "and what it is today"),
    ("Đắc Lắc",                                          "new:66",      "as it was spelt"),
    ("daklak",                                           "new:66",      "as it is typed"),
    ("Ban Mê Thuột",                                     None,          "another name, not another spelling: not known"),
    ("tỉnh Kontum",                                      "old:62",      "in one word"),
    ("tỉnh Bắc Cạn",                                     "old:06",      "as it was spelt"),
    ("Qui Nhơn, Bình Định",                              "old:540",     "i for y"),
    ("TP Phan Rang, Ninh Thuận",                            "old:582",     "half of its name"),
    ("Phường Xuân Hương, Đà Lạt",                        "new:24781",   "the whole of its name, with a comma"),
    ("xa ea m droh cu mgar",                             "old:24283",   "an apostrophe is nothing or a space"),
    ("xã Tân Thành, Cà Mau, Cà Mau",                     "old:32026",   "city and province share a name"),
    ("Phường Hồng Hà, Hà Nội",                           "new:00097",   "a commune of today"),
    ("Phường Hồng Hà, quận Ba Đình, Hà Nội",             "new:00097",   "with the district its land was in"),
    ("Võ Cường, Bắc Ninh",                               "new:09190",   "a commune of today comes first"),
    ("Thọ Xương, Bắc Ninh",                              "old:07201",   "an old one is found in the province of today"),
    ("Thọ Xương, Bắc Giang",                             "old:07201",   "and in its own"),
    ("Thọ Xương, Hà Nội",                                None,          "but nowhere else"),
    ("Phúc Xá Ba Đình phường",                           None,          "a type word stands before a name"),
    ("xyz Phúc Xá",                                      None,          "all that is typed counts"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "code", "why"), MEANT)
def test_meant(typed: str, code: str | None, why: str) -> None:
    assert next((code for _, code in meant(typed)), None) == code


# typed                        costs of            what is odd about it
COSTS = [
    ("phuong phuc xa",          "old:00001", 0,     "nothing: no diacritics are asked of those who type none"),
    ("Phường Phúc Xá",          "old:00001", 0,     "nothing"),
    ("phường phuc xá",          "old:00001", 1,     "diacritics forgotten"),
    ("phường phục xá",          "old:00001", 4,     "other diacritics"),
    ("xã Phúc Xá",              "old:00001", 2,     "it is no xã"),
    ("xã/phường Phúc Xá",       "old:00001", 0,     "one of two type words fits, as on forms"),
    ("Phúc Xá, huyện Ba Đình",  "old:00001", 1,     "its district is no huyện"),
    ("Phúc Xá, Ba Dinh",        "old:00001", 1,     "diacritics forgotten in the district"),
    ("Hồng Hà, Ba Đình",        "new:00097", 1,     "a district of before the merger"),
    ("Vũng Tàu",                "old:77",    2,     "half of a name"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "code", "cost", "why"), COSTS)
def test_costs(typed: str, code: str, cost: int, why: str) -> None:
    assert cost_of(typed, code) == cost


def test_diacritics_tell_places_apart() -> None:
    # Thạnh Hóa in Long An, Thanh Hóa the province.
    assert [code for cost, code in meant("Thạnh Hoá") if cost == 0] == ["new:27865", "old:27865", "old:800"]
    assert cost_of("Thạnh Hoá", "new:38") == 4


def test_namesakes_are_all_meant() -> None:
    typed = meant("phuong 1")
    assert len([code for cost, code in typed if cost == 0]) == 33
    assert "old:760" in {code for cost, code in typed if cost == 2}, "quận 1 is called 1 as well"


def test_an_era_can_be_asked_for() -> None:
    assert [code for _, code in meant("Ngọc Hà, Hà Nội")] == ["new:00008", "old:00016"]
    assert [code for _, code in meant("Ngọc Hà, Hà Nội", Era.OLD)] == ["old:00016"]
    assert [code for _, code in meant("Ngọc Hà, Hà Nội", Era.NEW)] == ["new:00008"]


PIECES = [
    "xa",
    "phường",
    "tt.",
    "thi",
    "1",
    "12",
    ",",
    "Tân",
    "Thành",
    "hòa",
    "binh",
    "ha",
    "nội",
    "quan",
    "cũ",
    "viet",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_any_jumble_of_words_is_read(typed: str) -> None:
    assert all(cost >= 0 for cost, _ in meant(typed))
