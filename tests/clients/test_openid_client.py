"""openid-client, the certified library of the Node world, signs in with us as a system would."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from proxy.pages import Pages
from sso.stores.valkey import ValkeyStore
from sso.vocabulary import Level
from tests.sign_in_peers.issuer import (
    AN,
    BINH,
    CLIENTS,
    EC_FAPI,
    HOME,
    SECRET,
    Answer,
    Browser,
    Desk,
    free_port,
    issuing,
)
from tests.sign_in_peers.provinces import deliver, end_session, frames, province

FOLDER = Path(__file__).parent
PATIENCE_SECONDS = 60


@dataclass
class Library:
    """openid-client in its own process."""

    process: asyncio.subprocess.Process

    async def do(self, step: str, **rest: Any) -> Any:
        answer = await self.tried(step, **rest)
        assert "ok" in answer, answer
        return answer["ok"]

    async def tried(self, step: str, **rest: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": step, **rest}).encode() + b"\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_SECONDS)
        return dict(json.loads(line))


@asynccontextmanager
async def library() -> AsyncIterator[Library]:
    node = shutil.which("node")
    assert node, "node is missing: make test installs it"
    assert (FOLDER / "node_modules/openid-client").is_dir(), "openid-client is missing: make test installs it"
    process = await asyncio.create_subprocess_exec(
        node, FOLDER / "openid_client.mjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Library(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def world(state: ValkeyStore, pages: Pages) -> AsyncIterator[tuple[Desk, Library]]:
    """An issuer at the address that it names itself by, on the clock of the day."""
    port = free_port()
    async with issuing(state, pages, issuer=f"http://localhost:{port}", port=port) as desk, library() as lib:
        desk.clock.now = int(time.time())
        yield desk, lib


async def visit(desk: Desk, browser: Browser, url: str) -> Answer:
    """What a browser does: it goes to the issuer, by home if it must, and back."""
    answer = await browser.get(url)
    if answer.location.startswith(HOME):
        answer = await desk.come_back(browser, answer)
    return answer


async def test_a_whole_journey_by_a_secret(state: ValkeyStore, pages: Pages) -> None:
    async with world(state, pages) as (desk, lib):
        issuer, browser = desk.broker.issuer, desk.browser()
        back = {"redirect_uri": "https://alpha.example/cb"}
        assert await lib.do("discover", issuer=issuer, id="alpha", secret=SECRET) == issuer
        # Sign in.
        url = await lib.do("begin", parameters={**back, "scope": "openid profile offline_access"})
        first = await lib.do("finish", url=(await visit(desk, browser, url)).location)
        assert first["claims"]["acr"] == Level.TWO.acr
        assert (await lib.do("userinfo"))["name"] == AN.name
        # Refresh.
        assert await lib.do("refresh") == "bearer"
        assert (await lib.do("introspect"))["active"] is True
        await lib.do("revoke")
        # Silently.
        url = await lib.do("begin", parameters={**back, "prompt": "none"})
        answer = await browser.get(url)
        silent = await lib.do("finish", url=answer.location)
        assert silent["claims"]["sub"] == first["claims"]["sub"]
        assert silent["claims"]["sid"] == first["claims"]["sid"]
        # Anew, because the last time is too long ago.
        desk.clock.now += 20
        url = await lib.do("begin", parameters={**back, "max_age": "10"})
        answer = await browser.get(url)
        assert answer.location.startswith(HOME)
        again = await lib.do("finish", url=(await desk.come_back(browser, answer)).location)
        assert again["claims"]["auth_time"] >= first["claims"]["auth_time"] + 20
        # Out, back to where the client asked for, and then not silently any more.
        leaving = {"post_logout_redirect_uri": "https://alpha.example/out", "state": "a state"}
        left = await browser.get(await lib.do("leave", parameters=leaving))
        assert (left.status, left.location) == (303, "https://alpha.example/out?state=a%20state")
        url = await lib.do("begin", parameters={**back, "prompt": "none"})
        refused = await lib.tried("finish", url=(await browser.get(url)).location)
        assert refused["error"] == "login_required"


async def test_a_sign_out_elsewhere_is_heard_by_the_back_channel(state: ValkeyStore, pages: Pages) -> None:
    async with province() as server, world(state, pages) as (desk, lib):
        desk.broker.clients = {**CLIENTS, "alpha": replace(CLIENTS["alpha"], backchannel_logout_uri=server.address)}
        browser, back = desk.browser(), {"redirect_uri": "https://alpha.example/cb"}
        await lib.do("discover", issuer=desk.broker.issuer, id="alpha", secret=SECRET)
        url = await lib.do("begin", parameters=back)
        signed_in = await lib.do("finish", url=(await visit(desk, browser, url)).location)
        await end_session(desk, browser, "beta")
        assert await deliver(desk) == 1
        (token,) = server.tokens
        assert await lib.do("heard", token=token) == signed_in["claims"]["sid"]
        head, _, signature = token.rpartition(".")
        assert "error" in await lib.tried("heard", token=f"{head}.{signature[::-1]}")


async def test_a_sign_out_elsewhere_is_heard_by_a_frame(state: ValkeyStore, pages: Pages) -> None:
    async with world(state, pages) as (desk, lib):
        alpha = replace(CLIENTS["alpha"], frontchannel_logout_uri="https://alpha.example/front?x=1")
        desk.broker.clients = {**CLIENTS, "alpha": alpha}
        browser, back = desk.browser(), {"redirect_uri": "https://alpha.example/cb"}
        await lib.do("discover", issuer=desk.broker.issuer, id="alpha", secret=SECRET)
        url = await lib.do("begin", parameters=back)
        signed_in = await lib.do("finish", url=(await visit(desk, browser, url)).location)
        (frame,) = frames(await end_session(desk, browser, "beta"))
        assert frame.startswith("https://alpha.example/front?x=1&")
        told = dict(parse_qsl(urlsplit(frame).query))
        assert (told["iss"], told["sid"]) == (signed_in["claims"]["iss"], signed_in["claims"]["sid"])


async def test_a_step_up(state: ValkeyStore, pages: Pages) -> None:
    async with world(state, pages) as (desk, lib):
        browser, back = desk.browser(), {"redirect_uri": "https://alpha.example/cb"}
        await lib.do("discover", issuer=desk.broker.issuer, id="alpha", secret=SECRET)
        desk.home.person = BINH
        url = await lib.do("begin", parameters=back)
        low = await lib.do("finish", url=(await visit(desk, browser, url)).location)
        assert low["claims"]["acr"] == Level.ONE.acr
        url = await lib.do("begin", parameters={**back, "acr_values": Level.TWO.acr})
        page = await browser.get(url)
        assert page.status == 200
        before = dict(browser.cookies)
        left = await browser.post("/step-up", {**page.form(), "answer": "allow"})
        desk.home.person = replace(BINH, level=2)
        high = await lib.do("finish", url=(await desk.come_back(browser, left)).location)
        assert high["claims"]["acr"] == Level.TWO.acr
        assert high["claims"]["sub"] == low["claims"]["sub"]
        assert before["sign-in"] != browser.cookies["sign-in"]  # 8. session fixation


async def test_fapi2_by_a_key_with_par_and_dpop(state: ValkeyStore, pages: Pages) -> None:
    async with world(state, pages) as (desk, lib):
        assert CLIENTS["gamma"].profile == "fapi2"
        await lib.do("discover", issuer=desk.broker.issuer, id="gamma", key=EC_FAPI.as_dict(private=True))
        parameters = {"redirect_uri": "https://gamma.example/cb", "scope": "openid email offline_access"}
        url = await lib.do("begin", parameters=parameters, dpop=True, push=True)
        assert "request_uri=" in url
        made = await lib.do("finish", url=(await visit(desk, desk.browser(), url)).location)
        assert made["type"] == "dpop"
        assert (await lib.do("userinfo"))["email"] == AN.email
        assert await lib.do("refresh") == "dpop"
        assert (await lib.do("introspect"))["cnf"]
