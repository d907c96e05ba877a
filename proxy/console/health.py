"""How the edge and the systems behind it stand, as the operators' address tells it; or that nobody knows.

Asked when a page is shown, in the thread of that page, and waited for half a second: the console must work where the
edge does not, and where it runs on another machine whose operators' address nobody can reach from here.
"""

import http.client
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

_PATIENCE: Final = 0.5  # seconds
_MOST: Final = 1 << 20  # octets of an answer that are read


class Standing(NamedTuple):
    """How an upstream stands, for the worst of the processes that use it."""

    name: str
    breaker: str  # "closed": requests are sent; "half-open"; "open": it is left alone
    well: int
    origins: int

    @property
    def state(self) -> str:
        """`good`, `part` (some origins, or being tried again) or `down`."""
        if self.breaker == "open" or not self.well:
            return "down"
        return "good" if self.breaker == "closed" and self.well == self.origins else "part"


@dataclass(frozen=True, slots=True)
class Health:
    """What was said; `known` is False where nobody answered."""

    known: bool = False
    ready: bool = False
    upstreams: Sequence[Standing] = field(default=())

    @classmethod
    def ask(cls, base: str) -> Self:
        """Ask the operators' address, "http://127.0.0.1:8082".  Never raises for what the other side does."""
        parts = urlsplit(base)
        try:
            with closing(
                http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_PATIENCE)
            ) as there:
                there.request("GET", "/ready")
                answer = there.getresponse()
                said = json.loads(answer.read(_MOST)) if answer.status in {200, 503} else None
        except (OSError, ValueError, http.client.HTTPException):
            return cls()
        return cls.of(said) if isinstance(said, dict) else cls()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Read what /ready says; what it does not say is not there."""
        found = said.get("upstreams")
        upstreams = [
            Standing(str(name), str(one.get("breaker", "")), _count(one, "well"), _count(one, "origins"))
            for name, one in (found.items() if isinstance(found, dict) else ())
            if isinstance(one, dict)
        ]
        return cls(True, said.get("status") == "ready", tuple(upstreams))

    def of_names(self, names: Sequence[str]) -> Sequence[Standing]:
        """Those of some upstreams, by name."""
        return [one for one in self.upstreams if one.name in names]


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0
