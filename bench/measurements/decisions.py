"""What single steps cost in one process, and how long the worst of them hold a worker."""

import csv
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from bench.figures import Figure, Row, Target, below
from bench.holds import longest_steps
from bench.rulesets import CRAWLING, READING, head
from bench.servers import ROOT
from bench.states import NOW
from bench.workshop import Workshop
from proxy import config_file
from proxy.app import load_parts
from proxy.presentation import Presenter
from redirect_rules.analysis import MOST_WEIGHT, Flaw, Severity, analyse
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.packs import Sources, read_packs
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Document, Problems

ABOUT = (
    "CPU microseconds of one call in one process. The worst are the longest of many kinds, each the best of its "
    "rounds, since a machine that is not idle adds to it. What holds a worker is the processor time of the longest "
    "step of its loop (that of the standard library) while one request is answered that nobody made before."
)
HOST: Final = "dichvucong.langson.gov.vn"
TARGETS: Final = ("/vi", "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193.000.00.00.H37", "/khong/ai/biet?utm_source=x")
LONGEST: Final = 8_100
"""Octets of a request target, under the limit of the shipped configuration."""
_HOLD: Final = below(1_000)
_KNOWN: Final = "what is known"


def run(shop: Workshop) -> Iterator[Row]:
    """Usual visits, the notice, localities; then the worst."""
    rounds = shop.extent.rounds
    settings = config_file.load(config_file.find({}), {})
    packs, pages = load_parts(settings)[:2]
    snapshot = packs.snapshot
    for target in TARGETS:
        visit = Visit(HOST, target)
        yield Figure(f"decide {target}", micros(lambda v=visit: decide(v, snapshot, NOW), 2_000, rounds), "µs")  # type: ignore[misc]
    decision = decide(Visit(HOST, TARGETS[1]), snapshot, NOW)
    if not isinstance(decision, Decision):
        raise TypeError(f"a page of a portal: {decision!r}")
    presenter = Presenter(snapshot, {"vi": "Tiếng Việt", "en": "English"}, 30)
    view = presenter.notice(decision, now=NOW, stay=False, ask=False)
    gathering = micros(lambda: presenter.notice(decision, now=NOW, stay=False, ask=False), 500, rounds)
    yield Figure("notice: gather what it says", gathering, "µs")
    yield Figure("notice: render", micros(lambda: pages.render(view, "vi"), 200, rounds), "µs")
    find = snapshot.localities.find
    snapshot.localities.prepare()
    yield Figure("locality: a name with its district", micros(lambda: find("co bi gia lam"), 200, rounds), "µs")
    yield Figure("locality: a misspelt name", micros(lambda: find("phuong phuc xxa"), 20, rounds), "µs", _HOLD)
    yield from _worst_decisions("decide, shipped rules", snapshot, shop.sites[0].portal, rounds)
    heaviest, told = _heaviest_accepted(shop)
    yield from _worst_decisions(f"decide, {told}", heaviest, shop.sites[0].portal, rounds)
    yield from _worst_holds(shop)


def micros(work: Callable[[], object], times: int, rounds: int) -> tuple[float, ...]:
    """CPU microseconds of one call, once for each round."""
    figures = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(times):
            work()
        figures.append((time.process_time() - begun) / times * 1e6)
    return tuple(figures)


