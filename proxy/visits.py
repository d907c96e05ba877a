"""A request becomes a Visit: the one place that reads Host, and that tells a request apart from nonsense.

Forwarded headers are not looked at: nobody is trusted to speak for a visitor yet.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.web import BaseRequest

from proxy import pilots
from proxy.pilots import ticket_of
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
# A name may be percent-encoded: its letters and its underscore, that is.
_SAID_TO_US = re.compile(rf"{STAY}|{PLACE}|{LANGUAGE}|%[5-7][0-9A-Fa-f]")

Reason = Literal[
    "bad-request",
    "uri-too-long",
    "headers-too-large",
    "request-slow",
    "too-many-connections",
    "overloaded",
    "method",
    "version",
]


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


_NOTHING_SAID: Final = Controls()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A visit with what was said to us beside it."""

    visit: Visit
    controls: Controls
    headers: Mapping[str, str]  # by lower-case name; of several of one name the last


def arrival_from(request: BaseRequest, *, suffixes: Sequence[str], crawlers: Crawlers) -> Arrival:
    """Read a request.  Raises Refused."""
    if request.version not in _VERSIONS:
        raise Refused(505, "version")
    if request.method not in _METHODS:
        raise Refused(405 if request.method in {"CONNECT", "TRACE"} else 501, "method")
    raw_target, host = _target_and_host(request)
    cookie = request.headers.get("Cookie", "")
    controls, place = _controls(raw_target, cookie)
    ticket = ticket_of(cookie_in(cookie, pilots.COOKIE)) if pilots.COOKIE in cookie else None
    headers = {name.lower(): value for name, value in request.headers.items()}
    client = client_class(request.method, raw_target.partition("?")[0], headers, crawlers)
    visit = Visit(without_suffix(host, suffixes), raw_target, request.method, client, place, ticket)
    return Arrival(visit, controls, headers)


def _target_and_host(request: BaseRequest) -> tuple[str, str]:
    """The target in origin-form and the canonical host it is for (RFC 9112 §3.2)."""
    named = hosts_named(request)
    if len(named) != 1 and not (request.version == HttpVersion10 and not named):
        raise Refused(400, "bad-request")
    try:
        host = _host(named[0]) if named else ""
        target = request.raw_path
        if target == "*":
            return "/", host
        if target.startswith("/"):
            return target, host
        return _absolute_form(target, host)
    except (BadHost, ValueError):
        raise Refused(400, "bad-request") from None


def hosts_named(request: BaseRequest) -> list[str]:
    """The Host fields as they came, with their port: one, of every request that is answered by a portal."""
    return request.headers.getall("Host", [])


@lru_cache(maxsize=512)
def _host(authority: str) -> str:
    """The canonical host, kept: there are a hundred of them, and every request names one.  Raises BadHost."""
    return canonical_host(authority)


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


def says_something_to_us(raw_target: str) -> bool:
    """Whether a target may have something in its query that the visitor says to us, and not to the old page."""
    return _SAID_TO_US.search(raw_target.partition("#")[0].partition("?")[2]) is not None


def _controls(raw_target: str, cookie: str) -> tuple[Controls, LocalityCode | None]:
    if not says_something_to_us(raw_target):
        return _NOTHING_SAID, remembered_place(cookie)
    query = raw_target.partition("#")[0].partition("?")[2]
    said = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
    place = _place(said.get(PLACE, ""))
    forgets = said.get(PLACE) == FORGET
    remembered = None if forgets or PLACE in said else remembered_place(cookie)
    controls = Controls(STAY in said, said.get(LANGUAGE), place is not None, forgets)
    return controls, place or remembered


def remembered_place(cookie: str) -> LocalityCode | None:
    """The commune that was chosen in an earlier visit, from the value of a Cookie header."""
    return _place(cookie_in(cookie, PLACE_COOKIE)) if PLACE_COOKIE in cookie else None


def _place(text: str) -> LocalityCode | None:
    """A commune of today, or nothing: what a visitor types may be anything."""
    try:
        code = LocalityCode.parse(text)
    except ValueError:
        return None
    return code if code.era is Era.NEW and len(code.code) == 5 else None


def cookie_in(header: str, name: str) -> str:
    """The value of one cookie, or "".  Read by hand: the old portal's own, which come along, may be ill-formed."""
    for pair in header.split(";"):
        own, _, value = pair.partition("=")
        if own.strip() == name:
            return value.strip().strip('"')
    return ""
