"""The register of attribute release: which system is told what of people, by what law, since when, by whose word."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from proxy.console import clientele
from proxy.console.calls import Answer, Call, Download, Route, Show
from proxy.console.client_forms import ATTRIBUTES
from proxy.console.clientele import Entry
from proxy.console.clients_pages import province_names
from redirect_rules.enrolment import Enrolment
from redirect_rules.exchange.exports.tables import protected
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.objects import Revision

COLUMNS: Final = (
    *("client", "name", "province", "attribute", "legal_basis", "level", "consent"),
    *("since", "asked_by", "agreed_by", "state"),
)


@dataclass(frozen=True, slots=True)
class Release:
    """One attribute of one client."""

    client: str
    name: str
    province: str  # its name; "": of the centre
    attribute: str
    legal_basis: str
    level: int
    consent: str
    since: datetime | None  # None: since the operator's file
    asked_by: str
    agreed_by: str  # "": nobody; the operator wrote it into a file
    state: str  # "serving", "suspended"


@dataclass(frozen=True, slots=True)
class Register:
    """The page."""

    rows: Sequence[Release]
    clients: Sequence[tuple[str, str]]
    attributes: Sequence[str]
    provinces: Sequence[tuple[str, str]]
    asked: Mapping[str, str]
    csv_link: str
    json_link: str


def releases(call: Call) -> list[Release]:
    """Everything that is released, or would be but for a suspension; as far as the filters let it through."""
    asked = _asked(call)
    names = province_names(call)
    found: list[Release] = []
    for entry in clientele.everybody(call.desk):
        if asked["client"] not in {"", entry.id} or asked["province"] not in {"", entry.province or "centre"}:
            continue
        found += [
            one for one in _of(call, entry, names) if not asked["attribute"] or one.attribute == asked["attribute"]
        ]
    return found


def _asked(call: Call) -> dict[str, str]:
    return {name: call.query.get(name) for name in ("client", "attribute", "province")}


def _of(call: Call, entry: Entry, names: Mapping[str, str]) -> Iterator[Release]:
    record = entry.record
    if record is None:
        return
    with call.desk.store.reading() as workspace:
        begun = _begun(workspace.history(entry.ref))
    for attribute in record.get("attributes", ()):
        since, asked_by, agreed_by = begun.get(attribute, (None, "", ""))
        yield Release(
            client=entry.id,
            name=entry.name,
            province=names.get(entry.province, ""),
            attribute=attribute,
            legal_basis=record.get("legal_basis", ""),
            level=record.get("level", 2),
            consent=record.get("consent", "never"),
            since=since,
            asked_by=asked_by,
            agreed_by=agreed_by,
            state="suspended" if entry.suspended else "serving",
        )


def _begun(history: Sequence[Revision]) -> dict[str, tuple[datetime, str, str]]:
    """Since when each attribute is released without a break, who asked for it and who agreed."""
    found: dict[str, tuple[datetime, str, str]] = {}
    asked_by = ""
    for revision in history:
        step = Enrolment.of(revision.body or {})
        told = set((step.serving or {}).get("attributes", ()))
        if step.did == "agreed":
            for attribute in told - found.keys():
                found[attribute] = (revision.at, asked_by, revision.actor)
        found = {attribute: begun for attribute, begun in found.items() if attribute in told}
        asked_by = step.asked_by or asked_by
    return found


def show(call: Call) -> Answer:
    """The register as a page."""
    entries = clientele.everybody(call.desk)
    links = [call.link().replace("/clients/register", f"/clients/register.{ending}", 1) for ending in ("csv", "json")]
    view = Register(
        rows=releases(call),
        clients=[(entry.id, entry.name) for entry in entries],
        attributes=ATTRIBUTES,
        provinces=[*province_names(call).items()],
        asked=_asked(call),
        csv_link=links[0],
        json_link=links[1],
    )
    return Show("client_register.html", view)


def export_table(call: Call) -> Answer:
    """The register as a table, with nothing in it that a spreadsheet would calculate."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for one in _rows(call):
        table.writerow([protected(str(one[column])) for column in COLUMNS])
    content = b"\xef\xbb\xbf" + out.getvalue().encode()
    return Download("attribute-release.csv", "text/csv; charset=utf-8", content)


def export_json(call: Call) -> Answer:
    """The register for programs."""
    content = json.dumps({"at": call.now.isoformat(), "releases": _rows(call)}, ensure_ascii=False, indent=1)
    return Download("attribute-release.json", "application/json", content.encode())


def _rows(call: Call) -> list[dict[str, object]]:
    return [
        {**asdict(one), "since": one.since.astimezone(HO_CHI_MINH).isoformat() if one.since else ""}
        for one in releases(call)
    ]


ROUTES: Final = (
    Route("GET", "/clients/register", show),
    Route("GET", "/clients/register.csv", export_table),
    Route("GET", "/clients/register.json", export_json),
)
