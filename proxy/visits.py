"""A request becomes a Visit: the one place that reads Host, and that tells a request apart from nonsense.

Forwarded headers are not looked at: nobody is trusted to speak for a visitor yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.web import BaseRequest

from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.decision import Visit
from redirect_rules.units import Era, LocalityCode

PLACE_COOKIE: Final = "_edge_place"
STAY: Final = "_stay"
PLACE: Final = "_place"
LANGUAGE: Final = "_lang"
FORGET: Final = "none"
"""The value of `_place` that clears the remembered commune."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERSIONS = frozenset({HttpVersion10, HttpVersion11})

Reason = Literal["bad-request", "uri-too-long", "headers-too-large", "method", "version"]


class Refused(Exception):
    """A request that is answered before anybody asks whose page it is about."""

    def __init__(self, status: int, reason: Reason) -> None:
        super().__init__(reason)
        self.status = status
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Controls:
    """What the visitor said to us, not to the old page."""

    stay: bool = False
    language: str | None = None
    chose_place: bool = False  # in this very request: worth remembering
    forgets_place: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A visit with what was said to us beside it."""

    visit: Visit
    controls: Controls


def arrival_from(request: BaseRequest, *, suffixes: Sequence[str], crawlers: Crawlers) -> Arrival:
    """Read a request.  Raises Refused."""
    if request.version not in _VERSIONS:
        raise Refused(505, "version")
    if request.method not in _METHODS:
        raise Refused(405 if request.method in {"CONNECT", "TRACE"} else 501, "method")
    raw_target, host = _target_and_host(request)
    controls, place = _controls(raw_target, request.headers.get("Cookie", ""))
    headers = {name.lower(): value for name, value in request.headers.items()}
    client = client_class(request.method, raw_target.partition("?")[0], headers, crawlers)
    return Arrival(Visit(without_suffix(host, suffixes), raw_target, request.method, client, place), controls)


def _target_and_host(request: BaseRequest) -> tuple[str, str]:
    """The target in origin-form and the canonical host it is for (RFC 9112 §3.2)."""
    named = request.headers.getall("Host", [])
    if len(named) != 1 and not (request.version == HttpVersion10 and not named):
        raise Refused(400, "bad-request")
    try:
        host = canonical_host(named[0]) if named else ""
        target = request.raw_path
        if target == "*":
            return "/", host
        if target.startswith("/"):
            return target, host
        return _absolute_form(target, host)
    except (BadHost, ValueError):
        raise Refused(400, "bad-request") from None


def _absolute_form(target: str, host: str) -> tuple[str, str]:
    """RFC 9112 §3.2.2: the target's authority counts; we want Host to agree, so that nobody is fooled behind us."""
    parts = urlsplit(target)
    if parts.scheme.lower() not in {"http", "https"} or canonical_host(parts.netloc) != host:
        raise BadHost("the request target and the Host header disagree")
    rest = target.partition("//")[2][len(parts.netloc) :].partition("#")[0]
    return rest if rest.startswith("/") else "/" + rest, host


def without_suffix(host: str, suffixes: Sequence[str]) -> str:
    """The portal's host behind a preview address: "dichvucong.langson.gov.vn.localhost" → without ".localhost"."""
    for suffix in suffixes:
        if host.endswith("." + suffix):
            return host[: -len(suffix) - 1]
    return host


def _controls(raw_target: str, cookie: str) -> tuple[Controls, LocalityCode | None]:
    said = dict(parse_qsl(raw_target.partition("#")[0].partition("?")[2], keep_blank_values=True, errors="replace"))
    place = _place(said.get(PLACE, ""))
    forgets = said.get(PLACE) == FORGET
    remembered = None if forgets or PLACE in said else _place(_cookie(cookie, PLACE_COOKIE))
    controls = Controls(STAY in said, said.get(LANGUAGE), place is not None, forgets)
    return controls, place or remembered


def _place(text: str) -> LocalityCode | None:
    """A commune of today, or nothing: what a visitor types may be anything."""
    try:
        code = LocalityCode.parse(text)
    except ValueError:
        return None
    return code if code.era is Era.NEW and len(code.code) == 5 else None


def _cookie(header: str, name: str) -> str:
    """The value of one cookie.  Read by hand: the old portal's own, which come along, need not be well-formed."""
    for pair in header.split(";"):
        own, _, value = pair.partition("=")
        if own.strip() == name:
            return value.strip().strip('"')
    return ""
