"""Import a file into the draft, with a dry run first; export what a filter shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.console.calls import Answer, Call, Download, Route, Show
from proxy.console.rules_pages import filter_of, owners, wanted_of
from proxy.console.views import Wrong
from proxy.console.work_pages import begin
from redirect_rules.exchange.exports.tables import csv_lines
from redirect_rules.exchange.outcomes import Mode
from redirect_rules.exchange.rows import Context
from redirect_rules.exporting import Unsayable, rows_of
from redirect_rules.model import Action
from redirect_rules.objects import Ref, State, Stored
from redirect_rules.rights import Deed
from redirect_rules.rule_lists import RuleFilter

MOST_EXPORTED: Final = 200_000
"""Rules that are handed out as one file here; more by `dvc-edge rules export`."""
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Importing:
    """The page."""

    owners: Sequence[tuple[str, str]]
    portal: str = ""
    mode: str = Mode.ADD.value
    action: str = Action.NOTICE.value
    reason: str = ""
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """The form."""
    return Show("import.html", Importing(_portals(call), portal=call.query.get("portal")))


def _portals(call: Call) -> list[tuple[str, str]]:
    portals = {portal.id for portal in call.desk.published().snapshot.all_portals}
    return [(owner, name) for owner, name in owners(call) if owner in portals]


def send(call: Call) -> Answer:
    """Begin the dry run, or the import itself."""
    form, upload = call.form, call.uploads.get("file")
    view = Importing(
        _portals(call),
        form.get("portal"),
        form.get("mode", Mode.ADD.value),
        form.get("action", Action.NOTICE.value),
        form.get("reason"),
    )
    text = form.raw("text")
    name, content = (upload.name, upload.content) if upload and upload.content else ("typed.csv", text.encode())
    wrong: list[tuple[str, str]] = []
    if not content.strip():
        wrong.append(("file", "file-missing"))
    if view.mode not in {mode.value for mode in Mode}:
        wrong.append(("mode", "required"))
    if view.mode == Mode.REPLACE_SCOPE.value and not view.portal:
        wrong.append(("portal", "portal-missing"))
    if view.action not in {action.value for action in Action}:
        wrong.append(("action", "required"))
    dry_run = form.get("do") != "import"
    if not dry_run and not view.reason:
        wrong.append(("reason", "required"))
    if wrong:
        return Show("import.html", Importing(*_values(view), wrong=tuple(wrong)), 422)
    return begin(
        call,
        "import",
        name,
        upload=content,
        portal=view.portal,
        mode=view.mode,
        action=view.action,
        reason=view.reason,
        dry_run=dry_run,
    )


def _values(view: Importing) -> tuple[Sequence[tuple[str, str]], str, str, str, str]:
    return view.owners, view.portal, view.mode, view.action, view.reason


def export(call: Call) -> Answer:
    """What the filters show, as the file that can be imported again; rules of families stay in their packs."""
    return rules_as_csv(call, filter_of(call, wanted_of(call))[0])


def rules_as_csv(call: Call, rule_filter: RuleFilter) -> Download:
    """Rules that fit as a file."""
    packs = call.desk.published()
    portals = {portal.id: portal for portal in packs.snapshot.all_portals}
    rows = (row for row in rows_of(_found(call, rule_filter), portals) if not isinstance(row, Unsayable))
    text = "".join(csv_lines(rows, Context.of(portals.values(), packs.snapshot.destinations)))
    return Download("rules.csv", "text/csv; charset=utf-8", text.encode("utf-8"))


def _found(call: Call, rule_filter: RuleFilter) -> Iterator[Stored]:
    after: Ref | None = None
    for _ in range(0, MOST_EXPORTED, _PAGE):
        with call.desk.store.reading() as workspace:
            found = workspace.find(rule_filter, after=after, limit=_PAGE)
        yield from (stored for stored in found if stored.state is State.ON)
        if len(found) < _PAGE:
            return
        after = found[-1].ref


ROUTES: Final = (
    Route("GET", "/import", show, Deed.EDIT),
    Route("POST", "/import", send, Deed.EDIT),
    Route("GET", "/rules.csv", export),
)
