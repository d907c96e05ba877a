"""conf/portals.toml: what is shipped, and what is said of a file with mistakes in it."""

from datetime import timedelta

import pytest

from redirect_rules.canonical import canonical_host
from redirect_rules.model import Life, Phase, Portal, PortalKind, Schedule
from redirect_rules.portals import names_by_host, parse_portals
from redirect_rules.schedules import CLOSING, instant
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Document, Problems
from redirect_rules.units import Era, Kind, LocalityCode
from tests.conftest import AUTUMN

FAMILIES = ("igate2", "liferay", "common", "first")
DEFAULTS = """\
[defaults.province]
schedule = { notice_at = 2025-07-01T00:00:00+07:00 }
families_before = ["first"]
families_after = ["liferay", "common"]
hotline = "18001096"
"""


def portal(*lines: str, name: str = "langson", kind: str = "province") -> str:
    return "\n".join(["[[portal]]", f'id = "{name}"', f'kind = "{kind}"', 'name = { vi = "Cổng" }', *lines, ""])


def parse(text: str) -> tuple[Portal, ...]:
    return parse_portals(Document("portals.toml", text), families=FAMILIES)


def one(*lines: str, kind: str = "province") -> Portal:
    (only,) = parse(DEFAULTS + portal('hosts = ["a.gov.vn"]', *lines, kind=kind))
    return only


# ── what is shipped ───────────────────────────────────────────────────────────────────────────────────────────────


def test_all_sixty_three_provinces_five_ministries_and_the_national_portals_addresses_are_there(
    snapshot: Snapshot,
) -> None:
    kinds = [portal.kind for portal in snapshot.all_portals]
    assert {kind: kinds.count(kind) for kind in PortalKind} == {"province": 63, "ministry": 5, "national": 2}


def test_every_old_province_has_its_portal_and_lies_in_one_of_today(snapshot: Snapshot) -> None:
    codes = [portal.province for portal in snapshot.all_portals if portal.kind is PortalKind.PROVINCE]
    assert len(set(codes)) == 63
    for code in codes:
        assert code is not None
        assert code.era is Era.OLD
        unit = snapshot.localities.by_code(code.era, code.code)
        assert unit is not None
        assert unit.kind is Kind.PROVINCE
        assert len(snapshot.localities.successors(unit)) == 1


def test_agency_codes_are_of_one_province_each(snapshot: Snapshot) -> None:
    codes = [portal.agency_code for portal in snapshot.all_portals if portal.kind is PortalKind.PROVINCE]
    assert len(set(codes)) == 63
    assert all(len(code) == 3 and code.startswith("H") for code in codes)


# host                                     portal              why
HOSTS = [
    ("dvctt.camau.gov.vn",                 "camau",            "not dichvucong."),
    ("dichvucong.hochiminhcity.gov.vn",    "hochiminh",        "a name of its own"),
    ("dichvucong.thuathienhue.gov.vn",     "hue",              "two hosts"),
    ("dichvucong.hue.gov.vn",              "hue",              "two hosts"),
    ("dvc.bacninh.gov.vn",                 "bacninh",          "two hosts"),
    ("motcua.thanhhoa.gov.vn",             "thanhhoa",         "an office"),
    ("apidvc.hatinh.gov.vn",               "hatinh",           "an API"),
    ("dichvucong.bocongan.gov.vn",         "bocongan",         "a ministry"),
    ("dvc.moc.gov.vn",                     "xaydung",          "a ministry"),
    ("dichvucongnnmt.mae.gov.vn",          "nongnghiep-moitruong", "a ministry"),
    ("dichvucongnganhtuphap.moj.gov.vn",   "tuphap",           "a ministry"),
    ("dichvucong.moh.gov.vn",              "yte",              "a ministry"),
    ("dichvucong.gov.vn",                  "national-2019",    "the goal, in two folders"),
    ("thutuc.dichvucong.gov.vn",           "national-subsites", "dead"),
    ("csdl.dichvucong.gov.vn",             "national-subsites", "dead"),
    ("dangky.dichvucong.gov.vn",           "national-subsites", "dead"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "name", "why"), HOSTS)
def test_a_host_leads_to_its_portal(snapshot: Snapshot, host: str, name: str, why: str) -> None:
    assert snapshot.portals[host].id == name


def test_offices_and_apis_are_known_as_such(snapshot: Snapshot) -> None:
    for host, portal in snapshot.portals.items():
        assert (host in portal.office_hosts) == host.startswith(("motcua.", "apidvc."))
        assert canonical_host(host) == host


