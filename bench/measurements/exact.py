"""Exact redirects: one of a million old addresses, each as likely as the other, asked for by a crawler."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice

from bench import peers, states
from bench.edges import edge
from bench.figures import Figure, Row, Skipped, Target, at_least, at_most, below, ratios
from bench.peers import Nginx
from bench.rounds import Contestant, Draw, Measured, Question, cost, measure, times_as_cheap
from bench.rulesets import CRAWLING, OldAddress, drawn, head, old_addresses
from bench.states import NOW
from bench.workshop import Workshop

ABOUT = (
    "A crawler asks for old addresses over 32 connections that are kept; every address is as likely as the other, and "
    "no round asks what another asked. nginx and HAProxy have the same rules in a `map`; Caddy has 1,000 of them, "
    "since its `map` is searched from the beginning; the plain aiohttp Application has them in a dictionary."
)
_PEER_OF_CADDY = 1_000
_ASKED_BEFORE = 20_000
_NAMED = 20_000
_CLOSING = ("Connection: close",)
_ANEW = ", new connections"
_BUFFERED = ", log buffered"
_MOST_ASKED = 80_000  # requests of a second on one core, and more than any of them answers


def draw(shop: Workshop, among: int, *lines: str) -> Draw:
    """Questions about so many rules."""

    def questions(number: int) -> Sequence[Question]:
        chosen = drawn(_wanted(shop, number), among, shop.sites, seed=number)
        return [Question(head(one.site.host, one.path, *CRAWLING, *lines), one.target) for one in chosen]

    return questions


def _wanted(shop: Workshop, number: int) -> int:
    return int(_MOST_ASKED * shop.extent.seconds) if number >= 0 else _ASKED_BEFORE


def draw_named(shop: Workshop, among: int) -> Draw:
    """Questions about as many rules that name a procedure."""
    build = shop.packs.snapshot.destinations.build
    targets: dict[str, str] = {}

    def target(one: OldAddress) -> str:
        wanted = states.code(one)
        if wanted not in targets:
            targets[wanted] = build("procedure", {"code": wanted}, now=NOW) or ""
        return targets[wanted]

    def questions(number: int) -> Sequence[Question]:
        chosen = drawn(_wanted(shop, number), among, shop.sites, seed=number)
        return [Question(head(one.site.host, one.path, *CRAWLING), target(one)) for one in chosen]

    return questions


def run(shop: Workshop) -> Iterator[Row]:
    """Ours at every size beside everybody who is there."""
    many = shop.extent.rules
    sizes = [1_000, many, *([10_000_000] if shop.extent.large else [])]
    absent: list[Skipped] = []
    with ExitStack() as running:
        contestants = [
            Contestant(
                f"{form}, {size:,} rules",
                running.enter_context(edge(shop.place("edge"), shop.state("exact", size), program=program)).server,
                draw(shop, size),
            )
            for form, program in shop.forms
            for size in sizes
        ]
        contestants += [
            _anew(contestants[at], draw(shop, many, *_CLOSING)) for at in range(1, len(contestants), len(sizes))
        ]
        named = running.enter_context(edge(shop.place("edge"), shop.state("named", _NAMED))).server
        contestants.append(Contestant(f"edge, {_NAMED:,} rules that name a procedure", named, draw_named(shop, _NAMED)))
        contestants += _peers(shop, running, many, absent)
        found = measure(contestants, rounds=shop.extent.rounds, seconds=shop.extent.seconds, told=shop.told)
    for name, measured in found.items():
        yield from cost(name, measured)
    yield from absent
    for form, _ in shop.forms:
        # Promises are about what the image has; where that cannot be made, about the sources.
        yield from _compared(found, form, sizes, many, promised=form == shop.forms[-1][0])


def _peers(shop: Workshop, running: ExitStack, many: int, absent: list[Skipped]) -> Iterator[Contestant]:
    shop.told("starting the peers")
    if peers.program("nginx"):
        for size, buffered in ((1_000, False), (many, False), (many, True)):
            folder = shop.place("nginx")
            http = peers.nginx_map(folder, old_addresses(size, shop.sites))
            setup = Nginx(peers.SEND_AWAY, http, buffered=buffered)
            server = running.enter_context(peers.nginx(folder, setup))
            shop.told(f"nginx with {size:,} rules took {server.ready_seconds:.1f} s to start")
            known = Contestant(f"nginx, {size:,} rules{_BUFFERED if buffered else ''}", server, draw(shop, size))
            yield known
            if size == many and not buffered:
                yield _anew(known, draw(shop, many, *_CLOSING))
    else:
        absent.append(Skipped("nginx", "not installed"))
    if peers.program("haproxy"):
        server = running.enter_context(peers.haproxy(shop.place("haproxy"), old_addresses(many, shop.sites)))
        yield Contestant(f"HAProxy, {many:,} rules", server, draw(shop, many))
    else:
        absent.append(Skipped("HAProxy", "not installed"))
    if peers.program("caddy"):
        some = list(islice(old_addresses(many, shop.sites), _PEER_OF_CADDY))
        server = running.enter_context(peers.caddy(shop.place("caddy"), some))
        yield Contestant("Caddy, 1,000 rules", server, draw(shop, _PEER_OF_CADDY))
    else:
        absent.append(Skipped("Caddy", "not installed"))
    for log in (True, False):
        server = running.enter_context(peers.plain(shop.place("plain"), old_addresses(many, shop.sites), log=log))
        yield Contestant(f"aiohttp Application, {_logged(log=log)}", server, draw(shop, many))


def _anew(contestant: Contestant, ask: Draw) -> Contestant:
    """The same server, asked over a new connection each time."""
    return replace(contestant, name=contestant.name + _ANEW, draw=ask, kept=False)


def _logged(*, log: bool) -> str:
    return "with its access log" if log else "without a log"


def _compared(
    found: Mapping[str, Measured], form: str, sizes: Sequence[int], many: int, *, promised: bool
) -> Iterator[Row]:
    ours = found[f"{form}, {many:,} rules"]
    promises: tuple[tuple[str, Target | None], ...] = (
        (f"nginx, {many:,} rules", at_least(0.95)),
        (f"nginx, {many:,} rules{_BUFFERED}", at_least(0.95)),
        (f"HAProxy, {many:,} rules", at_least(1.1)),
        ("Caddy, 1,000 rules", at_least(3)),
        ("aiohttp Application, with its access log", at_least(7)),
        ("aiohttp Application, without a log", None),
    )
    for name, target in promises:
        if name in found:
            kept = target if promised else None
            yield times_as_cheap(f"CPU: {name} ÷ {form}, {many:,} rules", ours, found[name], kept)
    if nginx := found.get(f"nginx, {many:,} rules"):
        slow, kept = ratios(ours.p99, nginx.p99), at_most(1.3) if promised else None
        yield Figure(f"p99: {form} ÷ nginx, {many:,} rules", slow, "×", kept)
    if nginx := found.get(f"nginx, {many:,} rules{_ANEW}"):
        anew = found[f"{form}, {many:,} rules{_ANEW}"]
        yield times_as_cheap(f"CPU: nginx ÷ {form}, {many:,} rules{_ANEW}", anew, nginx, None)
    first = found[f"{form}, {sizes[0]:,} rules"]
    for size in sizes[1:]:
        grown = ratios(found[f"{form}, {size:,} rules"].cpu_micros, first.cpu_micros)
        yield Figure(f"CPU: {form}, {size:,} ÷ {sizes[0]:,} rules", grown, "×", below(1.3) if promised else None)
