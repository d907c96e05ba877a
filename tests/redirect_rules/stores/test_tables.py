"""The tables as they are declared."""

from redirect_rules.stores.tables import APPEND_ONLY, METADATA, RULES


def test_history_is_append_only() -> None:
    assert {table.name for table in APPEND_ONLY} == {"audit", "revisions"}


def test_columns_of_a_rule_stand_in_the_order_in_which_they_are_written() -> None:
    assert [column.name for column in RULES.columns] == [
        *("scope", "id", "change", "position", "state"),
        *("match", "key", "action", "destination", "owner", "tags", "valid_from", "valid_until"),
        *("body", "facet"),
    ]


def test_every_table_has_a_key() -> None:
    assert all(table.primary_key.columns for table in METADATA.tables.values())
