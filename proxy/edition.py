"""Everything that changes together when rules are published, and how a visit is answered under it.

One visit, from request to response: read it, decide, and one `match` that answers.  What is decided here: nothing.
`redirect_rules.decision` decides, `responses` and `pages` say it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol, assert_never

from aiohttp.web import BaseRequest, Response, ResponseKey, StreamResponse

from proxy import brief_answers, compression, notice_choices, responses, site_files, views
from proxy.access_log import Entry
from proxy.audiences import Facts, classes_of
from proxy.config import Settings
from proxy.cutover import ANNOUNCEMENT, DISMISSED, DISMISSED_SECONDS, PILOT, Cutover
from proxy.fast_lane import FastLane
from proxy.forms import read_form
from proxy.gate_answers import CHALLENGE, Admitted, Doorkeeper, GoTo, TurnedAway
from proxy.locality_choice import LocalityChoice
from proxy.packs import Packs
from proxy.pages import Page, Pages
from proxy.passing.escort import Escort
from proxy.passing.failures import Failure
from proxy.passing.passer import CLIENT_CLOSED, Passer
from proxy.passing.policy import Routes
from proxy.passing.proxy_protocol import Preface
from proxy.passing.visitors import Passed
from proxy.presentation import Presenter
from proxy.responses import HOUR, NO_STORE
from proxy.troubles import OF_FAILURES, RETRY_SECONDS, Troubles
from proxy.visits import PLACE_COOKIE, Arrival, Refused, arrival_from, remembered_place, without_suffix
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
from redirect_rules.canonical import BadHost, BadTarget, Key, canonical_host
from redirect_rules.decision import OUR_PREFIX, BadRequest, Decision, WrongHost, decide
from redirect_rules.hits import Hit
from redirect_rules.model import JOINED, ClientClass, Portal

_SILENT = frozenset({ClientClass.ASSET, ClientClass.WEBSOCKET, ClientClass.EVENTSOURCE})
NOTE: Final = ResponseKey("NOTE", str)
"""Under which an answer carries what the access log says beside its outcome."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on its way through: what is needed to answer it."""

    request: BaseRequest
    arrival: Arrival
    now: datetime
    id: str
    language: str
    drawn: int | None = None  # a ticket that this very visit was given
    ahead: Decision | None = None  # what would become of it, were its page closed already


