"""The handler of every request: hands it to the edition in force, counts it and writes it down."""

from collections.abc import Callable
from datetime import datetime
from time import perf_counter_ns

from aiohttp.web import BaseRequest, Response, StreamResponse

from proxy.access_log import AccessLog, Entry
from proxy.audiences import Head
from proxy.config import Settings
from proxy.edition import Answered, Edition
from proxy.fast_lane import RECEIPT, FastLane, Receipt
from proxy.journal import Account, Journal
from proxy.locality_choice import LocalityChoice
from proxy.metrics import Metrics
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.presentation import Presenter
from proxy.visits import Reason
from redirect_rules.hits import Hit


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
        on_hit: Callable[[Hit, int], None] | None = None,
    ) -> None:
        """`on_hit` takes a hit and how often it was seen since the last time; None: hits are not counted."""
        self._settings = settings
        self._pages = pages
        self._clock = clock
        self._new_id = new_id
        self._counts_hits = on_hit is not None
        self._journal = Journal(metrics, log if settings.log.access else None, on_hit or _nobody_counts)
        self._edition = self._edition_of(packs, None)

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
        self._edition = self._edition_of(packs, self._edition)
        # What is not written down yet may still have to look into the file of before, which will be unmapped.
        self._journal.hand_over()

    def answer_known(self, data: bytes) -> bytes | None:
        """The answer to a chunk that is one request that is known already; None: hand it to the parser."""
        lane = self._edition.lane
        return None if lane is None else lane.answer(data)

    def learn(self, head: Head, request: BaseRequest, response: StreamResponse) -> None:
        """Know a request from now on, from the answer that was sent to it."""
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
        if edition.lane is not None and answered.turn is not None and answered.decision is not None:
            turn = answered.turn
            response[RECEIPT] = Receipt(
                edition.lane,
                answered.decision,
                answered.entry,
                account,
                request_id,
                turn.now,
                lambda: edition.facts(turn),
            )
        return response

    def refuse(self, request: BaseRequest, status: int, reason: Reason) -> Response:
        """Answer what the HTTP parser turned away."""
        request_id = self._new_id()
        response = self._edition.trouble(request, status, reason, request_id)
        account = Account.of(Entry(outcome="refuse", note=reason), "-", status, response.content_length or 0)
        self._journal.note(account, self._clock(), 0, request_id)
        self._journal.hand_over()
        return response

    def _note(self, answered: Answered, request: BaseRequest, started: int, request_id: str) -> Account:
        response = answered.response
        length = 0 if request.method == "HEAD" else response.content_length or 0
        hit = Hit.of(answered.decision) if self._counts_hits and answered.decision is not None else None
        account = Account.of(answered.entry, request.method, response.status, length, hit)
        self._journal.note(account, self._clock(), perf_counter_ns() - started, request_id)
        self._journal.hand_over()  # what came down the slow lane can be seen at once
        return account

    def _edition_of(self, packs: Packs, before: Edition | None) -> Edition:
        names = {tag: self._pages.language_name(tag) for tag in self._pages.languages()}
        presenter = Presenter(packs.snapshot, names, self._settings.notice.seconds)
        choice = LocalityChoice(packs.snapshot, presenter, self._pages)
        return Edition(packs, self._pages, self._settings, self._clock, presenter, choice, self._lane_of(packs, before))

    def _lane_of(self, packs: Packs, before: Edition | None) -> FastLane | None:
        if not self._settings.fast_lane.enabled:
            return None
        lane = before.lane if before is not None and before.packs.crawlers == packs.crawlers else None
        return FastLane(
            packs.snapshot,
            self._settings.fast_lane,
            clock=self._clock,
            new_id=self._new_id,
            journal=self._journal,
            heads=lane.heads if lane is not None else None,
        )


def _nobody_counts(hit: Hit, times: int) -> None:
    """Where hits are not counted."""
