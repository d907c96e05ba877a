"""Effects become HTTP: the one place where cookies, redirects and security headers of sign-in are written."""

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, assert_never

from aiohttp.web import Response

from proxy import responses
from proxy.login.calls import Call, wire_name
from proxy.pages import Pages
from proxy.responses import NO_STORE
from proxy.sign_in_views import view_of
from sso.effects import Cookie, Effect, Json, PostForm, Redirect, ShowPage, Text

LONGEST_LOCATION: Final = 8_190

_COOKIE_VALUE: Final = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII)

_NEVER_FRAMED: Final = MappingProxyType({"X-Frame-Options": "DENY"})
_FOR_PROGRAMS: Final = MappingProxyType(
    {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", **_NEVER_FRAMED}
)
Facts: TypeAlias = Mapping[str, Any]


class Responder:
    """Writes answers for one issuer."""

    def __init__(self, pages: Pages, *, secure: bool) -> None:
        """`secure`: the issuer is https, and so are its cookies."""
        self._pages = pages
        self._secure = secure

    def respond(self, effect: Effect, call: Call) -> Response:
        """The response that does what the effect says."""
        headers = responses.common_headers(call.request_id) | {"Cache-Control": NO_STORE, "Pragma": "no-cache"}
        match effect:
            case Redirect(uri, cookies):
                return self._with_cookies(responses.see_other(uri, headers | _FOR_PROGRAMS), cookies)
            case PostForm(uri, fields, client, cookies):
                facts = {"client_name": client, "action": uri, "fields": fields}
                return self.respond(ShowPage("form_post", facts, cookies=cookies), call)
            case ShowPage():
                return self._page(effect, call, headers)
            case Json(status, body, own, cacheable):
                cache = {"Cache-Control": "public, max-age=300"} if cacheable else {}
                shared = {"Access-Control-Allow-Origin": "*"} if cacheable else {}
                kind = {"Content-Type": "application/json; charset=utf-8"}
                text = json.dumps(body, ensure_ascii=False).encode()
                return Response(
                    status=status, body=text, headers={**headers, **_FOR_PROGRAMS, **kind, **cache, **shared, **own}
                )
            case Text(status, text, content_type, own):
                kind = {"Content-Type": content_type} if text else {}
                return Response(status=status, body=text.encode(), headers={**headers, **_FOR_PROGRAMS, **kind, **own})
            case never:
                assert_never(never)

    def _page(self, effect: ShowPage, call: Call, headers: Mapping[str, str]) -> Response:
        language = self._language(effect.languages, call)
        view = view_of(effect.name, effect.facts, development=not self._secure)
        page = self._pages.render(view, language)
        retry = {"Retry-After": str(effect.retry_after)} if effect.retry_after is not None else {}
        asker = _Asker(call.headers)
        response = responses.page(asker, effect.status, page, {**headers, **_NEVER_FRAMED, **retry}, language=language)
        return self._with_cookies(response, effect.cookies)

    def _language(self, asked: Iterable[str], call: Call) -> str:
        """What the client asks for on behalf of the person, else what the browser does."""
        known = self._pages.languages()
        for tag in asked:
            if (short := tag.partition("-")[0].lower()) in known:
                return short
        return self._pages.choose_language(call.headers.get("accept-language", ""), None)

    def _with_cookies(self, response: Response, cookies: Iterable[Cookie]) -> Response:
        for cookie in cookies:
            response.headers.add("Set-Cookie", self._written(cookie))
        return response

    def _written(self, cookie: Cookie) -> str:
        """RFC 6265 §4.1.  Values are url-safe letters of our own (sso.effects): nothing to quote."""
        if not _COOKIE_VALUE.fullmatch(cookie.value):
            raise ValueError("a cookie's value that is not ours")
        life = cookie.max_age if cookie.value else 0
        return "; ".join(
            (
                f"{wire_name(cookie.name, secure=self._secure)}={cookie.value}",
                *((f"Max-Age={life}",) if life is not None else ()),
                "Path=/",
                *(("Secure",) if self._secure else ()),
                "HttpOnly",
                "SameSite=Lax",
            )
        )


class _Asker:
    """Whoever asks, as far as a page's packing depends on it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers: Mapping[str, str] = {"Accept-Encoding": headers.get("accept-encoding", "")}
