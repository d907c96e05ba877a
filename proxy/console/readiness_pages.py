"""Readiness: a row for each province, filled by what the edge knows by itself and by what somebody signed off."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.console.calls import Answer, Call, Download, GoTo, NotFound, Route, Show
from proxy.console.views import Wrong
from redirect_rules.exchange.exports.tables import protected
from redirect_rules.model import Action, Portal, Rule
from redirect_rules.objects import NEW, Kind, Ref, Revision, Stored
from redirect_rules.rights import Deed, Province, province_of
from redirect_rules.snapshot import Snapshot

AUTOMATIC: Final = ("closed", "deep-link", "payment", "agency-code")
SIGNED_OFF: Final = ("units", "sign-in", "filing", "data", "payment-tested", "receiving")
COLUMNS: Final = (
    "units",
    "closed",
    "sign-in",
    "deep-link",
    "filing",
    "data",
    "payment",
    "payment-tested",
    "receiving",
    "agency-code",
)
"""The columns of the Government's table, in its order, with those that the edge adds."""

STATES: Final = ("yes", "no", "partly")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of one thing in one province."""

    state: str  # "yes", "no", "partly" or "" (nobody has said)
    by: str = ""  # who signed it off; "": the edge saw it by itself
    say: str = ""


@dataclass(frozen=True, slots=True)
class ProvinceRow:
    """A province of today."""

    code: str
    name: str
    cells: Mapping[str, Cell]

    @property
    def done(self) -> int:
        """How many columns say yes."""
        return sum(cell.state == "yes" for cell in self.cells.values())


@dataclass(frozen=True, slots=True)
class Readiness:
    """The table."""

    rows: Sequence[ProvinceRow]
    columns: Sequence[str]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OneProvince:
    """A province, with what can be signed off."""

    row: ProvinceRow
    columns: Sequence[str]
    may_sign: bool
    versions: Mapping[str, int]
    history: Sequence[tuple[str, Revision]]
    wrong: Wrong = ()


def table_of(call: Call) -> list[ProvinceRow]:
    """The table of all provinces."""
    packs = call.desk.published()
    by_province: dict[Province, list[Portal]] = {}
    for portal in packs.snapshot.all_portals:
        by_province.setdefault(province_of(portal, packs.book.localities), []).append(portal)
    with call.desk.store.reading() as workspace:
        signed = {(one.ref.scope, one.ref.id): one for one in workspace.objects(Kind.READINESS)}
        signers = {ref: workspace.history(one.ref)[-1].actor for ref, one in signed.items()}
    rows = []
    for unit in packs.book.localities.new_provinces():
        cells = dict(_seen(by_province.get(unit.code, []), packs.snapshot, call))
        for column in SIGNED_OFF:
            cells[column] = _signed(signed.get((unit.code, column)), signers.get((unit.code, column), ""))
        rows.append(ProvinceRow(unit.code, unit.name, {column: cells[column] for column in COLUMNS}))
    return rows


def _signed(stored: Stored | None, actor: str) -> Cell:
    if stored is None:
        return Cell("")
    return Cell(stored.body["state"], actor, stored.body.get("note", ""))


def _seen(portals: Sequence[Portal], snapshot: Snapshot, call: Call) -> Iterator[tuple[str, Cell]]:
    """What the edge can tell by itself of a province's portals."""
    yield "closed", _all_or_some([portal.schedule.phase_at(call.now).closed for portal in portals])
    passing = [{rule.id.rpartition("/")[2] for rule in _passing(snapshot, portal)} for portal in portals]
    yield "deep-link", _all_or_some([bool(ids & {"deep-link", "callbacks"}) for ids in passing])
    yield "payment", _all_or_some([bool(ids & {"payment-return", "callbacks"}) for ids in passing])
    yield "agency-code", _all_or_some([bool(portal.agency_code) for portal in portals])


def _passing(snapshot: Snapshot, portal: Portal) -> Iterator[Rule]:
    return (rule for rule in snapshot.rules_of(portal) if rule.action is Action.PASS)


def _all_or_some(found: Sequence[bool]) -> Cell:
    if not found:
        return Cell("")
    return Cell("yes" if all(found) else "partly" if any(found) else "no")


def show(call: Call) -> Answer:
    """The table of all provinces."""
    rows = table_of(call)
    counts = {column: sum(row.cells[column].state == "yes" for row in rows) for column in COLUMNS}
    return Show("readiness.html", Readiness(rows, COLUMNS, counts))


def show_one(call: Call) -> Answer:
    """One province, and what can be signed off."""
    return Show("province.html", _province(call))


def _province(call: Call, wrong: Wrong = ()) -> OneProvince:
    row = next((row for row in table_of(call) if row.code == call.matched["code"]), None)
    if row is None:
        raise NotFound(call.matched["code"])
    refs = {column: Ref(Kind.READINESS, row.code, column) for column in SIGNED_OFF}
    with call.desk.store.reading() as workspace:
        versions = {column: one.version for column, ref in refs.items() if (one := workspace.get(ref)) is not None}
        history = [(column, revision) for column, ref in refs.items() for revision in workspace.history(ref)]
    history.sort(key=lambda pair: pair[1].version, reverse=True)
    return OneProvince(row, SIGNED_OFF, call.person.may(Deed.SIGN_OFF, row.code), versions, history, wrong)


def sign(call: Call) -> Answer:
    """Sign something off for a province."""
    column, state, note = call.form.get("column"), call.form.get("state"), call.form.get("note")
    wrong: list[tuple[str, str]] = []
    if column not in SIGNED_OFF:
        wrong.append(("column", "required"))
    if state not in STATES:
        wrong.append(("state", "required"))
    if not note:
        wrong.append(("note", "required"))
    if wrong:
        return Show("province.html", _province(call, tuple(wrong)), 422)
    ref = Ref(Kind.READINESS, call.matched["code"], column)
    seen = call.form.number("version", 0, least=0, most=10**8)
    if not seen:
        with call.desk.store.reading() as workspace:
            there = workspace.get(ref)
        seen = there.version if there else NEW
    call.office.put(ref, {"state": state, "note": note}, call.change(note), seen_version=seen)
    return GoTo(f"/readiness/{call.matched['code']}", "saved")


def export(call: Call) -> Answer:
    """The table, to be handed on."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(("code", "province", *COLUMNS))
    for row in table_of(call):
        table.writerow((row.code, protected(row.name), *(row.cells[column].state for column in COLUMNS)))
    return Download("readiness.csv", "text/csv; charset=utf-8", b"\xef\xbb\xbf" + out.getvalue().encode())


ROUTES: Final = (
    Route("GET", "/readiness", show),
    Route("GET", "/readiness.csv", export),
    Route("GET", "/readiness/{code}", show_one),
    Route("POST", "/readiness/{code}", sign, Deed.SIGN_OFF),
)
