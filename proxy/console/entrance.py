"""Signing in with a password, until the broker knows the officers, and out; never a hint whether a name exists."""

import asyncio
import logging
from dataclasses import dataclass, replace

from aiohttp import web

from proxy.console import passwords
from proxy.console.app import Console
from proxy.console.broker_entrance import BrokerEntrance
from proxy.console.calls import Show
from proxy.console.sign_in_page import passwords_count, sign_in_page
from proxy.console.views import Leaving
from redirect_rules.people import Password

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """The pages that need no session."""

    console: Console
    broker: BrokerEntrance | None = None

    def add_to(self, app: web.Application) -> None:
        """Answer under their paths."""
        app.router.add_get("/sign-in", self._page)
        app.router.add_post("/sign-in", self._sent)
        app.router.add_post("/sign-out", self._out)
        if self.broker is not None:
            self.broker.add_to(app)

    async def _page(self, request: web.Request) -> web.Response:
        return await sign_in_page(self.console, request)

    async def _sent(self, request: web.Request) -> web.Response:
        form, _ = await self.console.form(request, None)
        actor, password, code, goal = form.get("actor"), form.raw("password"), form.get("code"), form.get("next", "/")
        verdict = await asyncio.to_thread(self._judged, actor, password, code)
        if not verdict.ok:
            locked = verdict.locked_until is not None
            _LOG.warning("sign-in refused%s", ": the account waits" if locked else "")
            wrong = ("password", "locked" if locked else "wrong-password")
            return await sign_in_page(self.console, request, actor=actor, wrong=(wrong,), goal=goal, status=401)
        return await self.console.let_in(request, actor, goal, way="password")

    def _judged(self, actor: str, password: str, code: str) -> passwords.Verdict:
        people, now = self.console.desk.people, self.console.desk.clock()
        kept = people.password(actor)
        if kept is not None and not self._is_open(kept):
            kept = None  # as if there were none: nobody is told which names have a password
        verdict = passwords.judge(kept, password, now=now)
        if verdict.ok and kept is not None and kept.totp:
            step = passwords.totp_agrees(kept.totp, code, now=now)
            if step is not None and people.use_step(actor, step):
                kept = replace(kept, last_step=step)  # lest a stronger hash is kept together with the step before
            else:
                verdict = passwords.refused(kept, now=now)
        if kept is not None and verdict.ok:
            self._tidy(kept, verdict)
        if kept is not None and not verdict.ok and (kept.locked_until is None or now >= kept.locked_until):
            people.count_failure(actor, locked_until=verdict.locked_until)
        return verdict

    def _is_open(self, kept: Password) -> bool:
        """Whether this password is good at all, now that officers may sign in by the broker."""
        if kept.open_until is not None and self.console.desk.clock() < kept.open_until:
            return True
        return passwords_count(self.console)

    def _tidy(self, kept: Password, verdict: passwords.Verdict) -> None:
        """What a right password is an occasion for."""
        people = self.console.desk.people
        if kept.failures:
            people.forget_failures(kept.actor)
        if verdict.rehash:
            people.keep_password(replace(kept, hash=verdict.rehash, failures=0, locked_until=None))
        elif kept.is_stale:
            people.seal_again(kept.actor)

    async def _out(self, request: web.Request) -> web.Response:
        signed_in = await self.console.holder(request)
        await self.console.form(request, signed_in)
        elsewhere: str | None = None
        if signed_in is not None:
            await asyncio.to_thread(self.console.desk.people.end, signed_in.digest)
            elsewhere = await self.broker.farewell(signed_in) if self.broker is not None else None
        if elsewhere is None:
            response = self.console.sent("/sign-in")
        else:
            # A page, and no redirect: a browser follows a form only where our policy lets forms go (CSP3 §6.4.1).
            response = self.console.shown(
                Show("leaving.html", Leaving(elsewhere)), self.console.frame(request, None, None)
            )
        response.del_cookie(self.console.cookies.session, path="/")
        return response
