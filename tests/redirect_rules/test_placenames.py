"""Spellings, and which of them are one name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.placenames import (
    LONGEST_WORDING,
    MOST_SYLLABLES,
    Diacritics,
    UnitType,
    Wording,
    alphabetical,
    official,
    read,
)

# two spellings                                  of one name, down to the diacritics, because
SAME = [
    ("Hòa Bình", "Hoà Bình", "the tone stands on either vowel"),
    ("Thúy", "Thuý", "here too"),
    ("Quý", "Quí", "i and y sound alike after a consonant"),
    ("Mỹ Lý Kỳ", "Mĩ Lí Kì", "whatever the tone"),
    ("Ý Yên", "Í Yên", "or alone"),
    ("Quỳnh Lưu", "Quình Lưu", "and after qu"),
    ("Đắk Lắk", "Đắc Lắc", "k and c are one sound"),
    ("Bắc Kạn", "Bắc Cạn", "in front as well"),
    ("ĐÔNG HÀ", "đông hà", "case says nothing"),
    ("Tân  An", "Tân-An", "nor do spaces and hyphens"),
    ("Ðông Hà", "Đông Hà", "an Icelandic Ð prints like a Đ"),
    (unicodedata.normalize("NFD", "Thượng Cửu"), "Thượng Cửu", "letters may be composed or not"),
    ("M’Drắk", "M'Drắk", "any apostrophe is none"),
    ("Phường 01", "Phường 1", "a leading zero says nothing"),
    ("P12", "P. 12", "a number is a word of its own"),
    ("１２", "12", "wide digits come from Japanese keyboards"),
]  # fmt: skip

DIFFERENT = [
    ("Tây", "Tai", "y after a vowel is another sound than i"),
    ("Thúy", "Thúi", "after u too"),
    ("Khánh", "Chánh", "kh is no k"),
    ("Phường 1", "Phường 10", "numbers are whole"),
]


@pytest.mark.parametrize(("one", "other", "why"), SAME)
def test_one_name(one: str, other: str, why: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(("one", "other", "why"), DIFFERENT)
def test_different_names(one: str, other: str, why: str) -> None:
    assert read(one).plain != read(other).plain


# typed            compared with   the diacritics
DIACRITICS = [
    ("Tân Hòa",     "Tân Hòa",      Diacritics.AGREE),
    ("tân hoà",     "Tân Hòa",      Diacritics.AGREE),
    ("tan hoa",     "Tân Hòa",      Diacritics.LEFT_OUT),
    ("tân hoa",     "Tân Hòa",      Diacritics.LEFT_OUT),
    ("tấn hòa",     "Tân Hòa",      Diacritics.DIFFER),
    ("Tân Hòa",     "Tan Hoa",      Diacritics.DIFFER),
    ("dong da",     "Đống Đa",      Diacritics.LEFT_OUT),
    ("đong da",     "Đống Đa",      Diacritics.DIFFER),
    ("12",          "12",           Diacritics.AGREE),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "name", "expected"), DIACRITICS)
def test_diacritics(typed: str, name: str, expected: Diacritics) -> None:
    wording = read(typed)
    assert wording.diacritics(0, len(wording.plains), read(name).marked) is expected


# typed                begins with a word for      and it ends before
TYPE_WORDS = [
    ("xã Cổ Bi",        UnitType.XA,                1),
    ("X. Cổ Bi",        UnitType.XA,                1),
    ("PHUONG 12",       UnitType.PHUONG,            1),
    ("P12",             UnitType.PHUONG,            1),
    ("f.12",            UnitType.PHUONG,            1),
    ("thị trấn Yên",    UnitType.THI_TRAN,          2),
    ("tt. Yên",         UnitType.THI_TRAN,          1),
    ("T.T. Yên",        UnitType.THI_TRAN,          2),
    ("đặc khu Lý Sơn",  UnitType.DAC_KHU,           2),
    ("q1",              UnitType.QUAN,              1),
    ("h. Gia Lâm",      UnitType.HUYEN,             1),
    ("huyện đảo Lý",    UnitType.HUYEN,             2),
    ("thi xa Son Tay",  UnitType.THI_XA,            2),
    ("TX Sơn Tây",      UnitType.THI_XA,            1),
    ("TP.HCM",          UnitType.THANH_PHO,         1),
    ("thành phố Huế",   UnitType.THANH_PHO,         2),
    ("tỉnh Hà Nam",     UnitType.TINH,              1),
    ("Xá Lượng",        None,                       0),
    ("Phương Liễu",     None,                       0),
    ("Huyền Hội",       None,                       0),
    ("Thị Cầu",         None,                       0),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "unit_type", "end"), TYPE_WORDS)
def test_type_words(typed: str, unit_type: UnitType | None, end: int) -> None:
    wording = read(typed)
    assert wording.type_at(0, len(wording.plains)) == ((unit_type, end) if unit_type else None)


def test_a_type_word_is_cut_short_where_a_name_begins() -> None:
    assert read("huyện đảo").type_at(0, 1) == (UnitType.HUYEN, 1)


# typed                           syllables after which a comma stands
COMMAS = [
    ("Phúc Xá, Ba Đình, Hà Nội",   (2, 4)),
    ("Phúc Xá;Ba Đình\nHà Nội",    (2, 4)),
    (",, Phúc Xá,, Ba Đình,",      (2,)),
    ("Phúc Xá Ba Đình",            ()),
    (", ,",                        ()),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "commas"), COMMAS)
def test_commas(typed: str, commas: tuple[int, ...]) -> None:
    assert read(typed).commas == commas


def test_what_comes_after_a_comma() -> None:
    assert read("Phúc Xá, Ba Đình, Hà Nội").after(2) == read("Ba Đình, Hà Nội")


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\x00\x1b\x07", "🙂🏳️‍🌈", "\ud800", "...", "x" * (LONGEST_WORDING + 1), "a " * (MOST_SYLLABLES + 1)],
)
def test_what_is_no_name_is_empty(text: str) -> None:
    assert read(text) == Wording((), ())


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    wording = read(text)
    assert len(wording.plains) == len(wording.marks) <= MOST_SYLLABLES
    assert all(0 < comma < len(wording.plains) for comma in wording.commas)


@given(st.text(alphabet="aâàốđéyuikqh M'1 ,"))
def test_reading_again_changes_nothing(text: str) -> None:
    once = read(text).plain
    assert read(once).plain == once


# official name                parted
OFFICIAL = [
    ("Phường Phúc Xá",          (UnitType.PHUONG, "Phúc Xá")),
    ("Phường Phường Đúc",       (UnitType.PHUONG, "Phường Đúc")),
    ("Xã Xà Bang",              (UnitType.XA, "Xà Bang")),
    ("Thị xã Sơn Tây",          (UnitType.THI_XA, "Sơn Tây")),
    ("Đặc khu Lý Sơn",          (UnitType.DAC_KHU, "Lý Sơn")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parts"), OFFICIAL)
def test_official_names(name: str, parts: tuple[UnitType, str]) -> None:
    assert official(name) == parts


@pytest.mark.parametrize("name", ["", "Phúc Xá", "xã Cổ Bi", "Xã", "Xã ", "Thị Trấn Prao", "XãCổ Bi"])
def test_what_is_no_official_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name after one of Xã, Phường"):
        official(name)


IN_ORDER = [
    "An Giang", "Bắc Ninh", "Ca Mau", "Cà Mau", "Cả Mau", "Cao Bằng", "Cần Thơ", "Da Nang", "Đà Nẵng", "Đắk Lắk",
    "Hà Nội", "Hồ Chí Minh", "Huế", "Hưng Yên", "Phường 2", "Phường 10", "Quảng Ngãi", "Quảng Ninh",
]  # fmt: skip


def test_the_vietnamese_alphabet() -> None:
    backwards = IN_ORDER[::-1]
    assert sorted(backwards, key=alphabetical) == IN_ORDER
