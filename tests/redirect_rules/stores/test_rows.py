"""Rows on their way into a table."""

import pytest

from redirect_rules.stores.database import Database
from redirect_rules.stores.rows import Duplicate, Rows
from redirect_rules.stores.tables import OBJECTS, PACKS

ODD = ["a\tb", "a\\b", "\\N", "a\nb\r", "ế “x”", "'; drop table packs; --", ""]


@pytest.mark.parametrize("text", ODD)
def test_what_is_sent_arrives(url: str, text: str) -> None:
    database = Database(url)
    with database.writing() as connection, Rows(connection) as rows:
        rows.send(PACKS, [(text, 1, "d")])
        rows.send(OBJECTS, [("portal", "", "x", 1, 0, "on", text)])
        rows.send(PACKS, [("more", 1, text)])
        rows.send(PACKS, [])
    with database.reading() as connection:
        assert {tuple(row) for row in connection.execute(PACKS.select())} == {(text, 1, "d"), ("more", 1, text)}
        assert [row.body for row in connection.execute(OBJECTS.select())] == [text]
    database.close()


def test_a_name_is_taken_once(url: str) -> None:
    database = Database(url)
    with pytest.raises(Duplicate), database.writing() as connection, Rows(connection) as rows:
        rows.send(PACKS, [("a", 1, "d"), ("b", 1, "d"), ("a", 2, "d")])
    with database.reading() as connection:
        assert not connection.execute(PACKS.select()).all()
    database.close()


def broken_off(database: Database) -> None:
    with database.writing() as connection, Rows(connection) as rows:
        rows.send(PACKS, [("a", 1, "d")])
        raise KeyError("mine")


def test_who_fails_on_the_way_is_told_why_and_leaves_nothing(url: str) -> None:
    database = Database(url)
    with pytest.raises(KeyError, match="mine"):
        broken_off(database)
    with database.writing() as connection:
        assert not connection.execute(PACKS.select()).all()
    database.close()
