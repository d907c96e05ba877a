"""Somebody who goes where pages lead, as a browser would: with cookies, buttons and an end."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.walker import Page, Test, Walker
from sso.model import Client
from tests.proxy.test_readiness import issuer

FORM = """
<form method="post" action="/choose"><input type="hidden" name="kept" value="a&amp;b">
<button name="upstream" value="vnconnect">A</button><button name="upstream" value="vneid">B</button></form>
"""


async def test_a_walker_presses_the_button_of_its_upstream_and_sends_what_the_form_keeps() -> None:
    async with issuer({"/": FORM, "/choose": "<p>done</p>"}) as (name, asked), Walker(Test(name)) as walker:
        page = await walker.go(f"{name}/")
    assert page.text == "<p>done</p>"
    assert asked[-1] == ("/choose", "kept=a%26b&upstream=vneid")


def test_only_a_redirect_leads_on() -> None:
    assert Page("http://x/", 200, {"location": "/y"}, "").location == ""
    assert Page("http://x/", 303, {"location": "/y"}, "").location == "/y"


async def test_cookies_go_back_to_where_they_came_from() -> None:
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Cookie", ""))
        return web.Response(headers={"Set-Cookie": "session=1; Path=/"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app, host="127.0.0.1") as server, Walker(Test("http://a.localhost")) as walker:
        for host in ("a.localhost", "a.localhost", "b.localhost"):
            await walker.go(f"http://{host}:{server.port}/")
    assert heard == ["", "session=1", ""]


async def test_who_is_led_in_circles_gives_up() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app, host="127.0.0.1") as server, Walker(Test("http://a.localhost")) as walker:
        page = await walker.go(f"http://a.localhost:{server.port}/")
    assert page.status == 302
    assert len(walker.seen) == 20


async def test_a_walk_ends_before_the_address_at_which_it_should() -> None:
    """A client's own address: what it would answer is none of ours."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": "https://client.example/cb?code=1"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app, host="127.0.0.1") as server, Walker(Test("http://a.localhost")) as walker:
        page = await walker.go(f"http://a.localhost:{server.port}/", until="https://client.example/cb")
    assert (page.address, page.status) == ("https://client.example/cb?code=1", 0)
    assert len(walker.seen) == 1


# how a client proves itself     what its own program sends besides
CLIENTS = [
    ("client_secret_basic",      "Basic YTpz", "x=1"),
    ("client_secret_post",       "",           "x=1&client_id=a&client_secret=s"),
]  # fmt: skip


@pytest.mark.parametrize(("way", "header", "form"), CLIENTS)
async def test_a_clients_program_proves_itself_in_its_own_way(way: str, header: str, form: str) -> None:
    heard: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append((request.headers.get("Authorization", ""), await request.text()))
        return web.Response(text="[]")

    client = Client(id="a", name={"vi": "x"}, sector="s", authentication=way)  # type: ignore[arg-type]  # one of them
    app = web.Application()
    app.router.add_post("/token", answer)
    async with TestServer(app, host="127.0.0.1") as server, Walker(Test(f"http://a.localhost:{server.port}")) as walker:
        told = await walker.as_client(client, "s", "/token", {"x": "1"})
    assert told == (200, {}), "what is no object says nothing"
    assert heard == [(header, form)]


async def test_outside_its_block_nobody_walks() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Walker(Test("http://a.localhost")).ask("http://a.localhost/")
