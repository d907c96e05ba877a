"""Rules with holes: ten thousand and more of them for one portal, beside nginx with as many regular expressions."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import product

from bench import peers, states
from bench.edges import edge
from bench.figures import Figure, Row, Skipped, at_least, below, ratios
from bench.peers import Nginx
from bench.rounds import Contestant, Draw, Question, cost, measure
from bench.rulesets import CRAWLING, Template, head, late_template, template
from bench.servers import Server
from bench.states import KEYWORD, NOW
from bench.workshop import Workshop
from redirect_rules.canonical import Key, canonical_key
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Rule
from redirect_rules.packs import read_packs

ABOUT = (
    "One portal has 10,000 templates of six shapes. Asked are addresses of the last hundred of them, each with a "
    "number that nobody asked for before, and addresses that none of them knows: nginx tries all expressions of its "
    "`map` for both; most of them give up at their first letters. Late templates are told apart by what comes last "
    "(`/{org}/thu-tuc/{id}/trang-009999`), so that each expression reads the whole address: the worst case. Without "
    "`pcre_jit` is how nginx comes."
)
_MOST = 100_000
_LOOK_UPS = 20_000
_MOST_ASKED = 60_000
"""New addresses a second: more than anybody answers, lest some come again."""


def run(shop: Workshop) -> Iterator[Row]:
    """Look-ups in this process, then requests."""
    yield from look_ups(shop)
    yield from over_http(shop)


def look_ups(shop: Workshop) -> Iterator[Row]:
    """What a look-up costs as templates grow in number."""
    sizes = (100, 1_000, 10_000, 10_000 if shop.extent.quick else _MOST)
    indexes: dict[int, TemplateIndex] = {}
    for size in dict.fromkeys(sizes):
        shop.told(f"reading {size:,} templates")
        indexes[size] = TemplateIndex([_rules(shop, size)], fold_case=True)
    found: dict[str, dict[int, list[float]]] = {"known": {}, "unknown": {}}
    for _ in range(shop.extent.rounds):
        for size, index in indexes.items():
            for kind, keys in (("known", _keys(size, known=True)), ("unknown", _keys(size, known=False))):
                found[kind].setdefault(size, []).append(_micros(index, keys))
    for kind, by_size in found.items():
        for size, micros in by_size.items():
            yield Figure(f"look-up among {size:,} templates, {kind}", tuple(micros), "µs")
        grown = ratios(by_size[sizes[-1]], by_size[100])
        yield Figure(f"look-up: {sizes[-1]:,} ÷ 100 templates, {kind}", grown, "×", below(2))


def _rules(shop: Workshop, count: int) -> Sequence[Rule]:
    portal = shop.sites[0].portal
    packs = read_packs(states.with_templates(shop.packs.sources, portal, count))
    return packs.book.portal_rules[portal]


def _keys(size: int, *, known: bool) -> list[Key]:
    chance = random.Random(size)
    end = "" if known else "/nua"
    return [
        canonical_key("h", template(chance.randrange(size)).sample.format(chance.randrange(10**6)) + end)
        for _ in range(_LOOK_UPS)
    ]


def _micros(index: TemplateIndex, keys: Sequence[Key]) -> float:
    begun = time.process_time()
    for key in keys:
        index.best(key, NOW)
    return (time.process_time() - begun) / len(keys) * 1e6


def over_http(shop: Workshop) -> Iterator[Row]:
    """Requests that only the last of all templates know, and that none knows."""
    count = 1_000 if shop.extent.quick else 10_000
    yield from _of_six_shapes(shop, count)
    yield from _told_apart_late(shop, count)


def _of_six_shapes(shop: Workshop, count: int) -> Iterator[Row]:
    with ExitStack() as running:
        known, unknown = _asked(shop, count, known=True), _asked(shop, count, known=False)
        repeated = _asked(shop, count, known=True, anew=False)
        contestants = []
        for form, server in _edges(shop, running, "templates", count):
            contestants += [
                Contestant(f"{form}, {count:,} templates, new addresses", server, known),
                Contestant(f"{form}, {count:,} templates, 1,000 addresses", server, repeated),
                Contestant(f"{form}, {count:,} templates, unknown addresses", server, unknown, refusals=True),
            ]
        for name, server in _nginx(shop, running, count, template):
            contestants.append(Contestant(name, server, known))
            contestants.append(Contestant(f"{name}, unknown addresses", server, unknown, refusals=True))
        found = measure(contestants, rounds=shop.extent.rounds, seconds=shop.extent.seconds, told=shop.told)
    for name, measured in found.items():
        yield from cost(name, measured)[:2]
    if not peers.program("nginx"):
        yield Skipped("nginx", "not installed")
        return
    for form, ending in product([form for form, _ in shop.forms], ("", ", pcre_jit")):
        theirs = found[f"nginx, {count:,} expressions{ending}"]
        for asked in ("new addresses", "1,000 addresses"):
            mine = found[f"{form}, {count:,} templates, {asked}"]
            yield Figure(f"rate: {form} ÷ nginx{ending}, {asked}", ratios(mine.rate, theirs.rate), "×")
        lost = found[f"nginx, {count:,} expressions{ending}, unknown addresses"]
        mine = found[f"{form}, {count:,} templates, unknown addresses"]
        yield Figure(f"rate: {form} ÷ nginx{ending}, unknown addresses", ratios(mine.rate, lost.rate), "×")


def _told_apart_late(shop: Workshop, count: int) -> Iterator[Row]:
    """The worst case: every expression has to read the whole address before it can say no."""
    with ExitStack() as running:
        known = _asked(shop, count, known=True, make=late_template)
        repeated = _asked(shop, count, known=True, anew=False, make=late_template)
        contestants = []
        for form, server in _edges(shop, running, "late-templates", count):
            contestants += [
                Contestant(f"{form}, {count:,} late templates, new addresses", server, known),
                Contestant(f"{form}, {count:,} late templates, 1,000 addresses", server, repeated),
            ]
        for name, server in _nginx(shop, running, count, late_template):
            contestants.append(Contestant(f"{name}, told apart late", server, known))
        found = measure(contestants, rounds=shop.extent.rounds, seconds=shop.extent.seconds, told=shop.told)
    for name, measured in found.items():
        yield from cost(name, measured)[:2]
    if not peers.program("nginx"):
        return
    forms = [form for form, _ in shop.forms]
    for form, ending, asked in product(forms, ("", ", pcre_jit"), ("new addresses", "1,000 addresses")):
        theirs = found[f"nginx, {count:,} expressions{ending}, told apart late"]
        mine = found[f"{form}, {count:,} late templates, {asked}"]
        target = at_least(200) if not ending and form == forms[-1] else None
        name = f"rate: {form} ÷ nginx{ending}, told apart late, {asked}"
        yield Figure(name, ratios(mine.rate, theirs.rate), "×", target)


def _edges(shop: Workshop, running: ExitStack, kind: str, count: int) -> Iterator[tuple[str, Server]]:
    """As its sources are, and compiled."""
    for form, program in shop.forms:
        yield form, running.enter_context(edge(shop.place("edge"), shop.state(kind, count), program=program)).server


def _nginx(
    shop: Workshop, running: ExitStack, count: int, make: Callable[[int], Template]
) -> Iterator[tuple[str, Server]]:
    """With as many expressions: as it comes, and with pcre_jit."""
    for jit in (False, True) if peers.program("nginx") else ():
        folder = shop.place("nginx")
        http = peers.nginx_expressions(folder, map(make, range(count)), f"{KEYWORD}$1")
        main = "pcre_jit on;" if jit else ""
        server = running.enter_context(peers.nginx(folder, Nginx(peers.SEND_AWAY, http, main)))
        yield f"nginx, {count:,} expressions" + (", pcre_jit" if jit else ""), server


def _asked(
    shop: Workshop, count: int, *, known: bool, anew: bool = True, make: Callable[[int], Template] = template
) -> Draw:
    host = shop.sites[0].host
    path: Callable[[int, int], str] = lambda number, value: (  # noqa: E731 - one of two spellings
        make(number).sample.format(value) if known else f"/khong-ai-biet/{number}/{value}"
    )

    def questions(number: int) -> Sequence[Question]:
        chance = random.Random(number if anew else 0)
        wanted = int(_MOST_ASKED * shop.extent.seconds) if anew else 1_000
        asked = []
        for _ in range(wanted):
            value = chance.randrange(10**9)
            target = f"{KEYWORD}{value}" if known else ""
            asked.append(Question(head(host, path(count - 1 - chance.randrange(100), value), *CRAWLING), target))
        return asked

    return questions
