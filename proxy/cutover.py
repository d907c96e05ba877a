"""Before a portal closes: what is seen ahead, who sees it closed already, and how its pages can say that it will.

Nothing here closes anything: the schedule does, by itself, at its instant.  A visit that passes goes on passing,
whatever happens here.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from proxy.passing.escort import Announcement, Escort
from proxy.pilots import LEAVE, Pilots
from proxy.presentation import Presenter
from proxy.visits import cookie_in
from redirect_rules.decision import OUR_PREFIX, Decision, Visit, rehearse
from redirect_rules.model import HO_CHI_MINH, JOINED, LEFT, ClientClass, Life, Phase, Pilot, Portal
from redirect_rules.snapshot import Snapshot

ANNOUNCEMENT: Final = (OUR_PREFIX, "announcement")
"""The path to which the wish to see no more of the announcement is posted."""
PILOT: Final = (OUR_PREFIX, "pilot")
"""The path below which testers join, by their word, and leave."""
DISMISSED: Final = "_edge_announced"
"""The cookie of those who have seen enough of it; scripts read it too."""
DISMISSED_SECONDS: Final = 7 * 24 * 3_600

_READING: Final = frozenset({"GET", "HEAD"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cutover:
    """What is ahead of the portals of one snapshot."""

    snapshot: Snapshot
    presenter: Presenter
    pilots: Pilots = field(default_factory=Pilots)

    def drawn(self, visit: Visit, decision: Decision, now: datetime) -> int | None:
        """A ticket for a visitor who has none and may need one: a browser that opens a page while a pilot runs."""
        opens = visit.client is ClientClass.NAVIGATION and visit.method in _READING
        if visit.ticket is not None or not opens or visit.host in decision.portal.office_hosts:
            return None
        schedule = decision.portal.schedule_for(decision.key.folded)
        pilot = schedule.pilot_at(now) if decision.portal.life is Life.LIVING else None
        return self.pilots.draw() if pilot is not None and pilot.share else None

    def ahead(self, visit: Visit, now: datetime) -> Decision | None:
        """What would become of a visit that passes, were its page closed already; never an error."""
        try:
            return rehearse(visit, self.snapshot, now)
        except Exception:  # noqa: BLE001 - whatever it is, it is none of the visitor's affair
            _log.exception("a visit that passes could not be rehearsed: it is not counted as ahead")
            return None

    def escort(
        self, decision: Decision, ahead: Decision | None, now: datetime, *, cookies: str, cookie: str
    ) -> Escort | None:
        """What goes along with a visit that passes; None: nothing.

        cookies  the value of the visitor's Cookie header
        cookie   the value of a Set-Cookie of ours, or ""
        """
        announcement = None
        announced = decision.phase is Phase.ANNOUNCED and decision.client is ClientClass.NAVIGATION
        if announced and ahead is not None and cookie_in(cookies, DISMISSED) != "off":
            closed_at = decision.portal.schedule_for(decision.key.folded).closed_at
            announcement = Announcement(
                closed_at.astimezone(HO_CHI_MINH).isoformat() if closed_at is not None else "",
                ahead.way.target if ahead.way is not None else self.presenter.home(now),
                "/" + "/".join(ANNOUNCEMENT),
            )
        return Escort(announcement, cookie.encode()) if announcement is not None or cookie else None

    def cookie(self, portal: Portal, segments: tuple[str, ...], ticket: int, now: datetime, *, secure: bool) -> str:
        """The value of the Set-Cookie that keeps a ticket."""
        return self.pilots.cookie(ticket, portal.schedule_for(segments), now, secure=secure)

    def answer_to(self, portal: Portal, word: str, now: datetime) -> int | None:
        """The ticket of somebody who follows a link to the pilot; None: it leads nowhere."""
        pilot: Pilot | None = portal.schedule.pilot_at(now) if portal.life is Life.LIVING else None
        if pilot is None or not pilot.word:
            return None
        return LEFT if word == LEAVE else JOINED if word == pilot.word else None
