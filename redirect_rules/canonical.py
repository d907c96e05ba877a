"""One spelling for one page: the key under which rules are looked up.

Two spellings are never mixed.  `raw_target` is what the visitor sent and what is forwarded, untouched; the key is only
for looking up, for people and for counting.  What the key loses is written in docs/decisions/0004.
"""

import re
import unicodedata
from codecs import unicode_escape_decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

from redirect_rules.sayings import say

LONGEST_TARGET = 8_190
"""Characters of a request target that we look at (RFC 9112 §3 asks for 8,000 at least)."""

MOST_SEGMENTS = 64
"""Parts of a path that we look at: the deepest page of any old portal had twelve."""

MOST_PAIRS = 128
"""Query pairs that we look at; what comes after is passed on untouched, but no rule sees it."""

SENSITIVE = frozenset(
    {
        *("sid", "session", "jsessionid", "token", "access_token", "auth", "securecode"),  # they open doors
        *("return-url", "redirecturl", "urlredirect"),  # they choose where to go
    }
)
"""Parameters, in lower case, that are never kept, logged or handed on."""

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*\Z")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\\\s]*)(?::(?P<port>\d{0,5}))?\Z")
_INDEX = re.compile(r"(?:index\.(?:html?|xhtml|php|jsp|aspx?|do)|default\.(?:aspx?|html?))\Z", re.IGNORECASE)
_SESSION = re.compile(r";jsessionid=[^;/]*", re.IGNORECASE)
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~!$'()*,:@]*\Z")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9\-._~!$'()*,:@/]*\Z")  # decoding changes nothing, and encoding neither


class BadTarget(ValueError):
    """The request target cannot be read; the text says why, without repeating it."""


class BadHost(ValueError):
    """The Host header is no host at all (RFC 9110 §7.2)."""


