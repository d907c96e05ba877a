"""Localities: find a place, and settle communes whose successor is doubtful, each with a source to be looked up."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from proxy.console.calls import Answer, Call, Download, GoTo, NotFound, Route, Show
from proxy.console.views import Wrong
from redirect_rules.exchange.exports.tables import protected
from redirect_rules.localities import Localities
from redirect_rules.objects import NEW, Kind, Revision, Stored
from redirect_rules.rights import Deed
from redirect_rules.settlements import Doubtful, doubtful, parse
from redirect_rules.units import Confidence, Era

COLUMNS: Final = (
    "code",
    "name",
    "district",
    "province",
    "confidence",
    "candidates",
    "settled",
    "source",
    "decided_on",
    "by",
    "serves",
)


@dataclass(frozen=True, slots=True)
class DoubtfulLine:
    """A doubtful commune, and how far it is settled."""

    unit: Doubtful
    candidates: Sequence[tuple[str, str]]  # code, name
    successors: Sequence[tuple[str, str]] = ()  # that somebody has settled on, in the draft
    source: str = ""
    decided_on: str = ""
    by: str = ""
    serves: bool = False  # what was settled on is what serves

    @property
    def state(self) -> str:
        """`open`, `draft` (settled, and not published) or `settled`."""
        if not self.successors:
            return "open"
        return "settled" if self.serves else "draft"


@dataclass(frozen=True, slots=True)
class LocalityList:
    """Places that were looked for, and those that are doubtful."""

    query: str
    found: Sequence[tuple[str, str, str, str]]  # code, name, what it is today, how sure
    doubtful: Sequence[DoubtfulLine]
    open: int


@dataclass(frozen=True, slots=True)
class Settling:
    """A doubtful commune being settled."""

    line: DoubtfulLine
    others: Sequence[tuple[str, str]]  # communes of its province that are no candidates
    chosen: frozenset[str]
    source: str
    decided_on: str
    version: int
    may_edit: bool
    history: Sequence[Revision]
    reason: str = ""
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """Find a place, and see which communes are doubtful."""
    localities, query = call.desk.published().book.localities, call.query.get("q")
    matches = localities.search(query, limit=20) if query else ()
    found = [
        (
            str(match.locality.code),
            match.locality.name,
            "; ".join(f"{one.name}, {one.province}" for one in localities.successors(match.locality)),
            match.locality.confidence.value,
        )
        for match in matches
    ]
    lines = lines_of(call)
    return Show("localities.html", LocalityList(query, found, lines, sum(line.state == "open" for line in lines)))


def lines_of(call: Call) -> list[DoubtfulLine]:
    """Every doubtful commune, by its code."""
    units = doubtful(call.desk.shipped.sources.localities)
    with call.desk.store.reading() as workspace:
        there = {stored.ref: stored for stored in workspace.objects(Kind.SETTLEMENT)}
        by = {ref: workspace.history(ref)[-1].actor for ref in there}
    localities = call.desk.published().book.localities
    return [line_of(unit, there.get(unit.ref), by.get(unit.ref, ""), localities) for unit in units]


def line_of(unit: Doubtful, stored: Stored | None, by: str, localities: Localities) -> DoubtfulLine:
    """How far one is settled.  `by`: who settled it."""
    candidates = [(code, _name(localities, code)) for code in unit.candidates]
    if stored is None:
        return DoubtfulLine(unit, candidates)
    body = stored.body
    known = localities.by_code(Era.OLD, unit.code)
    serving = known is not None and known.confidence is Confidence.AGREED
    return DoubtfulLine(
        unit,
        candidates,
        [(code, _name(localities, code)) for code in body["successors"]],
        body["source"],
        body.get("decided_on") or "",
        by,
        serves=serving and known is not None and [one.code for one in known.now] == body["successors"],
    )


def _name(localities: Localities, code: str) -> str:
    unit = localities.by_code(Era.NEW, code)
    return unit.name if unit is not None else code


def show_one(call: Call) -> Answer:
    """One of them, to be settled."""
    return Show("locality.html", _settling(call))


def unit_of(call: Call, code: str) -> Doubtful:
    """The doubtful commune of a code.  Raises NotFound."""
    unit = next((one for one in doubtful(call.desk.shipped.sources.localities) if one.code == code), None)
    if unit is None:
        raise NotFound(code)
    return unit


def _settling(call: Call, wrong: Wrong = ()) -> Settling:
    unit, localities = unit_of(call, call.matched["code"]), call.desk.published().book.localities
    with call.desk.store.reading() as workspace:
        stored = workspace.get(unit.ref)
        history = workspace.history(unit.ref)[::-1]
    line = line_of(unit, stored, history[0].actor if history else "", localities)
    communes = localities.communes_of(unit.province_now)
    typed = bool(wrong)
    return Settling(
        line=line,
        others=[(one.code, one.name) for one in communes if one.code not in unit.candidates],
        chosen=frozenset(_chosen(call) if typed else (code for code, _ in line.successors)),
        source=call.form.get("source") if typed else line.source,
        decided_on=call.form.get("decided_on") if typed else line.decided_on,
        version=stored.version if stored else NEW,
        may_edit=call.office.may_write(unit.ref),
        history=history,
        reason=call.form.get("reason"),
        wrong=wrong,
    )


def _chosen(call: Call) -> list[str]:
    return sorted({code for code in (*call.form.all("successor"), call.form.get("other")) if code})


def settle(call: Call) -> Answer:
    """Write down what was found out, in the draft."""
    unit, reason = unit_of(call, call.matched["code"]), call.form.get("reason")
    day, wrong = _day(call.form.get("decided_on"))
    body: dict[str, Any] = {"successors": _chosen(call), "source": call.form.get("source")}
    if day:
        body["decided_on"] = day
    if not body["successors"]:
        wrong = (*wrong, ("successors", "required"))
    if not reason:
        wrong = (*wrong, ("reason", "required"))
    wrong = (*wrong, *_complaints(body, unit, call))
    if wrong:
        return Show("locality.html", _settling(call, wrong), 422)
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.office.put(unit.ref, body, call.change(reason), seen_version=seen)
    return GoTo(f"/localities/{unit.code}", "settled", {"name": unit.name})


def _day(text: str) -> tuple[str, Wrong]:
    """A day as people in Viet Nam write it, or as machines do, as the latter."""
    if not text:
        return "", ()
    parts = text.replace(".", "/").split("/")
    written = "-".join(part.zfill(2) for part in reversed(parts)) if len(parts) == 3 else text
    try:
        return date.fromisoformat(written).isoformat(), ()
    except ValueError:
        return "", (("decided_on", "day"),)


def _complaints(body: Mapping[str, Any], unit: Doubtful, call: Call) -> Wrong:
    known = {one.code for one in call.desk.published().book.localities.communes_of(unit.province_now)}
    if set(body["successors"]) - known:
        return (("successors", "not-there"),)
    try:
        parse(body)
    except ValueError as error:
        field = str(error).partition(":")[0].partition(".")[0]
        said = {"decided_on": "day-of-document", "source": "source"}.get(field)
        return ((field, said),) if said else ()
    return ()


def unsettle(call: Call) -> Answer:
    """Take it back: the sources disagree again."""
    unit = unit_of(call, call.matched["code"])
    if not (reason := call.form.get("reason")):
        return GoTo(f"/localities/{unit.code}", "reason-missing")
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.office.remove(unit.ref, call.change(reason), seen_version=seen)
    return GoTo(f"/localities/{unit.code}", "unsettled", {"name": unit.name})


def export(call: Call) -> Answer:
    """All doubtful communes with what was settled, to be handed on to whoever keeps the tables."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for line in lines_of(call):
        unit = line.unit
        fields = (
            *(unit.code, unit.name, unit.district, unit.province, unit.confidence.value, ";".join(unit.candidates)),
            ";".join(code for code, _ in line.successors),
            *(line.source, line.decided_on, line.by, "yes" if line.serves else ""),
        )
        table.writerow([protected(field) for field in fields])
    return Download("doubtful-communes.csv", "text/csv; charset=utf-8", b"\xef\xbb\xbf" + out.getvalue().encode())


ROUTES: Final = (
    Route("GET", "/localities", show),
    Route("GET", "/localities.csv", export),
    Route("GET", "/localities/{code}", show_one),
    Route("POST", "/localities/{code}", settle, Deed.EDIT),
    Route("POST", "/localities/{code}/remove", unsettle, Deed.EDIT),
)
