"""Who is asking: decided once for each request, from what browsers say of themselves.

Fetch metadata (Sec-Fetch-*) is believed first, since pages cannot forge it; old browsers are told by what they accept
and what they ask for.  A wrong guess is harmless by design: every class gets an honest answer, only its form differs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from redirect_rules.model import ClientClass

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})

_MOST_KNOWN: Final = 4_096
_LONGEST_KNOWN: Final = 300  # characters

_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})\Z")
_ASSETS = frozenset(
    {"css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "bmp"}
    | {"woff", "woff2", "ttf", "otf", "eot", "wasm", "webmanifest", "mp3", "mp4", "webm", "ogg"}
)
_DOCUMENTS = frozenset(
    {"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "rtf", "csv", "txt"}
    | {"zip", "rar", "7z", "gz", "tar", "exe", "msi", "apk", "p7s", "xml", "json"}
)
_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
_PAGES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Crawlers:
    """Listed programs, by a piece of their User-Agent."""

    bots: re.Pattern[str]  # search engines and link previews
    tools: re.Pattern[str]  # curl and its kind
    _known: dict[str, bool] = field(init=False, repr=False, compare=False, default_factory=dict)

    @classmethod
    def listed(cls, bots: Iterable[str], tools: Iterable[str]) -> "Crawlers":
        """Make it from plain pieces, compared without case.  No pattern is taken from anybody."""
        return cls(_any_of(bots), _any_of(tools))

    def is_bot(self, agent: str) -> bool:
        """Whether the User-Agent is of a listed search engine or link preview.

        Remembered: looking for so many names takes 25 µs, and the same few agents come again and again.
        """
        known = self._known.get(agent)
        if known is None:
            known = self.bots.search(agent) is not None
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            if len(agent) <= _LONGEST_KNOWN:
                self._known[agent] = known
        return known


def _any_of(pieces: Iterable[str]) -> re.Pattern[str]:
    escaped = "|".join(re.escape(piece) for piece in pieces if piece)
    return re.compile(escaped or r"(?!)", re.IGNORECASE)


def client_class(method: str, path: str, headers: Mapping[str, str], crawlers: Crawlers) -> ClientClass:
    """The class of a request.  `headers` by lower-case name; `path` as sent, without the query."""
    agent = headers.get("user-agent", "")
    accept = headers.get("accept", "").lower()
    destination = headers.get("sec-fetch-dest", "")
    if "websocket" in (headers.get("upgrade", "").lower(), destination):
        return ClientClass.WEBSOCKET
    if _prefetches(headers):
        return ClientClass.PREFETCH
    if crawlers.is_bot(agent):
        return ClientClass.BOT
    if headers.get("hx-request", "").lower() == "true":
        return ClientClass.HTMX
    if "text/event-stream" in accept:
        return ClientClass.EVENTSOURCE
    if destination:
        return _by_fetch_metadata(destination, path)
    return _by_guess(method, path, headers, crawlers)


def _prefetches(headers: Mapping[str, str]) -> bool:
    said = " ".join(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
    return "prefetch" in said or "prerender" in said or "preview" in said


def _by_fetch_metadata(destination: str, path: str) -> ClientClass:
    """Fetch Metadata Request Headers §2.1."""
    if destination == "document":
        return ClientClass.DOWNLOAD if _extension(path) in _DOCUMENTS | _ASSETS else ClientClass.NAVIGATION
    if destination in _FRAMES:
        return ClientClass.FRAME
    return ClientClass.XHR if destination == "empty" else ClientClass.ASSET


def _by_guess(method: str, path: str, headers: Mapping[str, str], crawlers: Crawlers) -> ClientClass:
    """What an old browser or a program is, from what it accepts and asks for."""
    accept = headers.get("accept", "").lower()
    wants_page = any(form in accept for form in _PAGES)
    if headers.get("x-requested-with", "").lower() == "xmlhttprequest":
        return ClientClass.XHR
    extension = _extension(path)
    if not wants_page and (tool := _tool(method, headers, crawlers)):
        return tool
    if extension in _ASSETS:
        return ClientClass.DOWNLOAD if wants_page else ClientClass.ASSET
    if extension in _DOCUMENTS:
        return ClientClass.DOWNLOAD
    if wants_page:
        return ClientClass.NAVIGATION
    if accept.startswith(("image/", "text/css", "font/", "audio/", "video/")):
        return ClientClass.ASSET
    if "json" in accept or "xml" in accept or "json" in headers.get("content-type", "").lower():
        return ClientClass.API
    return ClientClass.NAVIGATION


def _tool(method: str, headers: Mapping[str, str], crawlers: Crawlers) -> ClientClass | None:
    agent = headers.get("user-agent", "")
    if agent and not crawlers.tools.search(agent):
        return None
    asks_for_data = "json" in headers.get("accept", "").lower() or "xml" in headers.get("accept", "").lower()
    return ClientClass.CLI if method in SAFE_METHODS and not asks_for_data else ClientClass.API


def _extension(path: str) -> str:
    match = _EXTENSION.search(path.rpartition("/")[2].partition(";")[0])
    return match[1].lower() if match else ""