class Answered(NamedTuple):
    """An answer, with what there is to tell about it."""

    entry: Entry
    response: StreamResponse
    decision: Decision | None = None  # None: about no page of a portal
    turn: Turn | None = None
    hit: Hit | None = None  # what it counts as, where that is no visit to a page


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
    presenter: Presenter
    choice: LocalityChoice
    lane: FastLane | None  # None: everything goes down the slow lane
    routes: Routes
    passer: Passer | None  # None: nothing can be passed on
    cutover: Cutover
    issuer: Issuer | None = None  # None: nobody is signed in here
    gate: Doorkeeper | None = None  # None: no path asks for a sign-in

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
            if self.gate is not None and self.gate.is_question(path, at_issuer=True):
                checked = await self._checked(self.gate, request, request_id, at_issuer=True)
                return Answered(Entry(outcome="ours"), checked)
            return Answered(Entry(outcome="ours"), await self.issuer.answer(request, request_id))
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
                if decision.key.folded[:2] == notice_choices.CHOICES and self.presenter.counts_choices:
                    headers = responses.common_headers(turn.id)
                    told, hit = notice_choices.answer(
                        turn.request, decision, headers, suffixes=self.settings.preview.host_suffixes
                    )
                    return Answered(Entry(portal=decision.portal.id, outcome="ours"), told, hit=hit)
                if decision.key.folded[:1] == (OUR_PREFIX,):
                    page = await self._our_own(turn, decision)
                    return Answered(Entry(portal=decision.portal.id, outcome="ours"), page)
                if isinstance(decision.answer, Forward) and not decision.phase.closed:
                    turn, decision = self._before_closing(turn, decision)
                response = await self._reopened(turn, decision) or await self._respond(turn, decision)
                if decision.pilot or turn.drawn is not None:
                    self._keep_to_one(turn, decision, response)
                entry = Entry.of(decision)
                if note := _note(response):
                    entry = replace(entry, note=note)
                return Answered(entry, response, decision, turn)
            case never:
                assert_never(never)

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
        if (cookie := self._ticket_cookie(turn, decision)) is not None:
            response.headers.add("Set-Cookie", cookie)

    def _ticket_cookie(self, turn: Turn, decision: Decision) -> str | None:
        if turn.drawn is None:
            return None
        secure = _is_secure(turn.request)
        return self.cutover.cookie(decision.portal, decision.key.folded, turn.drawn, turn.now, secure=secure)

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
                return await self._forward(turn, decision)
            case RetireWorker(manifest):
                return brief_answers.retire(headers, manifest=manifest)
            case ShowRobots():
                return responses.text(200, site_files.robots(decision.key.host), headers, cache=HOUR)
            case ShowSitemap():
                return self._sitemap(turn, decision, headers)
            case ShowSecurityContact():
                return self._security_contact(turn, decision, headers)
            case never:
                assert_never(never)

    async def _page(self, turn: Turn, status: int, view: views.View, headers: dict[str, str]) -> Response:
        """A page for people.  The first of its form takes milliseconds, in which others are answered."""
        page = self.pages.at_once(view, turn.language)
        if page is not None:
            return self._sent(turn, status, page, headers)

        def made() -> Response:
            return self._sent(turn, status, self.pages.render(view, turn.language), headers)

        return await asyncio.to_thread(made)

    def _sent(self, turn: Turn, status: int, page: Page, headers: dict[str, str]) -> Response:
        return responses.page(
            turn.request, status, page, {"Cache-Control": NO_STORE, **headers}, language=turn.language
        )

    async def _notice(self, turn: Turn, decision: Decision, headers: dict[str, str], *, ask: bool) -> Response:
        controls = turn.arrival.controls
        view = self.presenter.notice(
            decision, now=turn.now, stay=controls.stay, ask=ask, language=controls.language or ""
        )
        response = await self._page(turn, 200, view, headers)
        if controls.forgets_place:
            response.del_cookie(PLACE_COOKIE, path="/")
        elif controls.chose_place and turn.arrival.visit.place is not None:
            self._remember(response, str(turn.arrival.visit.place), secure=turn.request.secure)
        return response

    def _remember(self, response: Response, place: str, *, secure: bool) -> None:
        if days := self.settings.notice.remember_place_days:
            lifetime = int(timedelta(days=days).total_seconds())
            response.set_cookie(
                PLACE_COOKIE, place, max_age=lifetime, path="/", secure=secure, httponly=True, samesite="Lax"
            )

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

    async def _reopened(self, turn: Turn, decision: Decision) -> StreamResponse | None:
        """The form behind a closed page, for whom a link has led to it by a sign-in."""
        if self.gate is None or isinstance(decision.answer, Forward):
            return None
        admitted = await self.gate.reopened(turn.request, decision)
        return None if admitted is None else await self._forward(turn, decision, admitted)

    async def _forward(self, turn: Turn, decision: Decision, admitted: Admitted | None = None) -> StreamResponse:
        """Pass the visit on to its upstream; what cannot be passed is told in words.  `admitted`: by the gate."""
        upstream = self.routes.find(decision.portal.id, decision.key.path)
        if upstream is None or self.passer is None:
            return self._unserved(turn, decision, 503, "no-upstream", RETRY_SECONDS)
        if decision.key.devious:  # what was decided on is not what the origin would read
            return self._unserved(turn, decision, 400, "bad-request", None)
        if self.gate is not None and admitted is None:
            answer = await self.gate.admit(turn.request, decision, turn.id)
            if not isinstance(answer, Admitted):
                return self._held_back(turn, decision, answer)
            admitted = answer
        preface = _preface_of(turn.request)
        cookies, cookie = turn.request.headers.get("Cookie", ""), self._ticket_cookie(turn, decision) or ""
        passed = await self.passer.forward(
            turn.request,
            upstream,
            host=decision.key.host,
            peer=preface.source if preface is not None else "",
            secure=preface.secure if preface is not None else None,
            escort=_admitted(
                self.cutover.escort(decision, turn.ahead, turn.now, cookies=cookies, cookie=cookie), admitted
            ),
        )
        return self._failed(turn, decision, passed) if isinstance(passed, Failure) else passed

    def _held_back(self, turn: Turn, decision: Decision, answer: GoTo | TurnedAway) -> Response:
        """Somebody must sign in first, or comes from there."""
        if isinstance(answer, GoTo):
            response = responses.see_other(answer.location, responses.common_headers(turn.id))
            for cookie in answer.cookies:
                response.headers.add("Set-Cookie", cookie)
            return response
        if decision.client in _SILENT or decision.client is ClientClass.PREFETCH:
            return responses.empty(
                answer.status, responses.common_headers(turn.id) | _challenge(answer), cache=NO_STORE
            )
        response = self.trouble(
            turn.request,
            answer.status,
            answer.reason,
            turn.id,
            decision=decision,
            retry_seconds=answer.retry_seconds,
            sign_in=answer.again,
        )
        response.headers.extend(_challenge(answer))
        if turn.request.method not in {"GET", "HEAD"}:
            response.force_close()  # what is left of the body is nobody's next request
        return response

    async def _checked(
        self, gate: Doorkeeper, request: BaseRequest, request_id: str, *, at_issuer: bool = False
    ) -> Response:
        """The answer to a proxy that asks whether a request may go through."""

        def found(named: str, target: str) -> tuple[Portal, Key] | None:
            try:
                host = without_suffix(canonical_host(named), self.settings.preview.host_suffixes)
                portal = self.packs.snapshot.portals[host]
                return portal, self.packs.snapshot.key_of(portal, host, target)
            except (BadHost, BadTarget, KeyError):
                return None

        checked = await gate.check(request, found, at_issuer=at_issuer)
        headers = responses.common_headers(request_id)
        if checked.location:
            return responses.see_other(checked.location, headers)
        return responses.empty(checked.status, headers | dict(checked.fields), cache=NO_STORE)

    def _failed(self, turn: Turn, decision: Decision, failure: Failure) -> Response:
        """An upstream's trouble, or a visitor's with it."""
        retry = failure.retry_after or (RETRY_SECONDS if failure.status in {502, 504} else None)
        response = self._unserved(turn, decision, failure.status, OF_FAILURES[failure.reason], retry)
        response[NOTE] = failure.reason
        if failure.closes:
            response.force_close()
        return response

    def _unserved(
        self, turn: Turn, decision: Decision, status: int, reason: views.TroubleReason, retry: int | None
    ) -> Response:
        if decision.client in _SILENT:
            headers = responses.common_headers(turn.id) | ({"Retry-After": str(retry)} if retry else {})
            return responses.empty(status, headers, cache=NO_STORE)
        return self.trouble(turn.request, status, reason, turn.id, decision=decision, retry_seconds=retry)

    async def _our_own(self, turn: Turn, decision: Decision) -> Response:
        """Our endpoints on portal hosts."""
        headers = responses.common_headers(turn.id)
        if decision.key.folded == (OUR_PREFIX, "locality") and turn.request.method in {"GET", "HEAD"}:
            # A misspelt name is compared with ten thousand others, which takes five milliseconds.
            return await asyncio.to_thread(self.choice.answer, turn.request, decision, headers, language=turn.language)
        if self.gate is not None and decision.key.folded[:2] == (OUR_PREFIX, "sign-in"):
            path = turn.request.raw_path.partition("?")[0]
            if self.gate.is_question(path, at_issuer=False):
                return await self._checked(self.gate, turn.request, turn.id)
            answer = await self.gate.own(turn.request, decision, turn.id)
            if answer is not None:
                return self._held_back(turn, decision, answer)
        if decision.key.folded == ANNOUNCEMENT and turn.request.method == "POST":
            seconds = DISMISSED_SECONDS
            response = responses.empty(204, headers, cache=NO_STORE)
            # Read by the page's own script, too.
            response.set_cookie(DISMISSED, "off", max_age=seconds, path="/", samesite="Lax")
            return response
        if decision.key.folded[:-1] == PILOT and decision.client is ClientClass.NAVIGATION:
            return await self._pilot(turn, decision, headers)
        return self.trouble(turn.request, 404, "not-found", turn.id, decision=decision)

    async def _pilot(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        """Somebody follows the link by which testers join, or leave."""
        portal = decision.portal
        ticket = self.cutover.answer_to(portal, decision.key.segments[-1], turn.now)
        if ticket is None or turn.request.method != "GET":
            return self.trouble(turn.request, 404, "not-found", turn.id, decision=decision)
        secure = _is_secure(turn.request)
        response = await self._page(turn, 200, self.presenter.pilot(portal, joined=ticket == JOINED), headers)
        response.headers.add("Set-Cookie", self.cutover.cookie(portal, (), ticket, turn.now, secure=secure))
        return response

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
        request: responses.Asked,
        status: int,
        reason: views.TroubleReason,
        request_id: str,
        *,
        decision: Decision | None = None,
        retry_seconds: int | None = None,
        sign_in: str = "",
    ) -> Response:
        """What cannot be served, in words: see `troubles`."""
        return Troubles(self.pages, self.presenter, self.clock).answer(
            request, status, reason, request_id, decision=decision, retry_seconds=retry_seconds, sign_in=sign_in
        )


def _admitted(escort: Escort | None, admitted: Admitted | None) -> Escort | None:
    """With what the gate has to say about a visitor, if there is one."""
    if admitted is None:
        return escort
    return (escort or Escort())._replace(told=tuple(admitted.told), received=tuple(admitted.fields))


def _challenge(answer: TurnedAway) -> dict[str, str]:
    return {"WWW-Authenticate": CHALLENGE} if answer.status == 401 else {}


def _preface_of(request: BaseRequest) -> Preface | None:
    """What a load balancer has said about the connection."""
    preface: Preface | None = getattr(request.protocol, "preface", None)
    return preface


def _is_secure(request: BaseRequest) -> bool:
    """Whether the visitor came over TLS, as far as the connection tells."""
    preface = _preface_of(request)
    return bool(preface.secure) if preface is not None and preface.secure is not None else request.secure


def _note(response: StreamResponse) -> str:
    """What the access log says beside the outcome."""
    if isinstance(response, Passed):
        return "" if response.whole else "left" if response.status == CLIENT_CLOSED else "torn"
    note: str = response.get(NOTE, "")
    return note
