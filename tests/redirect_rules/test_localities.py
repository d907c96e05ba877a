"""Localities as the rest of the program uses them: codes resolve, names are found, nobody is sent by a guess."""

import json
import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from redirect_rules.localities import (
    MOST_EQUALS,
    Ask,
    Confidence,
    Era,
    Kind,
    Localities,
    Locality,
    LocalityCode,
    LocalityDataError,
    Unknown,
    Whole,
)
from redirect_rules.placenames import official
from tests.redirect_rules import shipped


@pytest.fixture(scope="module")
def localities() -> Localities:
    return shipped.localities()


def code_of(unit: Locality) -> LocalityCode:
    return LocalityCode(unit.era, unit.code)


def codes(localities: Localities, query: str, **how: object) -> list[str]:
    return [str(code_of(match.locality)) for match in localities.search(query, **how)]  # type: ignore[arg-type]


# ---- codes ----


def test_the_tables_are_parsed() -> None:
    assert Localities.parse(*shipped.tables()).by_code(Era.NEW, "00004") is not None


def test_broken_tables_are_refused() -> None:
    provinces, communes, _ = shipped.tables()
    with pytest.raises(LocalityDataError, match="successions, line 1"):
        Localities.parse(provinces, communes, "")


# code          is called
NAMES = [
    ("old:24",    "Tỉnh Bắc Giang"),
    ("new:24",    "Tỉnh Bắc Ninh"),
    ("old:001",   "Quận Ba Đình"),
    ("old:00008", "Phường Liễu Giai"),
    ("new:00008", "Phường Ngọc Hà"),
    ("old:318",   "Huyện Bạch Long Vĩ"),
    ("new:001",   None),
    ("old:99999", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_by_code(localities: Localities, text: str, name: str | None) -> None:
    code = LocalityCode.parse(text)
    unit = localities.by_code(code.era, code.code)
    assert (unit.name if unit else None) == name


def test_every_whole_commune_resolves_and_every_other_asks(localities: Localities) -> None:
    for unit in shipped.succession().old_communes.values():
        resolved = localities.resolve(code_of(unit))
        if unit.kind is Kind.WHOLE:
            assert resolved == Whole(unit.now[0], unit.confidence)
        else:
            assert resolved == Ask(unit.now, unit.confidence)
            assert len(unit.now) > 1


def test_nothing_disputed_is_ever_chosen(localities: Localities) -> None:
    units = (*shipped.succession().old_communes.values(), *shipped.succession().districts.values())
    disputed = [unit for unit in units if unit.confidence is Confidence.DISPUTED]
    assert len(disputed) > 4
    assert all(isinstance(localities.resolve(code_of(unit)), Ask) for unit in disputed)


def test_every_commune_of_today_is_itself(localities: Localities) -> None:
    for unit in shipped.succession().new_communes.values():
        assert localities.resolve(code_of(unit)) == Whole(unit)
        assert localities.successors(unit) == (unit,)


# code          resolves to
RESOLVED = [
    ("old:00001", Whole, ["00097"],                            "agreed"),
    ("old:01651", Whole, ["01648"],                            "single-source"),
    ("old:00007", Ask,   ["00008", "00025"],                   "agreed"),
    ("old:00553", Ask,   ["00136", "00541", "00562", "00565"], "disputed"),
    ("old:318",   Whole, ["11948"],                            "agreed"),
    ("old:018",   Ask,   ["00136", "00145", "00541", "00562", "00565", "00577"], "disputed"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind", "communes", "confidence"), RESOLVED)
def test_resolved(
    localities: Localities, code: str, kind: type[Whole | Ask], communes: list[str], confidence: str
) -> None:
    resolved = localities.resolve(LocalityCode.parse(code))
    assert isinstance(resolved, kind)
    match resolved:
        case Whole(commune):
            assert [commune.code] == communes
        case Ask(candidates):
            assert [unit.code for unit in candidates] == communes
    assert resolved.confidence == confidence


def test_an_unknown_code_is_unknown(localities: Localities) -> None:
    assert localities.resolve(LocalityCode(Era.OLD, "99999")) == Unknown(LocalityCode(Era.OLD, "99999"))


def test_a_district_in_one_commune_resolves(localities: Localities) -> None:
    phu_quy = localities.search("huyện Phú Quý")[0].locality
    assert phu_quy.kind is Kind.DISTRICT
    assert isinstance(localities.resolve(code_of(phu_quy)), Whole)


def test_a_province_asks_for_the_communes_on_its_land(localities: Localities) -> None:
    before, today = (localities.resolve(LocalityCode(era, "24")) for era in Era)
    assert isinstance(before, Ask)
    assert isinstance(today, Ask)
    assert set(before.candidates) < set(today.candidates)
    assert {unit.province for unit in today.candidates} == {"Tỉnh Bắc Ninh"}


def test_what_became_of_provinces(localities: Localities) -> None:
    assert localities.province_of_old("24").name == "Tỉnh Bắc Ninh"
    assert localities.province_of_old("77").name == "Thành phố Hồ Chí Minh"
    for code in ("99", "001", "00001"):
        with pytest.raises(KeyError):
            localities.province_of_old(code)


def test_provinces_stand_in_the_order_of_the_alphabet(localities: Localities) -> None:
    names = [official(unit.name)[1] for unit in localities.new_provinces()]
    assert len(names) == 34
    assert names[:8] == [
        "An Giang", "Bắc Ninh", "Cà Mau", "Cao Bằng", "Cần Thơ", "Đà Nẵng", "Đắk Lắk", "Điện Biên",
    ]  # fmt: skip
    assert names[-3:] == ["Thanh Hóa", "Tuyên Quang", "Vĩnh Long"]


# ---- names ----

District = Callable[[Locality], str]


def bare(name: str) -> str:
    """The name without its type word."""
    return official(name)[1] if name else ""


def district_of(unit: Locality) -> str:
    return "" if unit.code == unit.district_code else unit.district  # an island was its own district


# How a unit is typed, without diacritics.
TYPED: dict[str, Callable[[Locality], str]] = {
    "district and province, no types, no commas": lambda u: f"{bare(u.name)} {bare(district_of(u))} {bare(u.province)}",
    "province": lambda u: f"{u.name}, {u.province}",
    "province of today": lambda u: f"{bare(u.name)}, {(u.now or (u,))[0].province}",
    "nothing else": lambda u: u.name,
}


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED)
def test_every_commune_is_found_among_all_its_namesakes(
    localities: Localities, typed: Callable[[Locality], str]
) -> None:
    by_query: dict[str, set[Locality]] = {}
    for unit in shipped.communes():
        by_query.setdefault(shipped.without_diacritics(typed(unit)).lower(), set()).add(unit)
    for query, units in by_query.items():
        found = localities.find(query)
        assert units <= {match.locality for match in found.matches}, query
        assert not any(match.near for match in found.matches)
        assert len(found.matches) < MOST_EQUALS, "the cap would hide places as good as those shown"


def test_with_its_district_and_diacritics_every_old_commune_comes_first(localities: Localities) -> None:
    for unit in shipped.succession().old_communes.values():
        if unit.code != unit.district_code:
            best = localities.search(f"{unit.name}, {unit.district}, {unit.province}")[0]
            assert (best.locality, best.cost) == (unit, 0)


@pytest.mark.parametrize("unit_of", [lambda s: s.districts, lambda s: s.old_provinces, lambda s: s.new_provinces])
def test_every_district_and_province_is_found(
    localities: Localities, unit_of: Callable[[object], dict[str, Locality]]
) -> None:
    for unit in unit_of(shipped.succession()).values():
        assert localities.search(unit.name)[0].cost == 0
        assert unit in {match.locality for match in localities.search(shipped.without_diacritics(unit.name))}


# query           finds, in this order
CODES = [
    ("old:00007",   ["old:00007"]),
    (" OLD : 00007 ", ["old:00007"]),
    ("new:00004",   ["new:00004"]),
    ("00004",       ["new:00004", "old:00004"]),
    ("00007",       ["old:00007"]),
    ("318",         ["old:318"]),
    ("old:24",      ["old:24"]),
    ("new:99999",   []),
    ("99999",       []),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), CODES)
def test_a_query_may_be_a_code(localities: Localities, query: str, expected: list[str]) -> None:
    assert codes(localities, query) == expected


def test_two_digits_are_a_ward_not_a_province(localities: Localities) -> None:
    assert {match.locality.name for match in localities.search("12")} >= {"Phường 12", "Quận 12"}


def test_an_era_is_a_filter_of_codes_and_names(localities: Localities) -> None:
    assert codes(localities, "00004", era=Era.OLD) == ["old:00004"]
    assert codes(localities, "Ngọc Hà, Hà Nội", era=Era.NEW) == ["new:00008"]
    assert codes(localities, "new:00004", era=Era.OLD) == []


def test_exact_diacritics_come_first(localities: Localities) -> None:
    names = [bare(match.locality.name) for match in localities.search("Tân Thạnh", limit=30)]
    assert names[0] == "Tân Thạnh"
    assert names == sorted(names, key=lambda name: name != "Tân Thạnh")


def test_the_type_typed_comes_first(localities: Localities) -> None:
    namesakes = [match for match in localities.search("phường Tân Thành", limit=60) if match.cost < 4]
    types = [match.locality.name.split()[0] for match in namesakes]
    assert types == sorted(types, key=lambda word: word != "Phường")
    assert {*types} == {"Phường", "Xã", "Thị"}


def test_the_preferred_province_comes_first_and_hides_nothing(localities: Localities) -> None:
    plain = localities.find("xã Tân Thành", limit=100)
    preferring = localities.find("xã Tân Thành", limit=100, province="96")
    assert {match.locality for match in plain.matches} == {match.locality for match in preferring.matches}
    inside = [match.now[0].province_code == "96" for match in preferring.matches]
    assert inside[0]
    assert not inside[-1]
    best = [match.cost for match in preferring.matches]
    assert best == sorted(best)


def test_a_province_that_does_not_exist_prefers_nothing(localities: Localities) -> None:
    assert codes(localities, "xã Tân Thành", province="xx") == codes(localities, "xã Tân Thành")


def test_the_limit_grows_to_show_all_that_are_equally_good(localities: Localities) -> None:
    found = localities.find("phuong 1", limit=5)
    assert len(found.matches) == 33
    assert all(match.cost == 0 for match in found.matches)
    assert found.more == 1, "Quận 1"


def test_what_is_less_good_is_cut_at_the_limit_and_counted(localities: Localities) -> None:
    everything = localities.find("phường Tân Thạnh", limit=1_000)
    found = localities.find("phường Tân Thạnh", limit=12)
    assert everything.more == 0
    assert len(found.matches) == 12
    assert len(found.matches) + found.more == len(everything.matches)


# an address with house and street           is in
ADDRESSES = [
    ("Số 12 Láng Hạ, phường Láng Hạ, Đống Đa, Hà Nội",                   "old:00199"),
    ("12 lang ha phuong lang ha dong da ha noi",                         "old:00199"),
    ("Thôn 3, xã Cổ Bi, huyện Gia Lâm, Hà Nội",                          "old:00553"),
    ("Hẻm 51/3 Lê Lợi, P.12, Q. Gò Vấp, TP.HCM",                         "old:26881"),
    ("ấp Bình Lâm, Phúc Xá, Ba Đình",                                    "old:00001"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code"), ADDRESSES)
def test_house_and_street_may_stand_in_front(localities: Localities, query: str, code: str) -> None:
    assert codes(localities, query)[0] == code


def test_a_misspelt_name_is_found_and_marked_as_near(localities: Localities) -> None:
    found = localities.find("Phuc Xaa, Ba Dinh, Ha Noi")
    assert [(match.locality.code, match.near) for match in found.matches] == [("00001", True)]
    assert not localities.search("Phuc Xa, Ba Dinh, Ha Noi")[0].near


JSON = {
    "old:00007": {
        "era": "old",
        "code": "00007",
        "name": "Phường Cống Vị",
        "district": "Quận Ba Đình",
        "province_code": "01",
        "province": "Thành phố Hà Nội",
        "kind": "split",
        "confidence": "agreed",
        "now": [
            {"code": "00008", "name": "Phường Ngọc Hà", "province_code": "01", "province": "Thành phố Hà Nội"},
            {"code": "00025", "name": "Phường Giảng Võ", "province_code": "01", "province": "Thành phố Hà Nội"},
        ],
    },
    "new:00004": {
        "era": "new",
        "code": "00004",
        "name": "Phường Ba Đình",
        "district": None,
        "province_code": "01",
        "province": "Thành phố Hà Nội",
        "kind": "current",
        "confidence": "agreed",
        "now": [{"code": "00004", "name": "Phường Ba Đình", "province_code": "01", "province": "Thành phố Hà Nội"}],
    },
    "old:24": {
        "era": "old",
        "code": "24",
        "name": "Tỉnh Bắc Giang",
        "district": None,
        "province_code": "24",
        "province": "Tỉnh Bắc Giang",
        "kind": "province",
        "confidence": "agreed",
        "now": [{"code": "24", "name": "Tỉnh Bắc Ninh", "province_code": "24", "province": "Tỉnh Bắc Ninh"}],
    },
}


@pytest.mark.parametrize("code", JSON)
def test_as_json(localities: Localities, code: str) -> None:
    (match,) = localities.search(code)
    assert json.loads(json.dumps(match.as_json())) == JSON[code]


# ---- whatever is typed ----


@pytest.mark.parametrize(
    "query",
    [
        "", " ", ",", "\x00\x01\x02", "🙂" * 50, "\ud800\udfff", "x" * 10_000, "xã " * 5_000, "1" * 10_000,
        "old:", "old:x", "00000", "000", "'; DROP TABLE communes; --", "<script>alert(1)</script>", "%00", "../../etc/passwd",
    ],
)  # fmt: skip
def test_what_is_no_place_finds_nothing(localities: Localities, query: str) -> None:
    assert localities.search(query) == ()


@pytest.mark.parametrize("query", ["1 " * 40, "xa " * 40, "tan thanh " * 20, "xa, " * 40, "1, " * 40, "binh" * 70])
def test_what_is_made_to_be_slow_is_not(localities: Localities, query: str) -> None:
    started = time.process_time()
    localities.search(query)
    assert time.process_time() - started < 0.5, "it takes some 20 ms"


# A look-up takes 0.1 ms, of what is misspelt 3 ms; a busy machine may stop any of them for longer than a deadline.
quickly = settings(deadline=None, max_examples=100)


@quickly
@given(st.text(), st.integers(-3, 30), st.none() | st.text(max_size=3), st.none() | st.sampled_from(Era))
def test_any_query_is_answered(query: str, limit: int, province: str | None, era: Era | None) -> None:
    found = shipped.localities().find(query, limit=limit, province=province, era=era)
    assert found.more >= 0
    assert len(found.matches) <= max(limit, MOST_EQUALS)
    assert found == shipped.localities().find(query, limit=limit, province=province, era=era)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


NOISE: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "decomposed": nfd,
    "without diacritics": shipped.without_diacritics,
    "more spaces": lambda text: "  " + text.replace(" ", " \t "),
    "hyphens": lambda text: text.replace(" ", "-"),
    "dots": lambda text: text.replace(" ", "."),
    "the other place of the tone": lambda text: text.replace("òa", "oà").replace("ủy", "uỷ").replace("úy", "uý"),
    "i for y": lambda text: text.replace("Mỹ", "Mĩ").replace("Quý", "Quí").replace("Lý", "Lí"),
    "half the diacritics": lambda text: shipped.without_diacritics(text[: len(text) // 2]) + text[len(text) // 2 :],
    "wide letters": lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text),
}


@quickly
@given(st.data())
def test_noise_loses_no_place(data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(shipped.communes()), label="unit")
    noises = data.draw(st.lists(st.sampled_from(sorted(NOISE)), max_size=3), label="noises")
    query = f"{unit.name}, {district_of(unit)}, {unit.province}"
    for noise in noises:
        query = NOISE[noise](query)
    assert unit in {match.locality for match in shipped.localities().search(query)}


def test_a_word_that_lost_half_of_its_marks_loses_no_place() -> None:
    found = shipped.localities().search("Xa Thao Chu Phin, Huyên Si Ma Cai, Tỉnh Lào Cai")
    assert [match.locality.code for match in found] == ["02803"]


@settings(quickly, max_examples=40)
@given(st.data())
def test_one_wrong_letter_loses_no_place(data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(shipped.communes()), label="unit")
    name = shipped.without_diacritics(bare(unit.name)).lower()
    at = data.draw(st.integers(0, len(name)), label="at")
    typed = f"{name[:at]}{data.draw(st.sampled_from('jwz'))}{name[at:]}, {bare(unit.province)}"
    assume(sum(letter.isalpha() for letter in name) >= 4)  # shorter names are not corrected
    assume("y" not in name)  # after a wrong consonant it is read as i: two letters wrong
    assume(name[at - 1 : at + 1] != "kh")  # parted, its k is read as c: the same
    assert unit in {match.locality for match in shipped.localities().search(typed)}
