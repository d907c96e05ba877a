"""Who asks, as far as any answer depends on it, told by the octets of a request's head alone.

What follows the target in a head (the version and all fields) decides who asks.  The parser reads such a tail once and
accepts it; from then on the same octets are the same audience, and nothing in them need be read again.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from aiohttp.web import BaseRequest

from proxy.compression import Coding
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.model import ClientClass
from redirect_rules.units import LocalityCode

LONGEST_TAIL: Final = 4_096
"""Octets of a head after its target; longer ones are read anew each time."""
LONGEST_TARGET: Final = 2_048
"""Octets of a request target; as for tails."""

# One GET or HEAD in origin-form of HTTP/1.0 or 1.1 and nothing after it; no line is folded, ends bare, or has no name;
# octets beyond ASCII are left to the parser (RFC 9112 §2.2, §3, §5).
_HEAD: Final = re.compile(
    rb"(GET|HEAD) (/[!-~]*) (HTTP/1\.[01]\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+\r\n)",
)
# What makes a request more than its head and its answer more than octets.
_SPECIAL: Final = frozenset(
    {"content-length", "transfer-encoding", "trailer", "te", "expect", "upgrade", "proxy-connection", "http2-settings"}
)


class Head(NamedTuple):
    """The head of a request without a body, as sent."""

    method: bytes
    target: bytes
    tail: bytes  # from the version to the end

    @classmethod
    def of(cls, data: bytes) -> "Head | None":
        """The head that these octets are, from the first to the last; None where they are anything else."""
        found = _HEAD.fullmatch(data)
        if found is None or len(found[2]) > LONGEST_TARGET or len(found[3]) > LONGEST_TAIL:
            return None
        return cls(found[1], found[2], found[3])


# What the end of a path says about who asks, as `client_class` tells three kinds apart.  Plain numbers: an Enum's hash
# costs more than the look-up in which it is a key.
Kind: TypeAlias = Literal[0, 1, 2]
PAGE: Final = 0
ASSET: Final = 1
DOCUMENT: Final = 2

_SAMPLES: Final = ("/x", "/x.css", "/x.pdf")  # by kind
_KIND_OF: Final[Mapping[ClientClass, Kind]] = {
    ClientClass.NAVIGATION: PAGE,
    ClientClass.ASSET: ASSET,
    ClientClass.DOWNLOAD: DOCUMENT,
}
_NOBODY: Final = Crawlers.listed((), ())


class Facts(NamedTuple):
    """Everything that an answer can depend on beside the target."""

    method: str
    host: str  # canonical, that of the portal: without a preview's suffix
    clients: tuple[ClientClass, ...]  # the class, by the kind of the path
    language: str
    coding: Coding
    place: LocalityCode | None  # that was chosen in an earlier visit


class Manner(NamedTuple):
    """How an answer is framed: it tells the version, and what becomes of the connection (RFC 9112 §2.3, §9.3)."""

    version: tuple[int, int] = (1, 1)
    closes: bool = False  # whether the connection ends with the answer

    @classmethod
    def of(cls, request: BaseRequest) -> "Manner":
        """As the client asks for it."""
        return cls((request.version.major, request.version.minor), not request.keep_alive)

    @property
    def connection(self) -> str | None:
        """The value of the Connection header in the answer; None: there is none."""
        if self.closes:
            return "close" if self.version == (1, 1) else None
        return "keep-alive" if self.version == (1, 0) else None


USUAL: Final = Manner()


class Audience:
    """All who are answered alike: one object for equal facts, so that it is compared by identity."""

    __slots__ = ("closes", "facts", "manner")

    def __init__(self, facts: Facts, manner: Manner = USUAL) -> None:
        self.facts = facts
        self.manner = manner
        self.closes = manner.closes


def classes_of(method: str, headers: Mapping[str, str], crawlers: Crawlers) -> tuple[ClientClass, ...]:
    """The client's class for each kind of path.  `headers` by lower-case name."""
    return tuple(client_class(method, sample, headers, crawlers) for sample in _SAMPLES)


def kind_of(path: str) -> Kind:
    """What the end of a path says."""
    extension = path.rpartition("/")[2].rpartition(".")
    return _kind_of_extension(extension[2]) if extension[1] else PAGE


@lru_cache(maxsize=1_024)
def _kind_of_extension(extension: str) -> Kind:
    # Asked of the one that knows, as a browser of which nothing is known.
    return _KIND_OF[client_class("GET", f"/x.{extension}", {"user-agent": "-"}, _NOBODY)]


def is_ordinary(request: BaseRequest) -> bool:
    """Whether nothing in a head changes how messages follow each other on the connection (RFC 9112 §6, §9).

    That it names one host is known already: else it would have been refused.
    """
    headers = request.headers
    if any(name.lower() in _SPECIAL for name in headers):
        return False
    connection = headers.getall("Connection", ())
    return not connection or [value.strip().lower() for value in connection] in (["keep-alive"], ["close"])
