"""What is taken out comes in again as it was, and another server is told only what it can do."""

from datetime import timedelta
from typing import Any

import pytest

from redirect_rules.exchange.exports.rules import ExportedRule, Kind
from redirect_rules.exchange.exports.tables import csv_lines
from redirect_rules.exchange.outcomes import Kind as Became
from redirect_rules.exchange.outcomes import Mode, Outcome
from redirect_rules.exchange.reading import read_rules
from redirect_rules.exchange.rows import Context, ImportedRow
from redirect_rules.exporting import Unsayable, answers_of, rows_of
from redirect_rules.importing import import_rows
from redirect_rules.model import Portal
from redirect_rules.objects import NEW, Put, Ref
from redirect_rules.objects import Kind as ObjectKind
from redirect_rules.packs import Packs
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NOON, by
from tests.redirect_rules.shelved import HOST, seeded

RULES: list[dict[str, Any]] = [
    {"id": "plain", "exact": ["/a"], "action": "notice", "to": ["home"]},
    {"id": "asks", "exact": ["/b?id=7&tab=x%20y"], "action": "redirect", "to": ["dossier-lookup"], "note": "=1+1"},
    {"id": "code", "exact": ["/c"], "action": "notice", "to": [{"destination": "procedure", "code": "1.001193"}, "procedure-list"]},
    {"id": "below", "paths": ["/d/{rest:path}"], "action": "gone", "tags": ["cũ", "2025"]},
    {"id": "hole", "paths": ["/e/{id:hex24}.html"], "action": "notice", "to": ["home"], "owner": "Lạng Sơn"},
    {"id": "when", "paths": ["/f"], "action": "notice", "to": ["home"], "when": ["x=1", "y"]},
    {"id": "free", "regex": "(?i)^/g/(x|y)+$", "action": "notice", "to": ["home"]},
    {"id": "pin", "exact": ["/h"], "action": "pass"},
    {"id": "late", "exact": ["/i"], "action": "gone", "valid_from": (NOON + timedelta(days=1)).isoformat()},
]  # fmt: skip


@pytest.fixture
def stocked(store: SqlStore, packs: Packs) -> SqlStore:
    seeded(store, packs)
    store.apply([Put(Ref(ObjectKind.RULE, "portal:langson", r["id"]), r, NEW) for r in RULES], by("an"))
    return store


def portals(packs: Packs) -> dict[str, Portal]:
    return {portal.id: portal for portal in packs.snapshot.all_portals}


def test_a_list_that_was_taken_out_comes_in_as_the_same(stocked: SqlStore, packs: Packs) -> None:
    context = Context.of(packs.snapshot.all_portals, packs.snapshot.destinations)
    with stocked.reading() as workspace:
        rows = [
            row for row in rows_of(workspace.rules("portal:langson"), portals(packs)) if isinstance(row, ImportedRow)
        ]
    assert len(rows) == len(RULES)
    text = "".join(csv_lines(rows, context))
    again = read_rules(text.encode(), name="list.csv", context=context)
    folds = {portal.id: portal.fold_case for portal in packs.snapshot.all_portals}
    told: list[Outcome] = []
    report = import_rows(
        stocked, again, Mode.REPLACE_SCOPE, by("an", batch="b"), folds=folds, portal="langson", told=told.append
    )
    assert report.counts == {Became.SAME: len(RULES)}, [one for one in told if one.kind is not Became.SAME]


def test_another_server_is_told_what_it_can_answer(stocked: SqlStore, packs: Packs) -> None:
    with stocked.reading() as workspace:
        rules = list(workspace.rules("portal:langson"))
    found = list(answers_of(rules, portals(packs), packs.snapshot.destinations, now=NOON, lasting=True))
    said = {one.path: one for one in found if isinstance(one, ExportedRule) and one.host == HOST}
    home, lookup = "https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/tra-cuu-ho-so"
    assert said["/a"] == ExportedRule(HOST, "/a", 301, home)
    assert said["/b"] == ExportedRule(HOST, "/b", 301, lookup, (("id", "7"), ("tab", "x y")))
    assert said["/c"].target.startswith("https://dichvucong.gov.vn/")
    assert said["/d/{rest:path}"] == ExportedRule(HOST, "/d/{rest:path}", 410, "", (), Kind.TEMPLATE)
    assert said["/e/{id:hex24}.html"].target == home
    left_out = {one.rule: one.why for one in found if isinstance(one, Unsayable)}
    assert set(left_out) == {"langson/when", "langson/free", "langson/pin", "langson/late"}
    assert left_out["langson/pin"] == "another server cannot pass"


def test_a_familys_rules_are_left_to_its_pack(stocked: SqlStore, packs: Packs) -> None:
    with stocked.reading() as workspace:
        family = workspace.find(RuleFilter(scope="family:igate2"), limit=1)
    (found,) = rows_of(family, portals(packs))
    assert isinstance(found, Unsayable)
    (answer,) = answers_of(family, portals(packs), packs.snapshot.destinations, now=NOON, lasting=False)
    assert isinstance(answer, Unsayable)
