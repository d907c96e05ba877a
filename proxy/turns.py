"""One request on its way through the edge, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from aiohttp.web import BaseRequest, StreamResponse

from proxy.access_log import Entry
from proxy.passing.proxy_protocol import Preface
from proxy.visits import Arrival
from redirect_rules.decision import Decision
from redirect_rules.hits import Hit


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

    @property
    def preface(self) -> Preface | None:
        """What a load balancer has said about the connection."""
        preface: Preface | None = getattr(self.request.protocol, "preface", None)
        return preface

    @property
    def is_secure(self) -> bool:
        """Whether the visitor came over TLS, as far as the connection tells."""
        preface = self.preface
        return bool(preface.secure) if preface is not None and preface.secure is not None else self.request.secure


class Answered(NamedTuple):
    """An answer, with what there is to tell about it."""

    entry: Entry
    response: StreamResponse
    decision: Decision | None = None  # None: about no page of a portal
    turn: Turn | None = None
    hit: Hit | None = None  # what it counts as, where that is no visit to a page