def test_every_shipped_portal_is_closed_by_now_and_lives_on(snapshot: Snapshot) -> None:
    for portal in snapshot.all_portals:
        assert portal.schedule.phase_at(AUTUMN) is Phase.NOTICE
        assert portal.names.keys() >= {"vi", "en"}
        assert portal.hotline
        assert portal.upstream == ""


def test_provinces_closed_when_the_units_changed(snapshot: Snapshot) -> None:
    for portal in snapshot.all_portals:
        if portal.kind is PortalKind.PROVINCE:
            assert portal.schedule.notice_at == CLOSING
            assert portal.schedule.announced_at == instant("2025-06-27T18:00")


def test_a_deep_link_of_the_one_time_login_is_known_before_any_page(snapshot: Snapshot) -> None:
    for portal in snapshot.all_portals:
        if portal.kind is not PortalKind.NATIONAL:
            assert portal.families[0] == "one-time-login"
            assert portal.families[-2:] == ("common", "clues")


# ── what may be written ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_portal_does_not_say_is_said_for_its_kind() -> None:
    found = one()
    assert found.schedule == Schedule(notice_at=CLOSING)
    assert found.families == ("first", "liferay", "common")
    assert found.hotline == "18001096"
    assert (found.life, found.fold_case, found.say_date) == (Life.LIVING, True, True)


def test_without_defaults_a_portal_closes_when_the_provinces_did() -> None:
    (found,) = parse(portal('hosts = ["a.gov.vn"]'))
    assert found.schedule == Schedule(notice_at=CLOSING)
    assert found.families == ()


def test_a_portal_overrides_its_kind() -> None:
    found = one(
        'families = ["igate2", "liferay"]',
        'hotline = "1022"',
        'life = "gone"',
        'upstream = "http://10.0.0.5:8080/"',
        'scope = ["/P", "/jsp"]',
        "schedule = { announced_at = 2026-01-01, direct_at = 2026-06-01T12:00:00, probation_days = 7 }",
        'paths = [{ prefix = "/API/v1", schedule = { notice_at = 2027-01-01 } }]',
        'province = "old:20"',
        "fold_case = true",
    )
    assert found.families == (
        "first",
        "igate2",
        "liferay",
        "common",
    )  # each once, in the order in which it is first named
    assert found.hotline == "1022"
    assert found.life is Life.GONE
    assert found.upstream == "http://10.0.0.5:8080"
    assert found.scope == (("p",), ("jsp",))
    assert found.schedule == Schedule(
        announced_at=instant("2026-01-01"), direct_at=instant("2026-06-01T12:00"), probation=timedelta(days=7)
    )
    (own,) = found.path_schedules
    assert own.prefix == ("api", "v1")
    assert found.province == LocalityCode(Era.OLD, "20")


def test_where_case_matters_prefixes_keep_theirs() -> None:
    found = one('scope = ["/P"]', "fold_case = false")
    assert found.scope == (("P",),)


def test_hosts_are_found_by_name() -> None:
    portals = parse(portal('hosts = ["a.gov.vn", "b.gov.vn"]', 'office_hosts = ["motcua.a.gov.vn"]'))
    assert set(names_by_host(portals)) == {"a.gov.vn", "b.gov.vn", "motcua.a.gov.vn"}


