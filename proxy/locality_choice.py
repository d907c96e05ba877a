"""/_edge/locality: communes by the name that people type, as a page or as JSON for the notice's script."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl

from aiohttp.web import BaseRequest, Response

from proxy import responses, views
from proxy.pages import Pages
from proxy.presentation import LOCALITY_PATH, Here, Presenter
from proxy.visits import LANGUAGE
from redirect_rules.canonical import BadTarget
from redirect_rules.decision import Decision
from redirect_rules.localities import Match
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import Era, Kind

LONGEST_QUERY = 200
MOST_SHOWN = 20


class LocalityChoice:
    """Answers a typed place name with links that choose a commune."""

    def __init__(self, snapshot: Snapshot, presenter: Presenter, pages: Pages) -> None:
        self._snapshot = snapshot
        self._presenter = presenter
        self._pages = pages

    def answer(self, request: BaseRequest, decision: Decision, headers: dict[str, str], *, language: str) -> Response:
        """A page, or JSON where `format=json` is asked for."""
        raw_query = decision_query(request)
        said = dict(parse_qsl(raw_query, errors="replace"))
        came_from = said.get("_from", "/")
        asked = said.get(LANGUAGE) or dict(parse_qsl(came_from.partition("?")[2], errors="replace")).get(LANGUAGE)
        language = self._presenter.asked(asked) or language
        here = self._came_from(decision, came_from, self._presenter.asked(asked))
        query = said.get("q", "").strip()[:LONGEST_QUERY]
        found = self._snapshot.localities.find(query, limit=MOST_SHOWN, province=said.get("province") or None)
        places = self._places(found.matches, here)
        if said.get("format") == "json":
            return _json(places, found.more, headers)
        view = views.LocalityResults(
            portal=self._presenter.facts(decision.portal),
            query=query,
            matches=places,
            more=found.more,
            here=here.link(),
            language_links=self._links_to_itself(query, said.get("province", ""), here),
            locating=self._asked_again(self._presenter.locating(decision.portal, here, None), said.get("province", "")),
        )
        made = self._pages.render(view, language)
        return responses.page(request, 200, made, {"Cache-Control": "no-store", **headers}, language=language)

    def _asked_again(self, locating: views.Locating, province: str) -> views.Locating:
        """The form once more, with the province that was chosen in it."""
        known = {code for code, _ in locating.provinces}
        return replace(locating, preset=province) if province in known else locating

    def _links_to_itself(self, query: str, province: str, here: Here) -> tuple[tuple[str, str, str], ...]:
        """The same list in every language; the page to go back to follows."""
        return tuple(
            (
                tag,
                name,
                Here(
                    LOCALITY_PATH, (("q", query), ("province", province), ("_from", replace(here, language="").link()))
                ).link(**{LANGUAGE: tag}),
            )
            for tag, name in self._presenter.languages.items()
        )

    def _came_from(self, decision: Decision, raw_target: str, language: str) -> Here:
        """The page to go back to: read as any old address is, so that nothing but its key comes back out."""
        try:
            key = self._snapshot.key_of(decision.portal, decision.key.host, raw_target)
        except BadTarget:
            return Here("/", (), language)
        return Here.of(key, decision.kept, language)

    def _places(self, matches: tuple[Match, ...], here: Here) -> tuple[views.Place, ...]:
        """Communes of today, each once, with the old unit that led there."""
        places: dict[str, views.Place] = {}
        for match in matches:
            unit = match.locality
            if unit.kind in {Kind.PROVINCE, Kind.DISTRICT}:
                continue
            then = ", ".join(part for part in (unit.name, unit.district) if part) if unit.era is Era.OLD else ""
            for now in self._snapshot.localities.successors(unit):
                places.setdefault(now.code, self._presenter.place(now, here, then))
        return tuple(places.values())


def decision_query(request: BaseRequest) -> str:
    """The query of our own endpoint, as sent."""
    return request.raw_path.partition("#")[0].partition("?")[2]


def _json(places: tuple[views.Place, ...], more: int, headers: dict[str, str]) -> Response:
    matches = [
        {"code": p.code, "name": p.name, "province": p.province, "context": p.context, "link": p.link} for p in places
    ]
    body = json.dumps({"matches": matches, "more": more}, ensure_ascii=False).encode()
    own = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return Response(body=body, headers={**headers, **own})
