"""State folders with published rules in any number, made without a store.

    python -m bench.states exact|named|templates|late-templates FOLDER COUNT

makes the file of number 1 in FOLDER/snapshots and lets it serve; prints what that took.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from bench.rulesets import OldAddress, Site, Template, late_template, old_addresses, template
from bench.servers import ROOT
from proxy import config_file
from proxy.packs import load_packs
from redirect_rules.exact import ExactRule
from redirect_rules.model import Action, Phase, PortalKind
from redirect_rules.packs import Packs, Sources
from redirect_rules.snapshot_file import path_of, point_at
from redirect_rules.snapshot_writer import Contents, write
from redirect_rules.sources import Document
from redirect_rules.stores.hits import HitStore
from redirect_rules.verification import note

NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
SITES: Final = 34
PROCEDURES: Final = 5_000
"""As many as a country has."""
_RULES: Final = "exact", "named"
KEYWORD: Final = "https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword="
"""Where templates lead; the address's number follows."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What it took to write a file and to let it serve."""

    cpu_seconds: float  # without making the rules
    wall_seconds: float  # the same
    megabytes: float  # of the file
    peak_megabytes: float  # of the process


def shipped() -> Packs:
    """The rules of conf/."""
    return load_packs(config_file.load(ROOT / "conf/edge.toml", {}))


def sites(packs: Packs) -> list[Site]:
    """Portals of provinces that show the notice and answer as one."""
    found = (
        Site(portal.id, portal.hosts[0])
        for portal in packs.snapshot.all_portals
        if portal.kind is PortalKind.PROVINCE
        if portal.schedule.phase_at(NOW) is Phase.NOTICE and not portal.scope and not portal.path_schedules
    )
    return sorted(found)[:SITES]


def exact_rule(one: OldAddress) -> ExactRule:
    """As an import of two columns makes it."""
    return ExactRule(one.site.portal, one.path, (), Action.REDIRECT, one.rule, url=one.target)


def named_rule(one: OldAddress) -> ExactRule:
    """As an import makes it of an address that the national portal's table of procedures knows."""
    return ExactRule(one.site.portal, one.path, (), Action.REDIRECT, one.rule, "procedure", (("code", code(one)),))


def code(one: OldAddress) -> str:
    """The procedure that a rule names."""
    return f"1.{one.number % PROCEDURES:06}"


def with_templates(sources: Sources, portal: str, count: int, make: Callable[[int], Template] = template) -> Sources:
    """The shipped texts, with so many templates in place of a portal's own rules."""
    rules = [
        {
            "id": one.rule,
            "paths": [one.template],
            "action": "redirect",
            "to": [{"destination": "procedure-search", "keyword": "{id}"}, "home"],
        }
        for one in map(make, range(count))
    ]
    own = Document(f"rules/{portal}.json", json.dumps({"portal": portal, "rule": rules}))
    others = (document for document in sources.portal_rules if Path(document.source).stem != portal)
    return replace(sources, portal_rules=(*others, own))


def compile_rules(folder: Path, sources: Sources, rules: Iterable[ExactRule]) -> None:
    """Write the file of number 1 and let it serve, showing how far it is."""
    with tqdm(unit=" rules", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:

        def show(stage: str, done: int) -> None:
            bar.set_description(stage)
            bar.n = done
            bar.refresh()

        contents = Contents(1, rules, (), sources.documents(), NOW, "bench", "")
        point_at(folder / "snapshots", write(folder / "snapshots", contents, progress=show))
    # As publishing leaves them: every octet was looked at, and the database has its tables.
    note(path_of(folder / "snapshots", 1))
    HitStore.open(f"sqlite:///{folder / 'rules.db'}").close()


def made(kind: str, folder: Path, count: int) -> Compiled:
    """Make a state folder in a fresh process."""
    command = [sys.executable, "-m", "bench.states", kind, str(folder), str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=900)
    told: dict[str, Any] = json.loads(done.stdout)
    return Compiled(**told)


def main() -> None:
    kind, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    packs = shipped()
    where = sites(packs)
    making_cpu = making_wall = 0.0
    cpu, wall = time.process_time(), time.perf_counter()
    if kind in _RULES:
        rule = exact_rule if kind == "exact" else named_rule
        for one in old_addresses(count, where):
            rule(one)
        making_cpu, making_wall = time.process_time() - cpu, time.perf_counter() - wall
        cpu, wall = time.process_time(), time.perf_counter()
        compile_rules(folder, packs.sources, map(rule, old_addresses(count, where)))
    else:
        make = late_template if kind == "late-templates" else template
        compile_rules(folder, with_templates(packs.sources, where[0].portal, count, make), ())
    told = {
        "cpu_seconds": time.process_time() - cpu - making_cpu,
        "wall_seconds": time.perf_counter() - wall - making_wall,
        "megabytes": path_of(folder / "snapshots", 1).stat().st_size / 1e6,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
