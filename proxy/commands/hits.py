"""`dvc-edge hits`."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import make_url

from proxy.clock import utc_now
from proxy.commands.workspaces import add_state, said, settings_of
from proxy.state import State, served
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.proposals import Proposal, proposals
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Problem, Problems
from redirect_rules.stores.hits import Answered, Chosen, Coverage, HitStore, Page, RuleHits, Span

NAME = "hits"
HELP = "say what visitors asked for: coverage, pages no rule knows, rules nobody needed"
DESCRIPTION = "Show what was counted, name what no rule knows and what nobody needed, and propose rules."
EPILOG = """\
Counts come from the running edge ([hits] in edge.toml) and hold no value that a visitor sent.
  dvc-edge hits
  dvc-edge hits --portal langson --days 7 --most 50
  dvc-edge hits --json | jq .proposals
Proposed rules are to be read before they are pasted: say where their pages lead, then `dvc-edge check`."""

MOST_PAGES: Final = 100_000
"""Pages that clusters are looked for in, the most visited ones."""
MOST_KNOWN: Final = 20_000
"""Pages that rules know and no proposal may take."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to say."""

    span: Span
    coverage: list[Coverage]
    ahead: list[Coverage]  # of pages that still pass, as they will be when they are closed
    unmapped_ahead: list[Page]
    answered: list[Answered]
    chosen: list[Chosen]  # what became of the notices
    unmapped: list[Page]
    unnamed: tuple[int, int]  # visits without names: to pages that a rule knew, and to others
    rules: list[RuleHits]
    all_rules: int
    never_hit: int
    unneeded: list[str]  # the first of them
    proposals: list[Proposal]

    @property
    def pages(self) -> int:
        """Visits to closed pages."""
        return sum(one.pages for one in self.coverage)

    @property
    def mapped(self) -> int:
        """Those of them that a rule knew."""
        return sum(one.mapped for one in self.coverage)


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.add_argument("--portal", default="", metavar="ID", help="of one portal (all)")
    command.add_argument("--days", type=_count, default=28, metavar="N", help="today and the days before it (28)")
    command.add_argument("--most", type=_count, default=20, metavar="N", help="how many of each to show (20)")
    command.add_argument("--json", action="store_true", help="one JSON object")
    add_state(command)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number from 1")
    return int(text)


@said("hits")
def run(options: argparse.Namespace) -> int:
    """Show what was counted."""
    settings = settings_of(options)
    now = utc_now()
    snapshot = served(settings, now).snapshot
    if options.portal and options.portal not in snapshot.indexes:
        text = f"there is no portal {options.portal!r}: its id stands in {settings.path(settings.rules.portals)}"
        raise Problems([Problem("--portal", 0, text)])
    span = Span.until(now.astimezone(HO_CHI_MINH).date(), options.days, options.portal)
    with closing(_opened(State.of(settings).database)) as store:
        found = _found(store, span, snapshot, now, options.most)
    print(json.dumps(_as_json(found), ensure_ascii=False) if options.json else _in_words(found))
    return 0


def _opened(database: str) -> HitStore:
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        text = (
            "there is no such file: nothing was counted yet; run `dvc-edge serve`, or name its folder with --state DIR"
        )
        raise Problems([Problem(str(url.database), 0, text)])
    return HitStore.open(database)


def _found(store: HitStore, span: Span, snapshot: Snapshot, now: datetime, most: int) -> Found:
    unmapped = list(store.pages(span, mapped=False, most=MOST_PAGES))
    known = store.pages(span, mapped=True, most=MOST_KNOWN)
    never_hit = 0
    unneeded: list[str] = []
    for rule in store.never_hit(span, _rule_ids(snapshot, span.portal)):
        never_hit += 1
        if len(unneeded) < most:
            unneeded.append(rule)
    return Found(
        span=span,
        coverage=store.coverage(span),
        ahead=store.coverage(span, ahead=True),
        unmapped_ahead=list(store.pages(span, mapped=False, most=most, ahead=True)),
        answered=store.answered(span),
        chosen=store.chosen(span),
        unmapped=unmapped[:most],
        unnamed=store.unnamed(span),
        rules=list(store.rules(span, most=most)),
        all_rules=sum(1 for _ in _rule_ids(snapshot, span.portal)),
        never_hit=never_hit,
        unneeded=unneeded,
        proposals=proposals(unmapped, snapshot, now=now, known=known, most=most),
    )


def _rule_ids(snapshot: Snapshot, portal: str) -> Iterator[str]:
    """Of every rule that can decide, those of families once."""
    portals = [one for one in snapshot.all_portals if portal in {"", one.id}]
    yield from dict.fromkeys(rule.id for one in portals for rule in snapshot.rules_of(one))
    yield from (rule.id for rule in snapshot.exact if portal in {"", rule.portal})


