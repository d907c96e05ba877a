"""What the pages of one portal say in their own words: sentence by sentence, looked at as a page before it is kept.

A sentence stands in the draft, under the shipped one and above the operators' files, and is checked as those are: a key
that no page asks for, or a {name} that nobody fills in, is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment

from proxy import layouts, messages
from proxy.console.calls import Answer, Call, GoTo, NotFound, Rendered, Route, Show
from proxy.console.citizen_pages import Studio, pages_of_settings
from proxy.console.explain_pages import drafted
from proxy.console.views import Wrong
from proxy.messages import DEFAULT_LANGUAGE, Texts
from redirect_rules.clients import Crawlers
from redirect_rules.explaining import Question
from redirect_rules.model import ClientClass, Portal, Schedule
from redirect_rules.objects import NEW, Kind, Ref, Stored
from redirect_rules.rights import Deed
from redirect_rules.snapshot import Snapshot
from redirect_rules.trials import trial_with

TEMPLATES: Final = ("notice.html", "gone.html", "not_sent.html", "framed.html", "_parts.html", "_base.html")
LONGEST: Final = 600
"""Characters of a sentence, as redirect_rules.portals allows."""
LOOKS: Final = ("notice", "not-sent", "frame")
"""What can be looked at."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One of them."""

    key: str
    shipped: str
    own: str  # "": the shipped one is said
    names: tuple[str, ...]  # what may be filled in

    @property
    def field(self) -> str:
        """The name of its field."""
        return f"text.{self.key}"


@dataclass(frozen=True, slots=True)
class TextsPage:
    """The page."""

    id: str
    name: str
    language: str
    languages: Sequence[tuple[str, str]]
    section: str
    sections: Sequence[tuple[str, int]]  # with how many sentences of its own
    sentences: Sequence[Sentence]
    version: int
    may_edit: bool
    reason: str = ""
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """The sentences of a section."""
    return Show("portal_texts.html", _page(call))


def save(call: Call) -> Answer:
    """Keep those that were changed in the draft; an empty one is the shipped one again."""
    ref, reason = ref_of(call), call.form.get("reason")
    page = _page(call)
    typed = _typed(call, page.sentences)
    wrong = _complaints(call, typed)
    if not reason:
        wrong = (*wrong, ("reason", "required"))
    if wrong:
        return Show("portal_texts.html", _page(call, typed=typed, wrong=wrong), 422)
    stored = stored_of(call)
    texts = dict(own_of(stored))
    said = {**texts.get(page.language, {})}
    for key, text in typed.items():
        said.pop(key, None)
        if text:
            said[key] = text
    texts[page.language] = said
    body = {"texts": {language: own for language, own in sorted(texts.items()) if own}}
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.office.put(ref, body, call.change(reason), seen_version=seen)
    return GoTo(f"/portals/-/{call.matched['id']}/texts?section={page.section}&texts={page.language}", "saved")


def preview(call: Call) -> Answer:
    """The page with what is typed, for its frame.  Nothing is written."""
    portal, page = portal_of(call), _page(call)
    texts = {**own_of(stored_of(call))}
    if call.form.pairs:
        typed = {key: text for key, text in _typed(call, page.sentences).items() if text}
        kept = {key: text for key, text in texts.get(page.language, {}).items() if key not in _keys(page.sentences)}
        texts[page.language] = {**kept, **typed}
    at, snapshot, crawlers = _closed(call, portal)
    look = (call.form if call.form.pairs else call.query).get("look")
    question = Question(
        at,
        method="POST" if look == "not-sent" else "GET",
        client=ClientClass.FRAME if look == "frame" else ClientClass.NAVIGATION,
    )
    studio = Studio(snapshot, crawlers, call.desk.settings)
    decision = studio.decided(f"https://{portal.hosts[0]}/", question)
    made = studio.page(decision, question, page.language, texts) if decision is not None else None
    if made is None:
        raise NotFound(portal.id)  # a switch lets everything pass
    return Rendered(made.html, made.csp)


def _closed(call: Call, portal: Portal) -> tuple[datetime, Snapshot, Crawlers]:
    """The draft on a day on which the portal is closed, be it far or never."""
    packs = drafted(call)[0] or call.desk.published()
    portal = next((one for one in packs.snapshot.all_portals if one.id == portal.id), portal)
    if portal.schedule.phase_at(call.now).closed:
        return call.now, packs.snapshot, packs.crawlers
    at = portal.schedule.closed_at or call.now
    return at, trial_with(packs, replace(portal, schedule=Schedule(notice_at=at))), packs.crawlers


