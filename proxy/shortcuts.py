"""Redirects by the commonest exact rules, from octets to octets: one probe in the mapped file, and one join.

Nothing is learnt here, and nothing is let through that `redirects` would stop: a course says what all redirects of one
audience by rules of one shape have in common, and of each of them only what differs is looked at.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from string import ascii_letters, digits
from typing import Final, NamedTuple, TypeAlias

from proxy.access_log import Lines
from proxy.audiences import PAGE, Audience, Kind, kind_of
from proxy.journal import Account
from proxy.metrics import Labels
from proxy.prepared import Prepared, Sketch
from redirect_rules.exact import Alone, ExactIndex, Record, Shape
from redirect_rules.hits import Hit, shown_and_counted
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Portal

LONGEST_TARGET: Final = 500
"""Octets of a request target that is looked at: shorter than any limit that an operator can set."""
LONGEST_URL: Final = 2_048
"""Octets of an address that a rule spells."""

_PLAIN: Final = (ascii_letters + digits + "-_~/").encode()  # RFC 3986 §2.3: they stand for themselves
_PLAIN_OR_DOT: Final = _PLAIN + b"."
OURS: Final = frozenset(
    {b"/robots.txt", b"/sitemap.xml", b"/sw.js", b"/service-worker.js", b"/ngsw-worker.js", b"/ngsw.json"}
)
INDEX_FILES: Final = (b"index.", b"default.")
# What follows the last slash of an address, query and all: nothing that begins an escape or a fragment.
_IN_ENDS: Final = (ascii_letters + digits + "-_~.!$'()*,:@;=&?+").encode()
_IN_NAMES: Final = (ascii_letters + digits + "-_").encode()
_FORMS: Final = bytes.maketrans(
    (digits + ascii_letters + "_").encode(), b"0" * len(digits) + b"a" * len(ascii_letters) + b"-"
)
_WORDS: Final = bytes.maketrans(b"0", b"a")
_LONG_WORD: Final = b"a" * 32
_MOST_KEPT: Final = 20_000


class Course(NamedTuple):
    """What redirects of one audience by rules of one shape have in common."""

    id_head: str
    destination: str
    sketch: Sketch
    lines: Lines
    labels: Labels
    host: str  # that was asked
    url_head: bytes  # up to the last slash; b"" where a page is named
    ends: bytes  # what may follow it
    taken: frozenset[bytes]  # what must not, in small letters: this edge answers there itself


class Hop(NamedTuple):
    """One redirect."""

    course: Course
    path: bytes  # as `Key.path`
    id_tail: str
    to: bytes

    def sent(self, request_id: str, date: bytes) -> bytes:
        """The answer."""
        return self.course.sketch.sent(request_id, date, self.to)

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        return self.course.sketch.prepared(self.to, self.account())

    def account(self) -> Account:
        """What there is to count and to write down about it, as the slow lane would tell it."""
        (id_head, destination, sketch, lines, labels, host, _, _, _), octets, id_tail, to = self
        path, rule = octets.decode(), id_head + id_tail
        shown, counted = path, host + path
        if may_name_somebody(octets):
            shown, counted = shown_and_counted(host, path)
        line = lines.line(rule, destination, shown, len(to) + 1 if sketch.body else 0)
        # Not by their constructors, which run Python: a third of what all this costs.
        hit = tuple.__new__(Hit, (labels.portal, counted, labels.outcome, labels.client, rule))
        return tuple.__new__(Account, (labels, line, hit))


class Desk(NamedTuple):
    """Where one audience is answered."""

    alone: Alone
    fold_case: bool
    earlier: TemplateIndex | None  # the portal's own templates that have a word before exact rules
    courses: dict[int, Course]  # by the shape's number and the path's kind, where an address is spelt
    named: dict[tuple[object, ...], tuple[Course, bytes]]  # by those and the texts, where a page is named


Planner: TypeAlias = Callable[[Audience, Shape, Kind, tuple[str, ...], datetime], tuple[Course, bytes] | None]
"""The course of rules of a shape for an audience and a kind of path, and where the one of them with these texts leads
(b"" for rules that spell an address); None: not known, or not for this lane."""


class Shortcuts:
    """The courses of one snapshot, between two instants at which an answer changes by itself."""

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

    def find(self, audience: Audience, target: bytes, now: datetime) -> Hop | None:
        """The redirect for a request target, if it is one of the commonest."""
        try:
            desk = self._desks[audience]
        except KeyError:
            desk = self._desks[audience] = self._desk_of(audience)
        if desk is None:
            return None
        alone, fold_case, earlier, courses, _ = desk
        path = target.lower() if fold_case else target
        kind: Kind = PAGE
        if target.translate(None, _PLAIN):
            told = _kind_with_dots(target)
            if told is None:
                return None
            kind = told
        plain = b"//" not in path and b"/_" not in path and path[-1:] != b"/" and path[:1] == b"/"
        if not plain or len(path) > LONGEST_TARGET or (record := alone(path)) is None:
            return None
        if earlier is not None and earlier.has_literals_of(tuple(path[1:].decode().split("/"))):
            return None
        course = courses.get(record[0] << 2 | kind)
        if course is None:
            return self._named(audience, desk, kind, record, path, now)
        end = record[2].encode()
        if end.translate(None, course.ends) or end[:1] == b"." or len(end) > LONGEST_URL - len(course.url_head):
            return None
        if course.taken and (not end or end.lower() in course.taken):
            return None
        return tuple.__new__(Hop, (course, path, record[1], course.url_head + end))

    def _named(
        self, audience: Audience, desk: Desk, kind: Kind, record: Record, path: bytes, now: datetime
    ) -> Hop | None:
        """By a rule that names a page, or by the first one of a shape."""
        number, id_tail, *texts = record
        asked = (kind, number, *texts)
        found = desk.named.get(asked)
        if found is None:
            planned = self._plan(audience, self._index.shape(number), kind, tuple(texts), now)
            if planned is None:
                return None
            if not planned[1]:
                desk.courses[number << 2 | kind] = planned[0]
                return self.find(audience, path, now)
            if len(desk.named) >= _MOST_KEPT:
                desk.named.clear()
            found = desk.named[asked] = planned
        return Hop(found[0], path, id_tail, found[1])

    def _desk_of(self, audience: Audience) -> Desk | None:
        portal = self._portals.get(audience.facts.host)
        if portal is None or audience.facts.place is not None:
            return None
        if len(self._desks) >= _MOST_KEPT:
            self._desks.clear()
        return Desk(self._index.alone(portal.id), portal.fold_case, self._earlier.get(portal.id), {}, {})


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


def may_name_somebody(path: bytes) -> bool:
    """Whether `masked` has to look at a path of at most LONGEST_TARGET plain octets: a guess in a fifth of the time.

    Seven digits, two before a dot, or two, a hyphen and six, or 32 letters and digits.
    """
    form = path.translate(_FORMS)
    if b"0000000" in form or b"00." in form or b"00-000000" in form:
        return True
    return len(form) > 32 and _LONG_WORD in form.translate(_WORDS)


def _kind_with_dots(target: bytes) -> Kind | None:
    """The kind of a path with dots; None where it may not stand for itself, or for no page."""
    if target.translate(None, _PLAIN_OR_DOT) or b"/." in target:
        return None
    lowered = target.lower()
    name = lowered[lowered.rfind(b"/") + 1 :]
    return None if lowered in OURS or name.startswith(INDEX_FILES) else kind_of(name.decode())
