"""A rule's body → what it is searched by.  Knows no database."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from redirect_rules.audit import utc_text
from redirect_rules.canonical import BadTarget, canonical_key
from redirect_rules.store import BadObject

# A path that is its own key: nothing to decode, to fold, to resolve or to leave out.
_PLAIN = re.compile(r"(?:/[a-z0-9_-]+(?:\.html)?)+(?<!/index\.html)(?<!/default\.html)\Z")


_NOWHERE = ("",)

# In the order of the table: match, key, action, destination, owner, tags, valid_from, valid_until.
Columns: TypeAlias = tuple[str, str | None, str, str, str, str, str | None, str | None]


def columns_of(body: Mapping[str, Any]) -> Columns:
    """Read from the JSON of a rule what it is searched by.  Raises BadObject for what is no rule at all."""
    say = body.get
    try:
        exact: list[str] = say("exact") or []
        goals = say("to")
        tags = say("tags")
        return (
            (say("paths") or exact or _NOWHERE)[0],
            path_key(exact[0]) if exact else None,
            body["action"],
            _destination(goals[0]) if goals else "",
            say("owner", ""),
            tag_text(*tags) if tags else "",
            _instant(say("valid_from")),
            _instant(say("valid_until")),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadObject(f"this is no rule: {error!r}") from None


def path_key(path: str) -> str:
    """The canonical path, in small letters, under which an address is found.

    An address that has no key, which `parsing` refuses, is found as it is written.
    """
    if _PLAIN.match(path):
        return path
    try:
        return canonical_key("", path).path
    except BadTarget:
        return path


def tag_text(*tags: str) -> str:
    r"""Tags so that each can be found between tabs: "\ta\tb\t"."""
    return "\t" + "\t".join(tags) + "\t"


def _destination(goal: Any) -> str:
    if isinstance(goal, str):
        return goal
    name: str = goal.get("destination") or goal.get("url", "")
    return name


def _instant(text: Any) -> str | None:
    return None if text is None else utc_text(datetime.fromisoformat(text))
