"""The workspace becomes what is served: the same parser, the same rules."""

from dataclasses import replace

import pytest

from redirect_rules.dict_index import DictIndex
from redirect_rules.drafts import Draft
from redirect_rules.model import Rule
from redirect_rules.objects import NEW, Kind, Put, Ref, State
from redirect_rules.packs import Listed, Packs, read_packs
from redirect_rules.sources import Problems
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import by
from tests.redirect_rules.shelved import add, seeded, winner


def compiled(store: SqlStore, packs: Packs) -> Packs:
    """The draft, with its listed rules in a dict."""
    with store.reading() as workspace:
        draft = Draft(workspace, packs.sources)
        index = DictIndex(draft.listed())
        lookups = {(one.portal, one.name): one.entries for one in draft.lookups()}
        return read_packs(draft.sources(), number=1, listed=Listed(index, lookups))


def normal(rule: Rule) -> Rule:
    """Without what a store does not keep: the line in a file, the order of keys."""
    goals = tuple(replace(goal, arguments=tuple(sorted(goal.arguments, key=str))) for goal in rule.goals)
    return replace(rule, source="", goals=goals, captures=tuple(sorted(rule.captures, key=str)))


def test_a_seeded_store_decides_as_the_shipped_files_do(store: SqlStore, packs: Packs) -> None:
    ours = compiled(seeded(store, packs), packs)
    assert ours.snapshot.portals == packs.snapshot.portals
    assert {d.name: d for d in ours.book.destinations} == {d.name: d for d in packs.book.destinations}
    rules = [{normal(rule) for family in each.book.families for rule in family.rules} for each in (ours, packs)]
    assert rules[0] == rules[1]
    assert ours.snapshot.instants == packs.snapshot.instants


def test_plain_addresses_are_listed_and_others_stay_in_the_book(store: SqlStore, packs: Packs) -> None:
    seeded(store, packs)
    add(store, "plain", "/cu/1", "/Cu/2/index.html?B=2&a=1")
    add(store, "procedure", "/cu/3", to={"destination": "procedure", "code": "1.001193"})
    add(store, "asks", "/cu/4", when=["x"])
    add(store, "looks", "/cu/5", query={"code": {"type": "procedure", "from": ["ma"]}})
    ours = compiled(store, packs)
    assert [(rule.path, rule.query, rule.id) for rule in ours.snapshot.exact] == [
        ("/cu/1", (), "langson/plain"),
        ("/cu/2", (("a", "1"), ("b", "2")), "langson/plain"),
        ("/cu/3", (), "langson/procedure"),
    ]
    assert {rule.id for rule in ours.book.portal_rules["langson"]} == {"langson/asks", "langson/looks"}
    assert winner(ours, "/CU/2/?a=1&b=2") == "langson/plain"
    assert winner(ours, "/cu/4?x=1") == "langson/asks"


def test_a_second_destination_is_kept_for_when_the_first_cannot_be_filled(store: SqlStore, packs: Packs) -> None:
    seeded(store, packs)
    goals = [{"destination": "procedure", "code": "9.999999"}, "procedure-list"]
    body = {"id": "two", "exact": ["/cu/1"], "action": "notice", "to": goals}
    store.apply([Put(Ref(Kind.RULE, "portal:langson", "two"), body, NEW)], by("an"))
    (rule,) = compiled(store, packs).snapshot.exact
    assert (rule.destination, rule.otherwise) == ("procedure", "procedure-list")
    assert [goal.destination for goal in rule.as_rule().goals] == ["procedure", "procedure-list"]


def test_what_is_off_is_left_out(store: SqlStore, packs: Packs) -> None:
    seeded(store, packs)
    body = {"id": "off", "exact": ["/cu/1"], "action": "gone"}
    store.put(Ref(Kind.RULE, "portal:langson", "off"), body, by("an"), seen_version=NEW, state=State.OFF)
    ref = Ref(Kind.PORTAL, "", "hanoi")
    hanoi = store.get(ref)
    assert hanoi is not None
    store.put(ref, hanoi.body, by("an"), seen_version=hanoi.version, state=State.OFF)
    ours = compiled(store, packs)
    assert not list(ours.snapshot.exact)
    assert "dichvucong.hanoi.gov.vn" not in ours.snapshot.portals


def test_lookups_are_read_from_the_store(store: SqlStore, packs: Packs) -> None:
    seeded(store, packs)
    body = {"entries": {"17": "1.001193"}}
    store.put(Ref(Kind.LOOKUP, "portal:langson", "procedure"), body, by("an"), seen_version=NEW)
    assert compiled(store, packs).snapshot.lookups == {("langson", "procedure"): {"17": "1.001193"}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"exact": ["/a/%zz"], "action": "gone"}, "rules/langson: bad: the address has a % that begins no escape"),
        ({"exact": ["/a"], "action": "goon"}, "rules/langson: bad: this is no rule"),
        ({"exact": ["/a"], "action": "gone", "valid_from": "soon"}, "rules/langson: bad: this is no rule"),
        ({"paths": ["/a"], "action": "notice", "to": ["hom"]}, "rules/langson.json: bad: there is no destination"),
    ],
)
def test_what_is_no_rule_is_named(
    store: SqlStore, packs: Packs, body: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded(store, packs)
    monkeypatch.setattr("redirect_rules.stores.writing.columns_of", lambda _: ("", None, "", "", "", "", None, None))
    store.apply([Put(Ref(Kind.RULE, "portal:langson", "bad"), {"id": "bad", **body}, NEW)], by("an"))
    with pytest.raises(Problems) as caught:
        compiled(store, packs)
    assert str(caught.value).startswith(said)


TEXTS = Ref(Kind.TEXTS, "portal:langson", "pages")


def test_sentences_of_a_portal_lie_over_those_of_its_body(store: SqlStore, packs: Packs) -> None:
    seeded(store, packs)
    portal = store.get(Ref(Kind.PORTAL, "", "langson"))
    assert portal is not None
    body = {**portal.body, "texts": {"vi": {"gone.title": "A", "gone.link": "B"}, "en": {"gone.title": "C"}}}
    store.put(portal.ref, body, by("an"), seen_version=portal.version)
    store.put(TEXTS, {"texts": {"vi": {"gone.title": "D"}}}, by("an"), seen_version=0)
    assert texts_of(store, packs) == {"vi": {"gone.title": "D", "gone.link": "B"}, "en": {"gone.title": "C"}}


@pytest.mark.parametrize("body", [{}, {"texts": 5}, {"texts": {"vi": 5}}, {"texts": {"vi": {"gone.title": 5}}}])
def test_sentences_of_another_form_are_told_with_their_portal(
    store: SqlStore, packs: Packs, body: dict[str, object]
) -> None:
    seeded(store, packs)
    store.put(TEXTS, body, by("an"), seen_version=0)
    with pytest.raises(Problems, match=r"langson: portal\.\d+\.texts"):
        texts_of(store, packs)


def texts_of(store: SqlStore, packs: Packs) -> object:
    return next(one for one in compiled(store, packs).snapshot.all_portals if one.id == "langson").texts
