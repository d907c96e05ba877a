"""Redirects by the commonest exact rules, from octets to octets: one probe in the mapped file, and one join.

Nothing is learnt here, and nothing is let through that `redirects` would stop: a course says what all redirects of one
audience by rules of one shape have in common, and of each of them only what differs is looked at.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from string import ascii_letters, digits
from typing import Final, TypeAlias, cast

from proxy.access_log import Lines, PlainLines, Second
from proxy.audiences import PAGE, Audience, Kind, kind_of
from proxy.journal import Account, Tally
from proxy.metrics import Labels
from proxy.path_traits import (
    CAPITALS,
    DOTTED,
    NUMBERED,
    PERSONAL,
    STRANGE,
    TRAITS,
    all_in,
    look,
    without_people,
)
from proxy.prepared import Once, Prepared, Sketch
from redirect_rules.exact import ExactIndex, Shape
from redirect_rules.hits import ANYBODY, NOBODY, NUMBERS, Hit, HitCounter, Naming, shown_and_counted
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Portal
from redirect_rules.octets import joined
from redirect_rules.packed_rules import Alone, Packed

LONGEST_TARGET: Final = 500
"""Octets of a request target that is looked at: shorter than any limit that an operator can set."""
LONGEST_URL: Final = 2_048
"""Octets of an address that a rule spells."""

OURS: Final = frozenset(
    {b"/robots.txt", b"/sitemap.xml", b"/sw.js", b"/service-worker.js", b"/ngsw-worker.js", b"/ngsw.json"}
)
INDEX_FILES: Final = (b"index.", b"default.")
# What follows the last slash of an address, query and all: nothing that begins an escape or a fragment.
_IN_ENDS: Final = (ascii_letters + digits + "-_~.!$'()*,:@;=&?+").encode()
_IN_NAMES: Final = (ascii_letters + digits + "-_").encode()
_MOST_KEPT: Final = 20_000
_IN_LINES: Final = bytes(octet >= ord(" ") and octet not in b'"\\\x7f' for octet in range(256))

# The same, typed where this is compiled.
_STRANGE, _DOTTED, _CAPITALS, _PERSONAL, _NUMBERED, _TRAITS = STRANGE, DOTTED, CAPITALS, PERSONAL, NUMBERED, TRAITS
_SLASH, _DOT, _LOW_LINE = b"/._"
_LONGEST_TARGET, _LONGEST_URL, _PAGE = LONGEST_TARGET, LONGEST_URL, PAGE


class Course:
    """What redirects of one audience by rules of one shape have in common.  Never changed, but for its tally."""

    __slots__ = (
        "_forms",
        "_id_head",
        "_labels",
        "_lines",
        "host",
        "naming",
        "plain_lines",
        "sketch",
        "taken",
        "tally",
        "url_head",
    )

    def __init__(
        self,
        id_head: str,
        destination: str,
        sketch: Sketch,
        lines: Lines,
        labels: Labels,
        host: str,
        url_head: bytes,
        ends: tuple[bytes, frozenset[bytes]],
        hits: HitCounter | None = None,
    ) -> None:
        """Of a shape and a pattern.

        host      that was asked
        url_head  up to the last slash; b"" where a page is named
        ends      what may follow it, and what must not, in small letters: this edge answers there itself
        hits      where visits are counted, if they are
        """
        self.sketch = sketch
        self.host = host
        self.url_head = url_head
        follow, self.taken = ends
        self.tally = Tally(labels)
        self.plain_lines = lines.by(id_head, destination)
        self.naming: Naming | None = None
        if hits is not None:
            self.naming = hits.naming(labels.portal, host, labels.outcome, labels.client, id_head)
        self._forms = bytes(octet if octet in follow else 0 for octet in range(256))
        self._id_head = id_head
        self._labels = labels
        self._lines = lines, destination

    def target(self, url_tail: bytes) -> bytes | None:
        """The address with this after its last slash; None where it is to be asked about."""
        if len(url_tail) > _LONGEST_URL - len(self.url_head) or not all_in(url_tail, self._forms):
            return None
        if (url_tail and url_tail[0] == _DOT) or (self.taken and (not url_tail or url_tail.lower() in self.taken)):
            return None
        return joined((self.url_head, url_tail))

    def account(self, path: bytes, id_tail: bytes, length: int) -> Account:
        """What there is to count and to write down about one of them, as the slow lane would tell it.

        path    as `Key.path`
        length  of the body as sent
        """
        rule, labels = self._id_head + id_tail.decode(), self._labels
        shown, counted = shown_and_counted(self.host, path.decode())
        lines, destination = self._lines
        hit = Hit(labels.portal, counted, labels.outcome, labels.client, rule)
        return Account(labels, *lines.line(rule, destination, shown, length), hit)


class Hop(Once):
    """One redirect.  Never changed."""

    __slots__ = ("course", "id_tail", "length", "path", "seen", "to")

    def __init__(self, course: Course, path: bytes, id_tail: bytes, to: bytes, seen: int) -> None:
        """One along a course; `path` as `Key.path`, `seen`: what `look` has found in it."""
        self.tally = course.tally
        self.course = course
        self.path = path
        self.seen = seen
        self.id_tail = id_tail
        self.to = to
        self.length = len(to) + 1 if course.sketch.body else 0

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The answer."""
        return self.course.sketch.sent(request_id, date, self.to)

    def line(self, second: Second, at: int, request_id: bytes, microseconds: int) -> bytes:
        """Its line in the access log: see `PlainLines.line`."""
        lines: PlainLines = self.course.plain_lines
        shown = without_people(self.path, self.seen)
        return lines.line(second, at, request_id, self.length, microseconds, self.id_tail, shown)

    def count(self) -> None:
        """Count the visit, if visits are counted."""
        naming = self.course.naming
        if naming is not None:
            people = ANYBODY if self.seen & _PERSONAL else NUMBERS if self.seen & _NUMBERED else NOBODY
            naming.count(self.path, self.id_tail, people)

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        return self.course.sketch.prepared(self.to, self.account())

    def account(self) -> Account:
        """What there is to count and to write down about it."""
        return self.course.account(self.path, self.id_tail, self.length)


