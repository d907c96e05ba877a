"""The one way out to an upstream, as the checks see it: a request goes, a small answer comes, or it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Got:
    """An answer, whole."""

    status: int
    content_type: str  # without parameters, lower case
    body: bytes = field(repr=False)


class FetchFailed(Exception):
    """No answer that could be used: no connection, too slow, too long, or an address that we do not talk to."""


class Fetch(Protocol):
    """Fetches without cookies, without following redirects, within limits of time and size.  Raises FetchFailed."""

    async def get(self, uri: str, *, headers: Mapping[str, str] | None = None) -> Got:
        """GET."""

    async def post(self, uri: str, *, form: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None) -> Got:
        """POST of a form (application/x-www-form-urlencoded)."""
