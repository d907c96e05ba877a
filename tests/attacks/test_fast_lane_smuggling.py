"""What is no plain request never gets a kept answer: whatever is sent, both lanes say the same, octet for octet.

Smuggling through the fast lane would be a chunk that it takes for a request where the parser sees something else (RFC
9112 §11.2).  So every stream here goes to an edge with the fast lane and to one without, cut into the same pieces.
"""

import asyncio
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from proxy.pages import Pages
from tests.proxy.conftest import MODEL
from tests.proxy.lanes import Lane, lane_over

QUIET_SECONDS = 0.4  # nothing more is coming

HOST = f"Host: {MODEL}\r\n".encode()
FIELDS = HOST + b"User-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"
KNOWN = b"GET /vi HTTP/1.1\r\n" + FIELDS + b"\r\n"
BOT = b"GET /vi HTTP/1.1\r\n" + HOST + b"User-Agent: Googlebot\r\nAccept: text/html\r\n\r\n"
PEEK = b"HEAD /vi HTTP/1.1\r\n" + FIELDS + b"\r\n"
OTHER = b"GET /khong-co HTTP/1.1\r\n" + FIELDS + b"\r\n"
ABROAD = KNOWN.replace(MODEL.encode(), b"dichvucong.hanam.gov.vn")  # another host, in the same words
PRIMED = (KNOWN, BOT, PEEK, OTHER, ABROAD)
END = FIELDS.removeprefix(HOST) + b"\r\n"  # in which heads of many hosts are alike


def with_fields(*lines: bytes, start: bytes = b"GET /vi HTTP/1.1") -> bytes:
    return start + b"\r\n" + FIELDS + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


LENGTH = b"Content-Length: %d" % len(KNOWN)
SENT_ON = b"%x\r\n" % len(KNOWN) + KNOWN + b"\r\n0\r\n\r\n"

