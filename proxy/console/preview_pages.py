"""Side by side: what an old address gives today, and what it would give by the draft.

For each client class, and as people would see it: each page in a frame of its own, in which nothing runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from proxy.console.calls import Answer, Call, NotFound, Rendered, Route, Show
from proxy.console.citizen_pages import Studio
from proxy.console.explain_pages import LONGEST_URL, asked_instant, drafted
from proxy.console.views import Wrong
from proxy.pages import PagesError
from redirect_rules.canonical import BadHost
from redirect_rules.explaining import Explanation, Question, explain, visit_to
from redirect_rules.model import ClientClass
from redirect_rules.packs import Packs

TODAY: Final = "today"
DRAFT: Final = "draft"


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two says."""

    name: str  # TODAY or DRAFT
    found: Explanation
    frame: str  # the address of the citizens' page; "": the answer is none


@dataclass(frozen=True, slots=True)
class Comparison:
    """The page."""

    url: str = ""
    at: str = ""
    sides: Sequence[Side] = ()
    by_client: Sequence[tuple[str, Explanation, Explanation]] = ()  # client class, today, by the draft
    on_preview_host: str = ""  # where what serves can be looked at as visitors see it, scripts and all
    wrong: Wrong = ()

    @property
    def same(self) -> bool:
        """Whether nobody would notice anything."""
        return all(alike(today, draft) for _, today, draft in self.by_client)


def alike(one: Explanation, other: Explanation) -> bool:
    """Whether a visitor would not see a difference, whatever rule said it."""
    return (one["outcome"], one["target"]) == (other["outcome"], other["target"])


def show(call: Call) -> Answer:
    """Compare what is asked for; without an address, ask for one."""
    url, at_text = call.query.get("url"), call.query.get("at")
    if not url:
        return Show("preview.html", Comparison(at=at_text))
    at, wrong = asked_instant(at_text, call.now)
    if len(url) > LONGEST_URL:
        wrong = (*wrong, ("url", "url-long"))
    draft, problems = drafted(call)
    wrong = (*wrong, *problems)
    if wrong or draft is None:
        return Show("preview.html", Comparison(url, at_text, wrong=wrong), 422)
    packs = {TODAY: call.desk.published(), DRAFT: draft}
    question = Question(at)
    sides = [Side(name, _asked(call, one, url, question), _frame(call, one, name, url)) for name, one in packs.items()]
    by_client = []
    for client in ClientClass:
        asked = Question(at, client=client)
        by_client.append((client.value, _asked(call, packs[TODAY], url, asked), _asked(call, draft, url, asked)))
    return Show("preview.html", Comparison(url, at_text, sides, by_client, _on_preview_host(call, url)))


def _asked(call: Call, packs: Packs, url: str, question: Question) -> Explanation:
    suffixes = call.desk.settings.preview.host_suffixes
    return explain(url, question, packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers)


def _frame(call: Call, packs: Packs, name: str, url: str) -> str:
    at, _ = asked_instant(call.query.get("at"), call.now)
    if _page(call, packs, url, Question(at)) is None:
        return ""
    return f"/preview/page?{urlencode({'which': name, 'url': url, 'at': call.query.get('at')})}"


def _page(call: Call, packs: Packs, url: str, question: Question) -> Rendered | None:
    studio = Studio(packs.snapshot, packs.crawlers, call.desk.settings)
    try:
        decision = studio.decided(url, question)
        page = studio.page(decision, question, call.language) if decision is not None else None
    except (BadHost, PagesError):
        return None
    return Rendered(page.html, page.csp) if page is not None else None


def show_page(call: Call) -> Answer:
    """One side's page, for its frame."""
    url, which = call.query.get("url"), call.query.get("which")
    at, wrong = asked_instant(call.query.get("at"), call.now)
    packs = drafted(call)[0] if which == DRAFT else call.desk.published()
    if wrong or packs is None or len(url) > LONGEST_URL or (page := _page(call, packs, url, Question(at))) is None:
        raise NotFound(url)
    return page


def _on_preview_host(call: Call, url: str) -> str:
    """The address on the preview host; "": there is none."""
    settings = call.desk.settings
    suffixes = settings.preview.host_suffixes
    packs = call.desk.published()
    try:
        visit = visit_to(url, Question(call.now), suffixes=suffixes, crawlers=packs.crawlers)
    except BadHost:
        return ""
    if not suffixes or visit.host not in packs.snapshot.portals:
        return ""
    host = f"{visit.host}.{suffixes[0]}"
    local = urlsplit(f"//{suffixes[0]}").hostname == "localhost"
    return f"http://{host}:{settings.listen.port}{visit.raw_target}" if local else f"https://{host}{visit.raw_target}"


ROUTES: Final = (
    Route("GET", "/preview", show),
    Route("GET", "/preview/page", show_page),
)
