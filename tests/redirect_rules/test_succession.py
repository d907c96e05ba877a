"""The tables: what is wrong with wrong ones, and that the shipped ones are whole."""

from collections import Counter

import pytest

from redirect_rules.succession import LocalityDataError, parse_succession
from redirect_rules.units import Confidence, Era, Kind
from tests.redirect_rules import shipped

PROVINCES = """era,code,name,successor,also_written
new,01,Thành phố Hà Nội,01,HN;Hà Tây
new,24,Tỉnh Bắc Ninh,24,
old,24,Tỉnh Bắc Giang,24,
old,27,Tỉnh Bắc Ninh,24,
"""
COMMUNES = """code,name,province_code
00004,Phường Ba Đình,01
07210,Phường Bắc Giang,24
09247,Phường Võ Cường,24
"""
SUCCESSIONS = """code,name,district_code,district,province_code,successors,confidence
07201,Phường Thọ Xương,213,Thành phố Bắc Giang,24,07210,agreed
09166,Phường Vệ An,256,Thành phố Bắc Ninh,27,07210;09247,majority
"""


def test_good_tables() -> None:
    succession = parse_succession(PROVINCES, COMMUNES, SUCCESSIONS)
    whole, split = succession.old_communes.values()
    assert (whole.kind, whole.confidence, whole.province) == (Kind.WHOLE, Confidence.AGREED, "Tỉnh Bắc Giang")
    assert (split.kind, split.confidence, split.district) == (Kind.SPLIT, Confidence.MAJORITY, "Thành phố Bắc Ninh")
    assert [unit.code for unit in split.now] == ["07210", "09247"]
    assert succession.districts["256"].now == split.now
    assert succession.districts["256"].confidence is Confidence.MAJORITY
    assert succession.old_provinces["27"].now == (succession.new_provinces["24"],)
    assert succession.also_written[succession.new_provinces["01"]] == ("HN", "Hà Tây")


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    texts = ("\ufeff" + text.replace("\n", "\r\n") for text in (PROVINCES, COMMUNES, SUCCESSIONS))
    assert parse_succession(*texts) == parse_succession(PROVINCES, COMMUNES, SUCCESSIONS)


# this                      becomes                     and the problem is
PROBLEMS = [
    ("era,code,name,succ",   "era,code,name,was",        "provinces, line 1: the columns are not era,code,name,successor"),
    ("old,27",               "alt,27",                   "provinces, line 5: the era is 'alt', not new or old"),
    ("old,27",               "old,7",                    "provinces, line 5: '7' is not a code of 2 digits"),
    ("new,24,Tỉnh Bắc Ninh,24", "new,24,Tỉnh Bắc Ninh,27", "provinces, line 3: a province of today succeeds itself"),
    ("old,24,Tỉnh Bắc Giang,24", "old,24,Tỉnh Bắc Giang,25", "provinces, line 4: no province further up has the code '25'"),
    ("new,24,Tỉnh Bắc Ninh", "new,24,Bắc Ninh",          "provinces, line 3: 'Bắc Ninh' is not a name after one of"),
    ("09247,Phường",         "00004,Phường",             "communes, line 4: the code '00004' stands further up already"),
    ("Phường Ba Đình,01",    "Phường Ba Đình,02",        "communes, line 2: no province further up has the code '02'"),
    ("Phường Ba Đình,01",    "Phường Ba Đình",           "communes, line 2: 2 columns, not 3"),
    ("Phường Ba Đình,01",    '"Phường Ba Đình,01',       "communes, line 4: unexpected end of data"),
    ("07201,",               "072o1,",                   "successions, line 2: '072o1' is not a code of 5 digits"),
    ("213,Thành phố",        "13,Thành phố",             "successions, line 2: '13' is not a code of 3 digits"),
    ("256,Thành phố Bắc Ninh", "213,Thành phố Bắc Ninh", "successions, line 3: district '213' is Thành phố Bắc Giang in province 24 further up"),
    ("Giang,24,07210",       "Giang,26,07210",           "successions, line 2: no province further up has the code '26'"),
    ("Giang,24,07210",       "Giang,24,07211",           "successions, line 2: '07211' are not codes of communes of today"),
    ("07210;09247",          "09247;07210",              "successions, line 3: '09247;07210' are not codes of communes of today in ascending order"),
    ("07210;09247",          "07210;07210",              "successions, line 3: '07210;07210' are not codes"),
    ("07210;09247",          "00004;09247",              "successions, line 3: 00004;09247 do not lie in one province"),
    ("Giang,24,07210",       "Giang,24,00004",           "successions, line 2: 00004 is not in what Tỉnh Bắc Giang became"),
    ("07210,agreed",         "07210,sure",               "successions, line 2: the confidence is 'sure', not one of agreed, majority"),
    ("07210,agreed",         "07210,disputed",           "successions, line 2: a disputed succession lists its candidates"),
]  # fmt: skip


