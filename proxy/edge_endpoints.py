"""/_edge/…: what is ours on the hosts of portals, and the question that other proxies ask before they let one pass."""

import asyncio
from dataclasses import dataclass

from aiohttp.web import BaseRequest, Response

from proxy import notice_choices, responses
from proxy.access_log import Entry
from proxy.closed_pages import ClosedPages
from proxy.config import Settings
from proxy.cutover import ANNOUNCEMENT, DISMISSED, DISMISSED_SECONDS, PILOT, Cutover
from proxy.forwarding import Forwarding
from proxy.gate_answers import Doorkeeper
from proxy.locality_choice import LocalityChoice
from proxy.presentation import Presenter
from proxy.responses import NO_STORE
from proxy.troubles import Troubles
from proxy.turns import Answered, Turn
from proxy.visits import without_suffix
from redirect_rules.canonical import BadHost, BadTarget, Key, canonical_host
from redirect_rules.decision import OUR_PREFIX, Decision
from redirect_rules.model import JOINED, ClientClass, Portal
from redirect_rules.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class EdgeEndpoints:
    """Our endpoints under one edition."""

    snapshot: Snapshot
    settings: Settings
    presenter: Presenter
    choice: LocalityChoice
    cutover: Cutover
    closed: ClosedPages
    forwarding: Forwarding
    troubles: Troubles
    gate: Doorkeeper | None  # None: no path asks for a sign-in

    async def answered(self, turn: Turn, decision: Decision) -> Answered | None:
        """The answer of one of them; None: it is not ours that is asked for."""
        entry = Entry(portal=decision.portal.id, outcome="ours")
        if decision.key.folded[:2] == notice_choices.CHOICES and self.presenter.counts_choices:
            headers = responses.common_headers(turn.id)
            suffixes = self.settings.preview.host_suffixes
            told, hit = notice_choices.answer(turn.request, decision, headers, suffixes=suffixes)
            return Answered(entry, told, hit=hit)
        if decision.key.folded[:1] == (OUR_PREFIX,):
            return Answered(entry, await self._answer(turn, decision))
        return None

    async def at_issuer(self, request: BaseRequest, request_id: str, path: str) -> Response | None:
        """The answer to a proxy that asks on the issuer's host; None: it is not that which is asked for."""
        if self.gate is None or not self.gate.is_question(path, at_issuer=True):
            return None
        return await self._checked(self.gate, request, request_id, at_issuer=True)

    async def _answer(self, turn: Turn, decision: Decision) -> Response:
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
                return self.forwarding.held_back(turn, decision, answer)
        if decision.key.folded == ANNOUNCEMENT and turn.request.method == "POST":
            seconds = DISMISSED_SECONDS
            response = responses.empty(204, headers, cache=NO_STORE)
            # Read by the page's own script, too.
            response.set_cookie(DISMISSED, "off", max_age=seconds, path="/", samesite="Lax")
            return response
        if decision.key.folded[:-1] == PILOT and decision.client is ClientClass.NAVIGATION:
            return await self._pilot(turn, decision, headers)
        return self._unknown(turn, decision)

    async def _checked(
        self, gate: Doorkeeper, request: BaseRequest, request_id: str, *, at_issuer: bool = False
    ) -> Response:
        """The answer to a proxy that asks whether a request may go through."""

        def found(named: str, target: str) -> tuple[Portal, Key] | None:
            try:
                host = without_suffix(canonical_host(named), self.settings.preview.host_suffixes)
                portal = self.snapshot.portals[host]
                return portal, self.snapshot.key_of(portal, host, target)
            except (BadHost, BadTarget, KeyError):
                return None

        checked = await gate.check(request, found, at_issuer=at_issuer)
        headers = responses.common_headers(request_id)
        if checked.location:
            return responses.see_other(checked.location, headers)
        return responses.empty(checked.status, headers | dict(checked.fields), cache=NO_STORE)

    async def _pilot(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        """Somebody follows the link by which testers join, or leave."""
        portal = decision.portal
        ticket = self.cutover.answer_to(portal, decision.key.segments[-1], turn.now)
        if ticket is None or turn.request.method != "GET":
            return self._unknown(turn, decision)
        view = self.presenter.pilot(portal, joined=ticket == JOINED)
        response = await self.closed.page(turn, 200, view, headers)
        response.headers.add("Set-Cookie", self.cutover.cookie(portal, (), ticket, turn.now, secure=turn.is_secure))
        return response

    def _unknown(self, turn: Turn, decision: Decision) -> Response:
        return self.troubles.answer(turn.request, 404, "not-found", turn.id, decision=decision)
