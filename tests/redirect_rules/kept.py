"""Objects and people that many tests of the rule store speak of."""

from datetime import datetime, timedelta
from typing import Any

from redirect_rules.model import HO_CHI_MINH
from redirect_rules.objects import Change, Kind, Put, Ref

NOON = datetime(2026, 11, 1, 12, tzinfo=HO_CHI_MINH)
NEWS = Ref(Kind.RULE, "portal:langson", "news")
LANGSON = Ref(Kind.PORTAL, "", "langson")


def by(actor: str, reason: str = "because", *, minutes: int = 0, batch: str | None = None) -> Change:
    """A change by somebody, some minutes after noon."""
    return Change(actor, reason, NOON + timedelta(minutes=minutes), batch)


def rule(id_: str, *paths: str, **more: Any) -> dict[str, Any]:
    """The body of a rule."""
    return {"id": id_, "exact": list(paths or (f"/{id_}",)), "action": "notice", "to": ["home"]} | more


def new(id_: str, scope: str = "portal:langson", **more: Any) -> Put:
    """A rule to come."""
    return Put(Ref(Kind.RULE, scope, id_), rule(id_, **more))
