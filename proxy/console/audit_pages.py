"""The audit trail: searched, verified, taken along; and the words of this console."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from proxy.console.calls import Answer, Call, Download, Route, Show
from proxy.console.views import Wrong
from proxy.console.work import Request, Status
from proxy.console.work_pages import begin
from redirect_rules.audit import Entry, Found, Search, canonical_json
from redirect_rules.exchange.exports.tables import protected
from redirect_rules.rights import Deed
from redirect_rules.schedules import instant
from redirect_rules.store import Trail as StoredTrail

ON_A_PAGE: Final = 100
MOST_EXPORTED: Final = 100_000
"""Entries of one file; of a longer trail there are several."""
ACTIONS: Final = (
    "put", "remove", "restore", "apply", "undo", "seed", "request", "approve", "decline", "prepare", "seal", "fail",
    "activate",
)  # fmt: skip
"""What an entry can say was done."""
_LARGEST: Final = 10**9
_DAY_LETTERS: Final = len("2026-11-01")
_SHOWN_WORKS: Final = 3

WORDS: Final = (
    "portal", "family", "rule", "destination", "lookup", "locality", "phase", "snapshot", "decision", "client-class",
    "draft", "switch", "coverage", "noise",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trail:
    """Entries, the newest first."""

    entries: Sequence[Entry]
    actor: str
    action: str
    word: str
    since: str
    until: str
    later: str
    searched_to: int  # the number of the last entry that was looked at where there is more to search; 0: there is none
    head: str
    count: int  # entries in all
    parts: Sequence[int]  # where each file of the export begins
    works: Sequence[tuple[Request, datetime, Status, Mapping[str, Any]]]  # verifications, the newest first
    actions: Sequence[str] = ACTIONS
    wrong: Wrong = ()


@dataclass(frozen=True, slots=True)
class Glossary:
    """What words mean."""

    words: Sequence[str] = WORDS


def show(call: Call) -> Answer:
    """Who changed what, and why."""
    wanted, wrong = _wanted(call)
    trail = call.desk.store.trail
    head = trail.head()
    before = call.query.number("before", 0, least=0, most=_LARGEST) or None
    found = Found((), None) if wrong else trail.search(wanted, before=before, limit=ON_A_PAGE)
    more = found.looked_to is not None
    view = Trail(
        entries=found.entries,
        actor=wanted.actor,
        action=wanted.action,
        word=wanted.word,
        since=call.query.get("since"),
        until=call.query.get("until"),
        later=call.link(before=found.looked_to or "") if more else "",
        searched_to=found.looked_to or 0 if len(found.entries) < ON_A_PAGE else 0,
        head=f"{head.number}:{head.hash}",
        count=head.number,
        parts=range(0, head.number, MOST_EXPORTED),
        works=_verifications(call),
        wrong=wrong,
    )
    return Show("audit.html", view, 422 if wrong else 200)


def _wanted(call: Call) -> tuple[Search, Wrong]:
    """The search that the address says, and what of it cannot be understood."""
    days: dict[str, datetime | None] = {"since": None, "until": None}
    wrong: list[tuple[str, str]] = []
    for name in days:
        if text := call.query.get(name):
            try:
                days[name] = instant(text)
            except ValueError:
                wrong.append((name, "instant"))
    until = days["until"]
    if until is not None and len(call.query.get("until")) == _DAY_LETTERS:
        until += timedelta(days=1)  # of a day its evening is meant
    search = Search(call.query.get("actor"), call.query.get("action"), call.query.get("word"), days["since"], until)
    return search, tuple(wrong)


def _verifications(call: Call) -> list[tuple[Request, datetime, Status, Mapping[str, Any]]]:
    shop = call.desk.workshop
    found = [request for request in shop.all() if request.kind == "verify"][:_SHOWN_WORKS]
    return [
        (request, datetime.fromisoformat(request.begun_at), shop.status(request.id), shop.result(request.id))
        for request in found
    ]


def verify(call: Call) -> Answer:
    """Begin to follow the chain from its first entry to its last, and to compare what each entry wrote."""
    return begin(call, "verify", "audit")


def export(call: Call) -> Answer:
    """A part of the trail as a table."""
    after = call.query.number("after", 0, least=0, most=_LARGEST)
    return as_csv(call.desk.store.trail, after=after, limit=MOST_EXPORTED)


def export_lines(call: Call) -> Answer:
    """A part of the trail with its hashes, so that it can be verified where it is kept."""
    after = call.query.number("after", 0, least=0, most=_LARGEST)
    return as_json_lines(call.desk.store.trail, after=after, limit=MOST_EXPORTED)


def as_csv(trail: StoredTrail, *, after: int, limit: int) -> Download:
    """A part of the trail as a table that no spreadsheet takes for formulas."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(("number", "at", "actor", "action", "subject", "reason", "batch", "count"))
    for entry in trail.entries(after=after, limit=limit):
        words = (entry.actor, entry.action, entry.subject, entry.reason, entry.batch or "")
        rows.writerow((entry.number, entry.at, *map(protected, words), entry.count))
    return Download(f"audit-{after + 1}.csv", "text/csv; charset=utf-8", b"\xef\xbb\xbf" + out.getvalue().encode())


def as_json_lines(trail: StoredTrail, *, after: int, limit: int) -> Download:
    """A part of the trail as it is chained: {"entry": …, "previous": …, "hash": …} in each line."""
    lines = (canonical_json(asdict(one)) for one in trail.chain(after=after, limit=limit))
    content = "".join(f"{line}\n" for line in lines).encode()
    return Download(f"audit-{after + 1}.jsonl", "application/x-ndjson", content)


def show_glossary(call: Call) -> Answer:
    """What the words of this console mean."""
    return Show("glossary.html", Glossary())


ROUTES: Final = (
    Route("GET", "/audit", show, Deed.SEE_TRAIL),
    Route("POST", "/audit/verify", verify, Deed.SEE_TRAIL),
    Route("GET", "/audit.csv", export, Deed.SEE_TRAIL),
    Route("GET", "/audit.jsonl", export_lines, Deed.SEE_TRAIL),
    Route("GET", "/glossary", show_glossary),
)
