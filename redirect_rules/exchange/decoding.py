"""Bytes → lines of text, in whatever an office's computers write.

UTF-8 with and without a mark, UTF-16 in both orders, Windows-1258 with its combining marks; any line ends.  Text comes
out in NFC.  At most one line is held in memory, and of an endless line only its beginning.
"""

import codecs
import unicodedata
from collections.abc import Iterable, Iterator

from redirect_rules.exchange.rows import Refused

LONGEST_LINE = 65_536
"""Characters; a line that is longer comes out one character longer than this, its end cut off."""

_BLOCK = 1 << 16
_SAMPLE = 4_096
_FEW_ZEROS = 0.2
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class NotUtf8(str):
    """A line with letters that its encoding does not have."""

    __slots__ = ()


def blocks(data: bytes | Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of bounded size."""
    for piece in (data,) if isinstance(data, bytes) else data:
        for start in range(0, len(piece), _BLOCK):
            yield piece[start : start + _BLOCK]


def peek(pieces: Iterator[bytes], size: int = _SAMPLE) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them again."""
    held: list[bytes] = []
    while sum(map(len, held)) < size and (piece := next(pieces, None)) is not None:
        held.append(piece)
    head = b"".join(held)

    def again() -> Iterator[bytes]:
        yield head
        yield from pieces

    return head, again()


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding that the first bytes tell, and the length of its mark.  "utf-8" may still turn out Windows-1258."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    sample = head[:_SAMPLE]
    low, high = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if half and high > half * _FEW_ZEROS and high > 4 * low:
        return "utf-16-le", 0
    if half and low > half * _FEW_ZEROS and low > 4 * high:
        return "utf-16-be", 0
    return "utf-8", 0


def lines(data: bytes | Iterable[bytes]) -> Iterator[str]:
    """The lines, without their ends."""
    head, pieces = peek(blocks(data))
    encoding, mark = encoding_of(head)
    pieces = _without(pieces, mark)
    if encoding == "utf-8":
        return _octet_lines(pieces)
    return _wide_lines(pieces, encoding)


def _without(pieces: Iterator[bytes], mark: int) -> Iterator[bytes]:
    first = next(pieces, b"")
    yield first[mark:]
    yield from pieces


def _wide_lines(pieces: Iterator[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest, skipping = "", False
    for piece in pieces:
        text = rest + decoder.decode(piece)
        # A \r at the very end may have its \n in the next piece.
        held = "\r" if text.endswith("\r") else ""
        *whole, rest = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in whole:
            if not skipping:
                yield _checked(line)
            skipping = False
        if len(rest) > LONGEST_LINE:
            if not skipping:
                yield rest[: LONGEST_LINE + 1]
            rest, skipping = "", True
        rest += held
    rest += decoder.decode(b"", final=True)
    if rest.removesuffix("\r") and not skipping:
        yield _checked(rest.removesuffix("\r"))


def _octet_lines(pieces: Iterator[bytes]) -> Iterator[str]:
    letters = _Letters()
    rest, skipping = b"", False
    for piece in pieces:
        octets = rest + piece
        held = b"\r" if octets.endswith(b"\r") else b""
        octets = octets.removesuffix(b"\r")
        if b"\r" in octets:
            octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole, end, rest = octets.rpartition(b"\n")
        if end:
            found = letters.read(whole)
            if skipping:
                del found[0]
            yield from found
            skipping = False
        if len(rest) > 4 * LONGEST_LINE:
            if not skipping:
                yield rest.decode("latin-1")[: LONGEST_LINE + 1]
            rest, skipping = b"", True
        rest += held
    rest = rest.removesuffix(b"\r")
    if rest and not skipping:
        yield from letters.read(rest)


class _Letters:
    """UTF-8 until a line is none; Windows-1258 from there on, unless the file has shown that it is UTF-8."""

    def __init__(self) -> None:
        self._proved_utf8 = False
        self._legacy = False

    def read(self, octets: bytes) -> list[str]:
        if octets.isascii():
            return octets.decode("ascii").split("\n")
        if not self._legacy:
            try:
                text = octets.decode("utf-8")
            except UnicodeDecodeError:
                return [self._line(line) for line in octets.split(b"\n")]
            self._proved_utf8 = True
            return unicodedata.normalize("NFC", text).split("\n")
        return [self._line(line) for line in octets.split(b"\n")]

    def _line(self, octets: bytes) -> str:
        if octets.isascii():
            return octets.decode("ascii")
        if not self._legacy:
            try:
                text = unicodedata.normalize("NFC", octets.decode("utf-8"))
            except UnicodeDecodeError:
                if self._proved_utf8:
                    return NotUtf8(octets.decode("utf-8", "replace"))
                self._legacy = True
            else:
                self._proved_utf8 = True
                return text
        return _checked(unicodedata.normalize("NFC", octets.decode("cp1258", "replace")))


def _checked(line: str) -> str:
    line = line if line.isascii() else unicodedata.normalize("NFC", line)
    return NotUtf8(line) if "\ufffd" in line else line


def admitted(line: str) -> str:
    """The line itself.  Raises Refused for one that cannot be read safely."""
    if len(line) > LONGEST_LINE:
        raise Refused(
            f"the line is longer than {LONGEST_LINE:,} characters: split it, or remove the cell that swells it"
        )
    if "\x00" in line:
        raise Refused("the line holds a NUL: save the file again as text, in UTF-8")
    if isinstance(line, NotUtf8):
        raise Refused("a letter cannot be read: save the file again in UTF-8")
    return line
