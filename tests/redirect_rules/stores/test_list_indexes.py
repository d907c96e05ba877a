"""The indexes of lists are there before a large change and after it, and nobody sees the tables without them."""

import pytest
from sqlalchemy import create_engine, inspect

from redirect_rules.objects import NEW, Kind, Put, Ref
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.store import ObjectChanged
from redirect_rules.stores import list_indexes
from redirect_rules.stores.list_indexes import ListIndexes
from redirect_rules.stores.sql import SqlStore
from redirect_rules.stores.tables import RULES
from tests.redirect_rules.kept import by, new, rule
from tests.redirect_rules.stores.test_facets import recounted


def there(url: str) -> set[str | None]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        return {index["name"] for index in inspect(engine).get_indexes("rules")}
    finally:
        engine.dispose()


ALL = {str(index.name) for index in RULES.indexes}


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Everything is a large change; whether each one dropped indexes."""
    monkeypatch.setattr(list_indexes, "LEAST", 2)
    told: list[bool] = []
    close = ListIndexes.close

    def closed(self: ListIndexes) -> None:
        told.append(bool(self._dropped))
        close(self)

    monkeypatch.setattr(ListIndexes, "close", closed)
    return told


def test_a_change_as_large_as_all_before_makes_them_anew(store: SqlStore, url: str, dropped: list[bool]) -> None:
    on_sqlite = url.startswith("sqlite")
    store.apply([new("a"), new("b"), new("c")], by("an", batch="first"))
    store.apply([new("d"), new("e")], by("an"))
    store.put(new("f").ref, rule("f"), by("an"), seen_version=NEW)
    assert dropped == [on_sqlite, False, False], "two are fewer than three"
    assert there(url) == ALL
    with store.reading() as workspace:
        assert [one.ref.id for one in workspace.find(RuleFilter(key_prefix="/"))] == list("abcdef")
    store.undo("first", by("an"))
    assert there(url) == ALL
    assert recounted(url) == {}


def test_a_large_change_that_fails_leaves_them(store: SqlStore, url: str, dropped: list[bool]) -> None:
    store.put(new("a").ref, rule("a"), by("an"), seen_version=NEW)
    with pytest.raises(ObjectChanged):
        store.apply([new("b"), new("c"), new("a")], by("an"))
    assert there(url) == ALL
    assert dropped == [False]


def test_who_reads_meanwhile_has_them(store: SqlStore, url: str, dropped: list[bool]) -> None:
    store.put(new("a").ref, rule("a"), by("an"), seen_version=NEW)
    seen: list[set[str | None]] = []
    big = [Put(Ref(Kind.RULE, "portal:hue", f"r{number}"), rule(f"r{number}")) for number in range(3_000)]
    store.apply(big, by("an"), progress=lambda _: seen.append(there(url)))
    assert len(seen) >= 3
    assert all(one == ALL for one in seen)
    assert dropped[-1] == url.startswith("sqlite")
