"""Apache with mod_auth_openidc, which many provincial systems stand behind, signs in with us."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientConnectionError
from yarl import URL

from proxy.pages import Pages
from sso.logout import EVENT
from sso.stores.valkey import ValkeyStore
from sso.vocabulary import Level
from tests.sign_in_peers.issuer import (
    AN,
    BINH,
    CLIENTS,
    HOME,
    HOME_KEY,
    SECRET,
    Answer,
    Browser,
    Desk,
    client,
    free_port,
    issuing,
    signed,
)
from tests.sign_in_peers.provinces import deliver, end_session, frames

MODULES = Path("/usr/lib/apache2/modules")
START_SECONDS = 30

CONFIGURATION = """
ServerRoot {folder}
PidFile {folder}/pid
Listen 127.0.0.1:{port}
ServerName localhost
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
Mutex file:{folder}
{modules}
DocumentRoot {folder}/site
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret {secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCResponseType code
OIDCScope "openid profile offline_access"
OIDCPKCEMethod S256
OIDCRedirectURI http://localhost:{port}/secure/callback
OIDCDefaultLoggedOutURL http://localhost:{port}/out/
OIDCCryptoPassphrase {secret}
OIDCInfoHook iat access_token id_token userinfo session
OIDCSSLValidateServer Off
OIDCCookieSameSite On
<Location /secure>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /strong>
  AuthType openid-connect
  OIDCPathAuthRequestParams acr_values={level}
  <RequireAny>
    Require claim acr:{level}
  </RequireAny>
  OIDCUnAutzAction auth
</Location>
"""
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc")


@dataclass
class Province:
    """Apache as a province runs it, and a browser that goes between it and the issuer."""

    desk: Desk
    port: int
    browser: Browser
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    async def get(self, url: str) -> Answer:
        """One request to Apache, with its own cookies."""
        own = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        target = URL(f"http://127.0.0.1:{self.port}{url.removeprefix(self.origin)}", encoded=True)
        headers = {**own, "Host": f"localhost:{self.port}"}
        async with self.desk.http.get(target, headers=headers, allow_redirects=False) as got:
            lines = tuple(got.headers.getall("Set-Cookie", []))
            for line in lines:
                for name, morsel in SimpleCookie(line).items():
                    if morsel.value and morsel["max-age"] != "0" and "1970" not in morsel["expires"]:
                        self.cookies[name] = morsel.value
                    else:
                        self.cookies.pop(name, None)
            return Answer(got.status, dict(got.headers), await got.read(), lines)

    async def visit(self, url: str) -> tuple[Answer, list[str]]:
        """Follow to where it ends: the last answer, and all hosts on the way."""
        way: list[str] = []
        for _ in range(12):
            way.append(urlsplit(url).netloc)
            if url.startswith(HOME):
                url = self.desk.home.approve(url)
                continue
            at_issuer = url.startswith(self.desk.broker.issuer)
            answer = await self.browser.get(url) if at_issuer else await self.get(url)
            if not answer.location:
                return answer, way
            url = answer.location if "://" in answer.location else self.origin + answer.location
        raise AssertionError(f"a loop: {way}")


@asynccontextmanager
async def apache(folder: Path, port: int, issuer: str) -> AsyncIterator[None]:
    program = shutil.which("apache2") or "/usr/sbin/apache2"
    assert (MODULES / "mod_auth_openidc.so").exists(), "mod_auth_openidc is missing: make test installs it"
    for name in ("secure", "strong"):
        (folder / "site" / name).mkdir(parents=True)
        (folder / "site" / name / "index.html").write_text(f"the form of {name}")
    (folder / "site/out").mkdir()
    (folder / "site/out/index.html").write_text("out")
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
    text = CONFIGURATION.format(
        folder=folder, port=port, issuer=issuer, secret=SECRET, modules=modules, level=Level.TWO.acr
    )
    (folder / "apache.conf").write_text(text)
    arguments = [program, "-X", "-D", "FOREGROUND", "-f", str(folder / "apache.conf")]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.DEVNULL)
    try:
        yield
    finally:
        assert process.returncode is None, (folder / "error.log").read_text() if (folder / "error.log").exists() else ""
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def province(
    state: ValkeyStore, pages: Pages, folder: Path, *, hears_by: Literal["back", "front"] = "back"
) -> AsyncIterator[Province]:
    port, own = free_port(), free_port()
    callback = f"http://localhost:{own}/secure/callback"
    record = client(
        "apache",
        redirect_uris=(callback,),
        post_logout_redirect_uris=(f"http://localhost:{own}/out/",),
        # Where the module takes them: its own redirect URI (its wiki, "OIDC Logout").
        backchannel_logout_uri=f"{callback}?logout=backchannel" if hears_by == "back" else None,
        # Pages show frames of https alone: as if Apache stood behind TLS.
        frontchannel_logout_uri=f"{callback}?logout=get".replace("http:", "https:") if hears_by == "front" else None,
    )
    clients = {**CLIENTS, "apache": record}
    async with (
        issuing(state, pages, issuer=f"http://localhost:{port}", port=port, clients=clients) as desk,
        apache(folder, own, desk.broker.issuer),
    ):
        desk.clock.now = int(time.time())
        made = Province(desk, own, desk.browser())
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    await made.get("/out/")
                    break
                except ClientConnectionError:
                    await asyncio.sleep(0.05)
        yield made


async def test_a_whole_journey(state: ValkeyStore, pages: Pages, tmp_path: Path) -> None:
    async with province(state, pages, tmp_path) as there:
        # Sign in: one dialog, and the form.
        page, way = await there.visit(f"{there.origin}/secure/index.html")
        assert (page.status, page.text) == (200, "the form of secure")
        assert way.count(urlsplit(HOME).netloc) == 1
        info = await told(there)
        assert info["userinfo"]["name"] == AN.name
        assert info["id_token"]["acr"] == Level.TWO.acr
        # Refresh, as a page of the system would ask for it.
        query = urlencode({"refresh": f"{there.origin}/secure/index.html", "access_token": info["access_token"]})
        refreshed = await there.get(f"/secure/callback?{query}")
        assert (refreshed.status, refreshed.location) == (302, f"{there.origin}/secure/index.html")
        renewed = await told(there)
        assert renewed["access_token"] != info["access_token"]
        assert renewed["id_token"]["sub"] == info["id_token"]["sub"]
        # Silently: Apache has forgotten its session, and nobody is asked again.
        there.cookies.clear()
        page, way = await there.visit(f"{there.origin}/secure/index.html")
        assert page.text == "the form of secure"
        assert urlsplit(HOME).netloc not in way
        # Out at Apache and at the issuer, and back to where Apache asked for; then a dialog again.
        leaving = f"{there.origin}/secure/callback?{urlencode({'logout': f'{there.origin}/out/'})}"
        out, way = await there.visit(leaving)
        assert (out.status, out.text) == (200, "out")
        assert urlsplit(there.desk.broker.issuer).netloc in way
        page, way = await there.visit(f"{there.origin}/secure/index.html")
        assert way.count(urlsplit(HOME).netloc) == 1


async def told(there: Province) -> dict[str, Any]:
    answer = await there.get("/secure/callback?info=json")
    assert answer.status == 200, answer.text
    return dict(json.loads(answer.body))


async def test_a_step_up(state: ValkeyStore, pages: Pages, tmp_path: Path) -> None:
    async with province(state, pages, tmp_path) as there:
        there.desk.home.person = BINH
        page, _ = await there.visit(f"{there.origin}/secure/index.html")
        assert page.text == "the form of secure"
        page, way = await there.visit(f"{there.origin}/strong/index.html")
        assert page.form()["request"], way
        there.desk.home.person = replace(BINH, level=2)
        left = await there.browser.post("/step-up", {**page.form(), "answer": "allow"})
        page, _ = await there.visit(left.location)
        assert page.text == "the form of strong"


async def test_signed_out_elsewhere_it_hears_by_the_back_channel(
    state: ValkeyStore, pages: Pages, tmp_path: Path
) -> None:
    async with province(state, pages, tmp_path) as there:
        await there.visit(f"{there.origin}/secure/index.html")
        assert (await there.get("/secure/index.html")).text == "the form of secure"
        await end_session(there.desk, there.browser, "beta")
        assert (await there.get("/secure/index.html")).text == "the form of secure"  # nobody has told it yet
        assert await deliver(there.desk) == 1
        (heard,) = (await there.desk.store.deliveries("apache"))["apache"]
        assert (heard.state, heard.last_error) == ("delivered", "")
        sent = await there.get("/secure/index.html")
        assert sent.location.startswith(f"{there.desk.broker.issuer}/authorize?")


async def test_a_logout_token_that_is_not_ours_ends_nothing(state: ValkeyStore, pages: Pages, tmp_path: Path) -> None:
    async with province(state, pages, tmp_path) as there:
        await there.visit(f"{there.origin}/secure/index.html")
        info = await told(there)
        now = there.desk.clock.now
        claims = {"iss": there.desk.broker.issuer, "aud": "apache", "sid": info["id_token"]["sid"], "iat": now}
        forged = signed({**claims, "exp": now + 120, "jti": "x", "events": {EVENT: {}}}, HOME_KEY)
        target = f"http://127.0.0.1:{there.port}/secure/callback?logout=backchannel"
        async with there.desk.http.post(target, data={"logout_token": forged}) as refused:
            assert refused.status == 400
        assert (await there.get("/secure/index.html")).text == "the form of secure"


async def test_signed_out_elsewhere_it_hears_by_a_frame(state: ValkeyStore, pages: Pages, tmp_path: Path) -> None:
    async with province(state, pages, tmp_path, hears_by="front") as there:
        await there.visit(f"{there.origin}/secure/index.html")
        (frame,) = frames(await end_session(there.desk, there.browser, "beta"))
        heard = await there.get(frame.replace("https:", "http:"))
        assert heard.status == 200
        assert "no-store" in heard.headers["Cache-Control"]
        sent = await there.get("/secure/index.html")
        assert sent.location.startswith(f"{there.desk.broker.issuer}/authorize?")
