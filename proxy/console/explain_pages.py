"""Explain: an old address as somebody pastes it → what becomes of it, why, for whom, and where to change it."""

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from proxy.console.calls import Answer, Call, Route, Show
from proxy.console.views import Wrong
from redirect_rules.explaining import Explanation, Question, explain, reasons
from redirect_rules.model import ClientClass
from redirect_rules.packs import Packs
from redirect_rules.schedules import instant
from redirect_rules.sources import Problems
from redirect_rules.ways import Step

LONGEST_URL: Final = 8_000
_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Explained:
    """The page."""

    url: str = ""
    draft: bool = False
    at: str = ""
    found: Explanation | None = None
    by_client: tuple[tuple[str, Explanation], ...] = ()
    rule_link: str = ""
    new_rule_link: str = ""
    preview_link: str = ""
    because: tuple[Step, ...] = ()
    curl: str = ""
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """Explain what is asked for; without an address, ask for one."""
    url, draft, at_text = call.query.get("url"), bool(call.query.get("draft")), call.query.get("at")
    if not url:
        return Show("explain.html", Explained(draft=draft, at=at_text))
    at, wrong = asked_instant(at_text, call.now)
    if len(url) > LONGEST_URL:
        wrong = (*wrong, ("url", "url-long"))
    packs, problems = drafted(call) if draft and not wrong else (call.desk.published(), ())
    wrong = (*wrong, *problems)
    if wrong or packs is None:
        return Show("explain.html", Explained(url, draft, at_text, wrong=wrong), 422)
    found = _ask(packs, url, Question(at), call)
    by_client = tuple((client.value, _ask(packs, url, Question(at, client=client), call)) for client in ClientClass)
    view = Explained(
        url=url,
        draft=draft,
        at=at_text,
        found=found,
        by_client=by_client,
        because=reasons(
            url,
            Question(at),
            packs.snapshot,
            suffixes=call.desk.settings.preview.host_suffixes,
            crawlers=packs.crawlers,
        ),
        rule_link=rule_link(found["rule"]),
        new_rule_link="" if found["portal"] is None else f"/rules/new?{urlencode({'url': url})}",
        preview_link="" if found["portal"] is None else f"/preview?{urlencode({'url': url, 'at': at_text})}",
        curl=f"curl -sI {shlex.quote(url if '://' in url else f'https://{url}')}",
    )
    return Show("explain.html", view)


def rule_link(rule: str | None) -> str:
    """The page of a rule as decisions name it: "langson/news" of a portal, "igate2/detail" of a family; "" for none."""
    owner, slash, name = (rule or "").partition("/")
    return f"/rules/{quote(owner, safe='')}/{quote(name, safe='')}" if slash else ""


def _ask(packs: Packs, url: str, question: Question, call: Call) -> Explanation:
    suffixes = call.desk.settings.preview.host_suffixes
    return explain(url, question, packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers)


def drafted(call: Call) -> tuple[Packs | None, Wrong]:
    """The draft as it would be served; where it cannot be, what is wrong with it."""
    try:
        return call.desk.drafted(), ()
    except Problems as problems:
        return None, tuple(("draft", one.text) for one in problems.problems[:_MOST_SHOWN])


def asked_instant(text: str, now: datetime) -> tuple[datetime, Wrong]:
    """When is asked about; without a text, now."""
    if not text:
        return now, ()
    try:
        return instant(text), ()
    except ValueError:
        return now, (("at", "instant"),)


ROUTES: Final = (Route("GET", "/explain", show),)
