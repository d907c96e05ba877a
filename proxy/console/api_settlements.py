"""Places, for programs: found, and settled where the public sources do not agree, each on somebody's word."""

from datetime import date
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, Field

from proxy.console.api_models import Model, Nothing, Reason, RemoveBody, Text
from proxy.console.api_operations import CSV, Endpoint
from proxy.console.calls import Call, Download, Mistake, NotFound
from proxy.console.locality_pages import DoubtfulLine, export, line_of, lines_of, unit_of
from redirect_rules import settlements
from redirect_rules.objects import Kind, Stored
from redirect_rules.rights import Deed
from redirect_rules.settlements import Doubtful


class SettlementModel(BaseModel):
    """An old commune on which the sources do not all agree, and how far it is settled."""

    commune: str = Field(description="Its old code.")
    name: str
    district: str
    province: str = Field(description="The code of the province of today that it lies in.")
    confidence: str
    candidates: list[str] = Field(description="Codes of communes of today.")
    state: Literal["open", "draft", "settled"] = Field(description="settled: it is what serves.")
    successors: list[str]
    source: str
    decided_on: str
    by: str
    version: int = Field(description="0: nobody has settled it.")


class SettlementsModel(BaseModel):
    """All of them, by code."""

    items: list[SettlementModel]


class SettlementBody(Model):
    """What a commune has become, and on whose word."""

    successors: Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{5}$")]], Field(min_length=1, max_length=40)]
    source: Annotated[
        Text,
        Field(min_length=4, max_length=500, description="The address of a page, or the number of a document."),
    ]
    decided_on: date | None = Field(default=None, description="Of a document: its day.")
    reason: Reason
    seen_version: Annotated[int, Field(ge=0, le=10**8, description="0: nobody has settled it.")] = 0


def _told(line: DoubtfulLine, version: int) -> SettlementModel:
    unit = line.unit
    return SettlementModel(
        commune=unit.code,
        name=unit.name,
        district=f"{unit.district}, {unit.province}",
        province=unit.province_now,
        confidence=unit.confidence.value,
        candidates=list(unit.candidates),
        state=cast("Any", line.state),
        successors=[code for code, _ in line.successors],
        source=line.source,
        decided_on=line.decided_on,
        by=line.by,
        version=version,
    )


def list_settlements(call: Call, _: None) -> SettlementsModel:
    """Every commune that is not clear."""
    with call.desk.store.reading() as workspace:
        versions = {stored.ref: stored.version for stored in workspace.objects(Kind.SETTLEMENT)}
    return SettlementsModel(items=[_told(one, versions.get(one.unit.ref, 0)) for one in lines_of(call)])


def get_settlement(call: Call, _: None) -> SettlementModel:
    """One of them."""
    return _one(call, unit_of(call, call.matched["commune"]))


def _one(call: Call, unit: Doubtful) -> SettlementModel:
    with call.desk.store.reading() as workspace:
        stored: Stored | None = workspace.get(unit.ref)
        history = workspace.history(unit.ref)
    by = history[-1].actor if history and stored is not None else ""
    line = line_of(unit, stored, by, call.desk.published().book.localities)
    return _told(line, stored.version if stored is not None else 0)


def put_settlement(call: Call, body: SettlementBody) -> SettlementModel:
    """Settle a commune in the draft."""
    unit = unit_of(call, call.matched["commune"])
    call.must(Deed.EDIT, unit.province_now)
    kept: dict[str, Any] = {"successors": sorted(set(body.successors)), "source": body.source.strip()}
    if body.decided_on is not None:
        kept["decided_on"] = body.decided_on.isoformat()
    known = {one.code for one in call.desk.published().book.localities.communes_of(unit.province_now)}
    if strange := [code for code in kept["successors"] if code not in known]:
        raise Mistake(("successors", f"{', '.join(strange)}: no commune of today in province {unit.province_now}"))
    try:
        settlements.parse(kept)
    except ValueError as error:
        name, _, text = str(error).partition(": ")
        raise Mistake((name, text)) from None
    call.office.put(unit.ref, kept, call.change(body.reason), seen_version=body.seen_version)
    return _one(call, unit)


def delete_settlement(call: Call, body: RemoveBody) -> Nothing:
    """Take it back: the sources disagree again."""
    unit = unit_of(call, call.matched["commune"])
    call.must(Deed.EDIT, unit.province_now)
    with call.desk.store.reading() as workspace:
        if workspace.get(unit.ref) is None:
            raise NotFound(unit.code)
    call.office.remove(unit.ref, call.change(body.reason), seen_version=body.seen_version)
    return Nothing()


def settlements_csv(call: Call, _: None) -> Download:
    """All of them as a table."""
    made = export(call)
    if not isinstance(made, Download):
        raise TypeError("the page of localities gives no file")
    return made


_SEE: Final = Deed.SEE
_ONE: Final = "/settlements/{commune}"
ENDPOINTS: Final = (
    Endpoint("GET", "/settlements", "Communes that are not clear", _SEE, list_settlements, SettlementsModel),
    Endpoint("GET", _ONE, "How far one is settled", _SEE, get_settlement, SettlementModel),
    Endpoint("PUT", _ONE, "Settle a commune", Deed.EDIT, put_settlement, SettlementModel, body=SettlementBody),
    Endpoint("DELETE", _ONE, "Take a settlement back", Deed.EDIT, delete_settlement, Nothing, body=RemoveBody),
    Endpoint("GET", "/exports/settlements.csv", "Communes that are not clear, as a file", _SEE, settlements_csv, CSV),
)
