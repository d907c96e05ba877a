"""Signing in and out.  With a password until the broker knows the officers; never a hint whether a name exists."""

import asyncio
import logging
from dataclasses import dataclass, replace

from aiohttp import web

from proxy.console import passwords
from proxy.console.app import Console, is_ours
from proxy.console.calls import Show
from proxy.console.sessions import begun
from proxy.console.views import SignIn, Wrong
from redirect_rules.people import Password, digest_of

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """The pages that need no session."""

    console: Console

    def add_to(self, app: web.Application) -> None:
        """Answer under their paths."""
        app.router.add_get("/sign-in", self._page)
        app.router.add_post("/sign-in", self._sent)
        app.router.add_post("/sign-out", self._out)

    async def _page(self, request: web.Request) -> web.Response:
        return await self._show(request)

    async def _show(self, request: web.Request, *, actor: str = "", wrong: Wrong = (), goal: str = "") -> web.Response:
        goal = goal or request.query.get("next", "/")
        view = SignIn(goal if is_ours(goal) else "/", actor, wrong)
        frame = self.console.frame(request, None, None)
        return self.console.shown(Show("sign_in.html", view, 401 if wrong else 200), frame)

    async def _sent(self, request: web.Request) -> web.Response:
        form, _ = await self.console.form(request, None)
        actor, password, code, goal = form.get("actor"), form.raw("password"), form.get("code"), form.get("next", "/")
        kept, verdict = await asyncio.to_thread(self._judged, actor, password, code)
        if not verdict.ok:
            locked = verdict.locked_until is not None
            _LOG.warning("sign-in refused%s", ": the account waits" if locked else "")
            wrong = ("password", "locked" if locked else "wrong-password")
            return await self._show(request, actor=actor, wrong=(wrong,), goal=goal)
        cookie, csrf = self.console.new_secret(), self.console.new_secret()
        people, now = self.console.desk.people, self.console.desk.clock()
        former = request.cookies.get(self.console.cookies.session, "")

        def begin() -> None:
            if former:
                people.end(digest_of(former))
            if kept is not None and verdict.rehash:
                people.keep_password(replace(kept, hash=verdict.rehash, failures=0, locked_until=None))
            people.begin(begun(actor, cookie, csrf, now=now, way="password"))

        await asyncio.to_thread(begin)
        response = self.console.sent(goal)
        self.console.set_cookie(response, self.console.cookies.session, cookie)
        return response

    def _judged(self, actor: str, password: str, code: str) -> tuple[Password | None, passwords.Verdict]:
        people, now = self.console.desk.people, self.console.desk.clock()
        kept = people.password(actor)
        verdict = passwords.judge(kept, password, now=now)
        if verdict.ok and kept is not None and kept.totp:
            step = passwords.totp_agrees(kept.totp, code, now=now)
            if step is not None and people.use_step(actor, step):
                kept = replace(kept, last_step=step)  # lest a stronger hash is kept together with the step before
            else:
                verdict = passwords.refused(kept, now=now)
        if kept is not None and verdict.ok and kept.failures:
            people.forget_failures(actor)
        if kept is not None and not verdict.ok and (kept.locked_until is None or now >= kept.locked_until):
            people.count_failure(actor, locked_until=verdict.locked_until)
        return kept, verdict

    async def _out(self, request: web.Request) -> web.Response:
        signed_in = await self.console.holder(request)
        await self.console.form(request, signed_in)
        if signed_in is not None:
            await asyncio.to_thread(self.console.desk.people.end, signed_in.digest)
        response = self.console.sent("/sign-in")
        response.del_cookie(self.console.cookies.session, path="/")
        return response
