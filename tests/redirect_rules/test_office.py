"""Who may change what, enforced where the rules are changed and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from redirect_rules.model import Switch
from redirect_rules.objects import NEW, Change, Kind, Put, Ref, Remove
from redirect_rules.office import Office, OwnRole
from redirect_rules.packs import Packs
from redirect_rules.publications import FourEyes, ReviewState
from redirect_rules.rights import Grant, NotAllowed, Person, Role, province_of
from redirect_rules.seeding import packs_of, seed
from redirect_rules.store import ObjectChanged
from redirect_rules.stores.sql import SqlStore
from tests.conftest import AUTUMN

LANG_SON, BAC_NINH = "20", "24"
OWN = Ref(Kind.RULE, "portal:langson", "mine")
OTHERS = Ref(Kind.RULE, "portal:bacgiang", "theirs")
SHARED = Ref(Kind.RULE, "family:igate2", "everybodys")
RULE = {"id": "mine", "exact": ["/cu"], "action": "redirect", "to": ["home"]}
_seconds = count()


def change(actor: str, reason: str = "it was wrong", batch: str | None = None) -> Change:
    return Change(actor, reason, AUTUMN + timedelta(seconds=next(_seconds)), batch)


@dataclass(frozen=True)
class House:
    """A store with the shipped packs in it, and people who work there."""

    store: SqlStore
    folder: Path
    packs: Packs
    provinces: Mapping[str, str]

    def of(self, actor: str, *grants: Grant) -> Office:
        return Office(Person(actor, frozenset(grants)), self.store, self.folder, self.provinces)


@pytest.fixture
def house(opened: Callable[..., SqlStore], packs: Packs, tmp_path: Path) -> House:
    store = opened(four_eyes=True)
    seed(store, packs_of(packs.sources), at=AUTUMN)
    provinces = {portal.id: province_of(portal, packs.book.localities) for portal in packs.snapshot.all_portals}
    return House(store, tmp_path / "snapshots", packs, provinces)


def body(ref: Ref) -> dict[str, object]:
    return {**RULE, "id": ref.id}


def written(house: House, ref: Ref) -> bool:
    with house.store.reading() as workspace:
        return workspace.get(ref) is not None


@pytest.mark.parametrize(("ref", "allowed"), [(OWN, True), (OTHERS, False), (SHARED, False)], ids=str)
def test_an_editor_of_a_province_writes_there_and_nowhere_else(house: House, ref: Ref, allowed: bool) -> None:  # noqa: FBT001 - a column
    office = house.of("an", Grant(Role.EDITOR, LANG_SON))
    assert office.may_write(ref) is allowed
    if allowed:
        office.put(ref, body(ref), change("an"), seen_version=NEW)
    else:
        with pytest.raises(NotAllowed):
            office.put(ref, body(ref), change("an"), seen_version=NEW)
    assert written(house, ref) is allowed


def test_the_merged_province_writes_for_its_predecessor(house: House) -> None:
    house.of("binh", Grant(Role.EDITOR, BAC_NINH)).put(OTHERS, body(OTHERS), change("binh"), seen_version=NEW)
    assert written(house, OTHERS)


def test_one_rule_of_another_province_in_a_batch_and_nothing_is_written(house: House) -> None:
    office = house.of("an", Grant(Role.EDITOR, LANG_SON))
    with pytest.raises(NotAllowed):
        office.apply([Put(OWN, body(OWN)), Put(OTHERS, body(OTHERS))], change("an"))
    assert not written(house, OWN)


def test_a_batch_is_undone_only_by_who_may_edit_everywhere_it_reached(house: House) -> None:
    centre = house.of("centre", Grant(Role.EDITOR))
    centre.apply([Put(OWN, body(OWN)), Put(OTHERS, body(OTHERS))], change("centre", batch="b1"))
    with pytest.raises(NotAllowed):
        house.of("an", Grant(Role.EDITOR, LANG_SON)).undo("b1", change("an"))
    assert written(house, OWN)
    centre.undo("b1", change("centre"))
    assert not written(house, OWN)


def test_restoring_and_removing_are_writing(house: House) -> None:
    centre, an = house.of("centre", Grant(Role.EDITOR)), house.of("an", Grant(Role.EDITOR, LANG_SON))
    first = centre.put(OTHERS, body(OTHERS), change("centre"), seen_version=NEW)
    with pytest.raises(NotAllowed):
        an.remove(OTHERS, change("an"), seen_version=first.version)
    with pytest.raises(NotAllowed):
        an.restore(OTHERS, first.version, change("an"), seen_version=first.version)
    centre.remove(OTHERS, change("centre"), seen_version=first.version)
    assert not written(house, OTHERS)


def test_nobody_signs_with_another_name_or_without_a_reason(house: House) -> None:
    office = house.of("an", Grant(Role.ADMINISTRATOR))
    with pytest.raises(ValueError, match="cannot change something as binh"):
        office.put(OWN, body(OWN), change("binh"), seen_version=NEW)
    with pytest.raises(ValueError, match="needs a reason"):
        office.put(OWN, body(OWN), change("an", " "), seen_version=NEW)
    assert not written(house, OWN)


def test_people_are_the_administrators_affair(house: House) -> None:
    somebody = Ref(Kind.PERSON, "", "lan")
    grants = {"name": "Lan", "grants": [{"role": "administrator"}]}
    for role in set(Role) - {Role.ADMINISTRATOR}:
        with pytest.raises(NotAllowed):
            house.of("an", Grant(role)).put(somebody, grants, change("an"), seen_version=NEW)
    house.of("root", Grant(Role.ADMINISTRATOR)).put(somebody, grants, change("root"), seen_version=NEW)
    assert written(house, somebody)


def test_a_switch_is_the_operators_in_their_province(house: House) -> None:
    operator = house.of("van", Grant(Role.OPERATOR, LANG_SON))
    operator.overrule("langson", Switch.HOME, change("van"))
    with pytest.raises(NotAllowed):
        operator.overrule("bacgiang", Switch.HOME, change("van"))
    with pytest.raises(NotAllowed):
        house.of("an", Grant(Role.EDITOR, LANG_SON)).overrule("langson", None, change("an"))


def test_a_publication_needs_the_right_in_every_place_that_it_changes(house: House) -> None:
    centre = house.of("centre", Grant(Role.ADMINISTRATOR))
    second = house.of("second", Grant(Role.ADMINISTRATOR))
    first = second.approve(centre.request("all of it", change("centre")).number, change("second"))
    centre.publish(house.packs.sources, change("centre"), review=first.number)

    house.of("an", Grant(Role.EDITOR, LANG_SON)).put(OWN, body(OWN), change("an"), seen_version=NEW)
    approver = house.of("lan", Grant(Role.APPROVER, LANG_SON))
    assert approver.touched() == {LANG_SON}
    review = house.of("an", Grant(Role.EDITOR, LANG_SON)).request("mine", change("an"))
    with pytest.raises(NotAllowed):
        house.of("minh", Grant(Role.APPROVER, BAC_NINH)).approve(review.number, change("minh"))
    assert approver.approve(review.number, change("lan")).state is ReviewState.APPROVED

    centre.put(OTHERS, body(OTHERS), change("centre"), seen_version=NEW)
    assert approver.touched() == {LANG_SON, BAC_NINH}
    with pytest.raises(NotAllowed):
        approver.publish(house.packs.sources, change("lan"), review=review.number)


def test_four_eyes_hold_for_administrators_too(house: House) -> None:
    centre = house.of("centre", Grant(Role.ADMINISTRATOR))
    review = centre.request("everything", change("centre"))
    with pytest.raises(FourEyes):
        centre.approve(review.number, change("centre"))


def test_whoever_asked_may_withdraw_and_nobody_else_without_the_right(house: House) -> None:
    an = house.of("an", Grant(Role.EDITOR, LANG_SON))
    review = an.request("mine", change("an"))
    with pytest.raises(NotAllowed):
        house.of("minh", Grant(Role.EDITOR, BAC_NINH)).decline(review.number, change("minh"))
    assert an.decline(review.number, change("an")).state is ReviewState.DECLINED


def test_going_back_is_for_the_whole_country(house: House) -> None:
    with pytest.raises(NotAllowed, match="for the whole country"):
        house.of("van", Grant(Role.OPERATOR, LANG_SON)).roll_back(1, change("van"))


def test_before_anything_is_published_everything_is_the_centres(house: House) -> None:
    assert house.of("an", Grant(Role.VIEWER)).touched() == {""}


def test_a_viewer_asks_for_no_publication(house: House) -> None:
    with pytest.raises(NotAllowed):
        house.of("xem", Grant(Role.VIEWER)).request("please", change("xem"))


def test_a_change_is_checked_before_the_store_is_asked(house: House) -> None:
    closed = replace(house, store=None)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        closed.of("an", Grant(Role.VIEWER)).put(OWN, body(OWN), change("an"), seen_version=NEW)


# Clients of sign-in

CLIENT = Ref(Kind.CLIENT, LANG_SON, "motcua")
RECORD = {"id": "motcua", "name": {"vi": "Một cửa"}, "redirect_uris": ["https://a.example/cb"]}


def test_a_client_is_asked_for_by_one_and_agreed_to_by_another_of_its_province(house: House) -> None:
    an, binh = (house.of(name, Grant(Role.ADMINISTRATOR, LANG_SON)) for name in ("an", "binh"))
    first = an.ask_for_client(CLIENT, RECORD, change("an"), seen_version=NEW)
    with pytest.raises(FourEyes):
        an.agree_to_client(CLIENT, change("an"), seen_version=first.version)
    second = binh.agree_to_client(CLIENT, change("binh"), seen_version=first.version)
    assert second.body["serving"] == RECORD
    assert second.body["wanted"] is None
    third = an.suspend_client(CLIENT, change("an"), seen_version=second.version)
    assert third.body["suspended"]
    fourth = an.ask_for_client(CLIENT, RECORD, change("an"), seen_version=third.version)
    assert binh.decline_client(CLIENT, change("binh"), seen_version=fourth.version).body["suspended"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
@pytest.mark.parametrize("province", [LANG_SON, "*"])
def test_no_other_role_does_anything_with_clients(house: House, role: Role, province: str) -> None:
    waiting = house.of("centre", Grant(Role.ADMINISTRATOR)).ask_for_client(
        CLIENT, RECORD, change("centre"), seen_version=NEW
    )
    refused_all_four(house.of("an", Grant(role, province)), waiting.version)


def test_the_administrator_of_another_province_does_nothing_with_them(house: House) -> None:
    waiting = house.of("centre", Grant(Role.ADMINISTRATOR)).ask_for_client(
        CLIENT, RECORD, change("centre"), seen_version=NEW
    )
    refused_all_four(house.of("an", Grant(Role.ADMINISTRATOR, BAC_NINH)), waiting.version)


def refused_all_four(office: Office, version: int) -> None:
    with pytest.raises(NotAllowed):
        office.ask_for_client(CLIENT, {**RECORD, "level": 1}, change("an"), seen_version=version)
    with pytest.raises(NotAllowed):
        office.agree_to_client(CLIENT, change("an"), seen_version=version)
    with pytest.raises(NotAllowed):
        office.decline_client(CLIENT, change("an"), seen_version=version)
    with pytest.raises(NotAllowed):
        office.suspend_client(CLIENT, change("an"), seen_version=version, record=RECORD)


def test_there_is_no_other_way_to_write_a_client(house: House) -> None:
    an = house.of("an", Grant(Role.ADMINISTRATOR))
    first = an.ask_for_client(CLIENT, RECORD, change("an", batch="b9"), seen_version=NEW)
    body = {"serving": RECORD}
    ways: list[Callable[[], object]] = [
        lambda: an.put(CLIENT, body, change("an"), seen_version=first.version),
        lambda: an.remove(CLIENT, change("an"), seen_version=first.version),
        lambda: an.restore(CLIENT, first.version, change("an"), seen_version=first.version),
        lambda: an.apply([Put(CLIENT, body, first.version)], change("an")),
    ]
    for way in ways:
        with pytest.raises(ValueError, match="asked for and agreed to"):
            way()
    with pytest.raises(LookupError):
        an.undo("b9", change("an"))
    with pytest.raises(ValueError, match="cannot stand as"):
        an.ask_for_client(CLIENT, {**RECORD, "id": "another"}, change("an"), seen_version=first.version)
    with pytest.raises(ValueError, match="no client"):
        an.ask_for_client(Ref(Kind.PERSON, "", "motcua"), RECORD, change("an"), seen_version=NEW)
    with house.store.reading() as workspace:
        assert workspace.get(CLIENT) == first


def test_of_two_who_look_at_one_client_the_second_is_told(house: House) -> None:
    an, binh = (house.of(name, Grant(Role.ADMINISTRATOR)) for name in ("an", "binh"))
    first = an.ask_for_client(CLIENT, RECORD, change("an"), seen_version=NEW)
    an.ask_for_client(CLIENT, {**RECORD, "level": 1}, change("an"), seen_version=first.version)
    with pytest.raises(ObjectChanged):
        binh.agree_to_client(CLIENT, change("binh"), seen_version=first.version)


def test_a_client_makes_no_other_draft(house: House) -> None:
    with house.store.reading() as workspace:
        before = workspace.revision
    house.of("an", Grant(Role.ADMINISTRATOR)).ask_for_client(CLIENT, RECORD, change("an"), seen_version=NEW)
    with house.store.reading() as workspace:
        assert workspace.revision == before


def test_nobody_takes_their_own_administration_away_by_any_way(house: House) -> None:
    me = Ref(Kind.PERSON, "", "an")
    an, binh = (house.of(name, Grant(Role.ADMINISTRATOR)) for name in ("an", "binh"))
    as_editor = binh.put(me, {"name": "An", "grants": [{"role": "editor"}]}, change("binh"), seen_version=NEW)
    kept = {"name": "An", "grants": [{"role": "administrator"}]}
    stored = binh.put(me, kept, change("binh"), seen_version=as_editor.version)
    less: list[dict[str, object]] = [
        {"name": "An", "grants": []},
        {"name": "An"},
        {"name": "An", "grants": [{"role": "administrator", "province": LANG_SON}]},
    ]
    ways: list[Callable[[], object]] = [
        *(partial(an.put, me, body, change("an"), seen_version=stored.version) for body in less),
        partial(an.remove, me, change("an"), seen_version=stored.version),
        partial(an.restore, me, as_editor.version, change("an"), seen_version=stored.version),
        partial(an.apply, [Put(me, less[0], stored.version)], change("an")),
        partial(an.apply, [Remove(me, stored.version)], change("an")),
    ]
    for way in ways:
        with pytest.raises(OwnRole, match="another administrator"):
            way()
    another_name = an.put(me, kept | {"name": "An An"}, change("an"), seen_version=stored.version)
    assert binh.put(me, less[0], change("binh"), seen_version=another_name.version)
