"""What was made from what serves answers as what is made from all rules; and where that cannot be, all rules are read."""

import random
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from redirect_rules.amendments import Amendment, amendment
from redirect_rules.drafts import Draft
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.objects import Kind, Put, Ref, Remove, State, Write
from redirect_rules.packs import Packs
from redirect_rules.publishing import Compiled, NothingToPublish, base_of, check_soundness, compile_draft, publish
from redirect_rules.snapshot_file import current, open_snapshot, path_of
from redirect_rules.snapshot_seal import Meta
from redirect_rules.sources import Problems
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.conftest import Opener
from tests.redirect_rules.kept import NOON, by, rule
from tests.redirect_rules.shelved import add, seeded

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # what the stores promise is tested with them


@pytest.fixture
def alone(opened: Opener, packs: Packs) -> SqlStore:
    """A store where one person is enough, with some rules in it."""
    store = seeded(opened(four_eyes=False), packs)
    add(store, "one", "/cu/1")
    add(store, "two", "/cu/2", "/cu/2?id=7")
    return store


def published(store: SqlStore, packs: Packs, folder: Path) -> Meta:
    publish(store, packs.sources, folder, by("an"))
    pointer = current(folder)
    assert pointer is not None
    with open_snapshot(path_of(folder, pointer[0])) as file:
        return file.meta


def found(store: SqlStore, packs: Packs, folder: Path) -> Amendment | None:
    base = base_of(store, folder)
    assert base is not None
    with store.reading() as workspace, open_snapshot(base.path) as file:
        draft = Draft(workspace, packs.sources)
        return amendment(workspace, draft, packs.sources, dict(file.documents()), base.revision)


def put(store: SqlStore, id_: str, *addresses: str, scope: str = "portal:langson", **more: object) -> None:
    ref = Ref(Kind.RULE, scope, id_)
    there = store.get(ref)
    state = more.pop("state", State.ON)
    assert isinstance(state, State)
    store.apply([Put(ref, rule(id_, *addresses, **more), there.version if there else 0, state)], by("an"))