A = 'hosts = ["a.gov.vn"]'
# text                                                                            what is said
MISTAKES = [
    (portal("hosts = []"),                                                        "hosts"),
    (portal(A, name="Lạng Sơn"),                                                  "is no id: write small letters"),
    (portal(A, kind="commune"),                                                   "kind"),
    (portal(A) + portal('hosts = ["b.gov.vn"]'),                                  "is another portal's id"),
    (portal(A) + portal(A, name="hanoi"),                                         "a.gov.vn is langson's already"),
    (portal(A) + portal('hosts = ["b.gov.vn"]', 'office_hosts = ["a.gov.vn"]', name="hanoi"), "a.gov.vn is langson's already"),
    (portal('hosts = ["A.gov.vn"]'),                                              "is no plain host name"),
    (portal('hosts = ["https://a.gov.vn"]'),                                      "is no plain host name"),
    (portal('hosts = ["a.gov.vn:443"]'),                                          "is no plain host name"),
    (portal('hosts = ["a.gov.vn."]'),                                             "is no plain host name"),
    (portal(A, 'families = ["igate9"]'),                                          "there is no family 'igate9'"),
    (portal(A, 'province = "20"'),                                                "is not a locality code"),
    (portal(A, 'province = "new:20"'),                                            "belongs to a province of before the merger"),
    (portal(A, 'scope = ["p"]'),                                                  "write a path without captures"),
    (portal(A, 'scope = ["/{x:word}"]'),                                          "write a path without captures"),
    (portal(A, 'paths = [{ prefix = "api", schedule = {} }]'),                    "write a path without captures"),
    (portal(A, 'upstream = "10.0.0.5"'),                                          "write an origin"),
    (portal(A, 'upstream = "https://10.0.0.5/app"'),                              "write an origin"),
    (portal(A, 'upstream = "https://user@10.0.0.5"'),                             "write an origin"),
    (portal(A, 'upstream = "https://10.0.0.5:99999"'),                            "write an origin"),
    (portal(A, "schedule = { notice_at = 2026-01-01, announced_at = 2026-02-01 }"), "comes before announced_at"),
    (portal(A, "schedule = { notice_at = 2026-01-01, retired_at = 2025-02-01 }"), "comes before notice_at"),
    (portal(A, "schedule = { probation_days = -1 }"),                             "probation_days"),
    (portal(A, "schedule = { closes = 2026-01-01 }"),                             "unknown key"),
    (portal(A, 'paths = [{ prefix = "/a", schedule = { notice_at = 2026-01-01, direct_at = 2025-01-01 } }]'), "comes before notice_at"),
    (portal(A, 'color = "red"'),                                                  "unknown key"),
    ('[defaults.province]\nfamilies_after = ["igate9"]\n' + portal(A),          "there is no family 'igate9'"),
    ("[defaults.province]\nschedule = { direct_at = 2025-01-01, retired_at = 2024-01-01 }\n" + portal(A), "comes before direct_at"),
    ("",                                                                          "portal"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_told_where_it_is(text: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        parse(text)
    assert any(said in problem.text for problem in caught.value.problems), str(caught.value)
    assert all(problem.source == "portals.toml" for problem in caught.value.problems)
    assert all(problem.line > 0 for problem in caught.value.problems if text)


def test_every_mistake_is_told_at_once() -> None:
    text = portal('hosts = ["A"]', 'families = ["x"]', 'province = "1"') + portal('hosts = ["B"]', name="Z")
    with pytest.raises(Problems) as caught:
        parse(text)
    assert len(caught.value.problems) == 5


def test_a_path_that_keeps_its_own_time_is_at_its_own_phase() -> None:
    found = one('paths = [{ prefix = "/api", schedule = { notice_at = 2027-01-01 } }]')
    assert found.schedule_for(("api", "v1")).phase_at(AUTUMN) is Phase.LIVE
    assert found.schedule_for(("apix",)).phase_at(AUTUMN) is Phase.NOTICE


# ── what stays alive, and who sees it closed before ───────────────────────────────────────────────────────────────


def test_paths_are_kept_in_whole_segments_folded_as_the_portal_folds() -> None:
    assert one('keep = ["/API/", "/thanh-toan/ket-qua"]').keeps == (("api",), ("thanh-toan", "ket-qua"))
    assert one('keep = ["/API"]', "fold_case = false").keeps == (("API",),)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (('keep = ["/"]',), "'/' would keep everything alive"),
        (('keep = ["api/{x:word}"]',), "write a path without captures"),
        (('keep = ["/api"]', 'life = "gone"'), "nothing lives on behind this portal"),
        (
            ("schedule = { notice_at = 2025-07-01, pilot = { begins_at = 2025-08-01, percent = 5 } }",),
            "begin it earlier",
        ),
    ],
)
def test_what_cannot_be_kept_or_tried_is_told(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(Problems, match=said):
        one(*lines)


def test_a_pilot_stands_in_the_schedule() -> None:
    made = one("schedule = { notice_at = 2025-07-01, pilot = { begins_at = 2025-06-27T18:00:00, percent = 2.5 } }")
    assert made.schedule.pilot is not None
    assert (made.schedule.pilot.share, made.schedule.pilot.word) == (25, "")


def test_the_sentences_of_a_portals_own_travel_with_it() -> None:
    assert one('texts.vi."gone.title" = "Trang đã chuyển"').texts == {"vi": {"gone.title": "Trang đã chuyển"}}
    assert one().texts == {}


@pytest.mark.parametrize(
    "line",
    [
        'texts.VI."gone.title" = "x"',
        'texts.vi."title" = "x"',
        'texts.vi."gone.<b>" = "x"',
        'texts.vi."gone.title" = ""',
        f'texts.vi."gone.title" = "{"x" * 601}"',
    ],
)
def test_what_cannot_be_a_sentence_is_refused(line: str) -> None:
    with pytest.raises(Problems, match="texts"):
        one(line)