def _hop(course: Course, path: bytes, id_tail: bytes, to: bytes, seen: int) -> Hop | None:
    """One that was found; without its constructor, which costs as much as finding it."""
    if not all_in(id_tail, _IN_LINES):
        return None
    hop = Hop.__new__(Hop)
    hop.tally, hop.course, hop.path, hop.id_tail, hop.to = course.tally, course, path, id_tail, to
    hop.length = len(to) + 1 if course.sketch.body else 0
    hop.seen = seen
    return hop


class Desk:
    """Where one audience is answered."""

    __slots__ = ("alone", "courses", "earlier", "fold_case", "knows", "named")

    def __init__(self, alone: Alone, earlier: TemplateIndex | None, *, fold_case: bool) -> None:
        """`earlier`: the portal's own templates that have a word before exact rules."""
        self.alone = alone
        self.fold_case = fold_case
        self.earlier = earlier
        self.courses: dict[int, Course] = {}  # by the shape's number and the path's kind, where an address is spelt
        # By those and what is packed of the texts, where a page is named.
        self.named: dict[tuple[int, bytes], tuple[Course, bytes | None]] = {}
        self.knows = False  # whether anybody was sent anywhere from here


Planner: TypeAlias = Callable[[Audience, Shape, Kind, tuple[str, ...], datetime], tuple[Course, bytes] | None]
"""The course of rules of a shape for an audience and a kind of path, and where the one of them with these texts leads
(b"" for rules that spell an address); None: not known, or not for this lane."""


