"""Load balancers that introduce their visitors, and others who would like to."""

import asyncio
import json
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from proxy.listeners import listen
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.passing.policy import PassingRow
from proxy.passing.proxy_protocol import Preface
from proxy.prefaces import PrefacedAcceptor, PrefaceMetrics
from redirect_rules.sources import Problems
from tests.conftest import RunningEdge, settings_with
from tests.passing_peers.certificates import Authority
from tests.passing_peers.recording import RecordingOrigin, recording_origin
from tests.proxy.conftest import edge_over, request_bytes, say
from tests.proxy.test_passing_over_http import LIVE, PERSON, file_of

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n"
V2 = SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 20) + bytes((192, 0, 2, 7, 10, 0, 0, 1)) + struct.pack("!HH", 5, 443)
V2 += b"\x20" + struct.pack("!H", 5) + b"\x01\x00\x00\x00\x00"  # the visitor came over TLS
LOCAL = SIGNATURE + struct.pack("!BBH", 0x20, 0x00, 0)
UNKNOWN = b"PROXY UNKNOWN\r\n"


@asynccontextmanager
async def behind_a_balancer(
    packs: Packs, pages: Pages, folder: Path, *, trusted: str = "127.0.0.0/8", environ: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[RunningEdge, RecordingOrigin]]:
    async with recording_origin() as origin:
        ours = {
            **file_of(folder, origin.port),
            "DVC_EDGE__LISTEN__PROXY_PROTOCOL": "true",
            "DVC_EDGE__PASSING__TRUSTED_PEERS": f'["{trusted}"]',
            **(environ or {}),
        }
        async with edge_over(packs, pages, ours, at=LIVE) as edge:
            yield edge, origin


INTRODUCED = [
    # preface  the origin hears of    and of the scheme
    (V1,       "192.0.2.7",           "http"),
    (V2,       "192.0.2.7",           "https"),
    (LOCAL,    "127.0.0.1",           "http"),
    (UNKNOWN,  "127.0.0.1",           "http"),
]  # fmt: skip


@pytest.mark.parametrize(("preface", "address", "scheme"), INTRODUCED)
@pytest.mark.parametrize("pieces", ["whole", "octet by octet", "apart"])
async def test_a_listed_peer_says_who_is_there(
    packs: Packs, pages: Pages, tmp_path: Path, preface: bytes, address: str, scheme: str, pieces: str
) -> None:
    asked = request_bytes("/x", headers=PERSON)
    sent = {
        "whole": [preface + asked],
        "octet by octet": [bytes((octet,)) for octet in preface + asked[:9]] + [asked[9:]],
        "apart": [preface, asked],
    }[pieces]
    async with behind_a_balancer(packs, pages, tmp_path) as (edge, origin):
        heard = await say(edge, *sent)
        assert heard.reply.body == b"ok"
        (seen,) = origin.seen
        assert seen.one("x-forwarded-for") == address
        assert seen.one("x-forwarded-proto") == scheme


