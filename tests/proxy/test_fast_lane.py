"""The fast lane answers as the slow lane does: octet for octet, line for line, figure for figure."""

import asyncio
import csv
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio

from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.model import Life
from redirect_rules.ruletests import parse_ruletest
from tests.conftest import AUTUMN
from tests.proxy.conftest import SCHEDULES, host_of
from tests.proxy.lanes import Lane, lane_over, same

TESTS = Path(__file__).parents[1]

CLIENTS = {
    "a phone": ["User-Agent: Mozilla/5.0 (Linux; Android 14) Chrome/130", "Accept: text/html,application/xhtml+xml", "Accept-Language: vi", "Accept-Encoding: gzip, deflate, br", "Sec-Fetch-Dest: document"],
    "an old browser": ["User-Agent: Mozilla/4.0", "Accept: text/html", "Accept-Encoding: gzip"],
    "an English one": ["User-Agent: Mozilla/5.0", "Accept: text/html", "Accept-Language: en", "Cookie: _edge_place=new:00004; a=b"],
    "a search engine": ["User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1)", "Accept: text/html"],
    "a program": ["User-Agent: app/1", "Accept: application/json"],
    "a frame": ["User-Agent: Mozilla/5.0", "Accept: text/html", "Sec-Fetch-Dest: iframe"],
}  # fmt: skip


def request_for(url: str, headers: list[str], method: str = "GET") -> bytes:
    """A request for an address of an old portal, on a connection that is kept."""
    url = quote(url.partition("#")[0], safe="!#$%&'()*+,/:;=?@[]~")
    parts = urlsplit(url if "://" in url else f"https://{url}")
    target = (parts.path or "/") + (f"?{parts.query}" if "?" in url else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def addresses() -> Iterator[str]:
    """Every address that is written down as an example."""
    with (TESTS / "data" / "url_cases.csv").open(encoding="utf-8", newline="") as lines:
        yield from (row["url"] for row in csv.DictReader(lines))
    for path in sorted((TESTS / "cases").glob("*.ruletest")):
        examples = parse_ruletest(path.name, path.read_text("utf-8"), at=AUTUMN).examples
        yield from (example.url for example in examples if not example.url.startswith("ftp:"))


ADDRESSES = sorted({request_for(address, []): address for address in addresses()}.values())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fast(every_state: Packs, pages: Pages) -> AsyncIterator[Lane]:
    async with lane_over(every_state, pages) as lane:
        yield lane


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow(every_state: Packs, pages: Pages) -> AsyncIterator[Lane]:
    async with lane_over(every_state, pages, enabled=False) as lane:
        yield lane


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("client", CLIENTS)
async def test_every_example_is_answered_alike_on_both_lanes(fast: Lane, slow: Lane, client: str) -> None:
    before, told, told_there = fast.fast, len(fast.lines), len(slow.lines)
    kept = 0
    async with fast.connected() as here, slow.connected() as there:
        for address in ADDRESSES:
            for method in ("GET", "HEAD"):
                request = request_for(address, CLIENTS[client], method)
                first, second, known = await there.ask(request), await here.ask(request), await here.ask(request)
                assert same(first) == same(second) == same(known), address
                kept += first.split()[1] in {b"200", b"301", b"302", b"403", b"404", b"410"}
    # And more: two spellings of a host are one audience, and what a decision alone tells is not asked for twice.
    assert kept <= fast.fast - before
    assert without_pages_sizes(fast.lines[told:]) == without_pages_sizes(slow.lines[told_there:], times=2)


def without_pages_sizes(lines: list[dict[str, Any]], *, times: int = 1) -> list[dict[str, Any]]:
    """Lines of a log, each so many times; the size of a packed page that names its own id is left out."""
    return [line | {"bytes": 0} if line["status"] in {400, 421, 503} else line for line in lines for _ in range(times)]


STATES = [(phase, life) for phase in SCHEDULES for life in Life]
PATHS = ["/", "/vi", "/khong-co", "/anh/logo.png", "/tai-lieu/mau.pdf", "/robots.txt", "/sitemap.xml", "/sw.js", "/ngsw.json", "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193", "/.well-known/security.txt", "/_edge/locality?q=a", "/?_stay=1", "/?_lang=en", "/?_place=new:00004", "/?_place=none"]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("phase", "life"), STATES)
async def test_every_state_of_a_portal_is_answered_alike_on_both_lanes(
    fast: Lane, slow: Lane, phase: str, life: Life
) -> None:
    async with fast.connected() as here, slow.connected() as there:
        for headers in CLIENTS.values():
            for path in PATHS:
                request = request_for(host_of(phase, life) + path, headers)
                first, second, known = await there.ask(request), await here.ask(request), await here.ask(request)
                assert same(first) == same(second) == same(known), path


