"""A whole issuer on loopback, with everything real but the people: the broker, its store, its keys, over HTTP."""

import base64
import hashlib
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import RawTestServer
from aiohttp.web import BaseRequest, StreamResponse
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, RSAKey

from proxy.login.broker import Broker, SessionLifetimes
from proxy.login.endpoints import ROUTES
from proxy.login.responding import Responder
from proxy.pages import Pages
from sso.events import AuditEvent
from sso.keys import Signer, new_ring
from sso.model import Client, digest
from sso.store import Store
from sso.upstreams.claim_mapping import ClaimMapping, Source
from sso.upstreams.directory import Upstreams
from sso.upstreams.discovery import Metadata
from sso.upstreams.fetch import FetchFailed, Got
from sso.upstreams.model import Upstream
from sso.vocabulary import AccountType, Claim, Level

NOW = 1_795_000_000
ISSUER = "http://signin.localhost:8080"
HOME = "https://home.example"
SECRET = "s" * 43
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

EC = ECKey.generate_key("P-256", {"kid": "client-ec", "use": "sig"})
EC_FAPI = ECKey.generate_key("P-256", {"kid": "fapi-ec", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "client-rsa", "use": "sig"})
HOME_KEY = ECKey.generate_key("P-256", {"kid": "home"})

EVERYTHING = frozenset(Claim)
NAME = {"vi": "Hệ thống một cửa", "en": "One-stop system"}


def client(name: str, **changes: Any) -> Client:
    """A client that is let do everything, changed."""
    standard = Client(
        id=name,
        name=NAME,
        sector=f"sector-{name}",
        redirect_uris=(f"https://{name}.example/cb", f"https://{name}.example/cb?tenant=1"),
        post_logout_redirect_uris=(f"https://{name}.example/out", f"https://{name}.example/out?x=1"),
        secret_digests=(digest(SECRET),),
        attributes=EVERYTHING,
        legal_basis="Nghị định 118/2025/NĐ-CP",
        level=Level.ONE,
        refresh_tokens=True,
    )
    return replace(standard, **changes)


CLIENTS: dict[str, Client] = {
    one.id: one
    for one in (
        client("alpha"),
        client("beta", authentication="client_secret_post", signing_algorithm="RS256", userinfo_signed=True),
        client(
            "gamma",
            profile="fapi2",
            authentication="private_key_jwt",
            secret_digests=(),
            jwks={"keys": [EC_FAPI.as_dict(private=False), RSA.as_dict(private=False)]},
        ),
        client("delta", consent="once", attributes=frozenset({Claim.NAME, Claim.CITIZEN_ID})),
        client("epsilon", authentication="none", secret_digests=()),
        client(
            "zeta",
            authentication="private_key_jwt",
            secret_digests=(),
            jwks={"keys": [EC.as_dict(private=False), RSA.as_dict(private=False)]},
        ),
        client("eta", level=Level.TWO, attributes=frozenset({Claim.NAME}), sector="sector-alpha"),
        client("theta", consent="always"),
    )
}


@dataclass(frozen=True)
class Person:
    """Somebody with an account at home."""

    sub: str = "account-1"
    name: str = "Nguyễn Văn An"
    level: int = 2
    citizen_id: str = "001054000123"
    email: str = "an@example.vn"
    address: str = "12 Tràng Tiền, Hà Nội"
    phone: str = "+84912345678"


AN = Person()
BINH = Person("account-2", "Trần Thị Bình", 1, "001188000456", "binh@example.vn")