STREAMS: dict[str, Sequence[bytes]] = {
    "a known request": [KNOWN],
    "another after it": [KNOWN, BOT],
    "two in one chunk": [KNOWN + BOT],
    "three in one chunk, then one": [KNOWN + BOT + OTHER, KNOWN],
    "one and a half": [KNOWN + BOT[:20], BOT[20:]],
    "one, then twice the same in one chunk": [KNOWN, KNOWN + KNOWN, KNOWN],
    "one, then one with a blank in it": [KNOWN, KNOWN.replace(b" /", b" /a /", 1)],
    "one, then one in two halves": [KNOWN, KNOWN[:30], KNOWN[30:]],
    "one, then one behind a line of its own": [KNOWN, b"GET /vi HTTP/1.1\r\nHost: a\r\n\r\n" + KNOWN],
    "one, then one that is no GET": [KNOWN, KNOWN.replace(b"GET", b"PUT", 1)],
    "one, then another host's, and back": [KNOWN, ABROAD, KNOWN, ABROAD],
    "another host's, then one with both": [ABROAD, KNOWN.replace(HOST, HOST + b"Host: dichvucong.hanam.gov.vn\r\n"), KNOWN],
    "one, then one that ends where its target does": [KNOWN, b"GET /vi" + END, KNOWN],
    "one, then one that ends behind its target": [KNOWN, b"GET /vi " + END, KNOWN],
    "one, then one that ends behind its version": [KNOWN, b"GET /vi HTTP/1.1\r\n" + END, KNOWN],
    "one, then nothing but its end": [KNOWN, END, KNOWN],
    "one, then a method and its end": [KNOWN, b"GET " + END, KNOWN],
    "one, then one whose host is a target": [KNOWN, KNOWN.replace(b" HTTP/1.1\r\nHost: ", b"HTTP/1.1\r\nHost:"), KNOWN],
    "an octet before it": [b"\n" + KNOWN],
    "a line end before it": [b"\r\n" + KNOWN],
    "an octet behind it": [KNOWN + b"x"],
    "an octet behind it, later": [KNOWN, b"x", KNOWN],
    "a line end behind it, later": [KNOWN, b"\r\n", KNOWN],
    "bare line feeds": [KNOWN.replace(b"\r\n", b"\n")],
    "one bare line feed": [KNOWN.replace(b"\r\nAccept", b"\nAccept")],
    "a bare carriage return": [KNOWN.replace(b"\r\nAccept", b"\rAccept")],
    "a folded line": [KNOWN.replace(b"Accept: ", b"Accept:\r\n ")],
    "a folded line with a tab": [with_fields(b"X: a\r\n\tb")],
    "a second Host": [with_fields(b"Host: dichvucong.hanam.gov.vn")],
    "the same Host twice": [with_fields(HOST.strip())],
    "no Host": [KNOWN.replace(HOST, b"")],
    "a Host with a user": [KNOWN.replace(b"Host: ", b"Host: a@")],
    "NUL in a field": [with_fields(b"X: a\x00b")],
    "NUL in the target": [KNOWN.replace(b"/vi", b"/v\x00i")],
    "a blank before the colon": [with_fields(b"X : a")],
    "a field without a name": [with_fields(b": a")],
    "no colon": [with_fields(b"X")],
    "a tab in the target": [KNOWN.replace(b"/vi", b"/vi\t")],
    "two blanks": [KNOWN.replace(b"GET /vi", b"GET  /vi")],
    "no version": [KNOWN.replace(b" HTTP/1.1", b"")],
    "HTTP/1.0": [KNOWN.replace(b"1.1", b"1.0")],
    "HTTP/1.0, kept": [KNOWN.replace(b"1.1\r\n", b"1.0\r\nConnection: keep-alive\r\n")],
    "HTTP/2.0": [KNOWN.replace(b"1.1", b"2.0")],
    "HTTP/1.2": [KNOWN.replace(b"1.1", b"1.2")],
    "http/1.1": [KNOWN.replace(b"HTTP", b"http")],
    "get": [KNOWN.replace(b"GET", b"get")],
    "absolute form": [KNOWN.replace(b"/vi", b"http://" + MODEL.encode() + b"/vi")],
    "absolute form of another": [KNOWN.replace(b"/vi", b"http://dichvucong.hanam.gov.vn/vi")],
    "a target in octets beyond ASCII": [KNOWN.replace(b"/vi", "/việt".encode())],
    "a field beyond ASCII": [with_fields("X: việt".encode())],
    "a very long target": [KNOWN.replace(b"/vi", b"/" + b"a" * 9_000)],
    "a long target": [KNOWN.replace(b"/vi", b"/" + b"a" * 3_000)] * 3,
    "a very long field": [with_fields(b"X: " + b"a" * 9_000)],
    "a long field": [with_fields(b"X: " + b"a" * 5_000)] * 3,
    "a body that is a known request": [with_fields(LENGTH), KNOWN, BOT],
    "a body that is one, in one chunk": [with_fields(LENGTH) + KNOWN, BOT],
    "a body that is one, of HEAD": [with_fields(LENGTH, start=b"HEAD /vi HTTP/1.1"), KNOWN, BOT],
    "a posted body that is one": [with_fields(LENGTH, start=b"POST /vi HTTP/1.1"), KNOWN, BOT],
    "a chunked body that is one": [with_fields(b"Transfer-Encoding: chunked"), SENT_ON, BOT],
    "its octets alone": [with_fields(b"Transfer-Encoding: chunked"), SENT_ON[:4], KNOWN, SENT_ON[4 + len(KNOWN) :], BOT],
    "both lengths": [with_fields(LENGTH, b"Transfer-Encoding: chunked"), SENT_ON, BOT],
    "two lengths": [with_fields(LENGTH, b"Content-Length: 0"), KNOWN],
    "no body, said so": [with_fields(b"Content-Length: 0"), KNOWN, with_fields(b"Content-Length: 0")],
    "a length of nothing": [with_fields(b"Content-Length: "), KNOWN],
    "a length with a sign": [with_fields(b"Content-Length: +0"), KNOWN],
    "a coding nobody knows": [with_fields(b"Transfer-Encoding: cow"), KNOWN],
    "a hidden coding": [with_fields(b"Transfer-Encoding : chunked"), SENT_ON],
    "expectation": [with_fields(b"Expect: 100-continue"), KNOWN, with_fields(b"Expect: 100-continue")],
    "expectation of a body": [with_fields(b"Expect: 100-continue", LENGTH), KNOWN, BOT],
    "a websocket": [with_fields(b"Connection: Upgrade", b"Upgrade: websocket"), KNOWN],
    "a websocket in one chunk": [with_fields(b"Connection: Upgrade", b"Upgrade: websocket") + KNOWN],
    "HTTP/2 in the clear": [with_fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: a"), KNOWN],
    "HTTP/2 at once": [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", KNOWN],
    "the end, said so": [with_fields(b"Connection: close"), KNOWN],
    "the end, said among others": [with_fields(b"Connection: keep-alive, close"), KNOWN],
    "to be kept": [with_fields(b"Connection: keep-alive")] * 3,
    "a field's beginning, then a known request": [KNOWN[:-2] + b"X: ", KNOWN, BOT],
    "a name's beginning, then a known request": [KNOWN[:-2] + b"X", KNOWN, BOT],
    "a target's beginning, then a known request": [b"GET /a", KNOWN, BOT],
    "a method's beginning, then a known request": [b"P", KNOWN, BOT],
    "all but the last octet": [KNOWN[:-1], KNOWN[-1:], KNOWN, KNOWN],
    "octet by octet": [bytes((octet,)) for octet in KNOWN[:40]] + [KNOWN[40:], BOT],
    "a form, then a known request": [
        with_fields(b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 3", start=b"POST /vi HTTP/1.1") + b"a=b",
        KNOWN,
        BOT,
    ],
    "a CONNECT": [b"CONNECT a.example:443 HTTP/1.1\r\n" + FIELDS + b"\r\n", KNOWN],
    "OPTIONS *": [b"OPTIONS * HTTP/1.1\r\n" + FIELDS + b"\r\n", KNOWN],
    "a hundred fields": [with_fields(*(b"X-%d: a" % number for number in range(100)))] * 2,
    "too many fields": [with_fields(*(b"X-%d: a" % number for number in range(200)))] * 2,
    "trailers": [with_fields(b"TE: trailers"), with_fields(b"TE: trailers"), KNOWN],
    "nothing": [b"", KNOWN],
}  # fmt: skip

_ID = re.compile(rb"X-Request-Id: ([^\r]*)")
_VARYING = re.compile(rb"(Date|Content-Length): [^\r]*|[2-9a-hjkmnp-z]{4}(?:-[2-9a-hjkmnp-z]{4}){2}")


class Listener(asyncio.Protocol):
    """Keeps everything that comes, also where the connection is reset afterwards."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self.over = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        """Be over when nothing comes for a while."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self.over.set)

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.over.set()


async def heard(lane: Lane, pieces: Sequence[bytes]) -> tuple[bytes, bool]:
    """Everything that comes back on one connection, and whether the edge ended it."""
    transport, listener = await asyncio.get_running_loop().create_connection(Listener, "127.0.0.1", lane.port)
    for piece in pieces:
        transport.write(piece)
        await asyncio.sleep(0.02)  # so that the next one is another chunk, and the answer is complete
    if not listener.ended:
        listener.over.clear()
        listener.wait()
    await listener.over.wait()
    transport.abort()
    return _VARYING.sub(rb"\1", bytes(listener.received)), listener.ended


async def primed(lane: Lane) -> None:
    async with lane.connected() as connection:
        for request in (*PRIMED, *PRIMED):
            await connection.ask(request)


@pytest.mark.usefixtures("no_new_notices")
async def test_what_was_asked_for_twice_is_known_from_then_on(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        await primed(lane)
        assert lane.fast == len(PRIMED)


async def test_both_lanes_say_the_same_to_every_stream(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as fast, lane_over(packs, pages, enabled=False) as slow:
        await primed(fast)
        assert fast.fast >= len(PRIMED)  # and perhaps a notice that was not there before
        ours = await asyncio.gather(*(heard(fast, pieces) for pieces in STREAMS.values()))
        theirs = await asyncio.gather(*(heard(slow, pieces) for pieces in STREAMS.values()))
        for name, one, other in zip(STREAMS, ours, theirs, strict=True):
            assert one == other, name
        assert fast.fast > len(PRIMED)


# Only plain chunks may be answered by the fast lane, and only before anything else came on the connection.
FAST = {
    "a known request": 1, "another after it": 2, "two in one chunk": 0, "an octet before it": 0,
    "a body that is a known request": 0, "a field's beginning, then a known request": 0, "octet by octet": 0,
    "all but the last octet": 0, "a websocket": 0, "a form, then a known request": 0, "HTTP/1.0, kept": 0,
    "no body, said so": 1, "to be kept": 2, "a long target": 0, "a long field": 0, "trailers": 1,
    "a chunked body that is one": 0, "expectation of a body": 0, "one and a half": 0,
    "one, then twice the same in one chunk": 1, "one, then one with a blank in it": 1,
    "one, then another host's, and back": 4, "another host's, then one with both": 1,
    "one, then one that ends where its target does": 1, "one, then one that ends behind its target": 1,
    "one, then one that ends behind its version": 1, "one, then nothing but its end": 1,
    "one, then a method and its end": 1, "one, then one whose host is a target": 1,
    "one, then one in two halves": 1, "one, then one behind a line of its own": 1, "one, then one that is no GET": 1,
}  # fmt: skip


@pytest.mark.usefixtures("no_new_notices")
@pytest.mark.parametrize("name", FAST)
async def test_the_fast_lane_takes_plain_chunks_alone(packs: Packs, pages: Pages, name: str) -> None:
    async with lane_over(packs, pages) as lane:
        await primed(lane)
        await heard(lane, STREAMS[name])
        assert lane.fast - len(PRIMED) == FAST[name]


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Requests, some of them known, with an octet changed here and there, cut anywhere."""
    sent = bytearray().join(
        draw(st.lists(st.sampled_from([*PRIMED, *(s[0] for s in STREAMS.values())]), min_size=1, max_size=4))
    )
    for _ in range(draw(st.integers(0, 2)) if sent else 0):
        at = draw(st.integers(0, len(sent) - 1))
        match draw(st.sampled_from(["change", "remove", "add"])):
            case "change":
                sent[at] = draw(st.sampled_from(b"\r\n\x00 :\taG/.%\xff"))
            case "remove":
                del sent[at]
            case _:
                sent[at:at] = draw(
                    st.sampled_from([b"\r\n", b"\n", b" ", b"\x00", b"\r\n\r\n", b"Content-Length: 3\r\n", b"x"])
                )
        if not sent:
            break
    if not sent:
        return [KNOWN]
    cuts = sorted(draw(st.sets(st.integers(1, len(sent)), max_size=3)))
    edges = [0, *cuts, len(sent)]
    return [bytes(sent[begin:end]) for begin, end in pairwise(edges)]


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(batch=st.lists(streams(), min_size=16, max_size=16))
def test_both_lanes_say_the_same_to_whatever_is_sent(packs: Packs, pages: Pages, batch: list[list[bytes]]) -> None:
    async def compare() -> None:
        async with lane_over(packs, pages) as fast, lane_over(packs, pages, enabled=False) as slow:
            await primed(fast)
            both = await asyncio.gather(*(heard(lane, pieces) for lane in (fast, slow) for pieces in batch))
            for pieces, one, other in zip(batch, both[:16], both[16:], strict=True):
                assert one == other, pieces

    asyncio.run(compare())
