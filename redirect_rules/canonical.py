"""One spelling for one page: the key under which rules are looked up.

Two spellings are never mixed.  `raw_target` is what the visitor sent and what is forwarded, untouched; the key is only
for looking up, for people and for counting.  What the key loses is written in docs/decisions/0004.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

LONGEST_TARGET = 8_190
"""Characters of a request target that we look at (RFC 9112 §3 asks for 8,000 at least)."""

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

    @property
    def path(self) -> str:
        """The path re-encoded: begins with "/", has no trailing one."""
        return "/" + "/".join(_encode(segment) for segment in self.folded)

    @property
    def path_as_sent(self) -> str:
        """The same with its letters' case as it came: for archives that keep the old spelling."""
        return "/" + "/".join(_encode(segment) for segment in self.segments)

    def text(self, significant: frozenset[str] = frozenset()) -> str:
        """Host, path and the significant pairs, sorted: the spelling that is shown, counted and compared."""
        kept = self.kept(significant)
        query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in kept)
        return f"{self.host}{self.path}" + (f"?{query}" if query else "")

    def kept(self, significant: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """The pairs a rule may look at: names in lower case, sorted, values as sent; never a sensitive one."""
        return tuple(
            sorted(
                (name.lower(), value)
                for name, value in self.pairs
                if value and name.lower() not in SENSITIVE and any(names(name, source) for source in significant)
            )
        )

    def values(self, source: str) -> list[str]:
        """The values of a parameter, its name compared without case.  `_*_x` is any portlet's x."""
        return [value for name, value in self.pairs if names(name, source)]


def names(name: str, source: str) -> bool:
    """Whether a parameter's name is the one meant: without case, `_*_x` for a Liferay namespace."""
    lowered = name.lower()
    if source.startswith("_*_"):
        return lowered.startswith("_") and lowered.endswith(source[2:])
    return lowered == source


def canonical_host(authority: str) -> str:
    """Bring the value of a Host header to its canonical name: lower case, no port, no final dot, A-labels.

    Raises BadHost for what is no `uri-host [":" port]` (RFC 9110 §7.2).  An IP literal is returned as it is: it is
    nobody's portal.
    """
    match = _AUTHORITY.match(authority)
    if match is None or int(match["port"] or 0) > 65_535:
        raise BadHost("the Host header is not a host name")
    host = match["host"].lower()
    host = host.removesuffix(".")
    if host.startswith("["):
        return host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise BadHost("the Host header is not a host name") from None
    if not _HOST.match(host):
        raise BadHost("the Host header is not a host name")
    return host


def canonical_key(host: str, raw_target: str, *, fold_case: bool = True) -> Key:
    """Bring an origin-form target ("/path?query", RFC 9112 §3.2.1) to its key.

    `host` is canonical already.  Raises BadTarget for escapes that are none, for NUL and other control characters in
    the path, and for what is longer than LONGEST_TARGET.
    """
    if len(raw_target) > LONGEST_TARGET:
        raise BadTarget("the address is too long")
    if not raw_target.startswith("/"):
        raise BadTarget("the address does not begin with a slash")
    raw_path, _, raw_query = raw_target.partition("#")[0].partition("?")
    segments, devious = canonical_segments(raw_path)
    folded = tuple(map(_fold, segments)) if fold_case else segments
    return Key(host, segments, folded, _pairs(raw_query), devious)


def canonical_segments(raw_path: str) -> tuple[tuple[str, ...], bool]:
    """Split before decoding, decode once, resolve dots; also say whether anything devious was found."""
    devious = "\\" in raw_path
    segments: list[str] = []
    for raw in _SESSION.sub("", raw_path).split("/"):
        segment = _decode(raw)
        if _CONTROL.search(segment):
            raise BadTarget("the address has control characters in it")
        # "..;x" is ".." to servlet containers, and "%2e%2e" to browsers (WHATWG URL, double-dot segment).
        match segment.partition(";")[0]:
            case "" if not segment:
                continue
            case ".":
                devious = True
            case "..":
                devious = True
                del segments[-1:]
            case _:
                devious = devious or _hides_dots(segment)
                segments.append(segment)
    # Not only the last: "/index.html/index.html" must have the same key after a second pass.
    while segments and _INDEX.match(segments[-1]):
        segments.pop()
    return tuple(segments), devious


def _hides_dots(segment: str) -> bool:
    """An encoded slash or backslash, or a second encoding, that would show dot segments to a careless server."""
    if "%" in segment:
        segment += "/" + unquote_to_bytes(segment).decode("latin-1")
    return "\\" in segment or any(part.partition(";")[0] in {".", ".."} for part in segment.split("/"))


def _pairs(raw_query: str) -> tuple[tuple[str, str], ...]:
    """Read application/x-www-form-urlencoded pairs (WHATWG URL §5.1), leaving out the nameless."""
    pairs = []
    for raw in raw_query.split("&"):
        raw_name, _, raw_value = raw.partition("=")
        raw_name = raw_name.removeprefix("amp;")  # a link copied out of HTML source: ?a=1&amp;b=2
        if raw_name:
            pairs.append((_decode_value(raw_name), _decode_value(raw_value)))
    return tuple(pairs)


def _decode_value(raw: str) -> str:
    value = _decode(raw.replace("+", " "), strict=False)
    if "\x00" in value:
        raise BadTarget("the address has control characters in it")
    return value


def _decode(raw: str, *, strict: bool = True) -> str:
    """Percent-decode once.  What is not UTF-8 was written by an old site in Windows-1258."""
    if strict and _BAD_ESCAPE.search(raw):
        raise BadTarget("the address has a % that begins no escape")
    try:
        octets = unquote_to_bytes(raw.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise BadTarget("the address has half a character in it") from None
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        text = octets.decode("cp1258", "replace")
    return unicodedata.normalize("NFC", text)


def _fold(segment: str) -> str:
    return unicodedata.normalize("NFC", segment.lower())


def _encode(text: str) -> str:
    # The characters a segment may hold bare (RFC 3986 §3.3), without ";", "&" and "=" that mean something to servers.
    return quote(text, safe="-._~!$'()*,:@")
