"""The opening handshake of a WebSocket as it passes."""

import pytest

from proxy.passing.fields import Fields
from proxy.passing.framing import NoBody
from proxy.passing.handshakes import accepted, asks_for_websocket, check, offered, opening
from proxy.passing.heads import BadMessage, RequestHead, ResponseHead
from proxy.passing.inbound import Onward

# The key and its answer are those of RFC 6455 §1.3.
ASKED = [
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: chat, superchat",
    "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
]
ANSWER = ["Upgrade: WebSocket", "Connection: upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]


def named(texts: list[str]) -> Fields:
    return [(name.encode(), value.strip().encode()) for name, _, value in (text.partition(":") for text in texts)]


def asked(*lines: str, method: bytes = b"GET", minor: int = 1) -> RequestHead:
    return RequestHead(method, b"/ws", minor, named([*ASKED, *lines]))


def answer(*lines: str) -> ResponseHead:
    return ResponseHead(1, 101, b"Switching Protocols", named([*ANSWER, *lines]))


def test_who_asks_for_a_websocket() -> None:
    assert asks_for_websocket(asked())


@pytest.mark.parametrize(
    "head",
    [
        asked(method=b"POST"),
        asked(minor=0),
        asked("Upgrade: h2c"),
        asked("Sec-WebSocket-Key: again"),
        RequestHead(b"GET", b"/", 1, named(["Upgrade: websocket"])),
        RequestHead(b"GET", b"/", 1, named(["Upgrade: h2c", "Connection: Upgrade", "Sec-WebSocket-Key: x"])),
    ],
)
def test_who_does_not(head: RequestHead) -> None:
    assert not asks_for_websocket(head)


def test_only_extensions_that_we_can_follow_are_offered() -> None:
    assert (b"Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits") in offered(asked()).fields
    only = offered(RequestHead(b"GET", b"/", 1, named(["Sec-WebSocket-Extensions: x-own"])))
    assert only.fields == []


def test_the_upgrade_begins_anew_at_this_hop() -> None:
    sent = opening(Onward(b"GET", b"GET / HTTP/1.1\r\nA: b\r\n\r\n", NoBody(), False, 1, b""))
    assert sent.octets == b"GET / HTTP/1.1\r\nA: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "deflate"),
    [
        ([], False),
        (["Sec-WebSocket-Protocol: chat"], False),
        (["Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"], True),
    ],
)
def test_what_answers_a_handshake(lines: list[str], deflate: bool) -> None:  # noqa: FBT001 - a column
    assert check(offered(asked()), answer(*lines)) is deflate


@pytest.mark.parametrize(
    "lines",
    [
        ["Sec-WebSocket-Accept: again"],
        ["Sec-WebSocket-Protocol: other"],
        ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: superchat"],
        ["Sec-WebSocket-Extensions: x-webkit-deflate-frame"],
        ["Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"],
        ["Upgrade: h2c"],
    ],
)
def test_what_does_not(lines: list[str]) -> None:
    with pytest.raises(BadMessage):
        check(offered(asked()), answer(*lines))


def test_an_answer_to_another_key_is_refused() -> None:
    fields = [(name, b"x" if name == b"Sec-WebSocket-Accept" else value) for name, value in answer().fields]
    with pytest.raises(BadMessage):
        check(asked(), answer()._replace(fields=fields))


def test_the_visitor_gets_the_origins_answer() -> None:
    octets = accepted(answer("X-Own: 1", "Keep-Alive: timeout=5"))
    assert octets.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"X-Own: 1\r\n" in octets
    assert b"Keep-Alive" not in octets
    assert octets.endswith(b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
