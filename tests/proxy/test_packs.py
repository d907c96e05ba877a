"""The shipped rules are sound, and broken ones are refused with every mistake."""

import csv
import shutil
from pathlib import Path

import pytest

from proxy import config_file
from proxy.packs import Packs, load_packs
from redirect_rules.model import Action, Life, Phase, PortalKind
from redirect_rules.sources import Problems
from tests.conftest import AUTUMN, CONF

MINISTRIES = {
    "dichvucong.bocongan.gov.vn",
    "dvc.moc.gov.vn",
    "dichvucongnnmt.mae.gov.vn",
    "dichvucongnganhtuphap.moj.gov.vn",
    "dichvucong.moh.gov.vn",
}
NATIONAL = {"dichvucong.gov.vn", "thutuc.dichvucong.gov.vn", "csdl.dichvucong.gov.vn", "dangky.dichvucong.gov.vn"}


def test_all_63_provinces_5_ministries_and_the_national_addresses_are_there(packs: Packs) -> None:
    portals = packs.snapshot.all_portals
    kinds = [portal.kind for portal in portals]
    assert (kinds.count(PortalKind.PROVINCE), kinds.count(PortalKind.MINISTRY)) == (63, 5)
    assert packs.snapshot.portals.keys() >= MINISTRIES | NATIONAL
    assert {portal.province.code for portal in portals if portal.province} == {
        f"{code:02}"
        for code in (
            1,
            2,
            4,
            6,
            8,
            10,
            11,
            12,
            14,
            15,
            17,
            19,
            20,
            22,
            24,
            25,
            26,
            27,
            30,
            31,
            33,
            34,
            35,
            36,
            37,
            38,
            40,
            42,
            44,
            45,
            46,
            48,
            49,
            51,
            52,
            54,
            56,
            58,
            60,
            62,
            64,
            66,
            67,
            68,
            70,
            72,
            74,
            75,
            77,
            79,
            80,
            82,
            83,
            84,
            86,
            87,
            89,
            91,
            92,
            93,
            94,
            95,
            96,
        )
    }


def test_every_portal_is_closed_by_now_and_all_but_the_national_ones_live_on(packs: Packs) -> None:
    for portal in packs.snapshot.all_portals:
        assert portal.schedule.phase_at(AUTUMN) is Phase.NOTICE, portal.id
        assert (portal.life is Life.GONE) is (portal.kind is PortalKind.NATIONAL), portal.id
        assert set(portal.names) == {"vi", "en"}, portal.id
        assert portal.hotline == "18001096", portal.id


def test_every_rule_can_be_traced_to_its_line(packs: Packs) -> None:
    for portal in packs.snapshot.all_portals:
        for rule in packs.snapshot.rules_of(portal):
            path, _, line = rule.source.rpartition(":")
            text = Path(path).read_text("utf-8").splitlines()
            assert text[int(line) - 1] == "[[rule]]"
            assert f'id = "{rule.id.partition("/")[2]}"' in text[int(line)]


def test_every_shipped_rule_leads_somewhere_at_home(packs: Packs) -> None:
    for portal in packs.snapshot.all_portals:
        for rule in packs.snapshot.rules_of(portal):
            if rule.action is Action.NOTICE:
                target = packs.snapshot.destinations.build(rule.goals[-1].destination, {}, now=AUTUMN)
                assert target is not None, rule.id


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """The shipped configuration, with the communes of one province: reading them all each time says nothing more."""
    copy = Path(shutil.copytree(CONF, tmp_path / "conf"))
    for name, column in (("communes_2025.csv", 2), ("communes_old_to_new.csv", 4)):
        header, *rows = (copy / "localities" / name).read_text("utf-8").splitlines(keepends=True)
        few = [row for row in rows if next(csv.reader([row]))[column] == "01"]
        (copy / "localities" / name).write_text(header + "".join(few), "utf-8")
    return copy


