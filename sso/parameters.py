"""Parameters of a request: application/x-www-form-urlencoded, each name once, nothing unprintable.

A name that is there twice is never resolved by choosing (RFC 6749 §3.1): who reads the first and who reads the last
would see two different requests.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from sso.refusals import DUPLICATE, TOO_LARGE, UNREADABLE, Refusal

MOST_PARAMETERS: Final = 100
LONGEST: Final = 65_536
"""Octets of all parameters together: a signed request object with the keys of its signer fits."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names and values; what is there without a value counts as absent (RFC 6749 §3.1)."""

    values: Mapping[str, str]
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


def _pairs(texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for text in texts:
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
        except ValueError:
            raise Refusal(UNREADABLE) from None
        # JSON may be written over several lines; everything else goes into headers or comparisons.
        if any(_CONTROLS.search(name + value) for name, value in pairs if name != "claims"):
            raise Refusal(UNREADABLE)
        yield from pairs