async def test_a_listed_peer_must_say_it(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with behind_a_balancer(packs, pages, tmp_path) as (edge, origin):
        for octets in (request_bytes("/x"), b"PROXY nonsense\r\n" + request_bytes("/x"), b"\x16\x03\x01\x02\x00"):
            heard = await say(edge, octets)
            assert (heard.raw, heard.closed) == (b"", True)
        assert not origin.seen
        async with edge.session.get(f"http://127.0.0.1:{edge.addresses.operations[1]}/metrics") as answer:
            assert "dvc_edge_prefaces_refused_total 3.0" in await answer.text()


async def test_who_takes_too_long_for_it_is_left(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    environ = {"DVC_EDGE__LIMITS__HEAD_SECONDS": "1"}
    async with behind_a_balancer(packs, pages, tmp_path, environ=environ) as (edge, origin):
        heard = await say(edge, b"PROXY TCP4 192")
        assert (heard.raw, heard.closed) == (b"", True)
        assert not origin.seen


async def test_nobody_else_may_say_it(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with behind_a_balancer(packs, pages, tmp_path, trusted="10.0.0.0/8") as (edge, origin):
        assert (await say(edge, V1 + request_bytes("/x", headers=PERSON))).reply.status == 400
        assert (await say(edge, request_bytes("/x", headers=PERSON))).reply.body == b"ok"
        assert [seen.one("x-forwarded-for") for seen in origin.seen] == ["127.0.0.1"]


async def test_a_preface_stands_for_its_connection_to_the_end(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    asked = request_bytes("/x", headers=PERSON, keep=True)
    async with behind_a_balancer(packs, pages, tmp_path) as (edge, origin):
        heard = await say(edge, V1 + asked + request_bytes("/y", headers=PERSON))
        assert [reply.body for reply in heard.replies] == [b"ok", b"ok"]
        assert [seen.one("x-forwarded-for") for seen in origin.seen] == ["192.0.2.7"] * 2
        assert "192.0.2.7" not in edge.log.getvalue()


async def test_many_at_once_are_told_apart(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async def one(last: int) -> None:
        preface = f"PROXY TCP4 192.0.2.{last} 10.0.0.1 5000 443\r\n".encode()
        target = f"/from/{last}"
        assert (await say(edge, preface, request_bytes(target, headers=PERSON))).reply.body == b"ok"

    async with behind_a_balancer(packs, pages, tmp_path) as (edge, origin):
        await asyncio.gather(*map(one, range(1, 100)))
        said = {seen.target.decode().rpartition("/")[2]: seen.one("x-forwarded-for") for seen in origin.seen}
    assert said == {str(last): f"192.0.2.{last}" for last in range(1, 100)}


def test_somebody_must_be_listed_who_says_it() -> None:
    with pytest.raises(Problems, match="name the load balancers"):
        settings_with({"DVC_EDGE__LISTEN__PROXY_PROTOCOL": "true"})


async def test_what_a_listed_peer_says_in_headers_is_believed(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    environ = {"DVC_EDGE__LISTEN__PROXY_PROTOCOL": "false"}
    headers = [*PERSON, "X-Forwarded-For: 203.0.113.9, 198.51.100.4", "X-Forwarded-Proto: https"]
    async with behind_a_balancer(packs, pages, tmp_path, environ=environ) as (edge, origin):
        assert (await say(edge, request_bytes("/x", headers=headers))).reply.body == b"ok"
        (seen,) = origin.seen
        assert seen.one("x-forwarded-for") == "198.51.100.4, 127.0.0.1"
        assert seen.one("x-forwarded-proto") == "https"
    assert json.loads(edge.log.getvalue())["outcome"] == "pass"


async def test_tls_begins_behind_the_preface(tmp_path: Path) -> None:
    """What is read off the socket ends with the preface: the handshake after it is whole, even in the same segment."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)
    theirs = ssl.create_default_context(cafile=str(authority.file))

    class Echo(asyncio.Protocol):
        preface: Preface | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(self)
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            assert isinstance(self.transport, asyncio.WriteTransport)
            self.transport.write(data.upper())

    made: list[Echo] = []
    (listener,) = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    trust = PassingRow(trusted_peers=["127.0.0.0/8"]).trust()
    metrics = PrefaceMetrics(CollectorRegistry())
    acceptor = PrefacedAcceptor(listener, Echo, trust=trust, seconds=5, metrics=metrics, context=lambda: ours)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = theirs.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(V2 + outgoing.read())
    async with asyncio.timeout(10):
        while True:
            incoming.write(await reader.read(65_536))
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
            break
        tls.write(b"hello")
        writer.write(outgoing.read())
        heard = b""
        while not heard:
            incoming.write(await reader.read(65_536))
            with suppress(ssl.SSLWantReadError):
                heard = tls.read(100)
    assert heard == b"HELLO"
    assert made[0].preface is not None
    assert made[0].preface.source == "192.0.2.7"
    writer.close()
    acceptor.close()
