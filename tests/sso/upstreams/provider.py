"""A provider on loopback that does as it is told, also what no honest one would: one behaviour for each test."""

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, RSAKey

from sso.model import AuthorizationRequest, Destination, LoginAttempt
from sso.parameters import Parameters
from sso.upstreams.aiohttp_fetch import AiohttpFetch
from sso.upstreams.attempts import Identified
from sso.upstreams.claim_mapping import ClaimMapping, Source
from sso.upstreams.directory import Upstreams
from sso.upstreams.id_tokens import half_hash
from sso.upstreams.model import Upstream
from sso.vocabulary import AccountType, Claim, Level

NOW = 1_800_000_000
ISSUER = "https://signin.example.gov.vn"
CLIENT_ID = "dvc-edge"
SECRET = "hush: the secret, of the client"

EC = ECKey.generate_key("P-256", {"kid": "ec-1"})
EC_NEXT = ECKey.generate_key("P-256", {"kid": "ec-2"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})

PERSON = {
    "citizenPid": "001099000001",
    "fullName": "NGUYỄN VĂN AN",
    "birthDate": "19540902",
    "accountType": "1",
    "accountLevel": "2",
}

Change = Callable[[dict[str, Any]], object]


def as_is(values: dict[str, Any]) -> None:
    """No change."""


@dataclass
class Behaviour:
    """What the provider does otherwise than it should; each hook changes what it is given."""

    header: Change = as_is
    claims: Change = as_is
    tokens: Change = as_is  # the answer of the token endpoint
    userinfo: Change = as_is
    discovery: Change = as_is
    callback: Change = as_is  # what the browser brings back
    signed: Callable[[str], str] = str  # an ID token, after it was signed
    key: Key = field(default_factory=lambda: EC)  # that signs
    published: list[Key] = field(default_factory=lambda: [EC])
    userinfo_key: Key | None = None  # it answers with a token
    pause_seconds: float = 0  # before each answer
    raw: Mapping[str, web.StreamResponse | Callable[[], web.StreamResponse]] = field(default_factory=dict)  # by path