def test_only_what_changed_is_told(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    published(alone, packs, tmp_path)
    assert found(alone, packs, tmp_path) == ((), ())
    put(alone, "two", "/cu/2", "/cu/2?id=8")
    put(alone, "one", "/cu/1", note="as it was")
    put(alone, "three", "/cu/3")
    made = found(alone, packs, tmp_path)
    assert made is not None
    assert [(one.path, one.query) for one in made.gone] == [("/cu/2", (("id", "7"),))]
    assert {(one.id, one.path, one.query) for one in made.come} == {
        ("langson/two", "/cu/2", (("id", "8"),)),
        ("langson/three", "/cu/3", ()),
    }


def test_what_is_switched_off_or_removed_goes(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    published(alone, packs, tmp_path)
    put(alone, "one", "/cu/1", state=State.OFF)
    two = Ref(Kind.RULE, "portal:langson", "two")
    stored = alone.get(two)
    assert stored is not None
    alone.remove(two, by("an"), seen_version=stored.version)
    made = found(alone, packs, tmp_path)
    assert made is not None
    assert made.come == ()
    assert {one.path for one in made.gone} == {"/cu/1", "/cu/2"}


def a_template(store: SqlStore) -> None:
    put(store, "news", scope="portal:langson", exact=[], paths=["/cu/{id:number}"])


def a_condition(store: SqlStore) -> None:
    put(store, "one", "/cu/1", when=["vneid=1"])


def a_familys_rule(store: SqlStore) -> None:
    put(store, "page", "/cu/9", scope="family:igate2")


def a_portal(store: SqlStore) -> None:
    ref = Ref(Kind.PORTAL, "", "langson")
    stored = store.get(ref)
    assert stored is not None
    store.put(ref, stored.body | {"note": "x"} if "note" in stored.body else stored.body, by("an"), seen_version=stored.version)  # fmt: skip


def a_table(store: SqlStore) -> None:
    store.apply([Put(Ref(Kind.LOOKUP, "portal:langson", "procedure"), {"entries": {"1": "1.001193"}})], by("an"))


@pytest.mark.parametrize("change", [a_template, a_condition, a_familys_rule, a_portal, a_table])
def test_what_says_something_of_other_rules_wants_all_of_them(
    change: object, alone: SqlStore, packs: Packs, tmp_path: Path
) -> None:
    published(alone, packs, tmp_path)
    change(alone)  # type: ignore[operator]
    assert found(alone, packs, tmp_path) is None


def test_another_file_of_the_operator_wants_all_rules(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    published(alone, packs, tmp_path)
    base = base_of(alone, tmp_path)
    assert base is not None
    with open_snapshot(base.path) as file:
        documents = dict(file.documents())
    for name in ("crawlers.toml", "procedure_ids.csv", "localities/provinces.csv", "destinations.json"):
        with alone.reading() as workspace:
            draft = Draft(workspace, packs.sources)
            other = documents | {name: documents[name].replace("dichvucong", "x").replace("0", "9")}
            assert amendment(workspace, draft, packs.sources, other, base.revision) is None


# ── the differential: a copy is what all rules would have made ────────────────────────────────────────────────────


PATHS = ["/cu/a", "/cu/b", "/cu/c", "/cu/" + "x" * 600, "/cu/d?id=1", "/cu/d?id=2", "/cu/d?tab=1", "/cu/d"]
PATHS += ["/cu/d?id=1&tab=" + "v" * 700, "/cu/E", "/cu/%C3%A0"]
ROUNDS = 5
DAYS = [None, "2026-10-01T00:00:00+07:00", "2027-06-01T00:00:00+07:00"]


def random_writes(store: SqlStore, dice: random.Random) -> list[Write]:
    """A few changes that may stand; every address belongs to one id, so that no two rules meet."""
    writes: dict[Ref, Write] = {}
    for number in dice.sample(range(len(PATHS)), dice.randrange(1, 5)):
        portal = dice.choice(["langson", "khanhhoa", "hanoi"])
        ref = Ref(Kind.RULE, f"portal:{portal}", f"page-{number}")
        stored = store.get(ref)
        seen = stored.version if stored else 0
        if stored and dice.random() < 0.3:
            writes[ref] = Remove(ref, seen)
            continue
        body = rule(ref.id, PATHS[number], action=dice.choice(["notice", "redirect"]))
        body["to"] = dice.choice([["home"], [{"url": f"https://dichvucong.gov.vn/x/{dice.randrange(9)}"}], ["help"]])
        if until := dice.choice(DAYS):
            body["valid_until"] = until
        writes[ref] = Put(ref, body, seen, dice.choice([State.ON, State.ON, State.OFF]))
    return list(writes.values())


def told(compiled: Compiled) -> object:
    """All that a number says."""
    packs = compiled.packs
    exact = packs.snapshot.exact
    rules = sorted(exact, key=repr)
    sets = {(one.portal, one.path): exact.names_at(one.portal, one.path) for one in rules}
    return rules, len(exact), sets, packs.sources


@pytest.mark.parametrize("seed", [1])
def test_a_copy_is_what_all_rules_would_have_made(seed: int, alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    dice = random.Random(seed)
    serving = tmp_path / "serving"
    published(alone, packs, serving)
    copies = 0
    for number in range(1, ROUNDS + 1):
        alone.apply(random_writes(alone, dice), by("an"))
        base = base_of(alone, serving)
        given = (alone, packs.sources)
        with (
            closing(compile_draft(*given, tmp_path / "whole", number, by("an"))) as whole,
            closing(compile_draft(*given, tmp_path / "copy", number, by("an"), base=base)) as copy,
        ):
            assert told(copy) == told(whole)
            copies += copy.come is not None
        if dice.random() < 0.5:
            with suppress(NothingToPublish):
                publish(*given, serving, by("an"))
    assert copies == ROUNDS


# ── analysis: what is wrong is found, wherever it is looked for ───────────────────────────────────────────────────

# what somebody writes                                                              is that an error
DRAFTS = [
    ({"exact": ["/cu/5"], "to": ["help"]}, False),
    ({"exact": ["/cu/5"], "to": [{"url": "https://dichvucong.langson.gov.vn/cu/1"}]}, True),
    ({"exact": ["/cu/5"], "to": ["nowhere"]}, True),
    ({"exact": ["/cu/1"], "to": ["help"]}, True),
    ({"exact": ["/cu/5", "/cu/5"], "to": ["help"]}, True),
    ({"exact": ["/cu/2?id=9"], "action": "pass", "to": []}, False),
]


@pytest.mark.parametrize(("body", "wrong"), DRAFTS)
def test_an_error_stops_a_copy_as_it_stops_all_rules(
    body: dict[str, Any],
    wrong: bool,  # noqa: FBT001 - a column of the table
    alone: SqlStore,
    packs: Packs,
    tmp_path: Path,
) -> None:
    before = published(alone, packs, tmp_path)
    put(alone, "five", **body)
    said = []
    for whole in (True, False):
        try:
            publish(alone, packs.sources, tmp_path, by("an"), whole=whole)
        except Problems as refused:
            said.append(refused.problems)
        else:
            break
    assert bool(said) is wrong
    if wrong:
        assert said[0] == said[1]
        assert current(tmp_path) == (before.number, before.content)


def test_when_something_has_begun_or_ended_all_rules_are_looked_at(
    alone: SqlStore, packs: Packs, tmp_path: Path
) -> None:
    """What was sound when it was published may be none any more when a destination's address has changed since."""
    published(alone, packs, tmp_path)
    add(alone, "three", "/cu/3")
    given = (alone, packs.sources, tmp_path / "copy", 0, by("an"))
    with closing(compile_draft(*given, base=base_of(alone, tmp_path))) as copy:
        assert copy.come is not None

        def looked_at(compiled: Compiled, now: datetime) -> int:
            counted = [0]
            check_soundness(compiled, now, progress=lambda stage, done: counted.append(done * (stage != "templates")))
            return counted[-1]

        assert looked_at(copy, NOON + timedelta(minutes=5)) == 1
        assert looked_at(copy, NOON - timedelta(minutes=5)) == len(copy.packs.snapshot.exact)
        ends = datetime(2026, 11, 1, 12, 1, tzinfo=HO_CHI_MINH)
        turning = copy._replace(since=ends - timedelta(days=3_650))
        assert looked_at(turning, NOON) == len(copy.packs.snapshot.exact)
