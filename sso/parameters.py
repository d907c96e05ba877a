"""Parameters of a request: application/x-www-form-urlencoded, each name once, nothing unprintable.

A name that is there twice is never resolved by choosing (RFC 6749 §3.1): who reads the first and who reads the last
would see two different requests.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from sso.refusals import DUPLICATE, TOO_LARGE, UNREADABLE, Refusal

MOST_PARAMETERS: Final = 100
LONGEST: Final = 65_536
"""Octets of all parameters together: a signed request object with the keys of its signer fits."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names and values; what is there without a value counts as absent (RFC 6749 §3.1)."""

    values: Mapping[str, str] = field(repr=False)
    repeated: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *texts: str) -> "Parameters":
        """Read a query, a body, or both together.  Raises Refusal."""
        if sum(map(len, texts)) > LONGEST:
            raise Refusal(TOO_LARGE)
        values: dict[str, str] = {}
        repeated: set[str] = set()
        for name, value in _pairs(texts):
            if name in values:
                repeated.add(name)
            values[name] = value
        return cls({name: value for name, value in values.items() if value}, frozenset(repeated))

    def single(self) -> "Parameters":
        """Itself, when no name is there twice.  Raises Refusal."""
        if self.repeated:
            raise Refusal(DUPLICATE)
        return self

    def get(self, name: str) -> str | None:
        """A value; None: not there, or twice."""
        return None if name in self.repeated else self.values.get(name)

    def words(self, name: str) -> tuple[str, ...]:
        """A list of words separated by spaces, in its order."""
        return tuple((self.get(name) or "").split())


def query(values: Iterable[tuple[str, str]]) -> str:
    """Names and values as a query, as urllib's `urlencode` writes it: most are plain, which is quickly seen."""
    return "&".join(
        f"{name}={value}" if _PLAIN.fullmatch(name + value) else f"{quote_plus(name)}={quote_plus(value)}"
        for name, value in values
    )


def _pairs(texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """As urllib's `parse_qsl` reads them, but strictly; most need no decoding, which is quickly seen."""
    for text in texts:
        pairs = text.split("&") if text else ()
        if len(pairs) > MOST_PARAMETERS:
            raise Refusal(UNREADABLE)
        for pair in pairs:
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:
                try:
                    name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
                except UnicodeDecodeError:
                    raise Refusal(UNREADABLE) from None
            # JSON may be written over several lines; everything else goes into headers or comparisons.
            if name != "claims" and (_CONTROLS.search(name) or _CONTROLS.search(value)):
                raise Refusal(UNREADABLE)
            if pair:
                yield name, value