def _as_json(found: Found) -> dict[str, Any]:
    return {
        "first": found.span.first.isoformat(),
        "last": found.span.last.isoformat(),
        "portal": found.span.portal or None,
        "pages": found.pages,
        "mapped": found.mapped,
        "coverage": found.mapped / found.pages if found.pages else None,
        "days": [one._asdict() | {"day": one.day.isoformat()} for one in found.coverage],
        "ahead": [one._asdict() | {"day": one.day.isoformat()} for one in found.ahead],
        "unmapped_ahead": [page._asdict() for page in found.unmapped_ahead],
        "outcomes": [one._asdict() | {"day": one.day.isoformat()} for one in found.answered],
        "notices": [one._asdict() | {"day": one.day.isoformat()} for one in found.chosen],
        "unmapped": [page._asdict() for page in found.unmapped],
        "mapped_not_named": found.unnamed[0],
        "unmapped_not_named": found.unnamed[1],
        "rules": [rule._asdict() for rule in found.rules],
        "never_hit": found.unneeded,
        "never_hit_of": [found.never_hit, found.all_rules],
        "proposals": [
            {
                "scope": one.scope,
                "file": one.file,
                "rule": one.rule_text(),
                "template": one.template.text,
                "portals": list(one.portals),
                "pages": one.urls,
                "visits": one.visits,
                "examples": list(one.examples),
            }
            for one in found.proposals
        ],
    }


def _in_words(found: Found) -> str:
    whose = found.span.portal or "all portals"
    lines = [f"{whose}, {found.span.first} to {found.span.last}"]
    if not found.answered:
        return f"{lines[0]}: nothing was counted"
    lines.append(f"{found.pages:,} visits to closed pages, {_share(found.mapped, found.pages)} of them known to a rule")
    lines += _listed("by portal", _by_portal(found.coverage))
    if found.ahead:
        pages, mapped = (sum(getattr(one, name) for one in found.ahead) for name in ("pages", "mapped"))
        ahead = f"{pages:,} visits to pages that still pass; once they are closed a rule knows {_share(mapped, pages)}"
        lines += [ahead, *_listed("ahead, by portal", _by_portal(found.ahead))]
        title = "most visited pages that still pass and that no rule knows"
        lines += _listed(title, (f"{p.visits:>10,}  {p.key}" for p in found.unmapped_ahead))
    answered: Counter[tuple[str, str]] = Counter()
    for answer in found.answered:
        answered[answer.outcome, answer.client] += answer.visits
    lines += _listed("outcomes", (f"{n:>10,}  {what:<9} {who}" for (what, who), n in answered.most_common()))
    if found.chosen:
        lines += _on_notices(Chosen.of(found.chosen))
    lines += _listed("most visited pages that no rule knows", (f"{p.visits:>10,}  {p.key}" for p in found.unmapped))
    if found.unnamed[1]:
        lines.append(f"  {found.unnamed[1]:>10,}  other pages, too many to name")
    lines += _listed("rules that were hit most", (f"{rule.visits:>10,}  {rule.rule}" for rule in found.rules))
    title = f"{found.never_hit:,} of {found.all_rules:,} rules were never hit"
    lines += _listed(title, (f"{'':>10}  {rule}" for rule in found.unneeded))
    if found.never_hit > len(found.unneeded):
        lines.append(f"  {'':>10}  and {found.never_hit - len(found.unneeded):,} more (--most)")
    if found.unnamed[0]:
        lines.append(f"  {found.unnamed[0]:>10,}  visits to known pages had no room for their names; perhaps to these")
    if found.proposals:
        lines += ["", "rules that could be added; read them, and say where their pages lead", ""]
        lines += [f"{_about(one)}\n{one.rule_text()}\n" for one in found.proposals]
    return "\n".join(lines).rstrip()


def _on_notices(chosen: Chosen) -> list[str]:
    told = (
        (chosen.stopped, "stopped the countdown"),
        (chosen.went, "went at once"),
        (chosen.carried, "were carried by the countdown"),
        (chosen.unknown, "left in another way, or without a script that could tell"),
    )
    title = f"{chosen.notices:,} notices shown to browsers since {chosen.day}, of which"
    return _listed(title, (f"{n:>10,}  {_share(n, chosen.whole):>6}  {what}" for n, what in told))


def _by_portal(coverage: Iterable[Coverage]) -> Iterable[str]:
    by_portal: dict[str, list[Coverage]] = {}
    for one in coverage:
        by_portal.setdefault(one.portal, []).append(one)
    sums = [(sum(c.pages for c in days), sum(c.mapped for c in days), portal) for portal, days in by_portal.items()]
    return (f"{pages:>10,}  {_share(mapped, pages):>6}  {portal}" for pages, mapped, portal in sorted(sums)[::-1])


def _about(proposal: Proposal) -> str:
    where = proposal.portals[0] if len(proposal.portals) == 1 else f"{len(proposal.portals)} portals"
    counted = f"{proposal.urls:,} pages of {where}, {proposal.visits:,} visits"
    return f"# {proposal.file}: {counted}, such as\n#   {proposal.examples[0]}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [title, *found] if found else []
