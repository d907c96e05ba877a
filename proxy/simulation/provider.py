"""A simulated provider: VNeID-like (OpenID Connect) or VNConnect-like (OAuth with userinfo), with one dialog page.

It keeps nothing beyond its own life, and no session of its people: each sign-in shows the dialog once, so that a second
dialog, should there be one, is seen.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote_plus, urlencode

from aiohttp import ClientError, ClientSession, web
from joserfc import jwt
from joserfc.jwk import ECKey

from proxy import responses
from proxy.simulation import pages
from proxy.simulation.faults import FAULTS, Fault
from proxy.simulation.people import PEOPLE, Person, subject_of

CLIENT_ID: Final = "dvc-edge"
SECRET: Final = "demonstration"  # noqa: S105 - a secret that everybody may know: it protects nobody

_CODE_SECONDS: Final = 60


@dataclass(slots=True)
class _Code:
    """What somebody agreed to."""

    person: Person
    asked: Mapping[str, str]
    fault: Fault
    expires_at: int

    @property
    def level(self) -> int:
        """How sure the provider is of the person, this time."""
        if self.person.when_asked and self.asked.get("acr_values") != "2":
            return 1
        return self.person.level


@dataclass(slots=True)
class SimulatedProvider:
    """One of the two."""

    kind: Literal["vneid", "vnconnect"]
    origin: str  # of its own pages
    callback: str  # the one address that it sends people back to
    clock: Callable[[], int]
    fetch: ClientSession  # its way to the broker, to tell it of a sign-out
    dialogs: int = 0  # how often somebody was asked
    _key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    _sessions: dict[str, Person] = field(default_factory=dict)  # by sid
    _codes: dict[str, _Code] = field(default_factory=dict)
    _tokens: dict[str, _Code] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """What it pretends to be."""
        return "VNeID" if self.kind == "vneid" else "VNConnect"

    @property
    def _base(self) -> str:
        return "" if self.kind == "vneid" else "/oauth2"

    def app(self) -> web.Application:
        """Its endpoints."""
        app = web.Application()
        app.router.add_get("/", self._home)
        app.router.add_get(f"{self._base}/authorize", self._authorize)
        app.router.add_post("/dialog", self._dialog)
        app.router.add_post(f"{self._base}/token", self._token)
        app.router.add_get(f"{self._base}/userinfo", self._userinfo)
        app.router.add_post(f"{self._base}/userinfo", self._userinfo)
        if self.kind == "vneid":
            app.router.add_get("/.well-known/openid-configuration", self._discovery)
            app.router.add_get("/jwks", self._jwks)
            app.router.add_get("/logout", self._logout)
            app.router.add_post("/logout", self._logout)
            app.router.add_post("/end", self._end)
        return app

    async def _home(self, _: web.Request) -> web.Response:
        text = "Nơi cấp tài khoản giả, chỉ để trình diễn và thử nghiệm. Simulated accounts, for development only."
        ends = (pages.button("sid", sid, f"Đăng xuất {person.name}") for sid, person in self._sessions.items())
        return pages.page(self.where, self.where, pages.paragraph(text) + pages.form("/end", {}, ends))

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.origin,
                "authorization_endpoint": f"{self.origin}/authorize",
                "token_endpoint": f"{self.origin}/token",
                "userinfo_endpoint": f"{self.origin}/userinfo",
                "jwks_uri": f"{self.origin}/jwks",
                "end_session_endpoint": f"{self.origin}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False, use="sig", alg="ES256")]})

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        if asked.get("client_id") != CLIENT_ID or asked.get("redirect_uri") != self.callback:
            text = "client_id hoặc redirect_uri không đúng. The client or its return address is not registered here."
            return pages.page("Không tiếp tục được", self.where, pages.paragraph(text), status=400)
        self.dialogs += 1
        people = [pages.button("person", person.id, person.name, person.label) for person in PEOPLE.values()]
        faults = {name: fault.text for name, fault in FAULTS.items()}
        body = pages.form("/dialog", asked, [pages.choice("fault", "Lỗi muốn thử · fault to try", faults), *people])
        intro = pages.paragraph("Quý vị là ai? Bấm vào một người. Who are you today?")
        return pages.page(f"Đăng nhập bằng {self.where}", self.where, intro + body)

    async def _dialog(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        person, fault = PEOPLE.get(form.pop("person", "")), FAULTS.get(form.pop("fault", "none"))
        if person is None or fault is None or form.get("redirect_uri") != self.callback:
            return pages.page("Không tiếp tục được", self.where, pages.paragraph("Xin làm lại từ đầu."), status=400)
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(person, form, fault, self.clock() + _CODE_SECONDS)
        back = {"code": code, "state": form.get("state", "")}
        if self.kind == "vneid":
            back["iss"] = self.origin
        if fault.back is not None:
            fault.back(back)
        return responses.see_other(f"{self.callback}?{urlencode(back)}", {"Cache-Control": "no-store"})

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl(await request.text()))
        if not _is_client(request.headers.get("Authorization", ""), form):
            return web.json_response({"error": "invalid_client"}, status=401)
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires_at < self.clock() or not self._is_proven(code, form):
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = secrets.token_urlsafe(32)
        self._tokens[token] = code
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": 300}
        if self.kind == "vneid":
            answer["id_token"] = self._id_token(code, token)
        if code.fault.tokens is not None:
            code.fault.tokens(answer)
        return web.json_response(answer, status=code.fault.status)

    def _is_proven(self, code: _Code, form: Mapping[str, str]) -> bool:
        if form.get("redirect_uri") != self.callback:
            return False
        challenge = code.asked.get("code_challenge")
        return challenge is None or challenge == _half(form.get("code_verifier", ""), whole=True)

    def _id_token(self, code: _Code, access_token: str) -> str:
        now, person, sid = self.clock(), code.person, secrets.token_urlsafe(16)
        self._sessions[sid] = person
        header: dict[str, Any] = {"alg": "ES256", "kid": self._key.kid, "typ": "JWT"}
        claims: dict[str, Any] = {
            "iss": self.origin,
            "sub": subject_of("vneid", person.id),
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "sid": sid,
            "amr": ["demonstration"],
            "at_hash": _half(access_token),
            "accountType": str(person.account),
            "accountLevel": str(code.level),
        }
        if "nonce" in code.asked:
            claims["nonce"] = code.asked["nonce"]
        for change, values in ((code.fault.header, header), (code.fault.claims, claims)):
            if change is not None:
                change(values)
        if header["alg"] == "none":
            return ".".join((_b64(b'{"alg":"none"}'), _b64(b"{}"), ""))
        token = jwt.encode(header, claims, self._key, algorithms=["ES256"])
        return code.fault.signature(token) if code.fault.signature is not None else token

    async def _userinfo(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        code = self._tokens.get(token)
        if scheme.lower() != "bearer" or code is None:
            return web.json_response({"error": "invalid_token"}, status=401)
        told = _as_vneid(code) if self.kind == "vneid" else _as_vnconnect(code, self.origin)
        if code.fault.userinfo is not None:
            code.fault.userinfo(told)
        return web.json_response(told)

    async def _end(self, request: web.Request) -> web.Response:
        """End a session here, and tell the broker (OpenID Connect Back-Channel Logout 1.0 §2.5)."""
        sid = str((await request.post()).get("sid", ""))
        if self._sessions.pop(sid, None) is None:
            return pages.page("Không có phiên này", self.where, pages.paragraph("Xin làm lại từ đầu."), status=400)
        now = self.clock()
        claims = {
            "iss": self.origin,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(16),
            "sid": sid,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        header = {"alg": "ES256", "kid": self._key.kid, "typ": "logout+jwt"}
        token = jwt.encode(header, claims, self._key, algorithms=["ES256"])
        to = self.callback.replace("/callback/", "/backchannel-logout/")
        try:
            async with self.fetch.post(to, data={"logout_token": token}) as answer:
                told = f"Hệ thống đăng nhập trả lời {answer.status}. The broker answered {answer.status}."
        except (ClientError, OSError, TimeoutError):
            told = "Chưa báo được cho hệ thống đăng nhập. The broker could not be told."
        return pages.page("Đã đăng xuất", self.where, pages.paragraph(told) + pages.link("Quay lại", "/"))

    async def _logout(self, request: web.Request) -> web.Response:
        asked = {**request.query, **await request.post()}  # either method (RP-Initiated Logout 1.0 §2)
        back = str(asked.get("post_logout_redirect_uri", ""))
        issuer = self.callback.rpartition("/callback/")[0]
        if back.startswith(f"{issuer}/"):
            state = urlencode({"state": str(asked.get("state", ""))})
            return responses.see_other(f"{back}{'&' if '?' in back else '?'}{state}", {"Cache-Control": "no-store"})
        text = "Đã đăng xuất khỏi tài khoản. The account is signed out."
        return pages.page("Đã đăng xuất", self.where, pages.paragraph(text))


def _as_vneid(code: _Code) -> dict[str, Any]:
    """Claims in VNeID's words; what is not known is not there."""
    person = code.person
    told = {
        "sub": subject_of("vneid", person.id),
        "citizenPid": person.citizen_id,
        "fullName": person.name,
        "birthDate": person.birth,
        "accountType": str(person.account),
        "accountLevel": str(code.level),
    }
    return {name: value for name, value in told.items() if value}


