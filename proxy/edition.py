"""Everything that changes together when rules are published, and how a visit is answered under it.

One visit, from request to response: read it, decide, and one `match` that answers.  What is decided here: nothing.
`redirect_rules.decision` decides; `closed_pages`, `brief_answers`, `edge_endpoints` and `forwarding` say it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, assert_never

from aiohttp.web import BaseRequest, Response, StreamResponse

from proxy import brief_answers, compression, responses, site_files, views
from proxy.access_log import Entry
from proxy.audiences import Facts, classes_of
from proxy.closed_pages import ClosedPages
from proxy.config import Settings
from proxy.cutover import Cutover
from proxy.edge_endpoints import EdgeEndpoints
from proxy.fast_lane import FastLane
from proxy.forwarding import Forwarding, note_of
from proxy.gate_answers import Doorkeeper
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.passing.policy import Routes
from proxy.passing.visitors import Passed
from proxy.responses import HOUR, NO_STORE
from proxy.troubles import Troubles
from proxy.turns import Answered, Turn
from proxy.visits import Refused, arrival_from, remembered_place
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
from redirect_rules.decision import BadRequest, Decision, WrongHost, decide


class Issuer(Protocol):
    """The host on which people sign in."""

    host: str  # canonical, without a preview suffix

    async def answer(self, request: BaseRequest, request_id: str) -> StreamResponse:
        """Answer a request to that host."""
        ...


@dataclass(frozen=True, slots=True)
class Edition:
    """The rules in force and all that is made of them.  A request sees one edition from its first octet to its last."""

    packs: Packs
    pages: Pages
    settings: Settings
    clock: Callable[[], datetime]
    lane: FastLane | None  # None: everything goes down the slow lane
    cutover: Cutover
    closed: ClosedPages
    forwarding: Forwarding
    endpoints: EdgeEndpoints
    troubles: Troubles
    issuer: Issuer | None  # None: nobody is signed in here
    gate: Doorkeeper | None  # None: no path asks for a sign-in

    @property
    def routes(self) -> Routes:
        """Which upstream has which paths."""
        return self.forwarding.routes

    async def answered(self, request: BaseRequest, request_id: str) -> Answered:
        """Answer a request.  What goes wrong inside becomes a page, and a traceback in the log."""
        try:
            suffixes = self.settings.preview.host_suffixes
            arrival = arrival_from(request, suffixes=suffixes, crawlers=self.packs.crawlers)
        except Refused as refused:
            response = self.trouble(request, refused.status, refused.reason, request_id)
            return Answered(Entry(outcome="refuse", note=refused.reason), response)
        if self.issuer is not None and arrival.visit.host == self.issuer.host:
            path = arrival.visit.raw_target.partition("?")[0]
            checked = await self.endpoints.at_issuer(request, request_id, path)
            return Answered(Entry(outcome="ours"), checked or await self.issuer.answer(request, request_id))
        accepts = request.headers.get("Accept-Language", "")
        language = self.pages.choose_language(accepts, arrival.controls.language)
        turn = Turn(request, arrival, self.clock(), request_id, language)
        try:
            return await self._decided(turn)
        except Exception:
            logging.getLogger(__name__).exception("request %s failed", request_id)
            return Answered(Entry(outcome="error"), self.trouble(request, 500, "internal", request_id))

    def is_known(self, request: BaseRequest) -> bool:
        """Whether somebody who has signed in asks, so that the answer is nobody else's."""
        return self.gate is not None and self.gate.knows(request)

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
                return await self.endpoints.answered(turn, decision) or await self._about_page(turn, decision)
            case never:
                assert_never(never)

    async def _about_page(self, turn: Turn, decision: Decision) -> Answered:
        if isinstance(decision.answer, Forward) and not decision.phase.closed:
            turn, decision = self._before_closing(turn, decision)
        response = await self.forwarding.reopened(turn, decision) or await self._respond(turn, decision)
        if decision.pilot or turn.drawn is not None:
            self._keep_to_one(turn, decision, response)
        entry = Entry.of(decision)
        if note := note_of(response):
            entry = replace(entry, note=note)
        return Answered(entry, response, decision, turn)

    def _before_closing(self, turn: Turn, decision: Decision) -> tuple[Turn, Decision]:
        """A page that is not closed yet: perhaps it is for this visitor, and what will become of it can be seen."""
        visit = turn.arrival.visit
        drawn = self.cutover.drawn(visit, decision, turn.now)
        if drawn is not None:
            visit = replace(visit, ticket=drawn)
            turn = replace(turn, arrival=replace(turn.arrival, visit=visit), drawn=drawn)
            again = decide(visit, self.packs.snapshot, turn.now)
            decision = again if isinstance(again, Decision) else decision
        if not decision.pilot:
            turn = replace(turn, ahead=self.cutover.ahead(visit, turn.now))
        return turn, decision

    def _keep_to_one(self, turn: Turn, decision: Decision, response: StreamResponse) -> None:
        """See to it that no cache hands to all what was meant for one, and that the visitor keeps the ticket."""
        if isinstance(response, Passed):
            return  # it is written; its escort has said so
        response.headers["Cache-Control"] = NO_STORE
        if (cookie := self.forwarding.ticket_cookie(turn, decision)) is not None:
            response.headers.add("Set-Cookie", cookie)

    async def _respond(  # noqa: C901, PLR0912 - one line for each answer there is; mypy proves that none is missing
        self, turn: Turn, decision: Decision
    ) -> StreamResponse:
        closed, presenter = self.closed, self.closed.presenter
        headers = responses.common_headers(turn.id) | responses.closed_headers(decision)
        match decision.answer:
            case ShowNotice(ask):
                return await closed.notice(turn, decision, headers, ask=ask)
            case SendAway():
                return closed.send_away(decision, headers)
            case SayNotSent():
                return await closed.not_sent(turn, decision, headers)
            case SayGonePage():
                return await closed.page(turn, 410, presenter.gone(decision, now=turn.now), headers)
            case ShowFramed():
                return await closed.page(turn, 200, presenter.framed(decision), headers)
            case SayGoneBriefly(cacheable, body):
                return brief_answers.gone_briefly(decision, headers, cacheable=cacheable, body=body)
            case SayUnknown():
                return responses.text(404, f"{brief_answers.gone_line(decision)}\n", headers, cache=HOUR)
            case SayProblem(status):
                return brief_answers.problem(decision, status, headers)
            case AllowPreflight():
                return brief_answers.preflight(headers)
            case SteerHtmx(to_notice):
                return brief_answers.steer(decision, headers, to_notice=to_notice)
            case EndStream():
                return responses.empty(204, headers, cache=NO_STORE)
            case NotAhead():
                return responses.empty(503, headers, cache=NO_STORE)
            case RefuseVisit():
                return responses.text(403, "Refused.\n", headers, cache=NO_STORE)
            case Forward():
                return await self.forwarding.forward(turn, decision)
            case RetireWorker(manifest):
                return brief_answers.retire(headers, manifest=manifest)
            case ShowRobots():
                return responses.text(200, site_files.robots(decision.key.host), headers, cache=HOUR)
            case ShowSitemap():
                return closed.sitemap(turn, decision, headers)
            case ShowSecurityContact():
                return closed.security_contact(turn, decision, headers)
            case never:
                assert_never(never)

    def trouble(self, request: responses.Asked, status: int, reason: views.TroubleReason, request_id: str) -> Response:
        """What cannot be served, in words: see `troubles`."""
        return self.troubles.answer(request, status, reason, request_id)
