"""What fits each type of capture, and the form in which it is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.captures import LONGEST_TEXT, TYPES, agency_code, procedure_code

# type                   as sent                            kept as
VALUES = [
    ("procedure", "1.001193", "1.001193"),
    ("procedure", "1.000494.000.00.00.H29", "1.000494"),
    ("procedure", "2.000815.000.00.00.H55.02", "2.000815"),
    ("procedure", "1.013229.01", "1.013229"),
    ("procedure", " 1.001193 ", "1.001193"),
    ("procedure", "C08_XPHCDB", "C08_XPHCDB"),
    ("procedure", "qt-bhxh-01", "QT-BHXH-01"),
    ("procedure", "26360", None),
    ("procedure", "1.00119", None),
    ("procedure", "1.0011934", "1.001193"),
    ("procedure", "<script>", None),
    ("procedure", "", None),
    ("numbered-procedure", "1.000494.000.00.00.H29", "1.000494"),
    ("numbered-procedure", "C08_XPHCDB", None),
    ("numbered-procedure", "tin-tuc-1", None),
    ("procedure-or-number", "26360", "26360"),
    ("procedure-or-number", "1.001193.000.00.00.H01", "1.001193"),
    ("dossier", "000.00.53.H48-220921-0099", "000.00.53.H48-220921-0099"),
    ("dossier", "g22.99.3-241219795252", "G22.99.3-241219795252"),
    ("dossier", "javascript:alert(1)", None),
    ("dossier", "abc", None),
    ("hex24", "629dae4edb4662230f940e11", "629dae4edb4662230f940e11"),
    ("hex24", "629dae4edb4662230f940e1", None),
    ("number", "145156", "145156"),
    ("number", "١٢٣", None),  # digits to Unicode, not to a database
    ("language", "vi", "vi"),
    ("language", "EN", "EN"),
    ("language", "vi-VN", "vi-VN"),
    ("language", "web", None),
    ("text", "  Thành   lập\tdoanh nghiệp ", "Thành lập doanh nghiệp"),
    ("text", "a\r\nb", "a b"),
    ("text", "   ", None),
    ("commune", "00004", "00004"),
    ("commune", "4", None),
    ("agency", "1.000494.000.00.00.H29", "H29"),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "sent", "kept"), VALUES)
def test_a_value_fits_its_type_or_is_no_value(type_name: str, sent: str, kept: str | None) -> None:
    assert TYPES[type_name].read(sent) == kept


def test_a_seventh_digit_belongs_to_no_code_we_know() -> None:
    # "1.0011934" is read as 1.001193 and a suffix: codes in the wild have suffixes glued on with and without a dot.
    assert procedure_code("1.0011934") == "1.001193"


def test_the_agency_is_read_from_the_code() -> None:
    assert agency_code("1.000494.000.00.00.H29.05") == "H29"
    assert agency_code("1.000494") is None


@given(st.sampled_from(sorted(TYPES)), st.text(max_size=400))
def test_a_kept_value_is_kept_as_it_is_when_read_again(type_name: str, sent: str) -> None:
    if type_name == "agency":
        return  # a piece of a code, not a form of it
    read = TYPES[type_name].read
    once = read(sent)
    if once is not None:
        assert read(once) == once
        assert len(once) <= max(LONGEST_TEXT, len(sent))


@given(st.sampled_from(sorted(TYPES)), st.one_of(st.from_regex(r"[A-Za-z0-9._~-]{1,30}"), st.text(max_size=30)))
def test_what_keeps_its_values_as_they_were_sent_says_so_without_reading_them(type_name: str, sent: str) -> None:
    kind = TYPES[type_name]
    if kind.keeps is not None:
        assert kind.read(sent) == (sent if kind.keeps(sent) else None)
