"""Decisions become HTTP: the headers that every answer carries, and the only place that writes Location."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from aiohttp import HttpVersion11
from aiohttp.web import BaseRequest, Response

from proxy import compression
from proxy.pages import Page
from redirect_rules.decision import Decision
from redirect_rules.model import Target

HOUR: Final = "public, max-age=3600"
NO_STORE: Final = "no-store"

HSTS: Final = "Strict-Transport-Security"

SERVER: Final = "dvc-edge"
# Everything that `clients` looks at: a cache must not hand one client's answer to another.
VARY: Final = (
    "Accept, Accept-Language, Accept-Encoding, User-Agent, Upgrade, Content-Type, Sec-Fetch-Dest, Sec-Purpose, "
    "Purpose, X-Purpose, X-Moz, HX-Request, X-Requested-With"
)
_SMALLEST_COMPRESSED: Final = 860  # bytes: below this a packet carries it anyway


def common_headers(request_id: str) -> dict[str, str]:
    """What every answer of the edge carries."""
    return {
        "Server": SERVER,
        "X-Request-Id": request_id,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def closed_headers(decision: Decision) -> dict[str, str]:
    """What every answer for a closed page carries: where it went, since when, and on what the answer depends."""
    headers = {"Vary": VARY}
    if decision.way is not None:
        headers["Link"] = f'<{decision.way.target}>; rel="successor-version"'
        if decision.way.takes_place:
            headers["Vary"] = f"{VARY}, Cookie"
    closed_at = decision.portal.schedule_for(decision.key.folded).closed_at
    if closed_at is not None:
        headers["Sunset"] = http_date(closed_at)  # RFC 8594 §3
        headers["Deprecation"] = f"@{int(closed_at.timestamp())}"  # RFC 9745 §2.1
    return headers


def answer_in_http11(request: BaseRequest) -> None:
    """Make the status line say HTTP/1.1: aiohttp writes the request's own version back (RFC 9112 §2.5)."""
    request._version = HttpVersion11  # noqa: SLF001 - what aiohttp reads, before
    request._cache["version"] = HttpVersion11  # noqa: SLF001 - and after it was asked once


@lru_cache(maxsize=256)
def http_date(instant: datetime) -> str:
    """IMF-fixdate (RFC 9110 §5.6.7).  Kept: a portal closes at one instant, which all its answers tell."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def redirect(status: int, target: Target, headers: Mapping[str, str], *, cache: str) -> Response:
    """Send a visitor to a target.  Takes a Target, which only `redirect_rules.destinations` can make."""
    text = f"{target}\n"
    location = {"Location": str(target), "Cache-Control": cache}
    return Response(status=status, text=text, headers={**headers, **location}, content_type="text/plain")


def see_other(uri: str, headers: Mapping[str, str]) -> Response:
    """Send a browser on by GET, whatever it sent (RFC 9110 §15.4.4): what was typed here is sent to nobody else.

    For addresses of sign-in, which are configured or registered letter by letter; no visitor writes one.
    """
    return Response(status=303, headers={**headers, "Location": uri})


class Asked(Protocol):
    """Whoever asks, as far as an answer depends on it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Looked up without case."""
        ...


def page(request: Asked, status: int, made: Page, headers: Mapping[str, str], *, language: str) -> Response:
    """A page for people: compressed where the browser can, and under the policy that fits exactly this page."""
    own = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Content-Security-Policy": made.csp,
        "X-Robots-Tag": "noindex",
    }
    own.setdefault("Vary", headers.get("Vary", "Accept-Language, Accept-Encoding"))
    coding = compression.chosen(request.headers.get("Accept-Encoding", ""))
    if coding and made.length >= _SMALLEST_COMPRESSED:
        body = made.packed(coding)
        own["Content-Encoding"] = coding
    else:
        body = made.html
    return Response(status=status, body=body, headers={**headers, **own})


def text(status: int, body: str, headers: Mapping[str, str], *, cache: str) -> Response:
    """One line for a program."""
    return Response(status=status, text=body, headers={**headers, "Cache-Control": cache}, content_type="text/plain")


def empty(status: int, headers: Mapping[str, str], *, cache: str) -> Response:
    """No body at all."""
    return Response(status=status, headers={**headers, "Cache-Control": cache})


def problem(
    status: int, title: str, detail: str, extension: Mapping[str, Any], headers: Mapping[str, str], **more: str
) -> Response:
    """`application/problem+json` (RFC 9457), readable from any origin."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **extension}
    own = {
        "Content-Type": "application/problem+json; charset=utf-8",
        "Cache-Control": NO_STORE,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Link, Sunset, Deprecation, Retry-After, X-Request-Id",
        **more,
    }
    return Response(status=status, body=json.dumps(body, ensure_ascii=False).encode(), headers={**headers, **own})


def with_hsts(answer: bytes, value: str) -> bytes:
    """An answer in octets that says Strict-Transport-Security besides."""
    return answer.replace(b"\r\n", _hsts_line(value), 1)


@lru_cache(4)
def _hsts_line(value: str) -> bytes:
    return f"\r\n{HSTS}: {value}\r\n".encode()
