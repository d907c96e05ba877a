"""The long pieces of work: each a function from a desk and a request to a result that JSON can hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from proxy.console import client_trials
from proxy.console.desk import Desk
from proxy.console.spoken import told_of
from proxy.console.work import Progress, Request
from proxy.state import served
from redirect_rules.analysis import analyse
from redirect_rules.effects import effect
from redirect_rules.exchange.outcomes import Mode, Outcome
from redirect_rules.exchange.reading import read_rules
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem
from redirect_rules.findings import Severity
from redirect_rules.importing import ImportRefused, import_rows
from redirect_rules.model import HO_CHI_MINH, Action
from redirect_rules.objects import Change
from redirect_rules.stores.hits import Span

MOST_SHOWN: Final = 500
_BLOCK: Final = 1 << 20


def _change(desk: Desk, request: Request, reason: str, *, batch: str | None = None) -> Change:
    return Change(request.actor, reason, desk.clock(), batch)


def check(desk: Desk, request: Request, folder: Path, told: Progress) -> dict[str, Any]:
    """Analyse the draft."""
    told("compile", 0)
    packs = desk.drafted()
    counts = dict.fromkeys(Severity, 0)
    shown: list[dict[str, Any]] = []
    for finding in analyse(packs, packs.snapshot.exact, now=desk.clock(), progress=told):
        counts[finding.severity] += 1
        if len(shown) < MOST_SHOWN:
            shown.append(
                {
                    "severity": finding.severity.value,
                    "kind": finding.kind.value,
                    "portal": finding.portal,
                    "rule": finding.rule,
                    "other": finding.other,
                    **told_of(finding.say),
                }
            )
    order = [one.value for one in Severity]
    shown.sort(key=lambda one: order.index(one["severity"]))
    return {
        "counts": {one.value: count for one, count in counts.items()},
        "findings": shown,
        "revision": _revision(desk),
    }


def _revision(desk: Desk) -> int:
    with desk.store.reading() as workspace:
        return workspace.revision


def show_effect(desk: Desk, request: Request, folder: Path, told: Progress) -> dict[str, Any]:
    """What the draft would change, for recorded hits or for a log that was sent."""
    told("compile", 0)
    now = desk.clock()
    after = desk.drafted()
    with closing(served(desk.settings, now)) as before:
        requests: Iterable[str] | Iterable[tuple[str, int]]
        upload = folder / "upload"
        if upload.is_file():
            requests = _told_lines(upload.read_text("utf-8", "replace").splitlines(), told)
        else:
            span = Span.until(now.astimezone(HO_CHI_MINH).date(), request.parameters["days"])
            requests = _told_hits(((one.key, one.visits) for one in desk.hits.recorded(span)), told)
        report = effect(
            before.snapshot,
            after.snapshot,
            requests,
            now=now,
            crawlers=after.crawlers,
            host=request.parameters.get("host", ""),
            most=MOST_SHOWN,
        )
    return {**report.as_json(), "revision": _revision(desk)}


def _told_lines(lines: Iterable[str], told: Progress) -> Iterator[str]:
    for number, line in enumerate(lines):
        told("compare", number)
        yield line


def _told_hits(hits: Iterable[tuple[str, int]], told: Progress) -> Iterator[tuple[str, int]]:
    for number, hit in enumerate(hits):
        told("compare", number)
        yield hit


def publish(desk: Desk, request: Request, folder: Path, told: Progress) -> dict[str, Any]:
    """Make the draft the number that serves."""
    at = request.parameters.get("at")
    published = desk.office(desk.person(request.actor)).publish(
        desk.shipped.sources,
        _change(desk, request, request.parameters["message"]),
        at=datetime.fromisoformat(at) if at else None,
        review=request.parameters.get("review"),
        keep=desk.settings.publishing.keep,
        progress=told,
    )
    return {"number": published.number, "activates_at": published.activates_at.isoformat()}


def import_file(desk: Desk, request: Request, folder: Path, told: Progress) -> dict[str, Any]:
    """Read a file into the draft, or say what each of its lines would do."""
    parameters = request.parameters
    snapshot = desk.shipped.snapshot
    portals = snapshot.all_portals
    shown: list[dict[str, Any]] = []
    seen = 0

    def tell(outcome: Outcome) -> None:
        nonlocal seen
        seen += 1
        told("import", seen)
        if len(shown) < MOST_SHOWN and (outcome.kind != "same" or len(shown) < 20):
            shown.append({"line": outcome.line, "kind": outcome.kind.value, "key": outcome.key, "say": outcome.say})

    rows = read_rules(
        _blocks(folder / "upload"),
        name=request.title,
        context=Context.of(portals, snapshot.destinations),
        portal=parameters["portal"] or None,
        file_format=None,
        action=Action(parameters["action"]),
    )
    batch = f"import-{request.id}"
    try:
        report = import_rows(
            desk.office(desk.person(request.actor)),
            _each(rows),
            Mode(parameters["mode"]),
            _change(desk, request, parameters["reason"] or f"import {request.title}", batch=batch),
            folds={portal.id: portal.fold_case for portal in portals},
            portal=parameters["portal"] or None,
            dry_run=parameters["dry_run"],
            told=tell,
        )
    except ImportRefused as refused:
        report = refused.report
    return {**report.as_json(), "dry_run": parameters["dry_run"], "shown": shown}


def undo(desk: Desk, request: Request, folder: Path, told: Progress) -> dict[str, Any]:
    """Put back what a batch changed."""
    batch, reason = request.parameters["batch"], request.parameters["reason"]
    office = desk.office(desk.person(request.actor))
    version = office.undo(batch, _change(desk, request, reason), progress=lambda done: told("undo", done))
    return {"batch": batch, "version": version}


def verify(desk: Desk, request: Request, folder: Path, told: Progress) -> dict[str, Any]:
    """Follow the trail from its first entry to its last, and compare what each wrote with what is kept."""
    head = desk.store.trail.head()
    broken = desk.store.trail.verify(progress=lambda done: told("verify", done))
    return {
        "holds": broken is None,
        "entries": head.number,
        "head": head.hash,
        "number": broken.number if broken else None,
        "why": broken.why if broken else "",
    }


def _each(rows: Iterable[ImportedRow | ImportProblem]) -> Iterator[ImportedRow | ImportProblem]:
    yield from rows


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


KINDS: Final[Mapping[str, Callable[[Desk, Request, Path, Progress], dict[str, Any]]]] = {
    "check": check,
    "effect": show_effect,
    "publish": publish,
    "import": import_file,
    "undo-batch": undo,
    "verify": verify,
    "sign-in": client_trials.sign_in,
}
"""By the name that a request gives."""
