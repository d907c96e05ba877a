"""The one way out: named pages of the national portal, and the guarded way to an address of theirs.

Rules name a destination and hand over parameters; only this module makes a Target of it.  Nothing a visitor types can
choose the host, and nothing we would answer ourselves can be a target.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

from redirect_rules.model import Target

LONGEST_TARGET = 2_048
"""Characters; what every browser, printer and QR reader in use takes."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", frozenset(_PLACEHOLDER.findall(self.template)))

    def valid_at(self, now: datetime) -> bool:
        """Whether the national portal answers to this form at `now`."""
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
            raise TargetRefused(f"longer than {LONGEST_TARGET} characters")
        if _FORBIDDEN.search(url):
            # A backslash is a slash to browsers, CR LF is the next header.
            raise TargetRefused("a character that may not stand in a URL")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise TargetRefused("no URL") from None
        if parts.scheme != "https" or not url.startswith("https://"):
            raise TargetRefused("not https")
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise TargetRefused("user information before the host")
        if parts.netloc not in self.allowed_hosts or port is not None:
            raise TargetRefused("the host is not on the list of allowed hosts")
        if self.answered_here(parts.netloc, parts.path):
            raise TargetRefused("this edge would answer that address itself: a loop")
        return Target(url)


@dataclass(frozen=True, slots=True)
class Destinations:
    """All named destinations, with the procedures whose page is known by id."""

    by_name: Mapping[str, Destination]
    procedure_ids: Mapping[str, str] = field(repr=False)  # base code → formality id (UUID)
    guard: Guard

    def build(self, name: str, parameters: Mapping[str, str], *, now: datetime) -> Target | None:
        """The address of a named page, or None when no form in force can be filled from the parameters.

        A procedure's id is added from its code.  Raises KeyError for an unknown name and TargetRefused for what the
        guard turns away.
        """
        known = self._with_id(parameters)
        for form in self.by_name[name].forms:
            if form.valid_at(now) and form.needs <= known.keys():
                return self.guard.admit(_filled(form.template, known))
        return None

    def build_url(self, template: str, parameters: Mapping[str, str]) -> Target | None:
        """The same for an address that a rule spells itself.  Raises TargetRefused."""
        known = {name: value for name, value in parameters.items() if value}
        if not set(_PLACEHOLDER.findall(template)) <= known.keys():
            return None
        return self.guard.admit(_filled(template, known))

    def takes_place(self, name: str, parameters: Mapping[str, str], *, now: datetime) -> bool:
        """Whether the target of these parameters would carry a commune, were one known."""
        known = self._with_id(parameters).keys() | {"province_code", "ward_code"}
        fullest = next((form for form in self.by_name[name].forms if form.valid_at(now) and form.needs <= known), None)
        return fullest is not None and "ward_code" in fullest.needs

    def _with_id(self, parameters: Mapping[str, str]) -> dict[str, str]:
        known = {name: value for name, value in parameters.items() if value}
        if "code" in known and (formality_id := self.procedure_ids.get(known["code"])):
            known.setdefault("formality_id", formality_id)
        return known


def _filled(template: str, parameters: Mapping[str, str]) -> str:
    """Put percent-encoded parameters into their places, dropping the end of what would grow too long."""
    room = LONGEST_TARGET - len(template)

    def encoded(match: re.Match[str]) -> str:
        # The old path is encoded already and brings its slashes; its dot segments went when the key was made.
        return parameters[match[1]] if match[1] == "old_path" else _encoded_within(parameters[match[1]], room)

    return _PLACEHOLDER.sub(encoded, template)


def _encoded_within(text: str, room: int) -> str:
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
