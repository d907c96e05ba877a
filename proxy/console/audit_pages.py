"""The audit trail: searched, verified, taken along; and the words of this console."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.console.calls import Answer, Call, Download, Route, Show
from redirect_rules.audit import Broken, Entry
from redirect_rules.exchange.exports.tables import protected
from redirect_rules.rights import Deed

ON_A_PAGE: Final = 100
MOST_EXPORTED: Final = 100_000

WORDS: Final = (
    "portal", "family", "rule", "destination", "lookup", "locality", "phase", "snapshot", "decision", "client-class",
    "draft", "switch", "coverage", "noise",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trail:
    """Entries, the newest first."""

    entries: Sequence[Entry]
    actor: str
    word: str
    before: int
    later: str
    head: str
    broken: Broken | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Glossary:
    """What words mean."""

    words: Sequence[str] = WORDS


def show(call: Call) -> Answer:
    """Who changed what, and why."""
    return Show("audit.html", _trail(call))


def _trail(call: Call) -> Trail:
    trail = call.desk.store.trail
    head = trail.head()
    before = call.query.number("before", head.number + 1, least=1, most=10**9)
    actor, word = call.query.get("actor"), call.query.get("word").casefold()
    found: list[Entry] = []
    first = before
    while first > 1 and len(found) < ON_A_PAGE:
        last, first = first, max(first - 1_000, 1)
        block = [entry for entry in trail.entries(after=first - 1, limit=last - first) if entry.number < last]
        for entry in reversed(block):
            if len(found) < ON_A_PAGE and _fits(entry, actor, word):
                found.append(entry)
    later = call.link(before=found[-1].number) if len(found) == ON_A_PAGE else ""
    return Trail(found, actor, word, before, later, f"{head.number}:{head.hash}")


def _fits(entry: Entry, actor: str, word: str) -> bool:
    if actor and entry.actor != actor:
        return False
    return not word or word in f"{entry.action} {entry.subject} {entry.reason}".casefold()


def verify(call: Call) -> Answer:
    """Follow the chain from its first entry to its last."""
    view = _trail(call)
    broken = call.desk.store.trail.verify(contents=False)
    return Show(
        "audit.html",
        Trail(view.entries, view.actor, view.word, view.before, view.later, view.head, broken, verified=True),
    )


def export(call: Call) -> Answer:
    """The whole trail as a table."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(("number", "at", "actor", "action", "subject", "reason", "batch", "count"))
    rows.writerows(_rows(call))
    return Download("audit.csv", "text/csv; charset=utf-8", b"\xef\xbb\xbf" + out.getvalue().encode())


def _rows(call: Call) -> Iterator[Sequence[object]]:
    for entry in call.desk.store.trail.entries(limit=MOST_EXPORTED):
        words = (entry.actor, entry.action, entry.subject, entry.reason, entry.batch or "")
        yield (entry.number, entry.at, *map(protected, words), entry.count)


def show_glossary(call: Call) -> Answer:
    """What the words of this console mean."""
    return Show("glossary.html", Glossary())


ROUTES: Final = (
    Route("GET", "/audit", show, Deed.SEE_TRAIL),
    Route("POST", "/audit/verify", verify, Deed.SEE_TRAIL),
    Route("GET", "/audit.csv", export, Deed.SEE_TRAIL),
    Route("GET", "/glossary", show_glossary),
)
