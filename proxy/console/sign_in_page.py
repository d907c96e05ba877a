"""The page on which officers sign in, whatever came of an attempt."""

import asyncio

from aiohttp import web

from proxy.console.app import Console, is_ours
from proxy.console.calls import Show
from proxy.console.views import SignIn, Wrong


async def sign_in_page(
    console: Console, request: web.Request, *, actor: str = "", wrong: Wrong = (), goal: str = "", status: int = 200
) -> web.Response:
    """It, with what is wrong."""
    goal = goal or request.query.get("next", "/")
    settings, people = console.desk.settings.console, console.desk.people
    with_password = await asyncio.to_thread(passwords_count, console)
    if not with_password:
        with_password = await asyncio.to_thread(people.has_open_password, now=console.desk.clock())
    view = SignIn(
        goal if is_ours(goal) else "/", actor, wrong, by_broker=settings.by_broker, with_password=with_password
    )
    return console.shown(Show("sign_in.html", view, status), console.frame(request, None, None))


def passwords_count(console: Console) -> bool:
    """Whether anybody's password signs them in: until an administrator has come by the broker."""
    settings = console.desk.settings.console
    if not settings.by_broker or settings.passwords == "keep":
        return True
    return console.desk.people.passwords_closed_at() is None
