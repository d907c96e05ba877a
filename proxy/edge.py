"""The handler of every request: hands it to the edition in force, counts it and writes it down."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Final, NamedTuple

from aiohttp.web import BaseRequest, RequestHandler, Response, ResponseKey, StreamResponse

from proxy.access_log import AccessLog, Entry
from proxy.audiences import Head
from proxy.clock import ticks_of
from proxy.closed_pages import ClosedPages
from proxy.config import Settings
from proxy.cutover import Cutover
from proxy.edge_endpoints import EdgeEndpoints
from proxy.edition import Edition, Issuer
from proxy.fast_lane import RECEIPT, FastLane, Lanes, Receipt
from proxy.forwarding import Forwarding
from proxy.gate_answers import Doorkeeper
from proxy.journal import Account, Journal
from proxy.known_ways import Known, KnownWays
from proxy.locality_choice import LocalityChoice
from proxy.metrics import Metrics
from proxy.notices import Notices
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.passing.forwarded import Hop
from proxy.passing.passer import CLIENT_CLOSED
from proxy.passing.policy import Routes
from proxy.passing.repeats import Ended, Repeat
from proxy.passing.visitors import Passed
from proxy.presentation import Presenter
from proxy.request_ids import octets_of
from proxy.responses import Asked
from proxy.troubles import Troubles
from proxy.turns import Answered, Turn
from proxy.upstream_routes import Passing, UpstreamFile
from proxy.visits import Reason
from redirect_rules.decision import Decision
from redirect_rules.hits import Hit, HitCounter

_log = logging.getLogger(__name__)

KNOWN: Final = ResponseKey("KNOWN", tuple[KnownWays, Known, datetime])
"""Under which an answer that was passed on carries how, for the next who asks so."""


class Edge:
    """One process' edge.  Its edition is swapped as a whole, by one assignment."""

    def __init__(
        self,
        *,
        settings: Settings,
        packs: Packs,
        pages: Pages,
        metrics: Metrics,
        log: AccessLog,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        hits: HitCounter | None = None,
        passing: Passing | None = None,
    ) -> None:
        """With what was read and whom it is to tell.

        hits     where visits are counted; None: they are not
        passing  carries what passes; without it that is answered with 503
        """
        self._settings = settings
        self._pages = pages
        self._clock = clock
        self._new_id = new_id
        self._ticks = ticks_of(clock)
        self._counts_hits = hits is not None
        zone = clock().tzinfo or UTC
        self._journal = Journal(metrics, log if settings.log.access else None, hits, zone=zone)
        self.lanes = Lanes()
        self._upstreams = passing.upstreams if passing is not None else UpstreamFile()
        self._passer = passing.passer if passing is not None else None
        self._issuer: Issuer | None = None
        self._gate: Doorkeeper | None = None
        self._told: frozenset[str] = frozenset()  # what of the file of upstreams does not fit the portals
        self._edition = self._edition_of(packs, None)
        self.lanes.current = self._edition.lane
        self._ways = self._ways_of(packs)

    @property
    def packs(self) -> Packs:
        """The rules in force."""
        return self._edition.packs

    @property
    def has_fast_lane(self) -> bool:
        """Whether known requests are answered before they are parsed."""
        return self._settings.fast_lane.enabled

    def adopt(self, packs: Packs) -> None:
        """Answer by these rules from now on.  What is in hand is finished by those under which it was begun.

        Nothing that was kept of earlier answers is given again; what is known of clients stays known where the rules
        tell them apart by the same words.
        """
        edition = self._edition_of(packs, self._edition)
        if self._passer is not None:
            # First, so that no edition names an upstream that the passer does not know; what is under way goes on.
            self._passer.adopt(edition.routes.upstreams)
        self._edition = edition
        self.lanes.current = edition.lane
        self._ways = self._ways_of(packs)
        # What is not written down yet may still have to look into the file of before, which will be unmapped.
        self._journal.hand_over()

    def sign_in_by(self, issuer: Issuer | None, gate: Doorkeeper | None = None) -> None:
        """Have an issuer's host answered by it from now on, and protected paths guarded; None: by nobody."""
        self._issuer = issuer
        self._gate = gate
        self.adopt(self.packs)

    def pass_known(
        self, data: bytes, client: RequestHandler, who: tuple[str, bool], ended: Callable[[Ended], None]
    ) -> Repeat | None:
        """Pass a chunk on that is one request that passed before; None: hand it to the parser.

        who    the address at the other end, and whether it came over TLS
        ended  called once when it is over, unless None is returned
        """
        known = self._ways.find(data)
        if known is None or self._passer is None:
            return None
        started, request_id = perf_counter_ns(), self._new_id()

        def told(end: Ended) -> None:
            if end.failure is None:
                note = "" if end.whole else "left" if end.status == CLIENT_CLOSED else "torn"
                account = known.account(end.status, end.octets, note)
                self._journal.note(account, self._ticks(), perf_counter_ns() - started, request_id.encode())
            ended(end)

        return self._passer.repeat(known.way, Hop(*who, known.way.hop.host), client, told)

    def learn(self, head: Head, request: BaseRequest, response: StreamResponse) -> None:
        """Know a request from now on, from the answer that was sent to it."""
        if (passed := response.get(KNOWN)) is not None:
            ways, known, decided_at = passed
            if ways is self._ways:
                ways.learn(head, known, decided_at)
            return
        receipt, lane = response.get(RECEIPT), self._edition.lane
        # Of rules that are no longer in force nothing is learnt: their file may be unmapped.
        if lane is not None and receipt is not None and receipt.lane is lane and isinstance(response, Response):
            lane.learn(head, request, response, receipt)

    def close(self) -> None:
        """Count and write down what was answered, to the last request."""
        self._journal.close()

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer a request."""
        started = perf_counter_ns()
        request_id = self._new_id()
        edition = self._edition
        answered = await edition.answered(request, request_id)
        response = answered.response
        if request.headers.get("Upgrade", "websocket").lower() != "websocket":
            response.force_close()  # the parser has given up on what follows: it may be another protocol
        account = self._note(answered, request, started, request_id)
        turn, decision = answered.turn, answered.decision
        if isinstance(response, Passed) and turn is not None and decision is not None:
            self._remember_way(response, answered, turn, decision)
        for_all = decision is not None and _is_for_all(response, decision) and not edition.is_known(request)
        if edition.lane is not None and turn is not None and decision is not None and for_all:
            response[RECEIPT] = Receipt(
                edition.lane,
                decision,
                answered.entry,
                account,
                request_id,
                turn.now,
                lambda: edition.facts(turn),
            )
        return response

    def _remember_way(self, response: Passed, answered: Answered, turn: Turn, decision: Decision) -> None:
        """Leave with an answer how it came about, where the next who asks so would be passed on so too."""
        edition = self._edition
        # A gate may change its mind about the same octets at any time, and a pilot draws lots.
        if response.way is None or edition.gate is not None or decision.pilot or turn.drawn is not None:
            return
        hit = _hit_of(answered) if self._counts_hits else None
        response[KNOWN] = self._ways, Known(response.way, answered.entry, hit), turn.now

    def refuse(self, request: Asked, status: int, reason: Reason) -> Response:
        """Answer what the HTTP parser turned away."""
        request_id = self._new_id()
        response = self._edition.trouble(request, status, reason, request_id)
        account = Account.of(Entry(outcome="refuse", note=reason), "-", status, response.content_length or 0)
        self._journal.note(account, self._ticks(), 0, request_id.encode())
        self._journal.hand_over()
        return response

    def turn_away(self, headers: Mapping[str, str], status: int, reason: Reason) -> Response:
        """The answer to whoever is turned away, of whom only these headers are known."""
        return self.refuse(_Asker(headers), status, reason)

    def _note(self, answered: Answered, request: BaseRequest, started: int, request_id: str) -> Account:
        response = answered.response
        hit = _hit_of(answered) if self._counts_hits else None
        account = Account.of(answered.entry, request.method, response.status, _octets(request, response), hit)
        self._journal.note(account, self._ticks(), perf_counter_ns() - started, request_id.encode())
        self._journal.hand_over()  # what came down the slow lane can be seen at once
        return account

    def _edition_of(self, packs: Packs, before: Edition | None) -> Edition:
        names = {tag: self._pages.language_name(tag) for tag in self._pages.languages()}
        notice = self._settings.notice
        snapshot, settings, pages, gate = packs.snapshot, self._settings, self._pages, self._gate
        presenter = Presenter(snapshot, names, notice.seconds, notice.count_choices and self._counts_hits)
        cutover, troubles = Cutover(snapshot, presenter), Troubles(pages, presenter, self._clock)
        closed = ClosedPages(snapshot, settings, presenter, pages)
        forwarding = Forwarding(self._routes_over(packs), self._passer, cutover, troubles, gate)
        choice = LocalityChoice(snapshot, presenter, pages)
        return Edition(
            packs,
            pages,
            settings,
            self._clock,
            self._lane_of(packs, before, presenter),
            cutover,
            closed,
            forwarding,
            EdgeEndpoints(snapshot, settings, presenter, choice, cutover, closed, forwarding, troubles, gate),
            troubles,
            self._issuer,
            gate,
        )

    def _routes_over(self, packs: Packs) -> Routes:
        portals = packs.snapshot.all_portals
        told, self._told = self._told, self._upstreams.complaints(portals)
        for complaint in sorted(self._told - told):
            _log.error("upstreams: %s", complaint)
        return self._upstreams.routes(portals)

    def _ways_of(self, packs: Packs) -> KnownWays:
        return KnownWays(packs.snapshot, self._settings.fast_lane, clock=self._clock)

    def _lane_of(self, packs: Packs, before: Edition | None, presenter: Presenter) -> FastLane | None:
        if not self._settings.fast_lane.enabled:
            return None
        lane = before.lane if before is not None and before.packs.crawlers == packs.crawlers else None
        return FastLane(
            packs.snapshot,
            self._settings.fast_lane,
            clock=self._clock,
            ticks=self._ticks,
            new_id=octets_of(self._new_id),
            journal=self._journal,
            heads=lane.heads if lane is not None else None,
            notices=Notices(presenter, self._pages),
        )


class _Asker(NamedTuple):
    headers: Mapping[str, str]


def _is_for_all(response: StreamResponse, decision: Decision) -> bool:
    """Whether the same answer is given to all who ask alike: neither the origin's, nor one of a pilot."""
    return not isinstance(response, Passed) and not decision.pilot


def _hit_of(answered: Answered) -> Hit | None:
    """What a visit counts as; one that passes only because its page is not closed yet, as what is ahead of it."""
    if answered.hit is not None:
        return answered.hit
    if answered.turn is not None and answered.turn.ahead is not None:
        return Hit.of(answered.turn.ahead, ahead=True)
    return Hit.of(answered.decision) if answered.decision is not None else None


def _octets(request: BaseRequest, response: StreamResponse) -> int:
    """How long an answer's body is; of one that was passed on, how long it was with its head."""
    if isinstance(response, Passed):
        return response.body_length
    return 0 if request.method == "HEAD" else response.content_length or 0
