"""What pages say about a decision."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forms import TypedForm
from proxy.presentation import Here, Presenter
from redirect_rules.canonical import canonical_key
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import ClientClass
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import LocalityCode
from tests.conftest import AUTUMN

BIRTH = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193.000.00.00.H02"


@pytest.fixture(scope="module")
def presenter(snapshot: Snapshot) -> Presenter:
    return Presenter(snapshot, {"vi": "Tiếng Việt", "en": "English"}, 30)


def decided(snapshot: Snapshot, url: str, place: str = "", client: ClientClass = ClientClass.NAVIGATION) -> Decision:
    host, _, target = url.partition("/")
    chosen = LocalityCode.parse(place) if place else None
    decision = decide(Visit(host, "/" + target, client=client, place=chosen), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision


def test_a_merged_province_is_told_by_both_names(presenter: Presenter, snapshot: Snapshot) -> None:
    facts = presenter.facts(snapshot.portals["dichvucong.bacgiang.gov.vn"])
    assert (facts.province_then, facts.province_now) == ("Tỉnh Bắc Giang", "Tỉnh Bắc Ninh")
    assert facts.closed_on == date(2025, 7, 1)
    assert facts.names["vi"] == "Cổng Dịch vụ công tỉnh Bắc Giang"


def test_the_national_portals_own_day_is_not_told(presenter: Presenter, snapshot: Snapshot) -> None:
    facts = presenter.facts(snapshot.portals["dichvucong.gov.vn"])
    assert facts.closed_on is None
    assert (facts.province_then, facts.province_now) == ("", "")


def test_the_notice_names_the_procedure_and_its_page(presenter: Presenter, snapshot: Snapshot) -> None:
    decision = decided(snapshot, "dichvucong.bacgiang.gov.vn" + BIRTH)
    view = presenter.notice(decision, now=AUTUMN, stay=False, ask=False)
    assert (view.destination, view.procedure_code) == ("procedure", "1.001193")
    assert view.procedure_name == "Thủ tục đăng ký khai sinh"
    assert view.target.endswith("/thu-tuc-hanh-chinh/019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7")
    assert (view.seconds, view.mapped, view.locating.carried, view.locating.preset) == (30, True, True, "24")
    assert len(view.locating.provinces) == 34
    assert view.fragment_targets["procedure"].count("{code}") == 1


def test_a_chosen_commune_is_shown_and_carried(presenter: Presenter, snapshot: Snapshot) -> None:
    decision = decided(snapshot, "dichvucong.hanoi.gov.vn" + BIRTH, place="new:00004")
    view = presenter.notice(decision, now=AUTUMN, stay=False, ask=False)
    assert view.locating.chosen is not None
    assert view.locating.chosen.name == "Phường Ba Đình"
    assert "provinceCode=01&wardCode=00004" in view.target


def test_a_dossier_code_is_kept_for_copying(presenter: Presenter, snapshot: Snapshot) -> None:
    url = "dichvucong.baria-vungtau.gov.vn/tra-cuu-tien-do?doccode=000.00.12.H06-240101-0001"
    view = presenter.notice(decided(snapshot, url), now=AUTUMN, stay=False, ask=False)
    assert view.dossier_code == "000.00.12.H06-240101-0001"


@pytest.mark.parametrize(("stay", "ask"), [(True, False), (False, True), (True, True)])
def test_who_stays_or_must_choose_is_not_counted_down(
    presenter: Presenter, snapshot: Snapshot, *, stay: bool, ask: bool
) -> None:
    view = presenter.notice(decided(snapshot, "dichvucong.langson.gov.vn/"), now=AUTUMN, stay=stay, ask=ask)
    assert view.seconds is None


def test_links_to_ourselves_repeat_only_the_key(presenter: Presenter, snapshot: Snapshot) -> None:
    url = "dichvucong.laichau.gov.vn/Dich-Vu-Cong/cong-dan/dang-nhap?return-url=//evil.example&sid=1&utm_source=x&keyword=a%26b"
    view = presenter.notice(decided(snapshot, url), now=AUTUMN, stay=False, ask=False)
    assert view.here == "/dich-vu-cong/cong-dan/dang-nhap?keyword=a%26b"
    assert view.stay_link == "/dich-vu-cong/cong-dan/dang-nhap?keyword=a%26b&_stay=1"
    assert [link for _, _, link in view.language_links] == [f"{view.here}&_lang=vi", f"{view.here}&_lang=en"]
    assert view.locating.forget_link.endswith("&_place=none")


def test_a_link_leads_back_to_the_same_decision(snapshot: Snapshot) -> None:
    decision = decided(snapshot, "dichvucong.bacgiang.gov.vn" + BIRTH + "&page=3")
    here = Here.of(decision.key, decision.kept)
    again = canonical_key(decision.key.host, here.link(_stay="1"))
    assert again.text(decision.kept) == decision.key_text


def test_the_day_of_closing_is_that_of_the_path(presenter: Presenter, snapshot: Snapshot) -> None:
    portal = snapshot.portals["dichvucong.langson.gov.vn"]
    later = datetime(2026, 2, 3, tzinfo=AUTUMN.tzinfo) + timedelta(hours=1)
    assert presenter.facts(portal, closed_at=later).closed_on == date(2026, 2, 3)


def test_what_was_typed_is_shown_with_the_way_on(presenter: Presenter, snapshot: Snapshot) -> None:
    decision = decided(snapshot, "dichvucong.daknong.gov.vn/dichvucong/tracuu")
    view = presenter.not_sent(decision, TypedForm(fields=(("hoTen", "An"),), files=("a.pdf",)))
    assert (view.fields, view.files, view.destination) == ((("hoTen", "An"),), ("a.pdf",), "dossier-lookup")


def test_a_page_that_leads_nowhere_is_our_mistake(presenter: Presenter, snapshot: Snapshot) -> None:
    passes = decided(snapshot, "dichvucong.danang.gov.vn/vi/padsvc/x")
    with pytest.raises(LookupError, match="Forward leads nowhere"):
        presenter.gone(passes, now=AUTUMN)


def test_what_two_pages_have_in_common_is_one_thing(presenter: Presenter, snapshot: Snapshot) -> None:
    """So that a page knows its skeleton again by looking once."""
    first, second = (
        presenter.notice(
            decided(snapshot, f"dichvucong.langson.gov.vn/khong/{number}"), now=AUTUMN, stay=False, ask=False
        )
        for number in range(2)
    )
    assert first.portal is second.portal
    assert first.locating.provinces is second.locating.provinces
    assert first.fragment_targets is second.fragment_targets


def test_another_portal_of_the_same_name_is_told_anew(presenter: Presenter, snapshot: Snapshot) -> None:
    portal = snapshot.portals["dichvucong.langson.gov.vn"]
    assert presenter.facts(portal).hotline != "1022"
    assert presenter.facts(replace(portal, hotline="1022")).hotline == "1022"
    assert presenter.facts(portal).hotline != "1022"


@pytest.mark.parametrize("zone", [UTC, AUTUMN.tzinfo])
def test_what_all_pages_say_changes_at_the_instant_at_which_it_does(snapshot: Snapshot, zone: object) -> None:
    """Before, at and after it, and back: a clock may be set back, and answers under way are of before."""
    known = snapshot.destinations.by_name["dossier-lookup"]
    (form,) = known.forms
    until = AUTUMN + timedelta(days=1)
    ending = replace(known, forms=(replace(form, valid_until=until),))
    destinations = replace(snapshot.destinations, by_name={**snapshot.destinations.by_name, known.name: ending})
    changed = replace(snapshot, destinations=destinations, instants=(*snapshot.instants, until))
    presenter = Presenter(changed, {"vi": "Tiếng Việt"}, 30)
    for days, told in ((0, True), (1, False), (2, False), (0.5, True), (-9_000, True)):
        now = (AUTUMN + timedelta(days=days)).astimezone(zone)  # type: ignore[arg-type]  # one of two zones
        view = presenter.gone(decided(changed, "dichvucong.langson.gov.vn/khong"), now=now)
        assert bool(view.dossier_lookup) is told, days


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=30)), max_size=4), st.sampled_from(["", "vi", "en"]))
def test_links_are_encoded_as_python_encodes_them(pairs: list[tuple[str, str]], language: str) -> None:
    here = Here("/a", tuple(pairs), language)
    asked = [("_lang", language)] if language else []
    for controls in ({}, {"_stay": "1"}, {"_place": "new:00004"}):
        said = urlencode([*pairs, *asked, *controls.items()])
        assert here.link(**controls) == ("/a?" + said if said else "/a")
