"""Exact rules that differ in what a test is about."""

from datetime import datetime, timedelta
from typing import Any, Final

from redirect_rules.exact import ExactRule
from redirect_rules.model import HO_CHI_MINH, Action

NOW: Final = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)
DAY: Final = timedelta(days=1)


def rule(path: str = "/a", *query: tuple[str, str], action: Action = Action.NOTICE, **more: Any) -> ExactRule:
    """One that leads to the front page, unless it is told otherwise."""
    portal = more.pop("portal", "langson")
    name = more.pop("id", f"{portal}{path}{query}")
    leads = {} if action in {Action.PASS, Action.REFUSE} or "url" in more else {"destination": "home"}
    return ExactRule(portal, path, query, action, name, **{**leads, **more})