# how it is asked                                                       does the connection end?  is it answered fast?
MANNERS: dict[str, tuple[str, list[str], bool, bool]] = {
    "HTTP/1.1":           ("HTTP/1.1", [],                                                   False, True),
    "kept":               ("HTTP/1.1", ["Connection: keep-alive"],                           False, True),
    "closed":             ("HTTP/1.1", ["Connection: close"],                                True,  True),
    "HTTP/1.0":           ("HTTP/1.0", [],                                                   True,  True),
    "HTTP/1.0, kept":     ("HTTP/1.0", ["Connection: keep-alive"],                           False, True),
    "HTTP/1.0, closed":   ("HTTP/1.0", ["connection: Close"],                                True,  True),
    "kept and closed":    ("HTTP/1.1", ["Connection: keep-alive, close"],                    True,  False),
    "twice":              ("HTTP/1.1", ["Connection: keep-alive", "Connection: close"],      True,  False),
    "upgraded":           ("HTTP/1.1", ["Connection: Upgrade", "Upgrade: h2c"],              True,  False),
}  # fmt: skip


async def to_the_end(lane: Lane, request: bytes, *, ends: bool) -> bytes:
    """The answer on a new connection, which ends with it, or does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", lane.port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head)
            assert length is not None
            answer = head + (b"" if request.startswith(b"HEAD") else await reader.readexactly(int(length[1])))
            if ends:
                assert await reader.read() == b""
        if not ends:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
        return answer
    finally:
        writer.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("manner", MANNERS)
async def test_every_manner_of_asking_is_answered_alike_on_both_lanes(fast: Lane, slow: Lane, manner: str) -> None:
    version, fields, ends, known = MANNERS[manner]
    for method in ("GET", "HEAD"):
        for phase, path in (("notice", "/vi"), ("settled", "/vi"), ("retired", "/khong-co")):
            request = request_for(host_of(phase, Life.GONE) + path, [*CLIENTS["a search engine"], *fields], method)
            request = request.replace(b" HTTP/1.1\r", f" {version}\r".encode(), 1)
            before = fast.fast
            answers = [await to_the_end(lane, request, ends=ends) for lane in (slow, fast, fast)]
            assert len(set(map(same, answers))) == 1
            assert fast.fast - before >= known
            assert known or fast.fast == before


@pytest.mark.asyncio(loop_scope="module")
async def test_every_request_is_counted_alike_on_both_lanes(fast: Lane, slow: Lane) -> None:
    """After everything that was asked above: twice here, once there."""
    ours, theirs = dict(fast.figures()), dict(slow.figures())
    assert ours.pop("dvc_edge_fast_lane_total") > 1_000
    assert theirs.pop("dvc_edge_fast_lane_total") == 0
    counters = [name for name in theirs if "_total" in name]
    assert {name: ours[name] for name in counters} == {name: theirs[name] * 2 for name in counters}
    assert fast.hits == {hit: times * 2 for hit, times in slow.hits.items()}
