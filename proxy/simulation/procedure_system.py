"""A provincial procedure system, as a demonstration: it stands behind the edge, and is an OpenID client as well.

Behind the edge it shows a form to whoever comes with a valid identity header, and asks nobody to sign in.  On its own
address it signs people in by OpenID Connect, as a system does that can.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from proxy import responses
from proxy.simulation import pages
from sso.adapters.assertion import HEADER
from sso.adapters.verify_kit import Refused, VerifyKit

CLIENT_ID: Final = "khanhhoa"
SECRET: Final = "demonstration-secret-of-khanhhoa"  # noqa: S105 - its digest is in conf/demonstration/clients
WHERE: Final = "hệ thống một cửa của tỉnh"
COOKIE: Final = "demonstration"


@dataclass(slots=True)
class ProcedureSystem:
    """The system; `fetch` is its own way to the issuer."""

    issuer: str
    origin: str  # its own address
    fetch: ClientSession
    clock: Callable[[], int]
    _begun: dict[str, tuple[str, str]] = field(default_factory=dict)  # state → verifier, nonce
    _known: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # cookie → claims

    def app(self) -> web.Application:
        """Its pages on its own address."""
        app = web.Application()
        app.router.add_get("/", self._home)
        app.router.add_get("/sign-in", self._sign_in)
        app.router.add_get("/callback", self._callback)
        app.router.add_get("/sign-out", self._sign_out)
        app.router.add_get("/bye", self._bye)
        return app

    async def behind_the_edge(self, request: web.Request) -> web.Response:
        """Any path of a portal that passes: the form, filled in by the header."""
        values = request.headers.getall(HEADER, [])
        try:
            keys = await self._keys()
            person = VerifyKit(issuer=self.issuer, audience=CLIENT_ID, keys=keys).verified(values, now=self.clock())
        except Refused as refused:
            text = f"Không có người đăng nhập ({refused.reason}). Nobody has signed in."
            return pages.page("Nộp hồ sơ", WHERE, pages.paragraph(text), status=200 if not values else 401)
        except (ClientError, OSError, TimeoutError):
            return pages.page("Nộp hồ sơ", WHERE, pages.paragraph("Chưa đọc được khóa của nơi đăng nhập."), status=503)
        body = pages.paragraph("Hồ sơ của thủ tục, đã điền sẵn bằng thông tin của người đăng nhập:")
        body += pages.facts({"Đường dẫn": request.path_qs, **_shown(person)})
        return pages.page("Nộp hồ sơ", WHERE, body)

    async def _home(self, request: web.Request) -> web.Response:
        person = self._known.get(request.cookies.get(COOKIE, ""))
        if person is None:
            body = pages.paragraph("Chưa đăng nhập.") + pages.link("Đăng nhập", "/sign-in")
        else:
            body = pages.facts(_shown(person)) + pages.link("Đăng xuất", "/sign-out")
        return pages.page("Hệ thống một cửa", WHERE, body)

    async def _sign_in(self, _: web.Request) -> web.Response:
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        self._begun[state] = (verifier, nonce)
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": f"{self.origin}/callback",
            "scope": "openid profile citizen",
            "state": state,
            "nonce": nonce,
            "code_challenge": _s256(verifier),
            "code_challenge_method": "S256",
        }
        return responses.see_other(f"{self.issuer}/authorize?{urlencode(asked)}", {})

    async def _callback(self, request: web.Request) -> web.Response:
        begun = self._begun.pop(request.query.get("state", ""), None)
        if begun is None or request.query.get("iss") != self.issuer or "code" not in request.query:
            text = f"Không đăng nhập được ({request.query.get('error', 'invalid_request')[:64]})."
            body = pages.paragraph(text) + pages.link("Thử lại", "/sign-in")
            return pages.page("Chưa đăng nhập", WHERE, body, status=400)
        try:
            person = await self._exchange(request.query["code"], *begun)
        except (ClientError, OSError, TimeoutError, JoseError, ValueError, KeyError):
            return pages.page("Chưa đăng nhập", WHERE, pages.link("Thử lại", "/sign-in"), status=502)
        cookie = secrets.token_urlsafe(32)
        self._known[cookie] = person
        response = responses.see_other(f"{self.origin}/", {})
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax")
        return response

    async def _exchange(self, code: str, verifier: str, nonce: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self.origin}/callback",
            "code_verifier": verifier,
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
        }
        async with self.fetch.post(f"{self.issuer}/token", data=form) as answer:
            tokens = await answer.json()
        token = jwt.decode(tokens["id_token"], KeySet.import_key_set(await self._keys()), algorithms=["ES256", "RS256"])
        registry = jwt.JWTClaimsRegistry(
            now=self.clock,
            leeway=30,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": CLIENT_ID},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        )
        registry.validate(token.claims)
        async with self.fetch.get(
            f"{self.issuer}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
        ) as answer:
            told: Mapping[str, Any] = await answer.json()
        if told["sub"] != token.claims["sub"]:
            raise ValueError("userinfo of another person")
        return {**told, "acr": token.claims.get("acr", ""), "id_token": tokens["id_token"]}

    async def _sign_out(self, request: web.Request) -> web.Response:
        person = self._known.pop(request.cookies.get(COOKIE, ""), {})
        asked = {"id_token_hint": person.get("id_token", ""), "post_logout_redirect_uri": f"{self.origin}/bye"}
        response = responses.see_other(f"{self.issuer}/logout?{urlencode(asked)}", {})
        response.del_cookie(COOKIE)
        return response

    async def _bye(self, _: web.Request) -> web.Response:
        return pages.page("Đã đăng xuất", WHERE, pages.link("Về trang đầu", "/"))

    async def _keys(self) -> Any:
        async with self.fetch.get(f"{self.issuer}/jwks") as answer:
            return await answer.json()


def _shown(person: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in person.items() if name not in {"id_token", "iss", "aud", "jti", "iat", "exp"}
    }


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
