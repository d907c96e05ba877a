"""Notice pages: what a person sees, beside nginx sending a file of the same octets."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import peers
from bench.edges import edge
from bench.figures import Figure, Row, Skipped, at_least, at_most, ratios
from bench.peers import Nginx
from bench.rounds import Contestant, Draw, Question, cost, measure, times_as_cheap
from bench.rulesets import READING, head
from bench.servers import exchange_whole, field
from bench.workshop import Workshop

ABOUT = (
    "A browser that takes gzip asks for 1,000 pages that are closed; every one has a target of its own. nginx sends a "
    "file with the same packed octets (`gzip_static`, `sendfile`). Pages that nobody saw before are asked for "
    "once each."
)
_FIRST_MICROS = 400.0
"""What the first page of an address may cost."""
_PAGES = 1_000
_FIRST = "notice nobody saw before"
_BUFFERED = "nginx, static file, log buffered"
_PATH = "/vi/thu-tuc-hanh-chinh/chi-tiet"


def run(shop: Workshop) -> Iterator[Row]:
    """Ours beside nginx."""
    with ExitStack() as running:
        ours = running.enter_context(edge(shop.place("edge"), shop.place("empty"))).server
        ask = _draw(shop)
        answer_head, body = exchange_whole(ours.port, ask(0)[0].request)
        if field(answer_head, "Content-Encoding") != "gzip":
            yield Skipped("notice", f"the edge did not pack its page: {answer_head[:200]!r}")
            return
        contestants = []
        for form, program in shop.forms:
            known, first = (
                running.enter_context(edge(shop.place("edge"), shop.place("empty"), program=program)).server
                for _ in range(2)
            )
            contestants.append(Contestant(f"{form}, notice", known, ask, fill=True))
            contestants.append(Contestant(f"{form}, {_FIRST}", first, _draw_anew(shop)))
        if peers.program("nginx"):
            for name, buffered in (("nginx, static file", False), (_BUFFERED, True)):
                folder = shop.place("nginx")
                _place(folder, body)
                setup = Nginx(f"    root {folder}/pages; gzip_static on;", buffered=buffered)
                contestants.append(Contestant(name, running.enter_context(peers.nginx(folder, setup)), ask))
        found = measure(contestants, rounds=shop.extent.rounds, seconds=shop.extent.seconds, told=shop.told)
    yield Figure("notice: packed octets of a page", (float(len(body)),), "bytes")
    for name, measured in found.items():
        spent, *others = cost(name, measured)
        yield replace(spent, target=at_most(_FIRST_MICROS)) if name.endswith(_FIRST) else spent
        yield from others
    if "nginx, static file" not in found:
        yield Skipped("nginx", "not installed")
        return
    for form, _ in shop.forms:
        # Promises are about what the image has; where that cannot be made, about the sources.
        promised = at_least(0.75) if form == shop.forms[-1][0] else None
        mine, theirs = found[f"{form}, notice"], found["nginx, static file"]
        for name in ("nginx, static file", _BUFFERED):
            yield times_as_cheap(f"CPU: {name} ÷ {form}, notice", mine, found[name], promised)
        yield Figure(f"p99: {form}, notice ÷ nginx, static file", ratios(mine.p99, theirs.p99), "×")


def _question(shop: Workshop, number: int) -> Question:
    return Question(head(shop.sites[number % 10].host, f"{_PATH}?ma=1.{number:06}", *READING), "")


def _draw(shop: Workshop) -> Draw:
    def questions(_: int) -> Sequence[Question]:
        return [_question(shop, number) for number in range(_PAGES)]

    return questions


def _draw_anew(shop: Workshop) -> Draw:
    def questions(number: int) -> Sequence[Question]:
        first = (number + 1) * 10 * _PAGES
        return [_question(shop, first + more) for more in range(10 * _PAGES)]

    return questions


def _place(folder: Path, packed: bytes) -> None:
    page = folder / "pages" / _PATH[1:]
    page.parent.mkdir(parents=True)
    page.write_bytes(gzip.decompress(packed))
    page.with_name(page.name + ".gz").write_bytes(packed)
