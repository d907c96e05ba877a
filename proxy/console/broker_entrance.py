"""Signing in by the broker, being invited to it, and the broker's word that somebody has signed out."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from proxy.authorities import trusting
from proxy.console import broker
from proxy.console.app import Console, is_ours
from proxy.console.broker import BACK_CHANNEL_PATH, CALLBACK_PATH, LONGEST_GOAL, NAME, SIGNED_OUT_PATH, Begun
from proxy.console.calls import Show
from proxy.console.sign_in_page import sign_in_page
from proxy.console.views import Invited, Wrong
from redirect_rules.invitations import digest_of_code
from redirect_rules.people import InvitationGone, LinkTaken, SignedIn
from redirect_rules.rights import CENTRE, Deed
from sso import logout
from sso.model import Destination
from sso.parameters import Parameters
from sso.refusals import Refusal
from sso.upstreams.aiohttp_fetch import AiohttpFetch
from sso.upstreams.attempts import ATTEMPT_SECONDS, Identified
from sso.upstreams.directory import Upstreams
from sso.upstreams.failures import UpstreamRefused, UpstreamUnavailable
from sso.upstreams.model import Upstream

_LOG = logging.getLogger(__name__)
_LONGEST_TOKEN: Final = 65_536  # octets of a form that brings a logout token
_FROM_ELSEWHERE: Final = frozenset({"cross-site", "same-site"})


@dataclass(slots=True)
class BrokerEntrance:
    """The way in by the broker."""

    console: Console
    upstream: Upstream
    _upstreams: Upstreams | None = None
    _heard: dict[str, int] = field(default_factory=dict)  # jti of logout tokens → until when they could come again

    def add_to(self, app: web.Application) -> None:
        """Answer under its paths."""
        app.cleanup_ctx.append(self._opened)
        app.router.add_get("/sign-in/broker", self._begin)
        app.router.add_get("/invitation", self._invitation)
        app.router.add_get(CALLBACK_PATH, self._finish)
        app.router.add_post(BACK_CHANNEL_PATH, self._back_channel)

    async def _opened(self, _: web.Application) -> AsyncIterator[None]:
        fetch = AiohttpFetch(self.upstream.hosts, trust=trusting())
        self._upstreams = Upstreams({NAME: self.upstream}, fetch, issuer=self.console.desk.settings.console.public)
        yield
        await fetch.close()

    @property
    def upstreams(self) -> Upstreams:
        """The one there is."""
        if self._upstreams is None:
            raise RuntimeError("the console has not been started")
        return self._upstreams

    def _now(self) -> int:
        return int(self.console.desk.clock().timestamp())

    # There

    async def _begin(self, request: web.Request) -> web.Response:
        if request.headers.get("Sec-Fetch-Site") in _FROM_ELSEWHERE:
            return await sign_in_page(self.console, request)  # another site begins nothing here
        goal, code = request.query.get("next", "/"), request.query.get("code", "")
        digest = digest_of_code(code) if code else ""
        if digest is None:
            return await self._show_invitation(request, code)
        goal = goal if is_ours(goal) and len(goal) <= LONGEST_GOAL else "/"
        try:
            attempt, redirect = await self.upstreams.begin(
                NAME,
                Destination(client="console", portal="", host="", target=goal),
                level=broker.level_of(self.console.desk.settings.console),
                browser=None,
                now=self._now(),
                secrets=self.console.new_secret,
                # Whoever is invited shows who they are: not who happens to be signed in at this browser.
                force=bool(digest) or "again" in request.query,
                ui_locales=(self.console.language(request),),
            )
        except (UpstreamRefused, UpstreamUnavailable) as error:
            return await self._refused(request, error, goal)
        mark = next(cookie.value for cookie in redirect.cookies)
        response = self.console.away(redirect.uri, self.upstream.issuer)
        cookie = broker.sealed(Begun(attempt, mark, goal, digest), self.console.desk.seal)
        self.console.set_cookie(response, self.console.cookies.under_way, cookie, seconds=ATTEMPT_SECONDS)
        return response

    async def _invitation(self, request: web.Request) -> web.Response:
        return await self._show_invitation(request, request.query.get("code", ""))

    async def _show_invitation(self, request: web.Request, code: str) -> web.Response:
        people, now = self.console.desk.people, self.console.desk.clock()
        digest = digest_of_code(code)
        found = await asyncio.to_thread(people.invitation, digest, now=now) if digest else None
        mistake = ""
        if code and found is None:
            mistake = "invitation-gone" if digest else "invitation-form"
        wrong = (("code", mistake),) if mistake else ()
        view = Invited(code[:100], found, f"/sign-in/broker?{urlencode({'code': code})}" if found else "", wrong)
        frame = self.console.frame(request, None, None)
        return self.console.shown(Show("invitation.html", view, 404 if wrong else 200), frame)

    # Back

    async def _finish(self, request: web.Request) -> web.Response:
        begun = broker.unsealed(self._cookie(request), self.console.desk.seal)
        try:
            found = await self.upstreams.finish(
                begun.attempt if begun else None,
                Parameters.of(request.rel_url.raw_query_string),
                arrived_at=NAME,
                browser=begun.browser if begun else None,
                now=self._now(),
                secrets=self.console.new_secret,
            )
        except (UpstreamRefused, UpstreamUnavailable) as error:
            response = await self._refused(request, error, begun.goal if begun else "/")
        except Refusal:
            response = await self._told(request, "broker-wrong", status=400)
        else:
            response = await self._recognised(request, begun, found) if begun else self.console.sent("/sign-in")
        response.del_cookie(self.console.cookies.under_way, path="/")
        return response

    def _cookie(self, request: web.Request) -> str:
        """What the browser took along; of two of one name neither is believed (somebody may have planted one)."""
        name = self.console.cookies.under_way
        given = [part for header in request.headers.getall("Cookie", []) for part in header.split(";")]
        found = [part for part in given if part.partition("=")[0].strip() == name]
        return request.cookies.get(name, "") if len(found) == 1 else ""

    async def _recognised(self, request: web.Request, begun: Begun, found: Identified) -> web.Response:
        try:
            actor = await asyncio.to_thread(self._actor, begun, found.identity.subject)
        except InvitationGone:
            return await self._told(request, "invitation-gone", status=403)
        except LinkTaken:
            return await self._told(request, "invitation-taken", status=403)
        if actor is None:
            _LOG.warning("sign-in refused: the broker's account belongs to nobody here")
            return await self._told(request, "broker-stranger", status=403)
        return await self.console.let_in(
            request, actor, begun.goal, way="broker", sid=found.sid or "", id_token=found.id_token or ""
        )

    def _actor(self, begun: Begun, subject: str) -> str | None:
        """Who it is: by their link, which an invitation makes."""
        desk, issuer = self.console.desk, self.upstream.issuer
        if begun.invitation:
            actor: str | None = desk.people.link(
                begun.invitation, issuer=issuer, subject=subject, now=desk.clock()
            ).actor
        else:
            actor = desk.people.linked(issuer, subject)
        if actor is not None and desk.person(actor).may(Deed.EDIT_PEOPLE, CENTRE):
            desk.people.close_passwords(actor, now=desk.clock())
        return actor

    async def _refused(
        self, request: web.Request, error: UpstreamRefused | UpstreamUnavailable, goal: str
    ) -> web.Response:
        _LOG.warning("sign-in by the broker refused: %s %s", error.cause.speakable, error.detail)
        status = 503 if isinstance(error, UpstreamUnavailable) else 403
        return await self._told(request, broker.mistake_of(error), status=status, goal=goal)

    async def _told(self, request: web.Request, mistake: str, *, status: int, goal: str = "/") -> web.Response:
        wrong: Wrong = (("broker", mistake),)
        return await sign_in_page(self.console, request, wrong=wrong, goal=goal, status=status)

    # Out

    async def farewell(self, signed_in: SignedIn) -> str | None:
        """Where somebody who signs out here ends the broker's session too (RP-Initiated Logout §2)."""
        if signed_in.way != "broker":
            return None
        public = self.console.desk.settings.console.public
        return await self.upstreams.end_session_uri(
            NAME, id_token=signed_in.id_token or None, back_to=f"{public}{SIGNED_OUT_PATH}", state="", now=self._now()
        )

    async def _back_channel(self, request: web.Request) -> web.Response:
        """The broker says that somebody has signed out (Back-Channel Logout §2.5 to §2.8)."""
        now = self._now()
        try:
            token = Parameters.of(await _body(request)).single().get("logout_token") or ""
            claims = await self.upstreams.signed_claims(NAME, token, logout.TOKEN_TYPES, now)
            said = logout.judged(claims, now)
        except UpstreamUnavailable:
            return _program(503, "temporarily_unavailable")
        except Refusal as refusal:
            _LOG.warning("a logout token was refused: %s", refusal.detail or refusal.cause.speakable)
            return _program(400, "invalid_request")
        if not self._is_new(said.jti, now):
            return _program(400, "invalid_request")
        ended = await asyncio.to_thread(self._end, said)
        _LOG.info("the broker has signed somebody out: %d sessions of the console ended", ended)
        return web.Response(status=200)

    def _is_new(self, jti: str, now: int) -> bool:
        self._heard = {one: until for one, until in self._heard.items() if until > now}
        if jti in self._heard:
            return False
        self._heard[jti] = now + 2 * logout.TOKEN_SECONDS
        return True

    def _end(self, said: logout.UpstreamLogout) -> int:
        people = self.console.desk.people
        if said.sid:
            return people.end_by_sid(said.sid)
        actor = people.linked(self.upstream.issuer, said.subject or "")
        return people.end_by_broker(actor) if actor else 0


async def _body(request: web.Request) -> str:
    """A small form.  Raises Refusal, as for any that cannot be read."""
    octets = bytearray()
    async for piece in request.content.iter_any():
        octets += piece
        if len(octets) > _LONGEST_TOKEN:
            raise web.HTTPRequestEntityTooLarge(_LONGEST_TOKEN, len(octets))
    return octets.decode("ascii", "replace")


def _program(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status, headers={"Cache-Control": "no-store"})
