"""Rows of a file → the store: line by line an outcome, and all lines or none.

A line is the same rule as one that is there when both know the same address, or bear the same id.  What a file says
nothing of (a note, an owner, a validity) stays as it was, except where the file is the whole truth (`replace-scope`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final, NamedTuple, TypeAlias

from redirect_rules.bodies import is_its_own_key
from redirect_rules.canonical import BadTarget, canonical_key
from redirect_rules.exact import address
from redirect_rules.exchange.candidates import Candidate, candidate
from redirect_rules.exchange.old_addresses import encoded, template_key
from redirect_rules.exchange.outcomes import Kind as OutcomeKind
from redirect_rules.exchange.outcomes import Mode, Outcome, outcomes
from redirect_rules.exchange.rows import ImportedRow, ImportProblem
from redirect_rules.objects import Change, Kind, PutText, Ref, Remove, State, Stored, Write
from redirect_rules.parsing import parse_template
from redirect_rules.store import Reading, RuleStore

MOST_SHOWN: Final = 200
"""Lines that cannot stand, kept to be shown; the others are counted."""

_AHEAD = 1_000  # lines that are looked up in one question
_KEPT = frozenset({"note", "legal_basis", "owner", "tags", "valid_from", "valid_until", "when", "query"})


Told: TypeAlias = Callable[[Outcome], None]
"""Told of every line, in its order."""


@dataclass(slots=True)
class ImportReport:
    """What became, or would become, of a file."""

    mode: Mode
    counts: Counter[OutcomeKind] = field(default_factory=Counter)
    refused: list[Outcome] = field(default_factory=list)  # the first MOST_SHOWN of them
    batch: str = ""  # under which it can be undone; "": nothing was written
    stands: bool = True  # whether every line can

    def count(self, outcome: Outcome) -> None:
        """Take in what becomes of one line."""
        self.counts[outcome.kind] += 1
        if not outcome.stands:
            self.stands = False
            if len(self.refused) < MOST_SHOWN:
                self.refused.append(outcome)

    @property
    def changes(self) -> int:
        """How many rules it changes."""
        return sum(self.counts[kind] for kind in (OutcomeKind.CREATE, OutcomeKind.UPDATE, OutcomeKind.REMOVE))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "mode": self.mode.value,
            "stands": self.stands,
            "batch": self.batch or None,
            "counts": {kind.value: self.counts[kind] for kind in OutcomeKind},
            "refused": [{"line": o.line, "kind": o.kind.value, "key": o.key, "say": o.say} for o in self.refused],
        }


class ImportRefused(Exception):
    """Some lines cannot stand, so nothing was written."""

    def __init__(self, report: ImportReport) -> None:
        bad = report.counts[OutcomeKind.ERROR] + report.counts[OutcomeKind.CONFLICT]
        super().__init__(f"{bad:,} lines cannot stand: nothing was changed")
        self.report = report


def import_rows(
    store: RuleStore,
    rows: Iterable[ImportedRow | Candidate | ImportProblem],
    mode: Mode,
    change: Change,
    *,
    folds: Mapping[str, bool],
    portal: str | None = None,
    dry_run: bool = False,
    told: Told | None = None,
) -> ImportReport:
    """Write all rows as one batch named by the change, or none.  Raises ImportRefused, ValueError, and as `apply`.

    folds   portal id → whether its paths are compared without case
    portal  whose rules `replace-scope` replaces
    rows    made ready (`candidate`) where that was done beside
    """
    if mode is Mode.REPLACE_SCOPE and portal is None:
        raise ValueError("replace-scope needs the portal whose rules are replaced")
    report = ImportReport(mode)
    with store.reading() as workspace:
        plan = _Plan(workspace, report, folds, portal, told).writes(map(_made_ready, rows))
        if dry_run:
            for _ in plan:
                pass
            return report
        first = next(plan, None)
        if first is not None:
            store.apply(chain((first,), _all_or_nothing(plan, report)), change)
            report.batch = change.batch or ""
        elif not report.stands:
            raise ImportRefused(report)
    return report


def _all_or_nothing(plan: Iterator[Write], report: ImportReport) -> Iterator[Write]:
    """The rest of the writes; raising inside the transaction undoes the first of them."""
    yield from plan
    if not report.stands:
        raise ImportRefused(report)


def _made_ready(row: ImportedRow | Candidate | ImportProblem) -> Candidate | ImportProblem:
    return candidate(row) if isinstance(row, ImportedRow) else row


class _Known(NamedTuple):
    """A rule that is there."""

    stored: Stored
    keys: Sequence[str]


class _Plan:
    """What each line would write, looked up in blocks."""

    def __init__(
        self,
        workspace: Reading,
        report: ImportReport,
        folds: Mapping[str, bool],
        portal: str | None,
        told: Told | None,
    ) -> None:
        self._workspace = workspace
        self._report = report
        self._folds = folds
        self._portal = portal
        self._told = told
        self._known: dict[str, _Known] = {}  # key → the rule that knows the address, of this block
        self._named: dict[Ref, _Known] = {}  # by id, of this block
        self._met: set[Ref] = set()  # for replace-scope
        self._empty: dict[str, bool] = {}  # scope → whether there is nothing to look up

    def writes(self, rows: Iterable[Candidate | ImportProblem]) -> Iterator[Write]:
        """What to write, as long as every line can stand; then the rest is only judged."""
        report, told, put = self._report, self._told, self._put
        for outcome in outcomes(self._looked_up(rows), self._text_at, report.mode):
            judged = self._judged(outcome)
            report.count(judged)
            if told is not None:
                told(judged)
            if judged.row is not None and report.stands:
                yield put(judged.row)
        if self._portal is not None and report.mode is Mode.REPLACE_SCOPE:
            yield from self._removals(f"portal:{self._portal}")

    def _looked_up(self, rows: Iterable[Candidate | ImportProblem]) -> Iterator[Candidate | ImportProblem]:
        """The rows, each block looked up before its first row is judged."""
        rest = iter(rows)
        while block := list(islice(rest, _AHEAD)):
            self._look_up([row for row in block if isinstance(row, Candidate)])
            if self._named or self._known:
                yield from (row if isinstance(row, ImportProblem) else self._with_what_was(row) for row in block)
            else:
                yield from block

    def _look_up(self, rows: list[Candidate]) -> None:
        self._known, self._named = {}, {}
        for portal in {row.portal for row in rows}:
            scope = f"portal:{portal}"
            if self._is_empty(scope):
                continue
            here = [row for row in rows if row.portal == portal]
            by_ref = {_ref(row): row for row in here}
            fold = self._folds.get(portal, True)
            for stored in self._workspace.many(by_ref).values():
                self._named[stored.ref] = self._learn(stored, fold_case=fold, like=by_ref[stored.ref])
            # Most lines were imported before under the id that their address gives: no second question.
            strange = {row.exact.lower() for row in here if row.exact and row.key not in self._known}
            for stored in self._workspace.at_paths(scope, strange):
                if stored.ref not in self._named:
                    self._learn(stored, fold_case=fold)

    def _learn(self, stored: Stored, *, fold_case: bool, like: Candidate | None = None) -> "_Known":
        """Remember a rule; `like`: the row that bears its id, whose text is nearly always the same."""
        if like is not None and like.text == stored.text:
            known = _Known(stored, (like.key,))
        else:
            known = _Known(stored, keys_of(stored, fold_case=fold_case))
        if stored.state is State.ON:
            for key in known.keys:
                self._known.setdefault(key, known)
        return known

    def _is_empty(self, scope: str) -> bool:
        if scope not in self._empty:
            self._empty[scope] = next(self._workspace.rules(scope, off_too=True), None) is None
        return self._empty[scope]

    def _with_what_was(self, row: Candidate) -> Candidate:
        """What the line does not speak of stays, unless the file is the whole truth."""
        known = self._known.get(row.key)
        if known is None and self._report.mode is not Mode.ADD:
            # A list that was exported, with an address corrected: the id says which rule is meant.
            known = self._named.get(_ref(row))
        if known is None:
            return row
        self._met.add(known.stored.ref)
        if known.stored.text == row.text:
            return row
        rule, body = {**row.rule, "id": known.stored.ref.id}, known.stored.body
        if rule.get("exact") and "paths" in body:  # a template without captures: a list cannot tell it from an address
            rule["paths"] = body["paths"]
            del rule["exact"]
        if self._report.mode is not Mode.REPLACE_SCOPE and not _KEPT.isdisjoint(body):
            rule = {name: body[name] for name in _KEPT & body.keys() - rule.keys()} | rule
        return row.with_rule(rule)

    def _text_at(self, key: str) -> str | None:
        known = self._known.get(key)
        return None if known is None else known.stored.text

    def _judged(self, outcome: Outcome) -> Outcome:
        """What the addresses alone do not tell."""
        row = outcome.row
        if row is None or not (self._known or self._named):
            return outcome
        known = self._known.get(row.key)
        if known is not None and len(known.keys) > 1:
            say = f"{known.stored.ref.id} knows this address beside others: change that rule itself"
            return outcome._replace(kind=OutcomeKind.CONFLICT, say=say, row=None)
        if known is None and (other := self._named.get(_ref(row))) is not None:
            if self._report.mode is Mode.ADD:
                say = f"another rule has the id {other.stored.ref.id}: leave the id out, or import with mode upsert"
                return outcome._replace(kind=OutcomeKind.CONFLICT, say=say, row=None)
            return outcome._replace(kind=OutcomeKind.UPDATE, say="changes the address")
        return outcome

    def _put(self, row: Candidate) -> Write:
        ref = _ref(row)
        known = self._known.get(row.key) or self._named.get(ref)
        if known is None:
            return PutText(ref, row.text, row.columns)
        return PutText(ref, row.text, row.columns, known.stored.version, known.stored.state)

    def _removals(self, scope: str) -> Iterator[Write]:
        for stored in self._workspace.rules(scope, off_too=True):
            if stored.ref not in self._met:
                outcome = Outcome(0, OutcomeKind.REMOVE, f"{scope}/{stored.ref.id}", "no line names it")
                self._report.count(outcome)
                if self._told is not None:
                    self._told(outcome)
                if self._report.stands:
                    yield Remove(stored.ref, stored.version)


def _ref(row: Candidate) -> Ref:
    return Ref(Kind.RULE, f"portal:{row.portal}", row.id)


def keys_of(stored: Stored, *, fold_case: bool) -> list[str]:
    """The addresses of a rule, spelt as `ImportedRow.key`."""
    portal = stored.ref.scope.partition(":")[2]
    body = stored.body
    if regex := body.get("regex"):
        return [f"{portal}~{regex}"]
    if paths := body.get("paths"):
        return [f"{portal}{template_key(parse_template(path), fold_case=fold_case)}" for path in paths]
    return [key for text in body.get("exact", ()) if (key := _exact_key(portal, text, fold_case=fold_case))]


def _exact_key(portal: str, text: str, *, fold_case: bool) -> str:
    if is_its_own_key(text):
        return portal + text
    try:
        key = canonical_key("", text, fold_case=fold_case)
    except BadTarget:
        return ""
    path, query = address(key.path, key.pairs)
    pairs = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in query)
    return f"{portal}{path}?{pairs}" if pairs else portal + path