def _keys(sentences: Iterable[Sentence]) -> frozenset[str]:
    return frozenset(sentence.key for sentence in sentences)


def _typed(call: Call, sentences: Iterable[Sentence]) -> dict[str, str]:
    return {one.key: call.form.get(one.field) for one in sentences}


def _complaints(call: Call, typed: Mapping[str, str]) -> Wrong:
    pages = pages_of_settings(call.desk.settings)
    wrong: list[tuple[str, str]] = []
    for key, text in typed.items():
        if len(text) > LONGEST:
            wrong.append((f"text.{key}", "text-long"))
        elif text and (complaint := pages.complaint(key, text)):
            wrong.append((f"text.{key}", complaint))
    return tuple(wrong)


def ref_of(call: Call) -> Ref:
    """Where the sentences of the portal stand whose {id} the address names."""
    return Ref(Kind.TEXTS, f"portal:{call.matched['id']}", "pages")


def stored_of(call: Call) -> Stored | None:
    """Its own sentences in the draft; None: it never had any."""
    with call.desk.store.reading() as workspace:
        return workspace.get(ref_of(call))


def own_of(stored: Stored | None) -> Mapping[str, Mapping[str, str]]:
    """The same by language and key."""
    texts: Mapping[str, Mapping[str, str]] = stored.body["texts"] if stored is not None else {}
    return texts


def portal_of(call: Call) -> Portal:
    """The portal whose {id} the address names.  Raises NotFound."""
    portals = call.desk.published().snapshot.all_portals
    portal = next((one for one in portals if one.id == call.matched["id"] and one.hosts), None)
    if portal is None:
        raise NotFound(call.matched["id"])
    return portal


def _page(call: Call, *, typed: Mapping[str, str] | None = None, wrong: Wrong = ()) -> TextsPage:
    portal, stored = portal_of(call), stored_of(call)
    pages = pages_of_settings(call.desk.settings)
    fields = call.form if call.form.pairs else call.query
    language = fields.get("texts", call.language)
    language = language if language in pages.languages() else DEFAULT_LANGUAGE
    shipped = pages.shipped(language, portal.id)
    keys = keys_of(shipped)
    own = own_of(stored).get(language, {})
    sections = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    section = fields.get("section")
    section = section if section in sections else sections[0]
    return TextsPage(
        id=portal.id,
        name=portal.names.get(call.language) or portal.id,
        language=language,
        languages=[(tag, pages.language_name(tag)) for tag in pages.languages()],
        section=section,
        sections=[(one, sum(key.partition(".")[0] == one for key in own)) for one in sections],
        sentences=[
            _sentence(key, shipped, (typed or own).get(key, "")) for key in keys if key.partition(".")[0] == section
        ],
        version=stored.version if stored else NEW,
        may_edit=call.office.may_write(ref_of(call)),
        reason=call.form.get("reason"),
        wrong=wrong,
    )


def _sentence(key: str, shipped: Texts, own: str) -> Sentence:
    message = shipped.messages[key]
    return Sentence(key, message.source, own, tuple(sorted(message.names)))


def keys_of(shipped: Texts) -> list[str]:
    """The keys that the pages of a closed portal ask for, in the order of the file."""
    wanted = _wanted()
    prefixes = tuple(key for key in wanted if key.endswith("."))
    return [key for key in shipped.messages if key in wanted or key.startswith(prefixes)]


@lru_cache(maxsize=1)
def _wanted() -> frozenset[str]:
    environment = Environment(autoescape=True)
    found: set[str] = set()
    for name in TEMPLATES:
        template = files(layouts.PACKAGE) / name
        if template.is_file():
            found |= messages.keys_asked(environment, template.read_text("utf-8"))
    return frozenset(key for key in found if not key.startswith(("language.", "trouble.", "date.")))


ROUTES: Final = (
    Route("GET", "/portals/-/{id}/texts", show),
    Route("POST", "/portals/-/{id}/texts", save, Deed.EDIT),
    Route("GET", "/portals/-/{id}/texts/preview", preview, Deed.EDIT),
    Route("POST", "/portals/-/{id}/texts/preview", preview, Deed.EDIT),
)
