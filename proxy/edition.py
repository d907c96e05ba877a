"""Everything that changes together when rules are published, and how a visit is answered under it.

One visit, from request to response: read it, decide, and one `match` that answers.  What is decided here: nothing.
`redirect_rules.decision` decides, `responses` and `pages` say it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, assert_never

from aiohttp.web import BaseRequest, Response, StreamResponse

from proxy import compression, responses, site_files, views
from proxy.access_log import Entry
from proxy.audiences import Facts, classes_of
from proxy.config import Settings
from proxy.fast_lane import FastLane
from proxy.forms import read_form
from proxy.locality_choice import LocalityChoice
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.presentation import Here, Presenter
from proxy.responses import HOUR, NO_STORE
from proxy.visits import PLACE_COOKIE, Arrival, Refused, arrival_from, remembered_place
from redirect_rules.answers import (
    AllowPreflight,
    EndStream,
    Forward,
    NotAhead,
    RefuseVisit,
    RetireWorker,
    SayGoneBriefly,
    SayGonePage,
    SayNotSent,
    SayProblem,
    SayUnknown,
    SendAway,
    ShowFramed,
    ShowNotice,
    ShowRobots,
    ShowSecurityContact,
    ShowSitemap,
    SteerHtmx,
)
from redirect_rules.decision import OUR_PREFIX, BadRequest, Decision, WrongHost, decide
from redirect_rules.model import ClientClass

RETRY_SECONDS: Final = 300
"""How soon a service that is being moved is worth another try."""

_PROGRAMS = frozenset({ClientClass.XHR, ClientClass.API})
_SILENT = frozenset({ClientClass.ASSET, ClientClass.WEBSOCKET, ClientClass.EVENTSOURCE})


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on its way through: what is needed to answer it."""

    request: BaseRequest
    arrival: Arrival
    now: datetime
    id: str
    language: str


