"""The journey by clicks, on PostgreSQL: the very one that goes on SQLite beside."""

import pytest

from tests.browser.conftest import browser
from tests.proxy.console.server import desk, furnished_server, postgres
from tests.proxy.console.test_browser import (
    console,
    test_from_an_unmapped_link_to_a_live_rule_and_back_by_clicks,
)

__all__ = [
    "browser",
    "console",
    "desk",
    "furnished_server",
    "postgres",
    "test_from_an_unmapped_link_to_a_live_rule_and_back_by_clicks",
]

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
