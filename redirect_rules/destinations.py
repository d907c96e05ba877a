"""The one way out: named pages of the national portal, and the guarded way to an address of theirs.

Rules name a destination and hand over parameters; only this module makes a Target of it.  Nothing a visitor types can
choose the host, and nothing we would answer ourselves can be a target.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from redirect_rules.model import Target
from redirect_rules.sayings import say

LONGEST_TARGET = 2_048
"""Characters; what every browser, printer and QR reader in use takes."""

_MOST_PAGES = 8_192  # targets that are remembered: more than there are procedures
_UNRESERVED = re.compile(r"[A-Za-z0-9_.\-~]*\Z")  # what quote() leaves as it is
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PLAIN_URL = re.compile(r"https://([a-z0-9.\-]+)(/[!$-;=@-\[\]_a-z~]*)(?:[?#][!#-;=?-\[\]_a-z~]*)?\Z")  # host and path
_FORBIDDEN = re.compile(r"[^!-~]|[\\\"<>^`{|}]")  # not visible ASCII, or never bare in a URI (RFC 3986 §2)


class TargetRefused(ValueError):
    """The address may not be sent to anybody; the text says which guard refused it."""


@dataclass(frozen=True, slots=True)
class UrlForm:
    """One spelling of a destination's address: usable when all its parameters are known and it is in force."""

    template: str  # "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/{formality_id}"
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    needs: frozenset[str] = field(init=False)
    parts: tuple[str, ...] = field(init=False, compare=False, repr=False)  # text, name, text, name, …, text
    names: tuple[str, ...] = field(init=False, compare=False, repr=False)  # of the placeholders, in their order
    room: int = field(init=False, compare=False, repr=False)  # characters for each of them

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(_PLACEHOLDER.split(self.template)))
        object.__setattr__(self, "names", self.parts[1::2])
        object.__setattr__(self, "room", LONGEST_TARGET - len(self.template))
        object.__setattr__(self, "needs", frozenset(self.names))

    def valid_at(self, now: datetime) -> bool:
        """Whether the national portal answers to this form at `now`."""
        if self.valid_from is self.valid_until is None:
            return True
        begun = self.valid_from is None or now >= self.valid_from
        return begun and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True, slots=True)
class Destination:
    """A named page: its forms in order of wish, the fullest first."""

    name: str
    forms: tuple[UrlForm, ...]

    @property
    def takes_place(self) -> bool:
        """Whether some form carries the visitor's commune."""
        return any("ward_code" in form.needs for form in self.forms)


@dataclass(frozen=True, slots=True)
class Guard:
    """What a target must be.  `answered_here` says of host and path whether this edge would answer it again."""

    allowed_hosts: frozenset[str]
    answered_here: Callable[[str, str], bool]

    def admit(self, url: str) -> Target:
        """Return the address as a Target, or raise TargetRefused."""
        if len(url) > LONGEST_TARGET:
            raise TargetRefused(say("target.long", most=LONGEST_TARGET))
        if (plain := _PLAIN_URL.match(url)) and plain[1] in self.allowed_hosts:
            # Nothing is left for the guards below to find.
            return self._not_ours(url, plain[1], plain[2])
        if _FORBIDDEN.search(url):
            # A backslash is a slash to browsers, CR LF is the next header.
            raise TargetRefused(say("target.character"))
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise TargetRefused(say("target.no-url")) from None
        if parts.scheme != "https" or not url.startswith("https://"):
            raise TargetRefused(say("target.scheme"))
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise TargetRefused(say("target.user"))
        if parts.netloc not in self.allowed_hosts or port is not None:
            raise TargetRefused(say("target.host"))
        return self._not_ours(url, parts.netloc, parts.path)

    def _not_ours(self, url: str, host: str, path: str) -> Target:
        if self.answered_here(host, path):
            raise TargetRefused(say("target.loop"))
        return Target(url)


class Mould(NamedTuple):
    """An address that the guard has let through, cut at the parameters that are still to be filled in."""

    pieces: tuple[str, ...]  # one more than names
    names: tuple[str, ...]
    room: int  # characters that each of the values may have


