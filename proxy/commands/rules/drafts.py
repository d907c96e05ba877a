"""`dvc-edge rules check` and `rules effect`: look at the draft before it serves."""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from typing import Any

from proxy.clock import utc_now
from proxy.commands.progress import bar
from proxy.commands.replay import a_host, advice_on, log_of
from proxy.commands.rules.verbs import Verbs, verb
from proxy.commands.workspaces import Workspace, an_instant, said, workspace
from proxy.state import served
from redirect_rules.analysis import Finding, Severity, analyse
from redirect_rules.effects import EffectReport, effect
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.opening import opened
from redirect_rules.packs import Packs
from redirect_rules.publishing import base_of, compile_draft
from redirect_rules.snapshot_file import path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.stores.hits import Span

_DRAFT = 0
"""The number under which a draft is compiled to be looked at."""


def add(verbs: Verbs) -> None:
    """Describe the options."""
    command = verb(verbs, "check", run_check, "find loops, conflicts, rules that can never win, dead lookups")
    command.add_argument("--most", type=int, default=100, metavar="N", help="how many findings to show (100)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command = verb(verbs, "effect", run_effect, "say which visits the draft would answer in another way")
    command.add_argument(
        "--log", action="append", default=[], metavar="FILE", help="an access log; without it, the recorded hits"
    )
    command.add_argument("--days", type=_days, default=30, metavar="N", help="how many days of recorded hits (30)")
    command.add_argument("--host", type=a_host, default="", help="the host of logs that do not name one")
    command.add_argument("--at", type=an_instant, metavar="INSTANT", help="decide as of then (now)")
    command.add_argument("--most", type=int, default=50, metavar="N", help="how many addresses to show (50)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def drafted(here: Workspace, options: argparse.Namespace) -> Packs:
    """The draft as it would be served; compiled once for each state of it.  To be closed."""
    folder, store = here.state.draft, here.store
    with store.reading() as reading:
        revision = reading.revision
    digest = hashlib.sha256(repr(list(here.sources.documents())).encode()).hexdigest()
    message = f"draft {revision} over {digest}"
    with suppress(SnapshotRefused):
        packs = opened(path_of(folder, _DRAFT))
        if packs.message == message:
            return packs
        packs.close()
    with bar(quiet=options.quiet or options.json) as told:
        return compile_draft(
            store,
            here.sources,
            folder,
            _DRAFT,
            here.change(message),
            revision=revision,
            base=base_of(store, here.state.snapshots),
            progress=told,
        ).packs


@said("rules check")
def run_check(options: argparse.Namespace) -> int:
    """Analyse the draft."""
    with workspace(options) as here, closing(drafted(here, options)) as packs:
        counts = dict.fromkeys(Severity, 0)
        shown: list[Finding] = []
        for finding in analyse(packs, packs.snapshot.exact, now=utc_now()):
            counts[finding.severity] += 1
            if len(shown) < options.most:
                shown.append(finding)
        total = len(packs.snapshot.exact) + len(
            {rule.id for portal in packs.snapshot.all_portals for rule in packs.snapshot.rules_of(portal)}
        )
    if options.json:
        found = {"rules": total, "counts": {one.value: count for one, count in counts.items()}}
        print(json.dumps(found | {"findings": [_as_json(one) for one in shown]}, ensure_ascii=False))
    else:
        for one in shown:
            print(f"{one.severity}: {one.rule or one.portal}: {one.say}")
        print(
            f"{total:,} rules: "
            + ", ".join(f"{count:,} {one}{'s' if count != 1 else ''}" for one, count in counts.items())
        )
    return 1 if counts[Severity.ERROR] else 0


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "portal": finding.portal,
        "rule": finding.rule,
        "other": finding.other or None,
        "say": finding.say,
    }


def _recorded(here: Workspace, days: int, now: datetime) -> Iterator[tuple[str, int]]:
    """The hits of the last days: addresses, and how often they were asked for."""
    span = Span.until(now.astimezone(HO_CHI_MINH).date(), days)
    with closing(here.state.hits()) as hits:
        yield from ((one.key, one.visits) for one in hits.recorded(span))


@said("rules effect")
def run_effect(options: argparse.Namespace) -> int:
    """Compare the draft with what serves."""
    now = options.at or utc_now()
    with (
        workspace(options) as here,
        closing(served(here.settings, now)) as before,
        closing(drafted(here, options)) as after,
    ):
        if options.log:
            requests: Iterable[bytes] | Iterable[tuple[str, int]] = log_of(
                options.log, quiet=options.quiet or options.json
            )
        else:
            requests = _recorded(here, options.days, now)
        report = effect(
            before.snapshot,
            after.snapshot,
            requests,
            now=now,
            crawlers=after.crawlers,
            host=options.host,
            most=options.most,
        )
    print(json.dumps(report.as_json(), ensure_ascii=False) if options.json else report.in_words())
    if advice := _advice(report, options):
        print(advice, file=sys.stderr)
    return 0


def _advice(report: EffectReport, options: argparse.Namespace) -> str:
    """What to do next, in a sentence; "" where the report says it all."""
    if options.log:
        return advice_on(report.visits, report.unreadable, report.elsewhere, options.host)
    if not report.visits:
        return "no hits were recorded here: name an access log with --log FILE"
    if report.unreadable:
        return "of recorded hits the values of parameters are not kept: an access log says more (--log FILE)"
    return ""


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number of days from 1")
    return int(text)
