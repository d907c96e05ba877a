"""Views become pages: bytes of HTML and the policy that lets exactly that page work.

One request brings the whole page: style and scripts stand in it, and the policy names them by their hashes, computed
once.  Templates, texts and logos are read and checked at the start; rendering opens no file and decides nothing.
"""

import importlib.resources
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Literal

from proxy import compression, languages, layouts, messages, overrides
from proxy.compression import Part, Segment
from proxy.generations import Generations
from proxy.layouts import Layout
from proxy.messages import DEFAULT_LANGUAGE, FALLBACKS, Message, MessageFile, Texts
from proxy.overrides import Folder
from proxy.qr import is_soon_drawn
from proxy.skeletons import NO_SKELETON, Form, Skeleton, Skeletons, form_of
from proxy.views import Notice, PortalFacts, View

_MOST_SKELETONS: Final = 1_024  # some ten for each portal and language that is asked for
_MUCH: Final = 4_096  # characters that differ from page to page
_MOST_OWN: Final = 1_024
"""Texts of single portals that are kept ready: of some hundred portals in a few languages."""


class PagesError(Exception):
    """Templates, texts or overrides are wrong: all mistakes at once, each with its file and key."""

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("the pages cannot be made:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Page:
    """A finished page."""

    parts: tuple[Part, ...]  # which are the whole of it, one after the other
    csp: str  # the value of Content-Security-Policy

    @property
    def html(self) -> bytes:
        """The whole of it."""
        return b"".join([part.octets if isinstance(part, Segment) else part for part in self.parts])

    @property
    def length(self) -> int:
        """Its octets."""
        return sum([len(part.octets if isinstance(part, Segment) else part) for part in self.parts])

    def packed(self, coding: Literal["gzip", "br"]) -> bytes:
        """The whole of it in a coding; the same octets for the same page."""
        return compression.gzipped(self.parts) if coding == "gzip" else compression.in_brotli(self.html)


@dataclass(frozen=True, slots=True)
class _Skin:
    """How the pages of one portal look and speak."""

    texts: Mapping[str, Texts]  # language → messages
    hotline: str  # "": as the view says
    logo: str
    layouts: Mapping[type[View], Layout]


class Pages:
    """All pages, in all languages, for all portals."""

    def __init__(
        self, folder: Path | None = None, *, hotline: str = "18001096", portals: Collection[str] | None = None
    ) -> None:
        """Read and check everything.  Raises PagesError.

        folder   the operators' overrides, or None
        hotline  for pages that belong to no portal
        portals  the ids there are, to find misnamed folders
        """
        read = overrides.read(folder, portals)
        wardrobe = _Wardrobe(dict(_shipped_messages()), read.everywhere)
        self._default = wardrobe.skin(Folder())
        self._portals = {portal: wardrobe.skin(own) for portal, own in read.portals.items()}
        self._languages = wardrobe.languages
        self._hotline = hotline
        # Made once for each portal: what templates keep of a page is kept by the texts that it was made with.
        self._own = lru_cache(maxsize=_MOST_OWN)(self._with_own)
        self._maker = Skeletons()
        self._skeletons: Generations[Hashable, Skeleton] = Generations(
            entries=_MOST_SKELETONS, octets=_MOST_SKELETONS, weight=lambda _, __: 1
        )
        self._learnt_later: set[Hashable] = set()  # keys of skeletons that somebody is to make
        if problems := [*read.problems(), *wardrobe.problems]:
            raise PagesError(problems)

    def _with_own(self, texts: Texts, own: tuple[tuple[str, str], ...]) -> Texts:
        """Texts under what was published for one portal; a sentence that cannot be filled in is left out."""
        reference = self._default.texts[DEFAULT_LANGUAGE]
        said = {key: message for key, text in own if (message := acceptable(reference, key, text)) is not None}
        return texts.over(said)

    def complaint(self, key: str, text: str) -> str:
        """What is wrong with a sentence in the place of a shipped one, and what to write instead; "": nothing."""
        reference = self._default.texts[DEFAULT_LANGUAGE]
        file = messages.MessageFile("", {}, ())
        try:
            file = messages.MessageFile("", {key: messages.parse(text)}, ())
        except ValueError as error:
            return str(error)
        return next((said.partition(": ")[2] for said in messages.problems_against(file, reference.messages)), "")

    def shipped(self, language: str, portal: str = "") -> Texts:
        """What pages say without anything that was published: of a portal, with the files of its operators."""
        skin = self._portals.get(portal, self._default)
        return skin.texts.get(language) or skin.texts[DEFAULT_LANGUAGE]

    def languages(self) -> tuple[str, ...]:
        """The language tags there are messages for, the default first."""
        return self._languages

    def language_name(self, language: str) -> str:
        """What a language calls itself, as plain text: "Tiếng Việt"."""
        return self._default.texts[language].raw("language.name")

    def choose_language(self, accept_language: str, asked: str | None = None) -> str:
        """The language for a visitor: what was asked for, else the best of Accept-Language, else Vietnamese."""
        return languages.choose(accept_language, asked, self._languages)

    def render(self, view: View, language: str) -> Page:
        """The page that says what the view holds.  A language there is no file for is answered in the default."""
        form, (layout, values) = form_of(view), self._given(view, language)
        if form is None:
            return self.plain(view, language)
        key = _key(form, values)
        skeleton = self._skeletons.get(key)
        if skeleton is None:
            return self._first(form, key, view, language)
        parts = skeleton.filled(form.said)
        return self.plain(view, language) if parts is None else Page(parts, layouts.policy_for(layout, view))

    def plain(self, view: View, language: str) -> Page:
        """The same, made for itself alone, as its template says it."""
        layout, values = self._given(view, language)
        return Page((_rendered(layout, values, view).encode(),), layouts.policy_for(layout, view))

    def at_once(self, view: View, language: str) -> Page | None:
        """The same, if it takes no more than a quarter of a millisecond: pages of its form were made before."""
        form = form_of(view)
        if form is None or sum(map(len, form.said)) > _MUCH:
            return None
        if isinstance(view, Notice) and not is_soon_drawn(view.target):
            return None
        layout, values = self._given(view, language)
        skeleton = self._skeletons.get(_key(form, values))
        parts = skeleton.filled(form.said) if skeleton is not None else None
        return None if parts is None else Page(parts, layouts.policy_for(layout, view))

    def soon(self, view: View, language: str, later: Callable[[Callable[[], object]], object]) -> Page:
        """The same in a fifth of a millisecond: the first of its form is made for itself alone.

        later  does what it is given when nobody waits for it: find out how others of the form are made
        """
        form = form_of(view)
        key = None if form is None else _key(form, self._given(view, language)[1])
        if form is None or self._skeletons.get(key) is not None:
            return self.render(view, language)
        page = self.plain(view, language)
        if key not in self._learnt_later:
            self._learnt_later.add(key)
            later(partial(self._learn, form, key, view, language))
        return page

    def _learn(self, form: Form, key: Hashable, view: View, language: str) -> None:
        try:
            self._first(form, key, view, language)
        finally:
            self._learnt_later.discard(key)

    def _first(self, form: Form, key: Hashable, view: View, language: str) -> Page:
        """The first page of a form.  It becomes known how others are made, if this one could be made so."""
        layout, values = self._given(view, language)
        plain = self.plain(view, language)
        skeleton = self._maker.make(form, lambda blanked: _rendered(layout, values, blanked)) or NO_SKELETON
        if skeleton is not NO_SKELETON:
            parts = skeleton.filled(form.said)
            if parts is None:  # it tells nothing about others
                return plain
            made = Page(parts, plain.csp)
            if made.html == plain.html:
                self._skeletons.put(key, skeleton)
                return made
        self._skeletons.put(key, NO_SKELETON)
        return plain

    def _given(self, view: View, language: str) -> tuple[Layout, dict[str, Any]]:
        """The layout of a view, and what its template is given besides."""
        portal = view.portal
        skin = self._default if portal is None else self._portals.get(portal.id, self._default)
        texts = skin.texts.get(language) or skin.texts[DEFAULT_LANGUAGE]
        if portal is not None and (own := portal.texts.get(texts.language)):
            texts = self._own(texts, tuple(own.items()))
        layout = skin.layouts[type(view)]
        return layout, {
            "t": texts,
            "lang": texts.language,
            "layout": layout,
            "logo": skin.logo,
            "hotline": skin.hotline or (portal.hotline if portal else "") or self._hotline,
            "portal_name": _name(portal, texts),
        }


def _rendered(layout: Layout, values: Mapping[str, Any], view: View) -> str:
    return layout.template.render(values, view=view)


def _key(form: Form, values: Mapping[str, Any]) -> Hashable:
    """What pages that are made of one skeleton have in common."""
    return values["layout"], values["t"], values["logo"], values["hotline"], values["portal_name"], form.key


def acceptable(reference: Texts, key: str, text: str) -> Message | None:
    """A sentence in the place of a shipped one; None where no page asks for it, or could not fill it in."""
    try:
        message = messages.parse(text)
    except ValueError:
        return None
    known = reference.messages.get(key)
    return message if known is not None and message.names <= known.names else None


def _name(portal: PortalFacts | None, texts: Texts) -> str:
    if portal is None:
        return ""
    return portal.names.get(texts.language) or portal.names.get(DEFAULT_LANGUAGE) or portal.host


def _shipped_messages() -> Iterator[tuple[str, MessageFile]]:
    for file in (importlib.resources.files(layouts.PACKAGE) / "messages").iterdir():
        if file.name.endswith(".toml"):
            source = f"{layouts.PACKAGE}/messages/{file.name}"
            yield file.name.removesuffix(".toml"), messages.read(source, file.read_text("utf-8"))


@dataclass(slots=True)
class _Wardrobe:
    """Makes skins: what is shipped, under what the operators say for all portals, under what they say for one."""

    shipped: Mapping[str, MessageFile]
    everywhere: Folder
    problems: list[str] = field(default_factory=list)
    languages: tuple[str, ...] = ()
    _layouts: Mapping[type[View], Layout] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.languages = _ordered({*self.shipped, *self.everywhere.messages})
        for file in (*self.shipped.values(), *self.everywhere.messages.values()):
            self.problems += messages.problems_against(file, self._reference)
        for language, file in self.everywhere.messages.items():
            if language not in self.shipped and "language.name" not in file.messages:
                self.problems.append(f"{file.source}: language.name: a new language must say its own name")
        self._layouts = self._laid_out(self.everywhere.templates)

    @property
    def _reference(self) -> Mapping[str, messages.Message]:
        return self.shipped[DEFAULT_LANGUAGE].messages

    def skin(self, own: Folder) -> _Skin:
        """The skin of a portal with this folder of its own."""
        for language, file in own.messages.items():
            self.problems += messages.problems_against(file, self._reference)
            if language not in self.languages:
                self.problems.append(f"{file.source}: a new language is for all portals: move the file one folder up")
        layers = (self.shipped, self.everywhere.messages, own.messages)
        return _Skin(
            texts={language: _layered(language, layers) for language in self.languages},
            hotline=own.hotline or self.everywhere.hotline,
            logo=own.logo or self.everywhere.logo,
            layouts=self._laid_out(own.templates, self.everywhere.templates) if own.templates else self._layouts,
        )

    def _laid_out(self, *folders: Path | None) -> Mapping[type[View], Layout]:
        """Templates of the first folder that has them; only that folder's mistakes are new."""
        made, problems = layouts.load([folder for folder in folders if folder], self._reference)
        self.problems += problems
        return made


def _ordered(tags: Collection[str]) -> tuple[str, ...]:
    rest = sorted(set(tags) - {DEFAULT_LANGUAGE}, key=lambda tag: (tag not in FALLBACKS, tag))
    return (DEFAULT_LANGUAGE, *rest)


def _layered(language: str, layers: Collection[Mapping[str, MessageFile]]) -> Texts:
    """One language over those it borrows from; in each, the later layer wins."""
    lenders = [lender for lender in reversed(FALLBACKS) if lender != language]
    merged: dict[str, messages.Message] = {}
    for tag in (*lenders, language):
        for layer in layers:
            if tag in layer:
                merged |= layer[tag].messages
    return Texts(language, merged)