@pytest.mark.parametrize(("this", "other", "problem"), PROBLEMS)
def test_a_mistake_is_named_with_its_line(this: str, other: str, problem: str) -> None:
    assert sum(table.count(this) for table in (PROVINCES, COMMUNES, SUCCESSIONS)) == 1
    with pytest.raises(LocalityDataError) as caught:
        parse_succession(*(table.replace(this, other) for table in (PROVINCES, COMMUNES, SUCCESSIONS)))
    assert any(line.startswith(problem) for line in caught.value.problems), caught.value.problems


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(LocalityDataError) as caught:
        parse_succession(PROVINCES.replace("old,27", "old,7"), COMMUNES + "1,Xã Bé,01,\n", SUCCESSIONS + "x\n")
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "provinces, line 5",
        "communes, line 5",
        "successions, line 3",
        "successions, line 4",
    ]
    assert str(caught.value).splitlines() == list(caught.value.problems)


@pytest.mark.parametrize("table", [0, 1, 2])
def test_an_empty_file_is_no_table(table: int) -> None:
    texts = [PROVINCES, COMMUNES, SUCCESSIONS]
    texts[table] = ""
    with pytest.raises(LocalityDataError, match="line 1: the columns are not"):
        parse_succession(*texts)


def test_everything_that_was_and_is_stands_in_the_shipped_tables() -> None:
    succession = shipped.succession()
    assert len(succession.new_provinces) == 34
    assert len(succession.old_provinces) == 63
    assert len(succession.new_communes) == 3_321
    assert len(succession.old_communes) == 10_040
    assert len(succession.districts) == 691


def test_every_commune_of_today_was_something_before() -> None:
    succession = shipped.succession()
    reached = {unit.code for commune in succession.old_communes.values() for unit in commune.now}
    assert reached == succession.new_communes.keys()
    assert {unit.now[0].code for unit in succession.old_provinces.values()} == succession.new_provinces.keys()


def test_no_old_unit_was_torn_between_provinces() -> None:
    succession = shipped.succession()
    for unit in (*succession.old_communes.values(), *succession.districts.values()):
        became = {commune.province_code for commune in unit.now}
        assert became == {succession.old_provinces[unit.province_code].now[0].code}, unit


def test_how_far_the_sources_agree() -> None:
    communes = shipped.succession().old_communes.values()
    assert Counter(str(unit.confidence) for unit in communes) == {
        "agreed": 10_001,
        "majority": 33,
        "disputed": 4,
        "single-source": 2,
    }
    assert Counter(str(unit.kind) for unit in communes) == {"whole": 9_600, "split": 440}
    assert {len(unit.now) for unit in communes if unit.kind is Kind.SPLIT} == {2, 3, 4, 5}


def test_codes_were_given_out_again() -> None:
    # The reason why no code goes without its era.
    succession = shipped.succession()
    again = succession.new_communes.keys() & succession.old_communes.keys()
    assert len(again) == 3_316
    renamed = [code for code in again if succession.new_communes[code].name != succession.old_communes[code].name]
    assert len(renamed) == 2_145


@pytest.mark.parametrize(
    ("code", "name", "became"),
    [
        ("318", "Huyện Bạch Long Vĩ", "11948"),
        ("471", "Huyện Cồn Cỏ", "19742"),
        ("498", "Huyện Hoàng Sa", "20333"),
        ("536", "Huyện Lý Sơn", "21548"),
        ("755", "Huyện Côn Đảo", "26732"),
    ],
)
def test_a_district_without_communes_is_its_own_commune(code: str, name: str, became: str) -> None:
    island = shipped.succession().old_communes[code]
    assert (island.era, island.name, island.district_code, island.district) == (Era.OLD, name, code, name)
    assert [unit.code for unit in island.now] == [became]
    assert code not in shipped.succession().districts
