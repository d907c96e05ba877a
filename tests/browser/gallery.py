"""Every page in every state, served on loopback: `python -m tests.browser.gallery` and open the address it prints.

/<name>            a sample, in the language of ?_lang= or the browser
/<name>?_stay=1    the same without a timer, as the edge would answer
/<name>?_seconds=2 another countdown, for tests that cannot wait half a minute
/_edge/locality    a search that knows three wards
/_edge/notice/WORD where notices tell what became of the countdown
/_edge/nothing     where forms and frames lead: 204, so that a page stays
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from proxy.pages import Page, Pages
from proxy.sign_in_views import SignInTrouble
from proxy.views import Notice, Place, Trouble, View
from tests.browser.samples import RESULTS, SAMPLES

PAGES = web.AppKey("PAGES", Pages)

WARDS = (
    ("new:00004", "Phường Ba Đình", "Thành phố Hà Nội", "Phường Trúc Bạch, Quận Ba Đình"),
    ("new:00008", "Phường Ngọc Hà", "Thành phố Hà Nội", ""),
    ("new:00025", "Phường Giảng Võ", "Thành phố Hà Nội", ""),
)


def make_app(pages: Pages | None = None) -> web.Application:
    """The gallery."""
    app = web.Application()
    app[PAGES] = pages or Pages()
    app.router.add_get("/", index)
    app.router.add_get("/_edge/locality", locality)
    app.router.add_route("*", "/_edge/nothing", nothing)
    app.router.add_post("/_edge/notice/{word}", nothing)
    app.router.add_get("/{name}", show)
    return app


async def index(request: web.Request) -> web.Response:
    items = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in SAMPLES)
    return web.Response(text=f"<!doctype html><title>Gallery</title><ul>{items}</ul>", content_type="text/html")


async def show(request: web.Request) -> web.Response:
    view = SAMPLES.get(request.match_info["name"])
    if view is None:
        raise web.HTTPNotFound
    return respond(request, _asked(view, request.query))


async def nothing(request: web.Request) -> web.Response:
    """Where forms and frames of samples lead: the browser stays where it is."""
    return web.Response(status=204)


async def locality(request: web.Request) -> web.Response:
    words = request.query.get("q", "")
    here = request.query.get("_from", "/")
    join = "&" if "?" in here else "?"
    found = [
        Place(code, name, province, context, f"{here}{join}_place={code}")
        for code, name, province, context in WARDS
        if words and words != "none" and request.query.get("province") in {"", "01", None, "20"}
    ]
    more = 4 if found else 0
    if request.query.get("format") == "json":
        matches = [
            {key: getattr(place, key) for key in ("code", "name", "province", "context", "link")} for place in found
        ]
        return web.json_response({"matches": matches, "more": more})
    return respond(request, replace(RESULTS, query=words, matches=tuple(found), more=more, here=here))


def respond(request: web.Request, view: View) -> web.Response:
    pages = request.app[PAGES]
    language = pages.choose_language(request.headers.get("Accept-Language", ""), request.query.get("_lang"))
    page: Page = pages.render(view, language)
    status = view.status if isinstance(view, Trouble | SignInTrouble) else 200
    headers = {"Content-Security-Policy": page.csp, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(body=page.html, status=status, content_type="text/html", charset="utf-8", headers=headers)


def _asked(view: View, query: Mapping[str, str]) -> View:
    """What the edge does with control parameters, as far as a page can tell."""
    if not isinstance(view, Notice):
        return view
    if "_place" in query:
        chosen = next(Place(*ward, "") for ward in WARDS if ward[0] == query["_place"])
        view = replace(view, locating=replace(view.locating, chosen=chosen, candidates=()))
    if query.get("_stay") == "1":
        return replace(view, seconds=None)
    if "_seconds" in query and view.seconds is not None:
        return replace(view, seconds=int(query["_seconds"]))
    return view


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8090)
    web.run_app(make_app(), host="127.0.0.1", port=parser.parse_args().port)
