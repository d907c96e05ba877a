"""Every ambiguous request we can think of: refused, or understood by the origin exactly as by us.

The origin behind the edge has a parser of its own and writes down every octet.  It must never refuse what we sent, never
see a request that we did not mean, and never see a second request hidden in the first.
"""

import asyncio
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.passing_peers.edges import HOST, Edge, edge, upstream
from tests.passing_peers.recording import RecordingOrigin, recording_origin

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: hidden\r\n\r\n"
H = b"Host: %b\r\n" % HOST.encode()
CL, TE = b"Content-Length: ", b"Transfer-Encoding: chunked\r\n"


def post(fields: bytes, body: bytes = b"", *, line: bytes = b"POST / HTTP/1.1\r\n") -> bytes:
    return line + H + fields + b"\r\n" + body


def spelled(coding: bytes) -> bytes:
    """A request whose Transfer-Encoding is spelled so, with a Content-Length that says something else."""
    return post(CL + b"6\r\n" + coding + b"\r\n", b"0\r\n\r\nX")


BATTERY: dict[str, tuple[bytes, str]] = {
    # Content-Length against Transfer-Encoding
    "CL.TE": (post(CL + b"6\r\n" + TE, b"0\r\n\r\nG" + HIDDEN), "refused"),
    "TE.CL": (post(TE + CL + b"4\r\n", b"5c\r\n" + HIDDEN + b"0\r\n\r\n"), "refused"),
    **{
        f"CL and {coding!r}": (spelled(coding), "refused")
        for coding in (
            b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding:\tchunked", b" Transfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"X: x\nTransfer-Encoding: chunked", b"Transfer-Encoding\r\n : chunked",
            b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: x, chunked", b"Transfer-Encoding: chunked, x", b"TRANSFER-ENCODING: CHUNKED",
            b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: chunked;q=1", b"Transfer_Encoding: chunked\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: identity", b"Transfer-Encoding:", b"Transfer-\x00Encoding: chunked", b"Transfer-Encoding: c\xc5\xbfhunked",
        )
    },
    # lengths that are none, or two
    **{
        f"length {length!r}": (post(CL + length + b"\r\n", b"hello" + HIDDEN), "refused")
        for length in (
            b"+5", b"-5", b"5 5", b"5,5", b"0x5", b"5a", b"", b"5\r\nContent-Length: 6", b"5\r\nContent-Length: 5", b"1e1", b"5.0", b"\xd9\xa5",
            b"99999999999999999999", b"5\x00", b"5\x0b", b"_5",
        )
    },
    # chunks that are none
    **{
        f"chunks {body!r}": (post(TE, body + HIDDEN), "refused")
        for body in (
            b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n",
            b"-1\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\r\rhello", b"fffffffffffffffffff\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n", b"5;a\nb\r\nhello\r\n0\r\n\r\n",
            b"\r\n5\r\nhello", b"5_0\r\n", b"g\r\n",
        )
    },
    "chunk extension": (post(TE, b"5;a=b\r\nhello\r\n0\r\n\r\n"), "passed"),
    "chunk extension quoted": (post(TE, b'5;a="b"\r\nhello\r\n0\r\n\r\n'), "passed"),
    "chunks with leading noughts": (post(TE, b"0005\r\nhello\r\n000\r\n\r\n"), "passed"),
    "trailers": (post(TE, b"5\r\nhello\r\n0\r\nX-Forwarded-For: evil\r\nDigest: x\r\n\r\n"), "passed"),
    "trailers that steer": (post(TE, b"5\r\nhello\r\n0\r\nHost: evil\r\nContent-Length: 5\r\n\r\n"), "refused"),
    # ends of lines
    "bare LF head": (b"GET / HTTP/1.1\n" + H.replace(b"\r", b"") + b"\n", "refused"),
    "bare LF field": (b"GET / HTTP/1.1\r\nA: b\n" + H + b"\r\n", "refused"),
    "bare CR field": (b"GET / HTTP/1.1\r\nA: b\rC: d\r\n" + H + b"\r\n", "refused"),
    "obs-fold": (b"GET / HTTP/1.1\r\n" + H + b"A: b\r\n c\r\n\r\n", "refused"),
    "obs-fold of Host": (b"GET / HTTP/1.1\r\nHost:\r\n evil\r\n\r\n", "refused"),
    "NUL in a field": (b"GET / HTTP/1.1\r\n" + H + b"A: b\0c\r\n\r\n", "refused"),
    "NUL in the target": (b"GET /a\0b HTTP/1.1\r\n" + H + b"\r\n", "refused"),
    "blank before the colon": (b"GET / HTTP/1.1\r\n" + H + b"A : b\r\n\r\n", "refused"),
    "no colon": (b"GET / HTTP/1.1\r\n" + H + b"A\r\n\r\n", "refused"),
    "empty name": (b"GET / HTTP/1.1\r\n" + H + b": b\r\n\r\n", "refused"),
    "name with a blank": (b"GET / HTTP/1.1\r\n" + H + b"A B: c\r\n\r\n", "refused"),
    # request lines
    "HTTP/0.9": (b"GET /\r\n\r\n", "refused"),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\n" + H + b"\r\n", "refused"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\n" + H + b"\r\n", "refused"),
    "HTTP/1.10": (b"GET / HTTP/1.10\r\n" + H + b"\r\n", "refused"),
    "http/1.1": (b"GET / http/1.1\r\n" + H + b"\r\n", "refused"),
    "two blanks": (b"GET  / HTTP/1.1\r\n" + H + b"\r\n", "either"),
    "tab": (b"GET\t/\tHTTP/1.1\r\n" + H + b"\r\n", "refused"),
    "blank in the target": (b"GET /a b HTTP/1.1\r\n" + H + b"\r\n", "refused"),
    "target above ASCII": ("GET /phường HTTP/1.1\r\n".encode() + H + b"\r\n", "refused"),
    "fragment": (b"GET /a#b HTTP/1.1\r\n" + H + b"\r\n", "refused"),
    "no slash": (b"GET a HTTP/1.1\r\n" + H + b"\r\n", "refused"),
    "asterisk": (b"GET * HTTP/1.1\r\n" + H + b"\r\n", "refused"),
    "CONNECT": (b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n", "refused"),
    "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 60, "refused"),
    "encoded separators": (b"GET /a%2f..%2f%00;x=%0d%0aHost:evil?%23 HTTP/1.1\r\n" + H + b"\r\n", "passed"),
    "absolute-form": (b"GET http://%b/a?b HTTP/1.1\r\n" % HOST.encode() + H + b"\r\n", "passed"),
    # Host
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", "refused"),
    "two Hosts": (b"GET / HTTP/1.1\r\n" + H + H + b"\r\n", "refused"),
    "two different Hosts": (b"GET / HTTP/1.1\r\n" + H + b"Host: evil\r\n\r\n", "refused"),
    "Host in two lines": (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "refused"),
    "Host with a control": (b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n", "refused"),
    **{
        f"Host {host!r}": (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", "passed as ours")
        for host in (
            b"evil", b"evil:80", b"a@" + HOST.encode(), HOST.encode() + b"@evil", HOST.encode() + b".evil", HOST.encode() + b",evil",
            b"[::1]", b"127.0.0.1", b"evil/" + HOST.encode(), HOST.encode() + b"/..", b"evil?" + HOST.encode(), b"evil#", b"\xc3\xa9vil", b"",
        )
    },
    # hop-by-hop
    "Connection takes Host away": (b"GET / HTTP/1.1\r\n" + H + b"Connection: Host\r\n\r\n", "passed"),
    "Connection takes the length away": (post(CL + b"5\r\nConnection: Content-Length\r\n", b"hello"), "passed"),
    "Connection takes the coding away": (post(TE + b"Connection: Transfer-Encoding\r\n", b"5\r\nhello\r\n0\r\n\r\n"), "passed"),
    "upgrade to h2c": (b"GET / HTTP/1.1\r\n" + H + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n", "passed"),
    "chunks in HTTP/1.0": (post(TE, b"5\r\nhello\r\n0\r\n\r\n", line=b"POST / HTTP/1.0\r\n"), "refused"),
    "GET with a body": (b"GET / HTTP/1.1\r\n" + H + CL + b"5\r\n\r\nhello", "passed"),
    "expect": (post(CL + b"5\r\nExpect: 100-continue\r\n", b"hello"), "passed"),
    "unknown expectation": (post(CL + b"5\r\nExpect: 102-processing\r\n", b"hello"), "refused"),
}  # fmt: skip


async def all_of(ours: Edge, octets: bytes) -> bytes:
    """Send, say that it was all, and read what comes until nothing more does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
    writer.write(octets)
    got = b""
    try:
        async with asyncio.timeout(0.3):
            while more := await reader.read(65_536):
                got += more
    except (TimeoutError, ConnectionResetError):
        pass  # an edge that keeps the connection, or that cuts it
    finally:
        writer.transport.abort()
    return got


def judge(origin: RecordingOrigin, answer: bytes, wanted: str) -> None:
    assert not origin.broken, f"the origin did not understand us: {origin.broken}"
    assert not [seen for seen in origin.seen if seen.target == b"/hidden" and wanted == "passed"]
    passed = [seen for seen in origin.seen if seen.complete]
    statuses = [status for status in re.findall(rb"HTTP/\d\.\d (\d\d\d) ", answer) if status[:1] != b"1"]
    # What the visitor was told and what the origin did are one and the same.
    assert len(passed) == sum(status == b"200" for status in statuses)
    if wanted == "refused":
        assert not passed, f"passed: {passed}"
        assert not answer or statuses[0][:1] in {b"4", b"5"}
    elif wanted == "passed as ours":
        # Whatever a visitor calls the host, an origin is asked for the portal's own, or for nothing.
        assert {seen.one("host") for seen in passed} <= {HOST}
    elif wanted == "passed":
        assert statuses[:1] == [b"200"]
        assert len(passed) == 1


SEPARATORS = [
    b"/a%2Fb", b"/a%2fb", b"/a%5Cb", b"/%2e%2e/b", b"/a/../b", b"/a/./b", b"//a", b"/a//", b"/a;b=1/c", b"/a%3Bb", b"/a%00", b"/a%0d%0ab",
    b"/%25%32%66", b"/a%20b+c", b"/?a=%26&b=%3D", b"/?", b"/??", b"/a?b?c=/../", b"/a:b@c", b"/%C3%A9%E1%BB%81", b"/%ff%fe", b"/%", b"/%zz", b"/a'(b)*",
]  # fmt: skip


@pytest.mark.parametrize("target", SEPARATORS)
async def test_a_target_is_nobody_s_to_tidy_up(target: bytes) -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        assert (await ours.ask(b"GET %b HTTP/1.1\r\n" % target + H + b"\r\n")).startswith(b"HTTP/1.1 200 ")
        assert [seen.target for seen in origin.seen] == [target]


@pytest.mark.parametrize(("octets", "wanted"), BATTERY.values(), ids=BATTERY)
async def test_nobody_disagrees(octets: bytes, wanted: str) -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        judge(origin, await all_of(ours, octets), wanted)


async def test_what_passes_is_what_was_sent() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        for name in ("chunk extension", "trailers", "GET with a body", "expect", "Connection takes the coding away"):
            await all_of(ours, BATTERY[name][0])
            assert [seen.body for seen in origin.seen] == [b"hello"], name
            origin.seen.clear()
        assert not any(name.lower() == b"trailer" for seen in origin.seen for name, _ in seen.fields)


FRAGMENTS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /x HTTP/1.1\r\n",
        H,
        b"Host: evil\r\n",
        CL + b"5\r\n",
        CL + b"0\r\n",
        TE,
        b"transfer-encoding: x\r\n",
        b"\r\n",
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"0\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"A: b\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive, TE\r\n",
        b"Upgrade: websocket\r\n",
        b"Expect: 100-continue\r\n",
        HIDDEN,
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(FRAGMENTS, min_size=2, max_size=9), min_size=20, max_size=20))
async def test_whatever_is_pieced_together_nobody_disagrees(messages: list[list[bytes]]) -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        for fragments in messages:
            before = len(origin.seen)
            octets = b"POST / HTTP/1.1\r\n" + H + b"".join(fragments)
            reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
            writer.write(octets)
            writer.write_eof()
            try:
                async with asyncio.timeout(5):
                    answer = await reader.read()
            except ConnectionResetError:
                answer = b""
            writer.close()
            passed = [seen for seen in origin.seen[before:] if seen.complete]
            assert answer.count(b"HTTP/1.1 200 OK") <= len(passed)
        assert not origin.broken, f"the origin did not understand us: {origin.broken}"
