"""What stands in the place of a closed page: pages for people, redirects, and the files that every host has."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, timedelta

from aiohttp.web import Response

from proxy import responses, site_files, views
from proxy.config import Settings
from proxy.forms import read_form
from proxy.pages import Page, Pages
from proxy.presentation import Presenter
from proxy.responses import HOUR, NO_STORE
from proxy.turns import Turn
from proxy.visits import PLACE_COOKIE
from redirect_rules.decision import Decision
from redirect_rules.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ClosedPages:
    """The closed pages of one snapshot.  `headers`: what each of their answers carries, whatever it says."""

    snapshot: Snapshot
    settings: Settings
    presenter: Presenter
    pages: Pages

    async def page(self, turn: Turn, status: int, view: views.View, headers: dict[str, str]) -> Response:
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

    async def notice(self, turn: Turn, decision: Decision, headers: dict[str, str], *, ask: bool) -> Response:
        """The notice; a commune that was chosen on it is remembered, or forgotten."""
        controls = turn.arrival.controls
        view = self.presenter.notice(
            decision, now=turn.now, stay=controls.stay, ask=ask, language=controls.language or ""
        )
        response = await self.page(turn, 200, view, headers)
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

    def send_away(self, decision: Decision, headers: dict[str, str]) -> Response:
        """A redirect to where the page has gone.  Raises LookupError for a decision that leads nowhere."""
        if decision.way is None:
            raise LookupError("a redirect that leads nowhere")
        status = 301 if decision.permanent else 302
        # A target that depends on the visitor's own choice is not everybody's.
        cache = "private, max-age=3600" if decision.way.place is not None else HOUR
        return responses.redirect(status, decision.way.target, headers, cache=cache)

    async def not_sent(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        """410: the form that was posted was not sent, and here is what was typed."""
        form = await read_form(turn.request, limit=self.settings.limits.form_body)
        response = await self.page(turn, 410, self.presenter.not_sent(decision, form), headers)
        if form.unreadable or form.cut:
            response.force_close()  # what is left of the body is nobody's next request
        return response

    def sitemap(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        """/sitemap.xml of the host."""
        text = site_files.sitemap(self.snapshot, decision.portal, decision.key.host, turn.now)
        response = responses.text(200, text, headers, cache=HOUR)
        response.content_type = "application/xml"
        return response

    def security_contact(self, turn: Turn, decision: Decision, headers: dict[str, str]) -> Response:
        """/.well-known/security.txt of the host (RFC 9116)."""
        expires = turn.now.astimezone(UTC) + timedelta(days=180)
        contact = self.settings.security_contact.contact
        return responses.text(
            200, site_files.security_txt(contact, decision.key.host, expires=expires), headers, cache=HOUR
        )