@dataclass(frozen=True, slots=True)
class Destinations:
    """All named destinations, with the procedures whose page is known by id."""

    by_name: Mapping[str, Destination]
    procedure_ids: Mapping[str, str] = field(repr=False)  # base code → formality id (UUID)
    guard: Guard
    _taking_place: frozenset[str] = field(init=False, repr=False)  # names of destinations that may carry a commune
    _carrying_path: frozenset[str] = field(init=False, repr=False)  # and of those that carry the old path
    _page: Callable[[str, tuple[str, ...]], Target] = field(init=False, repr=False, compare=False)  # remembers
    _admitted: frozenset[str] = field(init=False, repr=False)  # templates whose host and path no parameter changes

    def __post_init__(self) -> None:
        templates = {form.template for destination in self.by_name.values() for form in destination.forms}
        object.__setattr__(self, "_taking_place", self._needing("ward_code"))
        object.__setattr__(self, "_carrying_path", self._needing("old_path"))
        object.__setattr__(self, "_page", lru_cache(_MOST_PAGES)(self._made))
        object.__setattr__(self, "_admitted", frozenset(filter(self._stays_admitted, templates)))

    def _needing(self, parameter: str) -> frozenset[str]:
        named = self.by_name.items()
        return frozenset(name for name, page in named if any(parameter in form.needs for form in page.forms))

    def _stays_admitted(self, template: str) -> bool:
        """Whether whatever parameters are filled in, only the length is left to be looked at."""
        head, _, query = template.partition("?")
        fixed = "{" not in head and "{old_path}" not in query and "#" not in template
        try:
            return fixed and bool(self.guard.admit(_PLACEHOLDER.sub("", template)))
        except TargetRefused:
            return False

    def build(self, name: str, parameters: Mapping[str, str], *, now: datetime) -> Target | None:
        """The address of a named page, or None when no form in force can be filled from the parameters.

        A procedure's id is added from its code.  Raises KeyError for an unknown name and TargetRefused for what the
        guard turns away.
        """
        known = self.known(parameters)
        form = self.form(name, known.keys(), now=now)
        if form is None:
            return None
        values = tuple([known[needed] for needed in form.names])
        if form.template not in self._admitted:
            # Pages of procedures are again and again the same; old paths are not.
            return self._made(form.template, values) if "old_path" in form.needs else self._page(form.template, values)
        target = _filled(form, values)
        return Target(target) if len(target) <= LONGEST_TARGET else self.guard.admit(target)

    def build_url(self, template: str, parameters: Mapping[str, str]) -> Target | None:
        """The same for an address that a rule spells itself.  Raises TargetRefused."""
        known = {name: value for name, value in parameters.items() if value}
        if "{" not in template:
            return self.guard.admit(template)
        form = UrlForm(template)
        if not form.needs <= known.keys():
            return None
        return self.guard.admit(_filled(form, tuple([known[name] for name in form.names])))

    def _made(self, template: str, values: tuple[str, ...]) -> Target:
        return self.guard.admit(_filled(UrlForm(template), values))

    def carries_path(self, name: str) -> bool:
        """Whether some form of the page asks for the old path."""
        return name in self._carrying_path

    def takes_place(self, name: str, parameters: Mapping[str, str], *, now: datetime) -> bool:
        """Whether the target of these parameters would carry a commune, were one known."""
        if name not in self._taking_place:
            return False
        known = {**self.known(parameters), "province_code": "", "ward_code": ""}
        form = self.form(name, known.keys(), now=now)
        return form is not None and "ward_code" in form.needs

    def form(self, name: str, known: AbstractSet[str], *, now: datetime) -> UrlForm | None:
        """The first form in force that parameters of these names can fill.  Raises KeyError for an unknown page."""
        for form in self.by_name[name].forms:
            if form.needs <= known and form.valid_at(now):
                return form
        return None

    def mould(self, form: UrlForm, given: Mapping[str, str]) -> Mould | None:
        """What is left of a form when these parameters are filled in; the others are then put in as they are.

        They have to be texts that need no escape (RFC 3986 §2.3), of `Mould.room` characters at most.  None for a form
        whose every address the guard has to see, and for one that has no room.
        """
        if form.template not in self._admitted:
            return None
        pieces, names = [form.parts[0]], list[str]()
        for name, after in zip(form.names, form.parts[2::2], strict=True):
            if name in given:
                pieces[-1] += _encoded_within(given[name], form.room) + after
            else:
                names.append(name)
                pieces.append(after)
        left = LONGEST_TARGET - sum(map(len, pieces))
        room = min(form.room, left // len(names)) if names else left
        return Mould(tuple(pieces), tuple(names), room) if room >= 0 else None

    def known(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """The parameters that are not empty, with a procedure's id where its code is among them."""
        known = {name: value for name, value in parameters.items() if value}
        if "code" in known and (formality_id := self.procedure_ids.get(known["code"])):
            known.setdefault("formality_id", formality_id)
        return known


def _filled(form: UrlForm, values: Sequence[str]) -> str:
    """Put percent-encoded parameters into their places, dropping the end of what would grow too long."""
    if not values:
        return form.template
    filled = list(form.parts)
    for place, name, value in zip(range(1, len(filled), 2), form.names, values, strict=True):
        # The old path is encoded already and brings its slashes; its dot segments went when the key was made.
        filled[place] = value if name == "old_path" else _encoded_within(value, form.room)
    return "".join(filled)


def _encoded_within(text: str, room: int) -> str:
    if len(text) <= room and _UNRESERVED.match(text):
        return text
    text = text[: max(room, 0)]  # encoding makes nothing shorter
    encoded = quote(text, safe="")
    while len(encoded) > room:
        text = text[: len(text) * 3 // 4]
        encoded = quote(text, safe="")
    return encoded


def template_with_hole(destination: Destination, parameter: str, *, now: datetime) -> str | None:
    """The form that needs this one parameter alone, its hole left open as {parameter}, for a page to fill in."""
    forms = (form for form in destination.forms if form.valid_at(now) and form.needs == {parameter})
    return next((form.template for form in forms), None)


def unknown_placeholders(destination: Destination, known: Iterable[str]) -> set[str]:
    """Placeholders that no rule can ever fill."""
    return {name for form in destination.forms for name in form.needs} - set(known)