def complaints(conf: Path) -> str:
    with pytest.raises(Problems) as caught:
        load_packs(config_file.load(conf / "edge.toml", {}))
    return str(caught.value).replace(f"{conf}/", "")


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_mistakes_in_several_files_are_reported_together(conf: Path) -> None:
    replaced(conf / "families/igate2.toml", 'action = "notice"', 'action = "notise"')
    replaced(conf / "destinations.toml", "https://dichvucong.gov.vn/tra-cuu-ho-so", "https://evil.example/")
    replaced(conf / "portals.toml", 'families = ["igate1"]', 'families = ["igate9"]')
    (conf / "lookups/nowhere").mkdir()
    (conf / "lookups/nowhere/procedure.csv").write_text("id,code\n")
    said = complaints(conf)
    assert "families/igate2.toml:9: rule.0.action" in said
    assert "destinations.toml:" in said
    assert "write an https address on one of dichvucong.gov.vn" in said
    assert "there is no family 'igate9'" in said
    assert "there is no portal 'nowhere'" in said


# file                 what is written                    what it becomes                       complaint
BROKEN = [
    ("portals.toml", 'id = "hagiang"', 'id = "hanoi"', "another portal's id"),
    ("portals.toml", '"dichvucong.hagiang.gov.vn"', '"dichvucong.hanoi.gov.vn"', "is hanoi's already"),
    ("portals.toml", '"dichvucong.hagiang.gov.vn"', '"https://x/"', "no plain host name"),
    ("portals.toml", 'province = "old:02"', 'province = "new:02"', "of before the merger"),
    ("portals.toml", 'province = "old:02"', 'province = "02"', "not a locality code"),
    ("portals.toml", "notice_at = 2025-07-01", "notice_at = 2024-07-01", "put them in order"),
    ("portals.toml", 'scope = ["/p", "/jsp"]', 'scope = ["p"]', "write a path without captures"),
    ("portals.toml", 'agency_code = "H26"', 'upstream = "ftp://x"', "write an origin"),
    ("portals.toml", 'kind = "province"', 'kind = "city"', "portal.0.kind"),
    ("destinations.toml", "{keyword}", "{words}", "no rule can fill this"),
    ("destinations.toml", 'name = "home"', 'name = "haus"', "there must be a destination home"),
    ("destinations.toml", 'name = "payment"', 'name = "feedback"', "is named twice"),
    ("procedure_ids.csv", "019d2bfd-3fac-7489-b53b-a15eb239a6fe", "019D", "no UUID"),
    ("procedure_ids.csv", "code,name", "kode,name", "must name the columns"),
    ("crawlers.toml", "bots = [", "bot = [", "unknown key"),
    ("localities/communes_2025.csv", "00004,", "0000x,", "communes"),
    ("families/egov.toml", 'family = "egov"', 'family = "egof"', "give the file its name"),
]


@pytest.mark.parametrize(("file", "old", "new", "complaint"), BROKEN, ids=[f"{b[0]}:{b[3]}" for b in BROKEN])
def test_a_broken_file_is_refused_in_words(conf: Path, file: str, old: str, new: str, complaint: str) -> None:
    replaced(conf / file, old, new)
    assert complaint in complaints(conf)


def test_files_that_are_not_there_are_named(conf: Path) -> None:
    (conf / "portals.toml").unlink()
    (conf / "localities/provinces.csv").unlink()
    said = complaints(conf)
    assert "portals.toml: cannot be read" in said
    assert "localities/provinces.csv: cannot be read" in said


def test_a_lookup_table_turns_an_internal_number_into_a_page(conf: Path) -> None:
    from redirect_rules.decision import Decision, Visit, decide  # noqa: PLC0415 - only here

    (conf / "lookups/bocongan").mkdir(parents=True)
    (conf / "lookups/bocongan/procedure.csv").write_text("id,code\n26360,1.001193\n")
    snapshot = load_packs(config_file.load(conf / "edge.toml", {})).snapshot
    decision = decide(Visit("dichvucong.bocongan.gov.vn", "/bocongan/bothutuc/tthc?matt=26360"), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    assert decision.way is not None
    assert decision.way.target.endswith("/thu-tuc-hanh-chinh/019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7")
