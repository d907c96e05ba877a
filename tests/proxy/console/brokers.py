"""A broker as the console sees it: a small OpenID provider that says what a test wants it to say, and a console beside."""

import base64
import hashlib
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import delete
from yarl import URL

from proxy.console.desk import Desk
from proxy.console.whole import create_console
from redirect_rules.invitations import HOLDS, digest_of_code, new_code
from redirect_rules.people import Invitation, Password
from redirect_rules.stores.database import Database
from redirect_rules.stores.tables import MILESTONES
from sso.logout import EVENT
from tests.conftest import AUTUMN, settings_with
from tests.proxy.console.conftest import HASHED, OFFICERS, Browser, Clock
from tests.sign_in_peers.issuer import free_port

SECRET = "secret-of-the-console"
Claims = dict[str, Any]


@dataclass
class Issuer:
    """The broker: `person` signs in there; `change` makes of the ID token's claims what a hostile one would say."""

    clock: Clock
    port: int = field(default_factory=free_port)
    person: str = "subject-of-an"
    level: int = 2
    change: Callable[[Claims], None] = lambda _claims: None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)  # authorization requests
    exchanges: int = 0
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    sid: str = "sid-1"

    def begin_again(self) -> None:
        """Whoever signs in is the first person, and it says the truth."""
        fresh = Issuer(self.clock, self.port, key=self.key)
        self.clock.now = AUTUMN
        vars(self).update(vars(fresh))

    @property
    def origin(self) -> str:
        return f"http://signin.localhost:{self.port}"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._description)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_post("/token", self._token)
        return app

    async def _description(self, _: web.Request) -> web.Response:
        names = {"authorization": "authorize", "token": "token", "end_session": "logout"}
        endpoints = {f"{name}_endpoint": f"{self.origin}/{path}" for name, path in names.items()}
        return web.json_response(
            {
                "issuer": self.origin,
                **endpoints,
                "jwks_uri": f"{self.origin}/jwks",
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False, use="sig", alg="ES256")]})

    async def _token(self, request: web.Request) -> web.Response:
        self.exchanges += 1
        form = await request.post()
        pair = base64.b64encode(f"console:{SECRET}".encode()).decode()
        asked = self.codes.pop(str(form["code"]), None)
        if asked is None or request.headers.get("Authorization") != f"Basic {pair}":
            return web.json_response({"error": "invalid_grant"}, status=400)
        challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = self.signed(
            {
                "iss": self.origin, "aud": "console", "sub": self.person, "sid": self.sid, "nonce": asked["nonce"],
                "acr": f"urn:dvc-edge:level:{self.level}", "auth_time": self.now, "iat": self.now, "exp": self.now + 300,
            }
        )  # fmt: skip
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": token})

    @property
    def now(self) -> int:
        return int(self.clock.now.timestamp())

    def signed(self, claims: Claims, *, typ: str = "JWT", key: ECKey | None = None) -> str:
        self.change(claims)
        header = {"alg": "ES256", "kid": self.key.kid, "typ": typ}
        return jwt.encode(header, claims, key or self.key, algorithms=["ES256"])

    def logout_token(self, *, typ: str = "logout+jwt", key: ECKey | None = None, **changed: Any) -> str:
        """As the broker sends it; a value of None takes a claim away."""
        claims = {
            "iss": self.origin, "aud": "console", "sub": self.person, "sid": self.sid, "jti": secrets.token_urlsafe(8),
            "iat": self.now, "exp": self.now + 120, "events": {EVENT: {}},
        } | changed  # fmt: skip
        return self.signed({name: value for name, value in claims.items() if value is not None}, typ=typ, key=key)

    def answers(self, response: ClientResponse) -> dict[str, str]:
        """Somebody signs in where a response has sent them: what they come back with."""
        uri = urlsplit(response.headers["Location"])
        assert f"{uri.scheme}://{uri.netloc}{uri.path}" == f"{self.origin}/authorize"
        asked = {name: values[0] for name, values in parse_qs(uri.query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.origin}


@dataclass(repr=False)
class Office:
    """A console whose officers sign in by the broker."""

    desk: Desk
    issuer: Issuer
    base: URL

    def invite(self, actor: str) -> str:
        """An invitation's code."""
        code, now = new_code(secrets.choice), self.desk.clock()
        people = self.desk.people
        people.invite(Invitation(digest_of_code(code) or "", actor, "trung.uong", now, now + HOLDS), "a test")
        return code

    def begin_again(self) -> None:
        """As it was in the beginning: passwords, and nobody invited, linked or signed in."""
        for actor in OFFICERS:
            self.desk.people.forget(actor, now=AUTUMN)
            self.desk.people.keep_password(Password(actor, HASHED))
        with closing(Database(self.desk.state.database)) as database, database.writing() as connection:
            connection.execute(delete(MILESTONES))
        self.issuer.begin_again()

    async def comes(self, browser: Browser, path: str = "/sign-in/broker", **changed: str) -> ClientResponse:
        """Somebody goes to the broker, signs in there and comes back; what is changed on the way back."""
        back = self.issuer.answers(await browser.get(path)) | changed
        return await browser.get(f"/callback/broker?{urlencode(back)}")

    async def linked(self, browser: Browser, actor: str) -> None:
        """They use an invitation, and are in."""
        response = await self.comes(browser, f"/sign-in/broker?code={self.invite(actor)}&next=/rules")
        assert (response.status, response.headers.get("Location")) == (303, "/rules"), await response.text()


async def is_in(browser: Browser) -> str:
    """Who the console thinks they are; "" nobody."""
    response = await browser.get("/account")
    return (await response.text()).partition("<h1>")[2].partition("</h1>")[0] if response.status == 200 else ""


@asynccontextmanager
async def office(furnished: Path, folder: Path, clock: Clock, **settings: str) -> AsyncIterator[Office]:
    """A console over a copy of a furnished state, and its broker."""
    shutil.copytree(furnished, folder / "var")
    issuer, port = Issuer(clock), free_port()
    environ = {
        "STATE__FOLDER": str(folder / "var"),
        "SSO__ISSUER": issuer.origin,
        "SSO__ENVIRONMENT": "development",
        "CONSOLE__PUBLIC": f"http://127.0.0.1:{port}",
        "CONSOLE__SECRET": SECRET,
    } | settings
    with Desk.open(settings_with({f"DVC_EDGE__{name}": value for name, value in environ.items()}), clock) as desk:
        async with (
            TestServer(issuer.app(), port=issuer.port),
            TestServer(create_console(desk, secure=False), port=port) as server,
        ):
            yield Office(desk, issuer, server.make_url("/"))
