"""The console's journeys, by pages and by programs, on PostgreSQL: the very ones that go on SQLite beside."""

from tests.proxy.console.server import desk, furnished_server, postgres
from tests.proxy.console.test_api import centre, session, test_the_whole_journey_by_programs
from tests.proxy.console.test_journeys import (
    test_a_file_is_looked_at_imported_and_undone,
    test_an_unmapped_link_becomes_a_rule_is_approved_by_another_goes_live_and_is_undone,
    test_many_rules_are_shown_then_changed_then_undone,
)
from tests.proxy.console.test_two_writers import (
    test_of_two_who_write_the_same_at_once_one_wins_and_the_other_is_told,
)

__all__ = [
    "centre",
    "desk",
    "furnished_server",
    "postgres",
    "session",
    "test_a_file_is_looked_at_imported_and_undone",
    "test_an_unmapped_link_becomes_a_rule_is_approved_by_another_goes_live_and_is_undone",
    "test_many_rules_are_shown_then_changed_then_undone",
    "test_of_two_who_write_the_same_at_once_one_wins_and_the_other_is_told",
    "test_the_whole_journey_by_programs",
]