class Answered(NamedTuple):
    """An answer, with what there is to tell about it."""

    entry: Entry
    response: StreamResponse
    decision: Decision | None = None  # None: about no page of a portal
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """The rules in force and all that is made of them.  A request sees one edition from its first octet to its last."""

    packs: Packs
    pages: Pages
    settings: Settings
    clock: Callable[[], datetime]
    presenter: Presenter
    choice: LocalityChoice
    lane: FastLane | None  # None: everything goes down the slow lane

    async def answered(self, request: BaseRequest, request_id: str) -> Answered:
        """Answer a request.  What goes wrong inside becomes a page, and a traceback in the log."""
        try:
            suffixes = self.settings.preview.host_suffixes
            arrival = arrival_from(request, suffixes=suffixes, crawlers=self.packs.crawlers)
        except Refused as refused:
            response = self.trouble(request, refused.status, refused.reason, request_id)
            return Answered(Entry(outcome="refuse", note=refused.reason), response)
        accepts = request.headers.get("Accept-Language", "")
        language = self.pages.choose_language(accepts, arrival.controls.language)
        turn = Turn(request, arrival, self.clock(), request_id, language)
        try:
            return await self._decided(turn)
        except Exception:
            logging.getLogger(__name__).exception("request %s failed", request_id)
            return Answered(Entry(outcome="error"), self.trouble(request, 500, "internal", request_id))

    def facts(self, turn: Turn) -> Facts:
        """Everything but the target that the answer to a GET or HEAD depends on."""
        visit, headers = turn.arrival.visit, turn.request.headers
        return Facts(
            visit.method,
            visit.host,
            classes_of(visit.method, turn.arrival.headers, self.packs.crawlers),
            self.pages.choose_language(headers.get("Accept-Language", "")),
            compression.chosen(headers.get("Accept-Encoding", "")),
            remembered_place(headers.get("Cookie", "")),
        )

    async def _decided(self, turn: Turn) -> Answered:
        decision = decide(turn.arrival.visit, self.packs.snapshot, turn.now)
        match decision:
            case WrongHost():
                page = self.trouble(turn.request, 421, "wrong-host", turn.id)
                return Answered(Entry(outcome="refuse", note="wrong-host"), page)
            case BadRequest(portal, _):
                page = self.trouble(turn.request, 400, "bad-request", turn.id)
                return Answered(Entry(portal=portal.id, outcome="refuse", note="bad-request"), page)
            case Decision():
                if decision.key.folded[:1] == (OUR_PREFIX,):
                    page = await self._our_own(turn, decision)
                    return Answered(Entry(portal=decision.portal.id, outcome="ours"), page)
                return Answered(Entry.of(decision), await self._respond(turn, decision), decision, turn)
            case never:
                assert_never(never)

    async def _respond(  # noqa: C901, PLR0912 - one line for each answer there is; mypy proves that none is missing
        self, turn: Turn, decision: Decision
    ) -> StreamResponse:
        headers = responses.common_headers(turn.id) | responses.closed_headers(decision)
        match decision.answer:
            case ShowNotice(ask):
                return await self._notice(turn, decision, headers, ask=ask)
            case SendAway():
                return self._send_away(decision, headers)
            case SayNotSent():
                return await self._not_sent(turn, decision, headers)
            case SayGonePage():
                return await self._page(turn, 410, self.presenter.gone(decision, now=turn.now), headers)
            case ShowFramed():
                return await self._page(turn, 200, self.presenter.framed(decision), headers)
            case SayGoneBriefly(cacheable, body):
                return self._gone_briefly(decision, headers, cacheable=cacheable, body=body)
            case SayUnknown():
                return responses.text(404, f"{_gone_line(decision)}\n", headers, cache=HOUR)
            case SayProblem(status):
                return _problem(decision, status, headers)
            case AllowPreflight():
                return _preflight(headers)
            case SteerHtmx(to_notice):
                return _steer(decision, headers, to_notice=to_notice)
            case EndStream():
                return responses.empty(204, headers, cache=NO_STORE)
            case NotAhead():
                return responses.empty(503, headers, cache=NO_STORE)
            case RefuseVisit():
                return responses.text(403, "Refused.\n", headers, cache=NO_STORE)
            case Forward():
                return self._forward(turn, decision)
            case RetireWorker(manifest):
                return _retire(headers, manifest=manifest)
            case ShowRobots():
                return responses.text(200, site_files.robots(decision.key.host), headers, cache=HOUR)
            case ShowSitemap():
                return self._sitemap(turn, decision, headers)
            case ShowSecurityContact():
                return self._security_contact(turn, decision, headers)
            case never:
                assert_never(never)

    async def _page(self, turn: Turn, status: int, view: views.View, headers: dict[str, str]) -> Response:
        """A page for people.  Making one takes milliseconds (QR code, packing), in which others are answered."""

        def made() -> Response:
            page = self.pages.render(view, turn.language)
            return responses.page(
                turn.request, status, page, {"Cache-Control": NO_STORE, **headers}, language=turn.language
            )

        return await asyncio.to_thread(made)

    async def _notice(self, turn: Turn, decision: Decision, headers: dict[str, str], *, ask: bool) -> Response:
        controls = turn.arrival.controls
        view = self.presenter.notice(
            decision, now=turn.now, stay=controls.stay, ask=ask, language=controls.language or ""
        )
        response = await self._page(turn, 200, view, headers)
        if controls.forgets_place:
            response.del_cookie(PLACE_COOKIE, path="/")
        elif controls.chose_place and turn.arrival.visit.place is not None:
            self._remember(response, str(turn.arrival.visit.place))
        return response

    def _remember(self, response: Response, place: str) -> None:
        if days := self.settings.notice.remember_place_days:
            lifetime = int(timedelta(days=days).total_seconds())
            response.set_cookie(PLACE_COOKIE, place, max_age=lifetime, path="/", httponly=True, samesite="Lax")

    def _send_away(self, decision: Decision, headers: dict[str, str]) -> Response:
        if decision.way is None:
            raise LookupError("a redirect that leads nowhere")
        status = 301 if decision.permanent else 302
        # A target that depends on the visitor's own choice is not everybody's.
        cache = "private, max-age=3600" if decision.way.place is not None else HOUR
        return responses.redirect(status, decision.way.target, headers, cache=cache)

    async def _not_sent(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        form = await read_form(turn.request, limit=self.settings.limits.form_body)
        response = await self._page(turn, 410, self.presenter.not_sent(decision, form), headers)
        if form.unreadable or form.cut:
            response.force_close()  # what is left of the body is nobody's next request
        return response

    def _gone_briefly(self, decision: Decision, headers: dict[str, str], *, cacheable: bool, body: bool) -> Response:
        cache = HOUR if cacheable else NO_STORE
        if body:
            return responses.text(410, f"{_gone_line(decision)}\n", headers, cache=cache)
        return responses.empty(410, headers, cache=cache)

    def _forward(self, turn: Turn, decision: Decision) -> Response:
        """Pass to the upstream.  None is connected yet, so: in words, that the service is being moved."""
        headers = {"Retry-After": str(RETRY_SECONDS)}
        if decision.client in _SILENT:
            return responses.empty(503, responses.common_headers(turn.id) | headers, cache=NO_STORE)
        return self.trouble(turn.request, 503, "no-upstream", turn.id, decision=decision)

    async def _our_own(self, turn: Turn, decision: Decision) -> Response:
        """Our endpoints on portal hosts."""
        headers = responses.common_headers(turn.id)
        if decision.key.folded == (OUR_PREFIX, "locality") and turn.request.method in {"GET", "HEAD"}:
            # A misspelt name is compared with ten thousand others, which takes five milliseconds.
            return await asyncio.to_thread(self.choice.answer, turn.request, decision, headers, language=turn.language)
        return self.trouble(turn.request, 404, "not-found", turn.id, decision=decision)

    def _sitemap(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        text = site_files.sitemap(self.packs.snapshot, decision.portal, decision.key.host, turn.now)
        response = responses.text(200, text, headers, cache=HOUR)
        response.content_type = "application/xml"
        return response

    def _security_contact(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        expires = turn.now.astimezone(UTC) + timedelta(days=180)
        contact = self.settings.security_contact.contact
        return responses.text(
            200, site_files.security_txt(contact, decision.key.host, expires=expires), headers, cache=HOUR
        )

    def trouble(
        self,
        request: BaseRequest,
        status: int,
        reason: views.TroubleReason,
        request_id: str,
        *,
        decision: Decision | None = None,
    ) -> Response:
        """A request we cannot serve, in words: a page for people, a problem for programs."""
        headers = responses.common_headers(request_id) | {"Cache-Control": NO_STORE}
        retry = RETRY_SECONDS if status == 503 else None
        if retry is not None:
            headers["Retry-After"] = str(retry)
        if status == 405:
            headers["Allow"] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        language = self.pages.choose_language(request.headers.get("Accept-Language", ""), None)
        if decision is not None and decision.client in _PROGRAMS:
            return responses.problem(status, reason, "See `title`.", {}, headers)
        portal = self.presenter.facts(decision.portal) if decision is not None else None
        target = self.presenter.home(self.clock())
        view = views.Trouble(status, reason, request_id, portal, target, retry)
        response = responses.page(request, status, self.pages.render(view, language), headers, language=language)
        if status in {400, 431, 505}:
            response.force_close()
        if status == 505:
            responses.answer_in_http11(request)
        return response


def _gone_line(decision: Decision) -> str:
    moved = f" It has moved to {decision.way.target}" if decision.way is not None else ""
    return f"This page is closed.{moved}" if decision.mapped else f"No such page here any more.{moved}"


def _problem(decision: Decision, status: int, headers: dict[str, str]) -> Response:
    closed_at = decision.portal.schedule_for(decision.key.folded).closed_at
    successor = str(decision.way.target) if decision.way is not None else None
    title = "This interface is closed" if status == 410 else "Nothing is known under this address"
    extension = {"successor": successor, "sunset": closed_at.isoformat() if closed_at else None}
    return responses.problem(status, title, _gone_line(decision), extension, headers)


def _steer(decision: Decision, headers: dict[str, str], *, to_notice: bool) -> Response:
    """Make htmx leave the page: for this very address, which then shows the notice, or for the target."""
    if decision.way is None:
        raise LookupError("a redirect that leads nowhere")
    goal = Here.of(decision.key, decision.kept).link() if to_notice else str(decision.way.target)
    return responses.empty(200, headers | {"HX-Redirect": goal}, cache=NO_STORE)


def _preflight(headers: dict[str, str]) -> Response:
    """Let any page read the refusal (Fetch §3.2.2)."""
    allowed = {
        "Allow": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Max-Age": "600",
    }
    return responses.empty(204, headers | allowed, cache=NO_STORE)


def _retire(headers: dict[str, str], *, manifest: bool) -> Response:
    """A cached shell would hide the notice: its worker goes (Service Workers §1; Angular: a 404 manifest)."""
    if manifest:
        return responses.empty(404, headers, cache=NO_STORE)
    response = responses.text(200, site_files.RETIRING_WORKER, headers, cache=NO_STORE)
    response.content_type = "text/javascript"
    return response