def _as_vnconnect(code: _Code, origin: str) -> dict[str, Any]:
    """Claims in VNConnect's words, with the addresses that carry tokens."""
    person = code.person
    told = {
        "sub": subject_of("vnconnect", person.id),
        "TechID": f"tech-{person.id}",
        "LoaiTaiKhoan": str(person.account),
        "HoVaTen": person.name,
        "SoDinhDanh": person.citizen_id,
        "SoCMND": person.old_id,
        "NgayThangNamSinh": person.birth,
        "MaSoThue": person.tax_code,
        "MaSoDoanhNghiep": person.enterprise_code,
        "ThuDienTu": person.email,
        "loginIdp": "VNeID",
        "loAs": f"LoA{code.level}",
        "userProfileUri": f"{origin}/profile?access_token=bearer-demonstration",
        "logoutUri": f"{origin}/logout?token=bearer-demonstration",
    }
    return {name: value for name, value in told.items() if value}


def _is_client(authorization: str, form: Mapping[str, str]) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return False
        return (unquote_plus(name), unquote_plus(secret)) == (CLIENT_ID, SECRET)
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, SECRET)


def _half(text: str, *, whole: bool = False) -> str:
    octets = hashlib.sha256(text.encode()).digest()
    return _b64(octets if whole else octets[:16])


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
