"""The types of a captured value: what fits, and the one form in which it is kept.

A type is a function from the text as sent to the normalised value, or None when the text is no such thing.  In a path
a misfit means that the template does not match; in a query, that the parameter is as good as absent.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LONGEST_TEXT = 200
"""Characters of a keyword that are carried on: more than that nobody searches for."""

_PROCEDURE = re.compile(r"(\d\.\d{6})(?:[.\-_]?[0-9A-Za-z.\-]*)?\Z", re.ASCII)
# Ministries and the social insurance number theirs otherwise: C08_XPHCDB, QT-BHXH-01.
_ODD_PROCEDURE = re.compile(r"(?=.{4,40}\Z)(?=.*[0-9])[A-Z][A-Z0-9]*(?:[-_.][A-Z0-9]+)+\Z")
_AGENCY = re.compile(r"\.(?:000\.00\.00\.)?(H\d{2}|[GK]\d{2})(?:\.|\Z)")
_DOSSIER = re.compile(r"(?=.{6,60}\Z)[0-9A-Za-z]+(?:[.\-_/][0-9A-Za-z]+)+\Z")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class CaptureType:
    """How to read a captured value, and how much it says of the URL (the more, the more specific)."""

    read: Callable[[str], str | None]
    specificity: int
    form: str  # for people
    keeps: Callable[[str], object] | None = (
        None  # true of a text that is kept as it was sent, false of all that is none
    )


def procedure_code(text: str) -> str | None:
    """The base code: "1.000494.000.00.00.H29" → "1.000494"; "C08_XPHCDB" stays; a bare number is none."""
    text = text.strip()
    if match := _PROCEDURE.match(text):
        return match[1]
    return text.upper() if _ODD_PROCEDURE.match(text.upper()) else None


def agency_code(text: str) -> str | None:
    """The agency inside a procedure code with one: "1.000494.000.00.00.H29" → "H29"."""
    match = _AGENCY.search(text.strip().upper())
    return match[1] if match else None


def numbered_procedure(text: str) -> str | None:
    """The base code of those that begin n.nnnnnn alone: what stands in an address whose writer nobody knows."""
    match = _PROCEDURE.match(text.strip())
    return match[1] if match else None


def _procedure_or_number(text: str) -> str | None:
    return procedure_code(text) or _matching(r"\d{1,12}")(text.strip())


def _text(text: str) -> str | None:
    return _SPACE.sub(" ", text).strip()[:LONGEST_TEXT].strip() or None


def _dossier(text: str) -> str | None:
    text = text.strip()
    return text.upper() if _DOSSIER.match(text) and any(map(str.isdigit, text)) else None


def _matching(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(rf"(?:{pattern})\Z", re.ASCII)

    def read(text: str) -> str | None:
        return text if compiled.match(text) else None

    return read


def _kept(pattern: str, specificity: int, form: str) -> CaptureType:
    """A type whose values are kept as they were sent."""
    return CaptureType(_matching(pattern), specificity, form, re.compile(rf"(?:{pattern})\Z", re.ASCII).match)


TYPES: Mapping[str, CaptureType] = {
    "hex24": _kept(r"[0-9a-fA-F]{24}", 6, "24 hexadecimal digits"),
    "procedure": CaptureType(procedure_code, 5, "a procedure code, 1.001193 or with its agency"),
    "numbered-procedure": CaptureType(numbered_procedure, 5, "a procedure code that begins as 1.001193 does"),
    "dossier": CaptureType(_dossier, 4, "a dossier code, 000.00.53.H48-220921-0099"),
    "commune": _kept(r"\d{5}", 4, "a commune's five digits"),
    "agency": CaptureType(agency_code, 4, "the agency at the end of a procedure code"),
    "number": _kept(r"\d{1,18}", 4, "digits"),
    "language": _kept(r"(?i:vi|en|fr|ja|zh|ko|ru|de|lo|km)(?:[-_][A-Za-z]{2})?", 3, "a language"),
    "procedure-or-number": CaptureType(_procedure_or_number, 3, "a procedure code or a bare number"),
    "word": _kept(r"[^/]+", 1, "one path segment, or any one value"),
    "text": CaptureType(_text, 1, "words, white space folded"),
}