@dataclass
class Home:
    """The upstream where people have their accounts: a Fetch that answers in its name."""

    clock: "Clock"
    person: Person = AN
    fails: bool = False
    auth_time: int | None = None  # None: now
    nonces: dict[str, str | None] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def approve(self, uri: str, **changes: str) -> str:
        """What the person's browser does at home: the address that it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
        code = secrets.token_urlsafe(16)
        self.nonces[code] = asked.get("nonce")
        self.people[code] = self.person
        answer = {"code": code, "state": asked["state"], "iss": HOME, **changes}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    async def get(self, uri: str, *, headers: Mapping[str, str] | None = None) -> Got:
        if self.fails:
            raise FetchFailed
        assert uri == f"{HOME}/jwks"
        return Got(200, "application/json", json.dumps({"keys": [HOME_KEY.as_dict(private=False)]}).encode())

    async def post(self, uri: str, *, form: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None) -> Got:
        if self.fails:
            raise FetchFailed
        code = dict(form)["code"]
        person, now = self.people.pop(code), self.clock.now
        claims = {
            "iss": HOME,
            "aud": "dvc-edge",
            "sub": person.sub,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonces.pop(code),
            "auth_time": now if self.auth_time is None else self.auth_time,
            "level": str(person.level),
            "name": person.name,
            "birthdate": "1954-09-02",
            "citizen_id": person.citizen_id,
            "email": person.email,
            "address": person.address,
            "phone": person.phone,
            "account": "1",
            "amr": ["pwd", "otp"],
        }
        token = jwt.encode({"alg": "ES256", "kid": "home"}, claims, HOME_KEY)
        answer = {"access_token": "at-home", "token_type": "Bearer", "id_token": token}
        return Got(200, "application/json", json.dumps(answer).encode())


def home_upstream(name: str = "home") -> Upstream:
    """The configuration of that upstream."""
    attributes = {
        Claim.NAME: "name",
        Claim.BIRTHDATE: "birthdate",
        Claim.CITIZEN_ID: "citizen_id",
        Claim.EMAIL: "email",
        Claim.ADDRESS: "address",
        Claim.PHONE_NUMBER: "phone",
    }
    return Upstream(
        id=name,
        names={"vi": "Nhà"},
        issuer=HOME,
        client_id="dvc-edge",
        client_authentication="client_secret_post",
        scopes=("openid",),
        pkce=True,
        nonce=True,
        id_token="required",
        userinfo="none",
        userinfo_signed=False,
        algorithms=frozenset({"ES256"}),
        mapping=ClaimMapping(
            subject="sub",
            claims={claim: Source(word) for claim, word in attributes.items()},
            account="account",
            accounts={"1": AccountType.CITIZEN},
            level="level",
            levels={"1": Level.ONE, "2": Level.TWO},
            level_untold=None,
        ),
        hosts=frozenset({"home.example"}),
        private_network=False,
        endpoints=Metadata(HOME, f"{HOME}/authorize", f"{HOME}/token", jwks_uri=f"{HOME}/jwks"),
        client_secret="hush",
    )


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    set_cookies: tuple[str, ...]

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    def told(self) -> dict[str, str]:
        """The parameters of the address that it sends to."""
        return dict(parse_qsl(urlsplit(self.location).query))

    def form(self) -> dict[str, str]:
        """The hidden fields of its form."""
        return {name: value for name, value in _hidden_fields(self.text)}  # noqa: C416 - pairs, not a mapping


def _hidden_fields(html: str) -> list[tuple[str, str]]:
    from html.parser import HTMLParser  # noqa: PLC0415 - one user

    found: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "input" and given.get("type") == "hidden":
                found.append((given.get("name") or "", given.get("value") or ""))

    Reader().feed(html)
    return found


@dataclass
class Browser:
    """A browser with its cookies; it stays where it is and tells where it was sent."""

    desk: "Desk"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self._ask("GET", target, headers or {})

    async def post(self, target: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        return await self._ask("POST", target, headers or {}, urlencode(form))

    async def _ask(self, method: str, target: str, headers: Mapping[str, str], body: str | None = None) -> Answer:
        own = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        answer = await self.desk.ask(method, target, {**own, **headers}, body)
        for line in answer.set_cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return answer


@dataclass
class Desk:
    """The issuer, and what a test needs to look at it from all sides."""

    broker: Broker
    home: Home
    clock: Clock
    store: Store
    audit: list[AuditEvent]
    http: ClientSession
    origin: str

    def browser(self) -> Browser:
        return Browser(self)

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: str | bytes | None = None
    ) -> Answer:
        """One request as it is, to a path or to an address of the issuer."""
        path = target.removeprefix(self.broker.issuer)
        given = dict(headers or {})
        if body is not None:
            given.setdefault("Content-Type", "application/x-www-form-urlencoded")
        from yarl import URL  # noqa: PLC0415 - so that nothing is normalised

        url = URL(self.origin + path, encoded=True)
        async with self.http.request(method, url, headers=given, data=body, allow_redirects=False) as got:
            cookies = tuple(got.headers.getall("Set-Cookie", []))
            return Answer(got.status, dict(got.headers), await got.read(), cookies)

    # The ways of a client

    def request(self, name: str = "alpha", **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None takes one away."""
        standard: dict[str, str | None] = {
            "client_id": name,
            "redirect_uri": f"https://{name}.example/cb",
            "response_type": "code",
            "scope": "openid",
            "state": "the state",
            "nonce": "n-0S6",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {key: value for key, value in {**standard, **changes}.items() if value is not None}

    async def authorize(self, browser: Browser, name: str = "alpha", **changes: str | None) -> Answer:
        """The browser comes with a client's request."""
        return await browser.get(f"/authorize?{urlencode(self.request(name, **changes))}")

    async def come_back(self, browser: Browser, left: Answer, **changes: str) -> Answer:
        """The person signs in at home and comes back."""
        assert left.location.startswith(f"{HOME}/authorize?"), (left.status, left.location, left.body[:2000])
        return await browser.get(self.home.approve(left.location, **changes))

    async def sign_in(
        self, browser: Browser | None = None, name: str = "alpha", **changes: str | None
    ) -> dict[str, str]:
        """A whole sign-in: what the client is told at its redirect URI."""
        person = browser or self.browser()
        answer = await self.authorize(person, name, **changes)
        if answer.location.startswith(HOME):
            answer = await self.come_back(person, answer)
        return answer.told()

    async def token(self, name: str = "alpha", headers: Mapping[str, str] | None = None, **form: str | None) -> Answer:
        """The client at the token endpoint, authenticated in its own way."""
        given = {key: value for key, value in form.items() if value is not None}
        own = dict(headers or {})
        self.authenticate(name, given, own)
        return await self.ask("POST", "/token", own, urlencode(given))

    def authenticate(self, name: str, form: dict[str, str], headers: dict[str, str]) -> None:
        """Add what a client authenticates with."""
        record = self.broker.clients[name]
        match record.authentication:
            case "client_secret_basic":
                headers.setdefault("Authorization", basic(name, SECRET))
            case "client_secret_post":
                form.setdefault("client_id", name)
                form.setdefault("client_secret", SECRET)
            case "private_key_jwt":
                form.setdefault("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                form.setdefault("client_assertion", self.assertion(name))
            case "none":
                form.setdefault("client_id", name)

    def assertion(self, name: str, key: Key | None = None, **changes: Any) -> str:
        """A client assertion (RFC 7523)."""
        now = self.clock.now
        claims = {"iss": name, "sub": name, "aud": self.broker.issuer, "jti": secrets.token_hex(8)}
        signing = key or (EC_FAPI if name == "gamma" else EC)
        return signed({**claims, "iat": now, "exp": now + 60, **changes}, signing)

    async def exchange(self, code: str, name: str = "alpha", **changes: str | None) -> Answer:
        """A code for tokens."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"https://{name}.example/cb",
            "code_verifier": VERIFIER,
        }
        return await self.token(name, None, **{**form, **changes})

    async def tokens(self, browser: Browser | None = None, name: str = "alpha", **changes: str | None) -> Any:
        """A whole sign-in, to its tokens."""
        told = await self.sign_in(browser, name, **changes)
        answer = await self.exchange(
            told["code"], name, redirect_uri=changes.get("redirect_uri") or f"https://{name}.example/cb"
        )
        assert answer.status == 200, answer.text
        return answer.json()

    async def userinfo(self, access_token: str) -> Answer:
        return await self.ask("GET", "/userinfo", {"Authorization": f"Bearer {access_token}"})


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def signed(claims: Mapping[str, Any], key: Key, *, header: Mapping[str, Any] | None = None, alg: str = "") -> str:
    """A JWT with just this header and these claims."""
    algorithm = alg or ("RS256" if isinstance(key, RSAKey) else "ES256")
    full = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
    present = {name: value for name, value in full.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(present, json.dumps(claims).encode(), key, registry=registry)


def proof(key: Key, method: str, uri: str, now: int, *, token: str | None = None, **changes: Any) -> str:
    """A DPoP proof (RFC 9449 §4.2)."""
    claims: dict[str, Any] = {"htm": method, "htu": uri, "iat": now, "jti": secrets.token_hex(8)}
    if token is not None:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    header = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False), "kid": None}
    return signed({**claims, **changes}, key, header=header)


@lru_cache(maxsize=1)
def signer() -> Signer:
    """Keys, made once: an RSA key takes its time."""
    return Signer(new_ring(NOW - 86_400, lambda: secrets.token_urlsafe(32)))


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@asynccontextmanager
async def issuing(
    store: Store,
    pages: Pages,
    *,
    clients: Mapping[str, Client] | None = None,
    issuer: str = ISSUER,
    upstreams: Sequence[str] = ("home",),
    lifetimes: SessionLifetimes | None = None,
    port: int | None = None,
) -> AsyncIterator[Desk]:
    """An issuer that listens on a port of loopback: a free one, where none is named."""
    clock, audit = Clock(), list[AuditEvent]()
    home = Home(clock)
    broker = Broker(
        issuer=issuer,
        store=store,
        clients=clients or CLIENTS,
        current_signer=signer,
        upstreams=Upstreams({name: home_upstream(name) for name in upstreams}, home, issuer=issuer),
        responder=Responder(pages, secure=issuer.startswith("https:")),
        routes=ROUTES,
        clock=clock,
        secrets=lambda: secrets.token_urlsafe(32),
        lifetimes=lifetimes or SessionLifetimes(),
        audit=audit.append,
    )

    async def answer(request: BaseRequest) -> StreamResponse:
        return await broker.answer(request, peer="127.0.0.1", request_id="k7m2-9fxd-3hqp")

    server = RawTestServer(answer, host="127.0.0.1", port=port)
    await server.start_server(access_log=None)
    http = ClientSession(cookie_jar=DummyCookieJar())
    try:
        yield Desk(broker, home, clock, store, audit, http, str(server.make_url("")).rstrip("/"))
    finally:
        await http.close()
        await server.close()
