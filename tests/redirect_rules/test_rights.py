"""Roles, deeds and provinces: every cell of the table, both ways."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.packs import Packs
from redirect_rules.rights import (
    CENTRE,
    DEEDS,
    EVERYWHERE,
    Deed,
    Grant,
    NotAllowed,
    Person,
    Role,
    check,
    person_of,
    province_of,
)

BAC_NINH, LANG_SON = "24", "20"

#             see    see-trail edit   edit-portals approve publish roll-back switch sign-off edit-clients edit-people
TABLE = """
viewer        yes    no        no     no           no      no      no        no     no       no           no
editor        yes    no        yes    no           no      no      no        no     no       no           no
approver      yes    yes       yes    no           yes     yes     no        no     yes      no           no
operator      yes    yes       no     yes          no      no      yes       yes    no       no           no
auditor       yes    yes       no     no           no      no      no        no     no       no           no
administrator yes    yes       yes    yes          yes     yes     yes       yes    yes      yes          yes
"""
CELLS = [
    (Role(line.split()[0]), deed, word == "yes")
    for line in TABLE.strip().splitlines()
    for deed, word in zip(Deed, line.split()[1:], strict=True)
]


def officer(*grants: Grant) -> Person:
    return Person("an.nguyen", frozenset(grants))


@pytest.mark.parametrize(("role", "deed", "allowed"), CELLS, ids=str)
def test_a_role_gives_what_the_table_says_where_it_is_held_and_nothing_elsewhere(
    role: Role,
    deed: Deed,
    allowed: bool,  # noqa: FBT001 - a column
) -> None:
    here, everywhere = officer(Grant(role, BAC_NINH)), officer(Grant(role))
    assert here.may(deed, BAC_NINH) is allowed
    assert here.may(deed, LANG_SON) is False
    assert here.may(deed, CENTRE) is False
    assert everywhere.may(deed, BAC_NINH) is everywhere.may(deed, CENTRE) is allowed


def test_the_table_names_every_role_and_every_deed() -> None:
    assert {(role, deed) for role, deed, _ in CELLS} == set(product(Role, Deed))
    assert set(DEEDS) == set(Role)


def test_who_has_no_role_may_nothing() -> None:
    assert not any(officer().may(deed, BAC_NINH) for deed in Deed)


def test_roles_in_two_provinces_do_not_mix() -> None:
    person = officer(Grant(Role.EDITOR, BAC_NINH), Grant(Role.VIEWER, LANG_SON))
    assert person.may_all(Deed.SEE, [BAC_NINH, LANG_SON])
    assert not person.may_all(Deed.EDIT, [BAC_NINH, LANG_SON])
    assert person.provinces_for(Deed.SEE) == {BAC_NINH, LANG_SON}
    assert person.provinces_for(Deed.EDIT) == {BAC_NINH}
    assert person.may_somewhere(Deed.EDIT)
    assert not person.may_somewhere(Deed.PUBLISH)


def test_everywhere_stands_alone() -> None:
    assert officer(Grant(Role.EDITOR, BAC_NINH), Grant(Role.EDITOR)).provinces_for(Deed.EDIT) == {EVERYWHERE}


def test_what_touches_no_province_is_the_centres() -> None:
    assert not officer(Grant(Role.APPROVER, BAC_NINH)).may_all(Deed.PUBLISH, [])
    assert officer(Grant(Role.APPROVER)).may_all(Deed.PUBLISH, [])


def test_a_refusal_names_the_roles_that_would_do() -> None:
    person = officer(Grant(Role.EDITOR, BAC_NINH))
    check(person, Deed.EDIT, [BAC_NINH])
    with pytest.raises(NotAllowed, match="that takes the role approver or administrator for province 20"):
        check(person, Deed.PUBLISH, [LANG_SON])
    with pytest.raises(NotAllowed, match="for the whole country"):
        check(person, Deed.EDIT, [CENTRE])


def test_a_merged_province_has_what_its_predecessors_had(packs: Packs) -> None:
    portals = {portal.id: portal for portal in packs.snapshot.all_portals}
    localities = packs.book.localities
    assert province_of(portals["bacgiang"], localities) == province_of(portals["bacninh"], localities) == BAC_NINH
    assert province_of(portals["langson"], localities) == LANG_SON


def test_every_shipped_portal_of_a_province_lies_in_one_of_today_and_no_other_does(packs: Packs) -> None:
    today = {unit.code for unit in packs.book.localities.new_provinces()}
    for portal in packs.snapshot.all_portals:
        province = province_of(portal, packs.book.localities)
        assert (province in today) if portal.province is not None else province == CENTRE


def test_a_person_is_read_as_the_store_keeps_them() -> None:
    body = {"name": "An", "grants": [{"role": "editor", "province": "24"}, {"role": "auditor"}]}
    assert person_of("an", body).grants == {Grant(Role.EDITOR, "24"), Grant(Role.AUDITOR)}
    with pytest.raises(ValueError, match="emperor"):
        person_of("an", {"grants": [{"role": "emperor"}]})


grants = st.frozensets(st.builds(Grant, st.sampled_from(Role), st.sampled_from([BAC_NINH, LANG_SON, EVERYWHERE])))


@given(grants, grants, st.sampled_from(Deed), st.sampled_from([BAC_NINH, LANG_SON, CENTRE]))
def test_a_grant_more_never_takes_a_right_away(
    some: frozenset[Grant], more: frozenset[Grant], deed: Deed, province: str
) -> None:
    if Person("a", some).may(deed, province):
        assert Person("a", some | more).may(deed, province)


@given(grants, st.sampled_from(Deed), st.lists(st.sampled_from([BAC_NINH, LANG_SON, CENTRE])))
def test_what_is_checked_is_what_may_be_done(given_: frozenset[Grant], deed: Deed, provinces: list[str]) -> None:
    person = Person("a", given_)
    try:
        check(person, deed, provinces)
    except NotAllowed:
        assert not person.may_all(deed, provinces)
    else:
        assert person.may_all(deed, provinces)
