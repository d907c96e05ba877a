"""What the fifth step makes of what was there: facets with their counts, and visits by rule."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import create_engine, inspect, text

from redirect_rules.objects import State
from redirect_rules.rule_lists import Order, RuleFilter
from redirect_rules.stores.database import Database
from redirect_rules.stores.hits import HitStore, RuleHits, Span
from redirect_rules.stores.migrations.versions import v0005_lists as step
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.conftest import DATABASES, NAMES, create, drop
from tests.redirect_rules.stores.migrations.former import insert_rule, make_tables
from tests.redirect_rules.stores.test_facets import recounted

SPAN = Span.until(date(2026, 11, 2), 7)


@pytest.fixture(params=DATABASES)
def former(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[str]:
    """A store of the release before, with rules and hits in it."""
    name = f"former_{next(NAMES)}"
    address = ""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/rules.db"
    else:
        address = request.getfixturevalue("postgres")
        create(address, name, "template0")
        url = f"{address}/{name}"
    make_tables(url, "v0004")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for number in range(6):
            insert_rule(connection, f"r{number}", position=number)
        insert_rule(connection, "off", state="off", tags="\ta\tb\t", owner="an", position=6)
        insert_rule(connection, "away", destination="https://dichvucong.gov.vn/a", position=7)
        insert_rule(connection, "astray", destination="https://dichvucong.gov.vn/b", position=8)
        for day, portal, visits in (("2026-11-01", "langson", 3), ("2026-11-01", "hue", 4), ("2026-11-02", "hue", 5)):
            for key in ("/a", "/b"):
                asked = "insert into hits values (:day, :portal, :key, 'notice', 'navigation', 'f/r', :visits)"
                connection.execute(text(asked), {"day": day, "portal": portal, "key": key, "visits": visits})
        connection.execute(text("insert into hits values ('2026-11-01', 'hue', '/c', 'notice', 'api', '', 9)"))
    engine.dispose()
    yield url
    if address:
        drop(address, name)


def test_it_follows_the_fourth() -> None:
    assert (step.revision, step.down_revision) == ("v0005", "v0004")


def test_rules_that_were_there_are_found_and_counted(former: str) -> None:
    store = SqlStore(former)
    with store.reading() as workspace:
        assert workspace.count(RuleFilter()) == 9
        assert workspace.count(RuleFilter(destination="home")) == 7
        assert [one.ref.id for one in workspace.find(RuleFilter(tag="b"))] == ["off"]
        assert [one.ref.id for one in workspace.find(RuleFilter(state=State.OFF))] == ["off"]
        assert [one.ref.id for one in workspace.find(RuleFilter(destination="https://dichvucong.gov.vn/b"))] == [
            "astray"
        ]
        assert [one.ref.id for one in workspace.find(RuleFilter(), order=Order.CHANGED, limit=2)] == ["astray", "away"]
    store.close()
    assert recounted(former) == {}


def test_visits_that_were_there_are_summed_by_rule(former: str) -> None:
    hits = HitStore.open(former)
    assert list(hits.rules(SPAN)) == [RuleHits("f/r", 24)]
    assert hits.visits_of(Span.until(date(2026, 11, 2), 1), ["f/r", "f/none"]) == {"f/r": 10}
    assert hits.visits_of(Span.until(date(2026, 11, 2), 7, "langson"), ["f/r"]) == {"f/r": 6}
    hits.close()


def test_what_is_searched_by_nobody_has_no_index_any_more(former: str) -> None:
    database = Database(former)
    with database.reading() as connection:
        names = {index["name"] for index in inspect(connection).get_indexes("rules")}
    database.close()
    assert names.isdisjoint({"ix_rules_key", "ix_rules_valid_until"})
