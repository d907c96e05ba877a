"""Many rules at once: what a filter shows, changed in one batch that can be undone; shown first, done when seen."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from proxy.console.calls import Answer, Call, GoTo, NotFound, Route, Show
from proxy.console.rule_forms import lead_text
from proxy.console.rules_pages import ON_A_PAGE, Line, Wanted, destinations, filter_of, line_of, wanted_of
from proxy.console.views import Wrong
from proxy.console.work_pages import begin
from redirect_rules.model import Action
from redirect_rules.objects import Put, Ref, Remove, State, Stored, Write
from redirect_rules.rights import Deed
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.schedules import instant

MOST_IN_BULK: Final = 20_000
"""Rules that are changed at once here; more go by a file (import)."""

MOST_AT_ONCE: Final = 2_000
"""Objects of a batch that is put back while its page is waited for."""

CHANGES: Final = ("destination", "action", "state", "tag", "untag", "owned_by", "valid_until", "remove")
"""What can be done to many rules."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Many rules being changed."""

    wanted: Wanted
    change: str
    value: str
    reason: str
    count: int
    shown: Sequence[tuple[Line, str, str]]  # rule, before, after
    wrong: Wrong = ()
    ready: bool = False


def show_bulk(call: Call) -> Answer:
    """Choose what to change in the rules of a filter."""
    wanted = wanted_of(call)
    return Show("rules_bulk.html", _bulk(call, wanted, call.query.get("change"), call.query.get("value"), ""))


def do_bulk(call: Call) -> Answer:
    """First show what would change; then, when that was seen, change it."""
    wanted, change, value = wanted_of(call), call.form.get("change"), call.form.get("value")
    reason = call.form.get("reason")
    view = _bulk(call, wanted, change, value, reason)
    if view.wrong:
        return Show("rules_bulk.html", view, 422)
    if call.form.get("seen") != str(view.count):
        return Show("rules_bulk.html", replace(view, ready=True))
    rule_filter, _ = filter_of(call, wanted)
    count, batch = do_change(call, rule_filter, change, value, reason)
    return GoTo("/rules?" + urlencode(wanted.pairs), "bulk-done", {"count": str(count), "batch": batch})


def do_change(call: Call, rule_filter: RuleFilter, change: str, value: str, reason: str) -> tuple[int, str]:
    """Change all rules that fit; how many that were, and the name under which they are put back."""
    batch = f"bulk {call.now:%Y-%m-%d %H:%M:%S} {call.person.actor} {secrets.token_hex(2)}"
    writes = list(changing(call, rule_filter, change, value))
    if writes:
        call.office.apply(writes, call.change(reason, batch=batch))
    return len(writes), batch if writes else ""


def changing(call: Call, rule_filter: RuleFilter, change: str, value: str) -> Iterator[Write]:
    """What would be written of the rules that fit."""
    for stored in _all(call, rule_filter):
        if (write := _changed(stored, change, value)) is not None:
            yield write


def undo_batch(call: Call) -> Answer:
    """Put back what a batch changed; what takes longer goes on in the background."""
    batch, reason = call.form.get("batch"), call.form.get("reason") or "undone"
    entry = call.desk.store.trail.of_batch(batch)
    if entry is None:
        raise NotFound(batch)
    if entry.count > MOST_AT_ONCE:
        return begin(call, "undo-batch", batch, batch=batch, reason=reason)
    call.office.undo(batch, call.change(reason))
    return GoTo("/rules", "undone", {"batch": batch})


def _bulk(call: Call, wanted: Wanted, change: str, value: str, reason: str) -> Bulk:
    rule_filter, _ = filter_of(call, wanted)
    wrong: list[tuple[str, str]] = []
    if wanted.kind == "never":
        wrong.append(("change", "bulk-never"))
    with call.desk.store.reading() as workspace:
        count = workspace.count(rule_filter)
    wrong += wrong_change(call, rule_filter, change, value)
    if change and call.form.pairs and not reason:
        wrong.append(("reason", "required"))
    shown: list[tuple[Line, str, str]] = []
    changing = 0
    if change and not wrong:
        for stored in _all(call, rule_filter):
            write = _changed(stored, change, value)
            if write is None:
                continue
            changing += 1
            if len(shown) < ON_A_PAGE:
                shown.append((line_of(stored, {}), *_before_after(stored, write, change)))
    return Bulk(wanted, change, value, reason, changing if change and not wrong else count, shown, tuple(wrong))


def wrong_change(call: Call, rule_filter: RuleFilter, change: str, value: str) -> list[tuple[str, str]]:
    """What is wrong with wanting this of the rules that fit."""
    with call.desk.store.reading() as workspace:
        many = workspace.count(rule_filter, most=MOST_IN_BULK) > MOST_IN_BULK
    wrong = [("change", "bulk-many")] if many else []
    return [*wrong, *(_wrong_value(call, change, value) if change else ())]


def _wrong_value(call: Call, change: str, value: str) -> Iterator[tuple[str, str]]:
    match change:
        case "destination" if value not in destinations(call):
            yield "value", f"{value or '–'}: {', '.join(destinations(call))}"
        case "action" if value not in {one.value for one in Action}:
            yield "value", f"{value or '–'}: {', '.join(Action)}"
        case "state" if value not in {"on", "off"}:
            yield "value", "on, off"
        case "valid_until" if value:
            try:
                instant(value)
            except ValueError:
                yield "value", "instant"
        case "tag" | "untag" if not value or "\t" in value or "," in value:
            yield "value", "required"
        case unknown if unknown not in CHANGES:
            yield "change", "required"


def _changed(stored: Stored, change: str, value: str) -> Write | None:
    """How a rule is written, or None where it is so already."""
    if change == "remove":
        return Remove(stored.ref, stored.version)
    body, state = stored.body, stored.state
    match change:
        case "destination":
            body["to"] = [value]
        case "action":
            body["action"] = value
        case "state":
            state = State(value)
        case "tag":
            body["tags"] = [*dict.fromkeys([*body.get("tags", ()), value])]
        case "untag":
            body["tags"] = [tag for tag in body.get("tags", ()) if tag != value]
        case "owned_by":
            body["owner"] = value
        case "valid_until":
            body["valid_until"] = instant(value).isoformat() if value else None
    body = {name: one for name, one in body.items() if one not in ("", [], None)}
    if body == stored.body and state is stored.state:
        return None
    return Put(stored.ref, body, stored.version, state)


def _before_after(stored: Stored, write: Write, change: str) -> tuple[str, str]:
    if not isinstance(write, Put):
        return stored.ref.id, ""
    name = {"destination": "to", "untag": "tags", "tag": "tags", "owned_by": "owner"}.get(change, change)
    if change == "state":
        return stored.state.value, write.state.value
    return _short(stored.body.get(name)), _short(write.body.get(name))


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(lead_text(one) for one in value)
    return str(value or "")


def _all(call: Call, rule_filter: RuleFilter) -> Iterator[Stored]:
    after: Ref | None = None
    while True:
        with call.desk.store.reading() as workspace:
            found = workspace.find(rule_filter, after=after, limit=1_000)
        yield from found
        if len(found) < 1_000:
            return
        after = found[-1].ref


ROUTES: Final = (
    Route("GET", "/rules/bulk", show_bulk, Deed.EDIT),
    Route("POST", "/rules/bulk", do_bulk, Deed.EDIT),
    Route("POST", "/rules/undo", undo_batch, Deed.EDIT),
)
