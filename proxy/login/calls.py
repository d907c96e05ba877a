"""A request to the issuer's host as a value: what was sent, bounded in size and time, and the cookies that are ours."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import BaseRequest, RequestPayloadError

from sso.effects import CookieName
from sso.parameters import LONGEST, Parameters
from sso.refusals import CONTENT_TYPE, CROSS_SITE, IN_THE_QUERY, TOO_LARGE, UNREADABLE, Refusal

COOKIES: Final[Mapping[CookieName, str]] = MappingProxyType(
    {"session": "sign-in", "browser": "sign-in-browser", "flow": "sign-in-page"}
)
FORM: Final = "application/x-www-form-urlencoded"

_READ_SECONDS: Final = 20
_BROKEN = (TimeoutError, ConnectionError, RequestPayloadError, HttpProcessingError, UnicodeDecodeError)


def wire_name(name: CookieName, *, secure: bool) -> str:
    """How a cookie is called: `__Host-` binds it to this very host over TLS (RFC 6265bis §4.1.3.2).

    Browsers refuse that prefix over plain HTTP, which only development uses.
    """
    return f"__Host-{COOKIES[name]}" if secure else COOKIES[name]


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    query: str = field(repr=False)
    body: str = field(repr=False)
    content_type: str
    headers: Mapping[str, str] = field(repr=False)  # by lower-case name; one that came twice is under `repeated`
    repeated: frozenset[str]
    cookies: Mapping[CookieName, str] = field(repr=False)
    peer: str  # address of the visitor, for limits only
    request_id: str

    def parameters(self) -> Parameters:
        """Of an endpoint for browsers: the query of a GET, the body of a POST; twice is twice wherever it stands."""
        return Parameters.of(self.query, self.form())

    def form_parameters(self) -> Parameters:
        """Of an endpoint for programs: the body alone, each once (RFC 6749 §3.2).  Raises Refusal."""
        if self.query:
            raise Refusal(IN_THE_QUERY)
        if self.content_type != FORM:
            raise Refusal(CONTENT_TYPE)
        return Parameters.of(self.body).single()

    def form(self) -> str:
        """The body of a posted form, "" for a GET.  Raises Refusal."""
        if self.method == "POST" and self.body and self.content_type != FORM:
            raise Refusal(CONTENT_TYPE)
        return self.body if self.method == "POST" else ""

    def own_form(self) -> Parameters:
        """The fields of a form of ours.  Raises Refusal for one that another site has sent (Fetch Metadata §2.3)."""
        if self.query or self.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise Refusal(CROSS_SITE)
        return self.parameters().single()

    def header(self, name: str) -> str | None:
        """A header that is there once; None: absent.  Raises Refusal when it is there twice."""
        if name in self.repeated:
            raise Refusal(UNREADABLE)
        return self.headers.get(name)


async def read(request: BaseRequest, *, secure: bool, peer: str, request_id: str) -> Call:
    """Read a request.  Raises Refusal for one that is too large, too slow or no text."""
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in request.headers.items():
        lower = name.lower()
        if lower in headers:
            repeated.add(lower)
        headers[lower] = value
    path, _, query = request.raw_path.partition("#")[0].partition("?")
    return Call(
        method="GET" if request.method == "HEAD" else request.method,
        path=path,
        query=query,
        body=await _body(request),
        content_type=request.content_type,
        headers=headers,
        repeated=frozenset(repeated),
        cookies=_cookies(request.headers.getall("Cookie", []), secure=secure),
        peer=peer,
        request_id=request_id,
    )


async def _body(request: BaseRequest) -> str:
    if not request.can_read_body:
        return ""
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LONGEST:
                    raise Refusal(TOO_LARGE)
            return body.decode()
    except _BROKEN:
        raise Refusal(UNREADABLE) from None


def _cookies(headers: list[str], *, secure: bool) -> Mapping[CookieName, str]:
    """Our cookies; of two with one name neither is believed: somebody has tossed one in (RFC 6265bis §8.6)."""
    found: dict[str, list[str]] = {}
    for header in headers:
        for pair in header.split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                found.setdefault(name, []).append(value)
    ours: dict[CookieName, str] = {}
    for name in COOKIES:
        values = found.get(wire_name(name, secure=secure), [])
        if len(values) == 1 and values[0]:
            ours[name] = values[0]
    return ours
