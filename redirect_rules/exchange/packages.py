"""A zip of XML, opened within bounds: what is read of an XLSX package, whatever it claims to hold.

The bytes that all parts unpack to are counted, document types (and with them entities) are refused, and text that
nobody waits for is not kept.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final
from xml.parsers import expat

from redirect_rules.exchange.decoding import LONGEST_LINE
from redirect_rules.exchange.rows import Refused

MOST_INFLATED: Final = 512 * 1024 * 1024
"""Bytes that all parts of a workbook together may unpack to."""

_PIECE = 1 << 16
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")  # §22.9.2.19: _x000D_ is a carriage return


class Package:
    """The parts of a workbook, read with one allowance for all of them.  Raises Refused for what is no zip."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise Refused("this is no XLSX workbook: save it again from Excel, or as CSV in UTF-8") from None
        self._left = MOST_INFLATED

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        return name in self._zip.NameToInfo

    def pieces(self, name: str) -> Iterator[bytes]:
        """A part, unpacked.  Raises Refused where it is missing, damaged or too large."""
        try:
            with self._zip.open(name) as part:
                while piece := part.read(_PIECE):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise Refused(f"the workbook unpacks to more than {MOST_INFLATED // 2**20} MB: save it as CSV")
                    yield piece
        except KeyError:
            raise Refused(f"the workbook has no part {name}: save it again from Excel") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError):
            raise Refused("the workbook is damaged or encrypted: save it again without a password") from None


class Handler:
    """Collects text between tags; subclasses say what the tags mean."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.keeps = False
        self.size = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A tag begins."""

    def end(self, tag: str) -> None:
        """A tag ends."""

    def data(self, text: str) -> None:
        """Text, if somebody waits for it."""
        if self.keeps and self.size <= LONGEST_LINE:
            self.text.append(text)
            self.size += len(text)

    def taken(self) -> str:
        """What was collected, and begin anew."""
        text = "".join(self.text)
        self.text, self.size = [], 0
        return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def parse(workbook: Package, name: str, handler: Handler) -> Iterator[None]:
    """Feed a part to a handler; yields after each piece so that rows can be handed on."""

    def no_entities(*_: object) -> None:
        raise Refused("the workbook declares a document type, which no spreadsheet does: save it again from Excel")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = no_entities
    parser.StartElementHandler = lambda tag, attributes: handler.start(tag.rpartition("}")[2], attributes)
    parser.EndElementHandler = lambda tag: handler.end(tag.rpartition("}")[2])
    parser.CharacterDataHandler = handler.data
    parser.buffer_text = True
    try:
        for piece in workbook.pieces(name):
            parser.Parse(piece)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise Refused(f"{name} in the workbook is damaged: save it again from Excel") from None
    yield


def read_part(workbook: Package, name: str, handler: Handler) -> None:
    """Feed a whole part to a handler."""
    for _ in parse(workbook, name, handler):
        pass