class Shortcuts:
    """The courses of one snapshot, between two instants at which an answer changes by itself."""

    __slots__ = ("_desks", "_earlier", "_index", "_plan", "_portals")

    def __init__(
        self, index: ExactIndex, portals: Mapping[str, Portal], earlier: Mapping[str, TemplateIndex], plan: Planner
    ) -> None:
        """Of portals by host; `earlier` by portal id, where there are any."""
        self._index = index
        self._portals = portals
        self._earlier = earlier
        self._plan = plan
        self._desks: dict[Audience, Desk | None] = {}

    def forget(self) -> None:
        """What is common to redirects has changed."""
        self._desks.clear()

    def desk(self, audience: Audience) -> Desk | None:
        """Where an audience is answered; None: it never is, here."""
        desk: Desk | None = self._desks.get(audience)
        return desk if desk is not None else self._desk_for(audience)

    def find(self, desk: Desk, audience: Audience, target: bytes, now: datetime) -> Hop | None:
        """The redirect for a request target, if it is one of the commonest."""
        size = len(target)
        if not 1 < size <= _LONGEST_TARGET:
            return None
        seen = look(target)
        # Two slashes together are in no rule's path; what begins with a low line may be ours.
        if seen & _STRANGE or target[0] != _SLASH or target[1] == _LOW_LINE or target[size - 1] == _SLASH:
            return None
        path = target
        if seen & _CAPITALS and desk.fold_case:
            path = target.lower()
        kind: int = _PAGE
        if seen & _DOTTED:
            told = _kind_with_dots(target)
            if told is None:
                return None
            kind = told
        record = desk.alone.find(path, seen >> _TRAITS)
        if record is None:
            return None
        if desk.earlier is not None and desk.earlier.has_literals_of(tuple(path[1:].decode().split("/"))):
            return None
        number = record.number << 2 | kind
        course = desk.courses.get(number)
        to: bytes | None
        if course is not None:
            end = record.text()
            to = course.target(end) if end is not None else None
        else:
            found = desk.named.get((number, record.rest)) or self._planned(desk, audience, kind, record, now)
            if found is None:
                return None
            course, to = found
        return None if to is None else _hop(course, path, record.id_tail, to, seen)

    def _planned(
        self, desk: Desk, audience: Audience, kind: int, record: Packed, now: datetime
    ) -> tuple[Course, bytes | None] | None:
        """By the first rule of a shape, or by one that names a page."""
        shape, texts = self._index.shape(record.number), record.texts
        planned = self._plan(audience, shape, cast("Kind", kind), texts[bool(shape.url_head) :], now)
        if planned is None:
            return None
        desk.knows = True
        course, to = planned
        number = record.number << 2 | kind
        if not to:
            desk.courses[number] = course
            end = record.text()
            return course, course.target(end) if end is not None else None
        if len(desk.named) >= _MOST_KEPT:
            desk.named.clear()
        desk.named[number, record.rest] = planned
        return planned

    def _desk_for(self, audience: Audience) -> Desk | None:
        """A desk for whoever has come for the first time, or for whom there is none."""
        if audience not in self._desks:
            if len(self._desks) >= _MOST_KEPT:
                self._desks.clear()
            self._desks[audience] = self._desk_of(audience)
        return self._desks[audience]

    def _desk_of(self, audience: Audience) -> Desk | None:
        portal = self._portals.get(audience.facts.host)
        if portal is None or audience.facts.place is not None:
            return None
        return Desk(self._index.alone(portal.id), self._earlier.get(portal.id), fold_case=portal.fold_case)


def ends_after(url_head: str, scopes: Mapping[str, frozenset[str]]) -> tuple[bytes, frozenset[bytes]] | None:
    """What may follow an address up to its last slash, and what must not, so that it is certainly let through.

    `scopes`: by allowed host, the first segments of what this edge answers there.  None: each is to be asked about.
    """
    host, slash, path = url_head.removeprefix("https://").partition("/")
    scope = scopes.get(host)
    if scope is None or not slash or not url_head.startswith("https://") or not url_head.isascii():
        return None
    if not path:
        return _IN_NAMES, frozenset({b"", *(name.encode() for name in scope)})
    segments = path[:-1].split("/")
    plain = all(segment and not segment.encode().translate(None, _IN_NAMES) for segment in segments)
    return (_IN_ENDS, frozenset()) if plain and segments[0].lower() not in scope else None


def _kind_with_dots(target: bytes) -> Kind | None:
    """The kind of a path with dots; None where it may not stand for itself, or for no page."""
    if target.find(b"/.") >= 0:
        return None
    lowered = target.lower()
    name = lowered[lowered.rfind(b"/") + 1 :]
    return None if lowered in OURS or name.startswith(INDEX_FILES) else kind_of(name.decode())