class Provider:
    """The provider: its endpoints, what was asked of it, and how it behaves now."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.asked: Counter[str] = Counter()
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []  # path, headers, form
        self.origin = ""
        self._codes: dict[str, dict[str, str]] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    def discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.origin,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "userinfo_endpoint": f"{self.origin}/userinfo",
            "jwks_uri": f"{self.origin}/jwks",
            "end_session_endpoint": f"{self.origin}/logout",
            "authorization_response_iss_parameter_supported": True,
        }
        self.behaviour.discovery(document)
        return document

    def authorize(self, uri: str) -> dict[str, Any]:
        """What a browser brings back that was sent to this address, its person having signed in."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
        self.asked["codes"] += 1
        code = f"code-{self.asked['codes']}"
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.origin}
        self.behaviour.callback(back)
        return back

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked[path] += 1
        form = {name: str(value) for name, value in (await request.post()).items()}
        await asyncio.sleep(self.behaviour.pause_seconds)
        self.requests.append((path, dict(request.headers), form))
        if (raw := self.behaviour.raw.get(path)) is not None:
            return raw() if callable(raw) else raw
        match path:
            case "/.well-known/openid-configuration":
                return web.json_response(self.discovery())
            case "/jwks":
                return web.json_response({"keys": [key.as_dict(private=False) for key in self.behaviour.published]})
            case "/token":
                return self._token(form)
            case "/userinfo":
                return self._userinfo(request)
            case _:
                return web.json_response({"error": "not_found"}, status=404)

    def _token(self, form: Mapping[str, str]) -> web.StreamResponse:
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        challenge = asked.get("code_challenge")
        if challenge is not None and s256(form.get("code_verifier", "")) != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        access_token = f"at-{asked['state'][:8]}"
        tokens = {
            "access_token": access_token,
            "token_type": "Bearer",
            "id_token": self.id_token(nonce=asked.get("nonce"), access_token=access_token),
        }
        self.behaviour.tokens(tokens)
        return web.json_response(tokens)

    def id_token(self, **given: Any) -> str:
        """An ID token as this provider behaves now."""
        behaviour = self.behaviour
        algorithm = "RS256" if isinstance(behaviour.key, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": str(behaviour.key.kid), "typ": "JWT"}
        claims = {
            "iss": self.origin,
            "sub": "account-1",
            "aud": CLIENT_ID,
            "exp": NOW + 300,
            "iat": NOW,
            "auth_time": NOW - 5,
            "sid": "their-session",
            "acr": "urn:example:2",
            "amr": ["face", "pin"],
            **{name: PERSON[name] for name in ("accountType", "accountLevel")},
        }
        if given.get("nonce") is not None:
            claims["nonce"] = given["nonce"]
        if given.get("access_token") is not None:
            claims["at_hash"] = half_hash(given["access_token"], algorithm)
        behaviour.header(header)
        behaviour.claims(claims)
        return behaviour.signed(signed(header, claims, behaviour.key))

    def _userinfo(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith("Bearer at-"):
            return web.json_response({"error": "invalid_token"}, status=401)
        told = {"sub": "account-1", **PERSON}
        key = self.behaviour.userinfo_key
        if key is not None:
            told |= {"iss": self.origin, "aud": CLIENT_ID}
        self.behaviour.userinfo(told)
        if key is not None:
            text = signed({"alg": "ES256", "kid": str(key.kid)}, told, key)
            return web.Response(text=text, content_type="application/jwt")
        return web.json_response(told)


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A token with exactly this header, however wrong it is."""
    if header.get("alg") == "none" or header.get("alg") not in {"ES256", "RS256"}:
        return f"{b64(header)}.{b64(claims)}."
    if set(header) <= {"alg", "kid", "typ"}:
        return jwt.encode(dict(header), dict(claims), key, algorithms=[str(header["alg"])], default_type=None)
    signing_input = f"{b64(header)}.{b64(claims)}"
    model = jws.JWSRegistry.algorithms[str(header["alg"])]
    return f"{signing_input}.{_b64(model.sign(signing_input.encode(), key))}"


def b64(value: object) -> str:
    return _b64(json.dumps(value).encode())


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def s256(verifier: str) -> str:
    return _b64(hashlib.sha256(verifier.encode()).digest())


MAPPING = ClaimMapping(
    subject="sub",
    claims={
        Claim.NAME: Source("fullName"),
        Claim.BIRTHDATE: Source("birthDate", "date"),
        Claim.CITIZEN_ID: Source("citizenPid", "citizen-id"),
    },
    account="accountType",
    accounts={"1": AccountType.CITIZEN, "2": AccountType.ORGANISATION},
    level="accountLevel",
    levels={"1": Level.ONE, "2": Level.TWO},
)


def upstream_of(provider: Provider, **changes: Any) -> Upstream:
    """A configuration that fits the provider."""
    plain: dict[str, Any] = {
        "id": "vneid",
        "names": {"vi": "VNeID"},
        "issuer": provider.origin,
        "client_id": CLIENT_ID,
        "client_authentication": "client_secret_basic",
        "scopes": ("openid",),
        "pkce": True,
        "nonce": True,
        "id_token": "required",
        "userinfo": "get",
        "userinfo_signed": False,
        "algorithms": frozenset({"ES256", "RS256"}),
        "mapping": MAPPING,
        "hosts": frozenset({"127.0.0.1"}),
        "private_network": True,
        "endpoints": None,
        "client_secret": SECRET,
        "development": True,
    }
    return Upstream(**(plain | changes))


class Secrets:
    """Secrets that can be told apart, none of them twice."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> str:
        self._count += 1
        return f"{self._count:04d}-{'x' * 38}"


DESTINATION = Destination("khanh-hoa", "khanh-hoa", "dichvucong.khanhhoa.gov.vn", "/vi/nps/apply?ma=1.001193")
REQUEST = AuthorizationRequest("khanh-hoa", "https://x.example/cb", frozenset({"openid"}), "c" * 43)


@dataclass
class Sign:
    """A person signing in: our side, the provider, and the browser between them."""

    provider: Provider
    upstreams: Upstreams
    secrets: Secrets = field(default_factory=Secrets)
    now: int = NOW

    async def leaves(self, upstream: str = "vneid", **wish: Any) -> tuple[LoginAttempt, str, str]:
        """The attempt, the address the browser is sent to, and the browser's cookie."""
        wish = {"level": Level.TWO, "browser": None, "purpose": DESTINATION, **wish}
        attempt, redirect = await self.upstreams.begin(
            upstream, wish.pop("purpose"), now=self.now, secrets=self.secrets, **wish
        )
        return attempt, redirect.uri, redirect.cookies[0].value

    async def arrives(
        self, attempt: LoginAttempt | None, back: Mapping[str, Any], browser: str | None, at: str = "vneid"
    ) -> Identified:
        return await self.upstreams.finish(
            attempt,
            Parameters.of(urlencode(back)),
            arrived_at=at,
            browser=browser,
            now=self.now,
            secrets=self.secrets,
        )

    async def signs_in(self, behaviour: Behaviour | None = None, **wish: Any) -> Identified:
        """The whole way."""
        self.provider.behaviour = behaviour or Behaviour()
        attempt, uri, browser = await self.leaves(**wish)
        return await self.arrives(attempt, self.provider.authorize(uri), browser)


@asynccontextmanager
async def running(provider: Provider) -> AsyncIterator[Provider]:
    """The provider, answering on a free port."""
    runner = web.AppRunner(provider.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


@asynccontextmanager
async def signing_in(**changes: Any) -> AsyncIterator[Sign]:
    """A provider and our side of it."""
    async with running(Provider()) as provider:
        fetch = AiohttpFetch(frozenset({"127.0.0.1"}), seconds=float(changes.pop("seconds", 8)))
        try:
            yield Sign(provider, Upstreams({"vneid": upstream_of(provider, **changes)}, fetch, issuer=ISSUER))
        finally:
            await fetch.close()