@dataclass(frozen=True, slots=True)
class Key:
    """The canonical form of one request target on one host."""

    host: str
    segments: tuple[str, ...]  # decoded, NFC, case as sent
    folded: tuple[str, ...]  # the same in lower case where the portal folds
    pairs: tuple[tuple[str, str], ...]  # decoded query pairs, in the order sent
    devious: bool  # dot segments or backslashes: resolved here, and therefore never forwarded

    path: str = field(init=False, compare=False, repr=False)
    """The path re-encoded: begins with "/", has no trailing one."""
    by_name: Mapping[str, Sequence[str]] = field(init=False, compare=False, repr=False)
    """The values of each parameter in the order sent, names in lower case."""

    _in_portlets: Sequence[tuple[str, str]] = field(init=False, compare=False, repr=False)  # names in lower case

    @classmethod
    def of_plain(cls, host: str, as_sent: str, path: str, pairs: tuple[tuple[str, str], ...]) -> "Key":
        """The key of a path that canonicalisation leaves as it is, but for the case of its letters: `path`.

        A fifth of what `canonical_key` takes; whether the path is such a one is for the caller to know.
        """
        key = object.__new__(cls)
        fill = object.__setattr__
        folded = tuple(path[1:].split("/"))
        fill(key, "host", host)
        fill(key, "segments", folded if path == as_sent else tuple(as_sent[1:].split("/")))
        fill(key, "folded", folded)
        fill(key, "pairs", pairs)
        fill(key, "devious", False)
        fill(key, "path", path)
        fill(key, "by_name", _by_name(pairs))
        fill(key, "_in_portlets", _in_portlets(pairs))
        return key

    def __post_init__(self) -> None:
        # All of them are asked for several times for every visit.
        object.__setattr__(self, "_in_portlets", _in_portlets(self.pairs))
        object.__setattr__(self, "path", encoded_path(self.folded))
        object.__setattr__(self, "by_name", _by_name(self.pairs))

    @property
    def path_as_sent(self) -> str:
        """`path` with its letters' case as it came: for archives that keep the old spelling."""
        return self.path if self.segments == self.folded else encoded_path(self.segments)

    def text(self, significant: frozenset[str] = frozenset()) -> str:
        """Host, path and the significant pairs, sorted: the spelling that is shown, counted and compared."""
        kept = self.kept(significant) if self.pairs else ()
        query = "&".join([f"{_encode(name)}={_encode(value)}" for name, value in kept])
        return f"{self.host}{self.path}?{query}" if query else self.host + self.path

    def kept(self, significant: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """The pairs a rule may look at: names in lower case, sorted, values as sent; never a sensitive one."""
        names, endings = _told_apart(significant)
        return tuple(
            sorted(
                [
                    (name, value)
                    for name, values in self.by_name.items()
                    if name not in SENSITIVE and (name in names or (name[:1] == "_" and name.endswith(endings)))
                    for value in values
                    if value
                ]
            )
        )

    def values(self, source: str) -> Sequence[str]:
        """The values of a parameter, its name compared without case.  `_*_x` is any portlet's x."""
        if not source.startswith(_ANY_PORTLET):
            return self.by_name.get(source, ())
        ending = source[2:]
        return [value for name, value in self._in_portlets if name.endswith(ending)]


_NO_PAIRS: Mapping[str, Sequence[str]] = {}
_ANY_PORTLET = "_*_"


def _in_portlets(pairs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [(name.lower(), value) for name, value in pairs if name[0] == "_"] if pairs else ()


def _by_name(pairs: Sequence[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    if not pairs:
        return _NO_PAIRS
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return found


@lru_cache(1_024)
def _told_apart(significant: frozenset[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names as they stand, and how names in a portlet's namespace end."""
    names = frozenset(source for source in significant if not source.startswith(_ANY_PORTLET))
    return names, tuple(source[2:] for source in significant - names)


def endings_of(significant: frozenset[str]) -> tuple[str, ...]:
    """How the names of parameters of any portlet end that rules look at."""
    return _told_apart(significant)[1]


def names(name: str, source: str) -> bool:
    """Whether a parameter's name is the one meant: without case, `_*_x` for a Liferay namespace."""
    lowered = name.lower()
    if source.startswith(_ANY_PORTLET):
        return lowered.startswith("_") and lowered.endswith(source[2:])
    return lowered == source


def canonical_host(authority: str) -> str:
    """Bring the value of a Host header to its canonical name: lower case, no port, no final dot, A-labels.

    Raises BadHost for what is no `uri-host [":" port]` (RFC 9110 §7.2).  An IP literal is returned as it is: it is
    nobody's portal.
    """
    match = _AUTHORITY.match(authority)
    if match is None or int(match["port"] or 0) > 65_535:
        raise BadHost(say("address.host"))
    host = match["host"].lower()
    host = host.removesuffix(".")
    if host.startswith("["):
        return host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise BadHost(say("address.host")) from None
    if not _HOST.match(host):
        raise BadHost(say("address.host"))
    return host


def canonical_key(host: str, raw_target: str, *, fold_case: bool = True) -> Key:
    """Bring an origin-form target ("/path?query", RFC 9112 §3.2.1) to its key.

    `host` is canonical already.  Raises BadTarget for escapes that are none, for NUL and other control characters in
    the path, and for what is longer than LONGEST_TARGET or has more than MOST_SEGMENTS.
    """
    if len(raw_target) > LONGEST_TARGET:
        raise BadTarget(say("address.long"))
    if not raw_target.startswith("/"):
        raise BadTarget(say("address.slash"))
    raw_path, _, raw_query = raw_target.partition("#")[0].partition("?")
    segments, devious = canonical_segments(raw_path)
    return Key(host, segments, folded(segments) if fold_case else segments, _pairs(raw_query), devious)


def folded(segments: tuple[str, ...]) -> tuple[str, ...]:
    """Canonical segments in lower case, for portals whose servers ignored case."""
    return tuple([_fold(segment) for segment in segments])


def canonical_segments(raw_path: str) -> tuple[tuple[str, ...], bool]:
    """Split before decoding, decode once, resolve dots; also say whether anything devious was found."""
    parts = [part for part in raw_path.split("/") if part]
    if len(parts) > MOST_SEGMENTS:
        raise BadTarget(say("address.parts"))
    if _PLAIN_PATH.match(raw_path) and "/." not in raw_path and raw_path[:1] != ".":
        segments, devious = parts, False
    else:
        segments, devious = _resolved(raw_path)
    # Not only the last: "/index.html/index.html" must have the same key after a second pass.
    while segments and _INDEX.match(segments[-1]):
        segments.pop()
    return tuple(segments), devious


def _resolved(raw_path: str) -> tuple[list[str], bool]:
    devious = "\\" in raw_path
    segments: list[str] = []
    for raw in _SESSION.sub("", raw_path).split("/"):
        if not raw:
            continue
        segment = _decode(raw)
        if _CONTROL.search(segment):
            raise BadTarget(say("address.control"))
        # "..;x" is ".." to servlet containers, and "%2e%2e" to browsers (WHATWG URL, double-dot segment).
        match segment.partition(";")[0]:
            case ".":
                devious = True
            case "..":
                devious = True
                del segments[-1:]
            case _:
                devious = devious or _hides_dots(segment)
                segments.append(segment)
    return segments, devious


def _hides_dots(segment: str) -> bool:
    """An encoded slash or backslash, or a second encoding, that would show dot segments to a careless server."""
    if "%" in segment:
        segment += "/" + _unescaped(segment).decode("latin-1")
    return "\\" in segment or any(part.partition(";")[0] in {".", ".."} for part in segment.split("/"))


def _pairs(raw_query: str) -> tuple[tuple[str, str], ...]:
    """Read application/x-www-form-urlencoded pairs (WHATWG URL §5.1), leaving out the nameless."""
    if not raw_query:
        return ()
    pairs = []
    for raw in raw_query.split("&", MOST_PAIRS)[:MOST_PAIRS]:
        raw_name, _, raw_value = raw.partition("=")
        raw_name = raw_name.removeprefix("amp;")  # a link copied out of HTML source: ?a=1&amp;b=2
        if raw_name:
            pairs.append((_decode_value(raw_name), _decode_value(raw_value)))
    return tuple(pairs)


def _decode_value(raw: str) -> str:
    plain = raw.replace("+", " ")
    value = plain if "%" not in plain and plain.isascii() else _decode(plain, strict=False)
    if "\x00" in value:
        raise BadTarget(say("address.control"))
    return value


def _decode(raw: str, *, strict: bool = True) -> str:
    """Percent-decode once.  What is not UTF-8 was written by an old site in Windows-1258."""
    if strict and _BAD_ESCAPE.search(raw):
        raise BadTarget(say("address.escape"))
    try:
        octets = _unescaped(raw)
    except UnicodeEncodeError:
        raise BadTarget(say("address.half")) from None
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        text = octets.decode("cp1258", "replace")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _unescaped(text: str) -> bytes:
    """What escapes stand for; a % that begins none stands for itself.  Raises UnicodeEncodeError.

    A codec of C does it: urllib's loop takes a millisecond for the longest targets.
    """
    if "%" not in text:
        return text.encode("utf-8", "surrogateescape")
    # Of two % the first begins no escape: twice, as what is replaced does not overlap.
    text = _BAD_ESCAPE.sub("%25", text.replace("%%", "%25%").replace("%%", "%25%"))
    octets = text.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    return unicode_escape_decode(octets)[0].encode("latin-1")


def _fold(segment: str) -> str:
    lowered = segment.lower()
    # A canonical segment is normal already, and normalising a long one costs more than all else.
    return lowered if lowered.isascii() or lowered == segment else unicodedata.normalize("NFC", lowered)


# The characters a segment may hold bare (RFC 3986 §3.3), without ";", "&" and "=" that mean something to servers.
_ENCODED = [quote(bytes((octet,)), safe="-._~!$'()*,:@") for octet in range(256)]


def encoded_path(segments: Sequence[str]) -> str:
    """Canonical segments as a path: begins with "/", percent-encoded."""
    path = "/" + "/".join(segments)
    if _PLAIN_PATH.match(path) and path.count("/") == max(1, len(segments)):
        return path
    return "/" + "/".join([_encode(segment) for segment in segments])


def _encode(text: str) -> str:
    if _UNRESERVED.match(text):
        return text
    return "".join(map(_ENCODED.__getitem__, text.encode()))
