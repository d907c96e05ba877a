"""The words people write in the other columns: actions, statuses, days, tags."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from redirect_rules.exchange.headers import folded
from redirect_rules.exchange.rows import Refused
from redirect_rules.model import HO_CHI_MINH, Action
from redirect_rules.schedules import instant

ACTIONS: Mapping[Action, tuple[str, ...]] = {
    Action.NOTICE: ("notice", "thông báo"),
    Action.REDIRECT: ("redirect", "chuyển hướng", "chuyển ngay"),
    Action.PASS: ("pass", "giữ nguyên", "cho qua"),
    Action.ASK: ("ask", "hỏi", "hỏi địa phương"),
    Action.GONE: ("gone", "đã gỡ", "ngừng"),
    Action.REFUSE: ("refuse", "từ chối"),
}
"""An action and the words for it; case and diacritics are the same to us."""

_BY_WORD: Mapping[str, Action] = {folded(word): action for action, words in ACTIONS.items() for word in words}
STATUSES: Mapping[str, Action | None] = {
    **dict.fromkeys(("301", "302", "303", "307", "308")),  # the portal's schedule decides: notice, 302 or 301
    "410": Action.GONE,
    "403": Action.REFUSE,
}
LEADS = frozenset({Action.NOTICE, Action.REDIRECT, Action.ASK})

_VIETNAMESE_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\Z")
_SEPARATORS = re.compile(r"[|;,]")
_YES = frozenset({"true", "1", "yes"})


def action_of(cells: Mapping[str, str], default: Action) -> Action:
    """The action a line asks for: by its word, else by its status, else the default."""
    by_status = default
    if status := cells.get("status", "").strip():
        if status not in STATUSES:
            raise Refused(f"the status {status[:20]!r} says nothing here: write one of {', '.join(STATUSES)}")
        by_status = STATUSES[status] or default
    word = cells.get("action", "").strip()
    if not word:
        return by_status
    action = _BY_WORD.get(folded(word))
    if action is None:
        raise Refused(f"{word[:40]!r} is no action: write one of {', '.join(Action)}")
    return action


@lru_cache(maxsize=1_024)  # a list has few different days
def day_of(column: str, text: str) -> datetime:
    """2025-07-01, 2025-07-01T08:00+07:00, or 01/07/2025 08:00 (day first); without an offset Viet Nam's time."""
    text = text.strip()
    try:
        if match := _VIETNAMESE_DAY.match(text):
            day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=HO_CHI_MINH)
        return instant(text)
    except ValueError:
        raise Refused(f"{column}: {text[:40]!r} is no day: write 2025-07-01, or 01/07/2025 (day/month/year)") from None


def tags_of(text: str) -> list[str]:
    """Tags between bars, commas or semicolons; a JSON list where a tag holds one of these."""
    if text.startswith("["):
        tags = json_of("tags", text)
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise Refused('tags: write names between bars: "khai-sinh|2025"')
        return tags
    return [tag.strip() for tag in _SEPARATORS.split(text) if tag.strip()]


def tags_text(tags: list[str]) -> str:
    """The cell from which `tags_of` reads the same tags."""
    plain = all(tag == tag.strip() and tag and not _SEPARATORS.search(tag) and tag[:1] not in "['" for tag in tags)
    return "|".join(tags) if plain else json.dumps(tags, ensure_ascii=False)


def json_of(column: str, text: str) -> Any:
    """A cell that holds JSON."""
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()  # halves of letters have no encoding
    except (ValueError, RecursionError):
        raise Refused(f"{column}: {text[:60]!r} is no JSON: write it as an export does") from None
    return found


def is_yes(cells: Mapping[str, str], column: str) -> bool:
    """Whether a cell says yes, as Cloudflare writes it."""
    return cells.get(column, "").strip().lower() in _YES
