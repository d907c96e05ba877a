"""What a page's function is given, and what it may give back.  Plain values: no socket, no session, no framework."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from urllib.parse import urlencode

from proxy.console.desk import Desk
from redirect_rules.objects import Change
from redirect_rules.office import Office
from redirect_rules.rights import Deed, Person, Province, check


class Fields:
    """What came in a query or in a form: names with their values, in order."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name, without blanks around it."""
        return next((value.strip() for key, value in self.pairs if key == name), default)

    def raw(self, name: str) -> str:
        """The first value as it came."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a name."""
        return tuple(value for key, value in self.pairs if key == name)

    def number(self, name: str, default: int, *, least: int = 1, most: int = 10_000) -> int:
        """A whole number within bounds; what is none is the default."""
        text = self.get(name)
        return min(max(int(text), least), most) if text.isascii() and text.isdecimal() and len(text) < 9 else default

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Everything else, for a link that keeps the filters."""
        return tuple((key, value) for key, value in self.pairs if key not in names)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a form."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: somebody who is signed in asks for a page, or sends a form of ours."""

    person: Person
    desk: Desk
    path: str
    now: datetime
    language: str = "vi"
    query: Fields = field(default_factory=Fields)
    form: Fields = field(default_factory=Fields)
    matched: Mapping[str, str] = field(default_factory=dict)  # {names} of the route
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    @property
    def office(self) -> Office:
        """The rules, in the hands of whoever asks."""
        return self.desk.office(self.person)

    def change(self, reason: str, *, batch: str | None = None) -> Change:
        """A change by whoever asks, now."""
        return Change(self.person.actor, reason, self.now, batch)

    def must(self, deed: Deed, *provinces: Province) -> None:
        """Raise NotAllowed unless they may."""
        check(self.person, deed, provinces)

    def link(self, **changed: str | int) -> str:
        """A link to the same page with other filters: names with empty values are left out."""
        names = {name.rstrip("_"): str(value) for name, value in changed.items()}
        pairs = [*self.query.without(*names), *((name, value) for name, value in names.items() if value)]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


@dataclass(frozen=True, slots=True)
class Show:
    """A page: a template of templates/console, and what it says as a frozen value named `view`."""

    template: str
    view: object
    status: int = 200


@dataclass(frozen=True, slots=True)
class GoTo:
    """Another page of ours (303), which then shows a notice: a key under `notice.` of the texts, with its values."""

    path: str
    notice: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page of citizens, to be looked at in a frame of ours: as the edge would send it, and able to do nothing."""

    html: bytes
    csp: str  # as the page's own, but for who may frame it


Answer: TypeAlias = Show | GoTo | Download | Rendered
Handler: TypeAlias = Callable[[Call], Answer]


class NotFound(LookupError):
    """There is no such page or object."""


class Mistake(Exception):
    """A form that cannot be accepted: what is wrong with which field.  The page is shown again with what was typed."""

    def __init__(self, *wrong: tuple[str, str]) -> None:
        """Take pairs of a field's name and the key of a text under `mistake.`, or a finished sentence."""
        super().__init__("; ".join(text for _, text in wrong))
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class Route:
    """Where a handler answers, and what one must be able to do somewhere to get there at all.

    The handler itself asks for the right in the province that it is about.
    """

    method: str
    path: str  # "/rules/{scope}/{id}"
    handler: Handler
    deed: Deed = Deed.SEE
