"""Rows and bodies: what is written, what is left out, and the shipped files as packs."""

from pathlib import Path

import pytest

from redirect_rules.bodies import (
    Pack,
    destinations_pack,
    family_pack,
    lookup_pack,
    portal_rules_pack,
    portals_pack,
    rule_put,
    rule_row,
)
from redirect_rules.objects import Kind, Ref
from redirect_rules.parsing import FamilyRow, read
from redirect_rules.sources import Document
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import by

CONF = Path(__file__).parents[2] / "conf"
FAMILY = """\
family = "f"
version = 2
[[rule]]
id = "detail"
paths = ["/chi-tiet/{id:hex24}"]
query.code = { type = "procedure", from = ["MaTTHC"] }
action = "notice"
to = [{ destination = "procedure", code = "{code}" }, "home"]
valid_from = 2026-11-01T12:00:00
tags = []
note = ""
"""


def shipped(path: Path) -> Document:
    return Document(path.name, path.read_text("utf-8"))


def test_a_body_says_what_its_row_says_and_no_defaults() -> None:
    pack = family_pack(Document("f.toml", FAMILY))
    assert (pack.name, pack.version) == ("family/f", 2)
    assert pack.objects == {
        Ref(Kind.FAMILY, "", "f"): {"family": "f", "version": 2},
        Ref(Kind.RULE, "family:f", "detail"): {
            "id": "detail",
            "paths": ["/chi-tiet/{id:hex24}"],
            "query": {"code": {"type": "procedure", "from": ["MaTTHC"]}},
            "action": "notice",
            "to": [{"destination": "procedure", "code": "{code}"}, "home"],
            "valid_from": "2026-11-01T12:00:00+07:00",
        },
    }


SHIPPED = sorted((CONF / "families").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_rule_comes_back_from_a_store_as_it_was_written(store: SqlStore, path: Path) -> None:
    rows = read(shipped(path), FamilyRow).rule
    store.apply([rule_put(f"family:{path.stem}", row) for row in rows], by("an"))
    assert [rule_row(rule) for rule in store.rules()] == sorted(rows, key=lambda row: row.id)


def test_a_portal_has_rules_of_its_own() -> None:
    text = 'portal = "langson"\n[[rule]]\nid = "a"\nexact = ["/x"]\naction = "gone"'
    pack = portal_rules_pack(Document("x.toml", text))
    assert pack.name == "rules/langson"
    assert pack.objects == {Ref(Kind.RULE, "portal:langson", "a"): {"id": "a", "exact": ["/x"], "action": "gone"}}


def test_the_shipped_portals_and_what_their_kinds_have_in_common() -> None:
    objects = portals_pack(shipped(CONF / "portals.toml")).objects
    assert objects[Ref(Kind.DEFAULTS, "", "ministry")]["schedule"] == {"notice_at": "2026-02-01T00:00:00+07:00"}
    assert objects[Ref(Kind.PORTAL, "", "langson")]["province"] == "old:20"


def test_the_shipped_destinations() -> None:
    objects = destinations_pack(shipped(CONF / "destinations.toml")).objects
    assert objects[Ref(Kind.DESTINATION, "", "home")]["forms"] == [{"url": "https://dichvucong.gov.vn/"}]
    dated = '[[destination]]\nname = "x"\nforms = [{ url = "u", valid_until = 2026-11-01 }]'
    (body,) = destinations_pack(Document("d.toml", dated)).objects.values()
    assert body["forms"] == [{"url": "u", "valid_until": "2026-11-01T00:00:00+07:00"}]


def test_a_lookup_is_one_object() -> None:
    pack = lookup_pack("x.csv", "id,code\n5,1.001193.000.00.00.H37\n", portal="langson", name="procedure")
    assert pack.objects == {Ref(Kind.LOOKUP, "portal:langson", "procedure"): {"entries": {"5": "1.001193"}}}


def test_a_pack_is_known_by_its_content() -> None:
    one, other = Ref(Kind.PORTAL, "", "a"), Ref(Kind.PORTAL, "", "b")
    assert Pack("p", 0, {one: {"x": 1}, other: {}}).state == Pack("p", 0, {other: {}, one: {"x": 1}}).state
    assert Pack("p", 0, {one: {"x": 1}}).state != Pack("p", 0, {one: {"x": 2}}).state
