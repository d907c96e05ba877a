"""Visits that pass: whether the gate lets them through, what goes along with them, and what is said where they cannot.

How they are passed on is `passing`'s affair; here stands what an edition knows of them.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp.web import Response, ResponseKey, StreamResponse

from proxy import responses, views
from proxy.cutover import Cutover
from proxy.gate_answers import CHALLENGE, Admitted, Doorkeeper, GoTo, TurnedAway
from proxy.passing.escort import Escort
from proxy.passing.failures import Failure
from proxy.passing.passer import CLIENT_CLOSED, Passer
from proxy.passing.policy import Routes
from proxy.passing.visitors import Passed
from proxy.responses import NO_STORE
from proxy.troubles import OF_FAILURES, RETRY_SECONDS, Troubles
from proxy.turns import Turn
from redirect_rules.answers import Forward
from redirect_rules.decision import Decision
from redirect_rules.model import ClientClass

NOTE: Final = ResponseKey("NOTE", str)
"""Under which an answer carries what the access log says beside its outcome."""
_SILENT: Final = frozenset({ClientClass.ASSET, ClientClass.WEBSOCKET, ClientClass.EVENTSOURCE})


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What passes under one edition."""

    routes: Routes
    passer: Passer | None  # None: nothing can be passed on
    cutover: Cutover
    troubles: Troubles
    gate: Doorkeeper | None  # None: no path asks for a sign-in

    async def reopened(self, turn: Turn, decision: Decision) -> StreamResponse | None:
        """The form behind a closed page, for whom a link has led to it by a sign-in."""
        if self.gate is None or isinstance(decision.answer, Forward):
            return None
        admitted = await self.gate.reopened(turn.request, decision)
        return None if admitted is None else await self.forward(turn, decision, admitted)

    async def forward(self, turn: Turn, decision: Decision, admitted: Admitted | None = None) -> StreamResponse:
        """Pass the visit on to its upstream; what cannot be passed is told in words.  `admitted`: by the gate."""
        upstream = self.routes.find(decision.portal.id, decision.key.path)
        if upstream is None or self.passer is None:
            return self._unserved(turn, decision, 503, "no-upstream", RETRY_SECONDS)
        if decision.key.devious:  # what was decided on is not what the origin would read
            return self._unserved(turn, decision, 400, "bad-request", None)
        if self.gate is not None and admitted is None:
            answer = await self.gate.admit(turn.request, decision, turn.id)
            if not isinstance(answer, Admitted):
                return self.held_back(turn, decision, answer)
            admitted = answer
        preface = turn.preface
        cookies, cookie = turn.request.headers.get("Cookie", ""), self.ticket_cookie(turn, decision) or ""
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

    def held_back(self, turn: Turn, decision: Decision, answer: GoTo | TurnedAway) -> Response:
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
        response = self.troubles.answer(
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

    def ticket_cookie(self, turn: Turn, decision: Decision) -> str | None:
        """The value of the Set-Cookie that keeps the ticket which this visit was given; None: it was given none."""
        if turn.drawn is None:
            return None
        return self.cutover.cookie(decision.portal, decision.key.folded, turn.drawn, turn.now, secure=turn.is_secure)

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
        return self.troubles.answer(turn.request, status, reason, turn.id, decision=decision, retry_seconds=retry)


def note_of(response: StreamResponse) -> str:
    """What the access log says beside the outcome of an answer."""
    if isinstance(response, Passed):
        return "" if response.whole else "left" if response.status == CLIENT_CLOSED else "torn"
    note: str = response.get(NOTE, "")
    return note


def _admitted(escort: Escort | None, admitted: Admitted | None) -> Escort | None:
    """With what the gate has to say about a visitor, if there is one."""
    if admitted is None:
        return escort
    return (escort or Escort())._replace(told=tuple(admitted.told), received=tuple(admitted.fields))


def _challenge(answer: TurnedAway) -> dict[str, str]:
    return {"WWW-Authenticate": CHALLENGE} if answer.status == 401 else {}