def hostile_targets() -> dict[str, str]:
    """Request targets as long as they may be, of every kind that could be dear to read."""
    kinds = {
        "one long segment": "/" + "a" * LONGEST,
        "many segments": "/a" * (LONGEST // 2),
        "many empty segments": "/" * LONGEST,
        "many dot segments": "/a/.." * (LONGEST // 5),
        "all escaped": "/" + "%C3%A1" * (LONGEST // 6),
        "not UTF-8": "/" + "%FF" * (LONGEST // 3),
        "many parameters": "/vi?" + "&".join(f"a{number}=1" for number in range(LONGEST // 7))[: LONGEST - 10],
        "one parameter again and again": "/vi?" + "ma=1&" * (LONGEST // 5 - 10),
        "a long value": "/vi/tim-kiem?keyword=" + "a" * (LONGEST - 40),
        "a long escaped value": "/vi/tim-kiem?keyword=" + "%E1%BB%9D" * (LONGEST // 9 - 10),
        "nearly a code": "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=" + "1.0" * (LONGEST // 3 - 20),
        "nearly dossiers": "/" + "000.00.00." * (LONGEST // 10),
        "digits": "/" + "1" * LONGEST,
        "combining marks": "/" + "a%CC%81%CC%A3" * (LONGEST // 13),
        "a session": "/a;jsessionid=" + "A" * (LONGEST - 30),
        "a file of one segment": "/" + "a1" * 95 + ".html",
        "a long file": "/" + "a" * (LONGEST - 20) + "-0.html",
        "portlets": "/web/guest?" + "_a_WAR_b_tenThuTuc=1&" * (LONGEST // 22),
    }
    return {kind: target[:LONGEST] for kind, target in kinds.items()}


def _heaviest_accepted(shop: Workshop) -> tuple[Snapshot, str]:
    """Rules of one portal that cost a look-up as much as publishing lets them, and what they are."""
    portal = shop.sites[0].portal
    templates, expressions = MOST_WEIGHT, 24
    while True:
        shop.told(f"trying {templates} templates and {expressions} expressions")
        try:
            packs = read_packs(_with_rules(shop.packs.sources, portal, templates, expressions))
        except Problems:
            expressions -= 2
            continue
        findings = [
            one for one in analyse(packs, (), now=NOW) if one.severity is Severity.ERROR and one.portal == portal
        ]
        if not findings:
            return packs.snapshot, f"{templates} templates and {expressions} expressions about every path"
        if templates <= 10 and expressions <= 2:
            raise ValueError(f"no rules are accepted: {findings[0]}")
        heavy = any(one.kind is Flaw.WEIGHT for one in findings)
        templates, expressions = (templates * 9 // 10, expressions) if heavy else (templates, expressions - 2)


def _with_rules(sources: Sources, portal: str, templates: int, expressions: int) -> Sources:
    to = {"action": "notice", "to": ["home"]}
    # Every page of one segment is tried by all of them; so is none of them the last to be asked.
    rules: list[dict[str, object]] = [
        {"id": f"t-{number}", "paths": [f"/{{x:word}}-{number}.html"], **to} for number in range(templates)
    ]
    rules += [{"id": f"e-{number}", "regex": f"a[0-9]+b{number}z$", **to} for number in range(expressions)]
    return replace(
        sources, portal_rules=(Document(f"rules/{portal}.json", json.dumps({"portal": portal, "rule": rules})),)
    )


def _worst_decisions(what: str, snapshot: Snapshot, first: str, rounds: int) -> Iterator[Row]:
    worst: dict[str, float] = {}
    for portal in (next(one for one in snapshot.all_portals if one.id == first), *snapshot.all_portals[::7]):
        for kind, target in hostile_targets().items():
            visit = Visit(portal.hosts[0], target)
            best = min(micros(lambda v=visit: decide(v, snapshot, NOW), 1, max(rounds, 5)))  # type: ignore[misc]
            worst[kind] = max(worst.get(kind, 0.0), best)
    yield from _worst_of(what, worst, _HOLD)


def _worst_of(what: str, worst: dict[str, float], target: Target) -> Iterator[Row]:
    ranked = sorted(worst.items(), key=lambda pair: -pair[1])
    for place, (kind, taken) in enumerate(ranked[:3], start=1):
        yield Figure(f"{what}, worst of {len(ranked)} kinds ({place}): {kind}", (taken,), "µs", target)


def _worst_holds(shop: Workshop) -> Iterator[Row]:
    shop.told("looking at every step of a loop")
    steps = longest_steps(shop.place("edge"), _kinds(), times=5 if shop.extent.quick else 9)
    micros_of = {kind: seconds * 1e6 for kind, seconds in steps.items()}
    yield Figure("loop held by an answer that is known", (micros_of.pop(_KNOWN),), "µs")
    yield Figure(f"loop held: median of {len(micros_of)} kinds", (statistics.median(micros_of.values()),), "µs")
    yield from _worst_of("loop held", micros_of, _HOLD)


def _kinds() -> dict[str, Callable[[int], bytes]]:
    """Every address of the table of cases, asked for by a person and by a crawler, and whatever is dear to answer."""
    kinds: dict[str, Callable[[int], bytes]] = {_KNOWN: lambda _: _reading("/vi")}
    for kind, target in hostile_targets().items():
        kinds[f"target: {kind}"] = lambda number, target=target: _reading(f"{target[: LONGEST - 20]}{number:05}")  # type: ignore[misc]
    kinds["a notice nobody saw before"] = lambda number: _reading(f"/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.{number:06}")
    kinds["the search for a misspelt place"] = lambda number: _reading(
        f"/_edge/locality?q=phuong+phuc+xxa+{number}&to=/vi"
    )
    kinds["the search for a long place"] = lambda number: _reading(
        f"/_edge/locality?q={'xa+binh+' * 900}{number}&to=/vi"
    )
    kinds["a head of many fields"] = lambda number: head(HOST, f"/vi?{number}", *(f"X-{n}: {n}" for n in range(90)))
    for url in _cases():
        for who, fields in (("a person", READING), ("a crawler", CRAWLING)):
            kinds[f"{who}: {url.netloc}{url.path}"] = _asking(url, fields)
    return kinds


def _cases() -> list[SplitResult]:
    with (ROOT / "tests/data/url_cases.csv").open(encoding="utf-8", newline="") as lines:
        return [urlsplit(row["url"]) for row in csv.DictReader(lines)]


def _asking(url: SplitResult, fields: Sequence[str]) -> Callable[[int], bytes]:
    """A request for an address with one parameter more."""
    query = f"{url.query}&" if url.query else ""
    target = quote(f"{url.path or '/'}?{query}", safe="!$%&'()*+,/:;=?@[]~")
    return lambda number: head(url.netloc, f"{target}{number}", *fields)


def _reading(target: str) -> bytes:
    return head(HOST, target, *READING)
