"""WebSocket frames as they pass: what is one, what is none, and that splitting changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.frames import BadFrame, CloseCode, FrameChecker, close_frame

MASK = b"\x01\x02\x03\x04"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """A frame in its shortest form (RFC 6455 §5.2)."""
    first = (0x80 if final else 0) | reserved | opcode
    bit, size = (0x80 if masked else 0), len(payload)
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 1 << 16:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    return head + MASK + bytes(octet ^ MASK[at & 3] for at, octet in enumerate(payload))


SOUND = {
    "text": frame(1, b"hi"),
    "binary": frame(2, b"\xff" * 300),
    "long": frame(2, b"x" * 70_000),
    "empty": frame(1),
    "fragments": frame(1, b"a", final=False) + frame(0, b"b", final=False) + frame(0, b"c"),
    "ping within a message": frame(1, b"a", final=False) + frame(9, b"p") + frame(0, b"b"),
    "pong nobody asked for": frame(10),
    "close": frame(8),
    "close with a code": frame(8, b"\x03\xe8bye"),
    "close with a code of one's own": frame(8, (4000).to_bytes(2, "big")),
}


@pytest.mark.parametrize("octets", SOUND.values(), ids=SOUND)
def test_frames_pass_as_they_are(octets: bytes) -> None:
    checker = FrameChecker(masked=True, most=1 << 20)
    assert checker.feed(octets) == octets
    assert checker.at_boundary


@pytest.mark.parametrize("octets", [octets for octets in SOUND.values() if len(octets) < 400])
def test_frames_pass_byte_by_byte(octets: bytes) -> None:
    checker = FrameChecker(masked=True, most=1 << 20)
    assert b"".join(checker.feed(bytes((octet,))) for octet in octets) == octets


UNSOUND = {
    "reserved data opcode": frame(3),
    "reserved control opcode": frame(11),
    "unmasked": frame(1, b"a", masked=False),
    "first reserved bit": frame(1, b"a", reserved=0x40),
    "second reserved bit": frame(1, b"a", reserved=0x20),
    "fragmented ping": frame(9, final=False),
    "long ping": bytes((0x89, 0x80 | 126)) + (126).to_bytes(2, "big") + MASK + b"x" * 126,
    "continuation of nothing": frame(0, b"a"),
    "message within a message": frame(1, final=False) + frame(1),
    "16 bits where 7 would do": bytes((0x81, 0x80 | 126, 0, 5)) + MASK + b"hello",
    "64 bits where 16 would do": bytes((0x81, 0x80 | 127)) + (126).to_bytes(8, "big") + MASK + b"x" * 126,
    "a length with its highest bit": bytes((0x82, 0x80 | 127)) + b"\xff" * 8 + MASK,
    "half a close code": frame(8, b"\x03"),
    "close code 999": frame(8, (999).to_bytes(2, "big")),
    "close code 1005": frame(8, (1005).to_bytes(2, "big")),
    "close code 1006": frame(8, (1006).to_bytes(2, "big")),
    "close code 1015": frame(8, (1015).to_bytes(2, "big")),
    "close code 5000": frame(8, (5000).to_bytes(2, "big")),
    "close with words that are no UTF-8": frame(8, b"\x03\xe8\xff"),
    "anything after close": frame(8) + frame(1, b"a"),
}


@pytest.mark.parametrize("octets", UNSOUND.values(), ids=UNSOUND)
def test_what_is_no_frame_does_not_pass(octets: bytes) -> None:
    before = frame(1, b"sound")
    with pytest.raises(BadFrame) as whole:
        FrameChecker(masked=True, most=1 << 20).feed(before + octets)
    assert whole.value.code is CloseCode.PROTOCOL_ERROR
    assert whole.value.sound.startswith(before)

    checker = FrameChecker(masked=True, most=1 << 20)
    passed, code = b"", None
    for octet in before + octets:
        try:
            passed += checker.feed(bytes((octet,)))
        except BadFrame as bad:
            passed, code = passed + bad.sound, bad.code
            break
    assert (passed, code) == (whole.value.sound, CloseCode.PROTOCOL_ERROR)
    assert checker.at_boundary


def test_a_message_longer_than_agreed_is_told_apart() -> None:
    for octets in (frame(2, b"x" * 201), frame(2, b"x" * 150, final=False) + frame(0, b"x" * 51)):
        with pytest.raises(BadFrame) as bad:
            FrameChecker(masked=True, most=200).feed(octets)
        assert bad.value.code is CloseCode.TOO_BIG


def test_a_server_does_not_mask() -> None:
    assert FrameChecker(masked=False, most=200).feed(frame(1, b"a", masked=False))
    with pytest.raises(BadFrame):
        FrameChecker(masked=False, most=200).feed(frame(1, b"a"))


def test_compressed_messages_where_they_were_agreed_on() -> None:
    checker = FrameChecker(masked=True, most=200, deflate=True)
    assert checker.feed(frame(1, b"a", final=False, reserved=0x40) + frame(0, b"b"))
    with pytest.raises(BadFrame):
        checker.feed(frame(9, reserved=0x40))


@pytest.mark.parametrize("mask", [b"", MASK])
def test_our_own_close_is_a_frame(mask: bytes) -> None:
    checker = FrameChecker(masked=bool(mask), most=200)
    octets = close_frame(CloseCode.GOING_AWAY, mask=mask)
    assert checker.feed(octets) == octets
    assert checker.closed


FRAMES = st.lists(
    st.sampled_from([octets for octets in SOUND.values() if len(octets) < 400 and octets[0] & 0xF != 8]), max_size=5
)


@given(st.data(), FRAMES, st.binary(max_size=20))
def test_splitting_changes_nothing(data: st.DataObject, frames: list[bytes], tail: bytes) -> None:
    octets = b"".join(frames) + tail
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))

    def outcome(pieces: list[bytes]) -> tuple[bytes, object, bool]:
        checker, passed = FrameChecker(masked=True, most=1_000), b""
        for piece in pieces:
            try:
                passed += checker.feed(piece)
            except BadFrame as bad:
                return passed + bad.sound, bad.code, checker.at_boundary
        return passed, None, checker.at_boundary

    assert outcome([octets]) == outcome([octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)])
