"""Redirects by the commonest exact rules, from octets to octets: one probe in the mapped file, and one join.

Nothing is learnt here, and nothing is let through that `redirects` would stop: a course says what all redirects of one
audience by rules of one shape have in common, and of each of them only what differs is looked at.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from json.encoder import encode_basestring as quoted
from string import ascii_letters, digits
from typing import Final, TypeAlias, cast

from proxy.access_log import Lines
from proxy.audiences import PAGE, Audience, Kind, kind_of
from proxy.journal import Account
from proxy.metrics import Labels
from proxy.prepared import Prepared, Sketch
from redirect_rules.exact import Alone, ExactIndex, Record, Shape
from redirect_rules.hits import HIDDEN, Hit, shown_and_counted
from redirect_rules.masking import MASK
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Portal

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
# A path told by kinds of octets, each of which is then looked for alone: a tenth of the time that sets of them take.
_SLASH, _DOT, _HYPHEN, _LOW_LINE, _OTHER = b"/.-_!"
_FORMS: Final = bytes(
    ord("0") if octet in digits.encode()
    else ord("a") if octet in ascii_letters.encode()
    else octet if octet in b"-_~./"
    else _OTHER  # what does not stand for itself everywhere (RFC 3986 §2.3)
    for octet in range(256)
)  # fmt: skip
_WORDS: Final = bytes.maketrans(b"0", b"a")
_LONG_WORD: Final = b"a" * 32
_LONG_NUMBER: Final = b"0" * 7
_HIDDEN: Final = HIDDEN * 40  # as many as a key shows of what is hidden in it
_MOST_KEPT: Final = 20_000


_OUTSIDE: Final = 0


class Course:
    """What redirects of one audience by rules of one shape have in common.  Never changed."""

    __slots__ = (
        "_between",
        "_client",
        "_forms",
        "_outcome",
        "_portal",
        "destination",
        "host",
        "id_head",
        "labels",
        "lines",
        "sketch",
        "taken",
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
        ends: bytes,
        taken: frozenset[bytes],
    ) -> None:
        """Of a shape and a pattern.

        host      that was asked
        url_head  up to the last slash; b"" where a page is named
        ends      what may follow it
        taken     what must not, in small letters: this edge answers there itself
        """
        self.id_head = id_head
        self.destination = destination
        self.sketch = sketch
        self.lines = lines
        self.labels = labels
        self.host = host
        self.url_head = url_head
        self.taken = taken
        self._forms = bytes(octet if octet in ends else _OUTSIDE for octet in range(256))
        self._between = f', "destination": {quoted(destination)}, "path": "'
        self._portal, self._outcome, self._client, *_ = labels

    def target(self, url_tail: str) -> bytes | None:
        """The address with this after its last slash; None where it is to be asked about."""
        end = url_tail.encode()
        if len(end) > LONGEST_URL - len(self.url_head) or _OUTSIDE in end.translate(self._forms):
            return None
        if (end and end[0] == _DOT) or (self.taken and (not end or end.lower() in self.taken)):
            return None
        return self.url_head + end

    def account(self, octets: bytes, form: bytes, id_tail: str, length: int) -> Account:
        """What there is to count and to write down about one of them, as the slow lane would tell it.

        octets, form  the path, and the same told by kinds of octets
        length        of the body as sent
        """
        path, rule = octets.decode(), self.id_head + id_tail
        shown, counted = path, self.host + path
        if may_name_somebody(form):
            shown, counted = without_people(self.host, path, form)
        # Nothing in such a path has to be quoted.  And a hit as the tuple that it is: its constructor runs Python.
        before, after = self.lines.plain_line(rule, self._between, shown, length)
        hit = self._portal, counted, self._outcome, self._client, rule
        return Account(self.labels, before, after, cast("Hit", hit))


class Hop:
    """One redirect.  Never changed."""

    __slots__ = ("_form", "course", "id_tail", "path", "to")

    def __init__(self, course: Course, path: bytes, form: bytes, id_tail: str, to: bytes) -> None:
        """Along a course; `path` as `Key.path`, `form` the same told by kinds of octets."""
        self.course = course
        self.path = path
        self._form = form
        self.id_tail = id_tail
        self.to = to

    def sent(self, request_id: str, date: bytes) -> bytes:
        """The answer."""
        return self.course.sketch.sent(request_id, date, self.to)

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        return self.course.sketch.prepared(self.to, self.account())

    def account(self) -> Account:
        """What there is to count and to write down about it."""
        length = len(self.to) + 1 if self.course.sketch.body else 0
        return self.course.account(self.path, self._form, self.id_tail, length)


class Desk:
    """Where one audience is answered."""

    __slots__ = ("alone", "courses", "earlier", "fold_case", "named")

    def __init__(self, alone: Alone, earlier: TemplateIndex | None, *, fold_case: bool) -> None:
        """`earlier`: the portal's own templates that have a word before exact rules."""
        self.alone = alone
        self.fold_case = fold_case
        self.earlier = earlier
        self.courses: dict[int, Course] = {}  # by the shape's number and the path's kind, where an address is spelt
        # By those and the texts, where a page is named.
        self.named: dict[tuple[object, ...], tuple[Course, bytes]] = {}


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

    def find(self, audience: Audience, target: bytes, now: datetime) -> Hop | None:
        """The redirect for a request target, if it is one of the commonest."""
        desk = self._desks.get(audience) or self._desk_for(audience)
        if desk is None:
            return None
        path = target.lower() if desk.fold_case else target
        form = path.translate(_FORMS)
        # Two slashes together are in no rule's path; what begins with a low line may be ours.
        if _OTHER in form or not 1 < len(path) <= LONGEST_TARGET:
            return None
        if path[0] != _SLASH or path[1] == _LOW_LINE or path[-1] == _SLASH:
            return None
        kind: Kind = PAGE
        if _DOT in form:
            told = _kind_with_dots(target)
            if told is None:
                return None
            kind = told
        record = desk.alone(path)
        if record is None:
            return None
        if desk.earlier is not None and desk.earlier.has_literals_of(tuple(path[1:].decode().split("/"))):
            return None
        course = desk.courses.get(record[0] << 2 | kind)
        if course is None:
            return self._named(audience, desk, kind, record, path, form, now)
        to = course.target(record[2])
        return Hop(course, path, form, record[1], to) if to is not None else None

    def _named(
        self, audience: Audience, desk: Desk, kind: Kind, record: Record, path: bytes, form: bytes, now: datetime
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
        return Hop(found[0], path, form, id_tail, found[1])

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


def form_of(path: bytes) -> bytes:
    """A path told by kinds of octets, one for each of its own."""
    return path.translate(_FORMS)


def may_name_somebody(form: bytes) -> bool:
    """Whether `masked` has to look at a path of this form, at most LONGEST_TARGET octets: a guess, and a quick one.

    Seven digits, two before a dot, or two, a hyphen and six, or 32 letters and digits.
    """
    if form.partition(_LONG_NUMBER)[1]:
        return True
    if _DOT in form and form.partition(b"00.")[1]:
        return True
    hyphen = _HYPHEN in form or _LOW_LINE in form
    if hyphen and (form.partition(b"00-000000")[1] or form.partition(b"00_000000")[1]):
        return True
    return len(form) > 32 and bool(form.translate(_WORDS).partition(_LONG_WORD)[1])


def without_people(host: str, path: str, form: bytes) -> tuple[str, str]:
    """`shown_and_counted` of a path of this form; long numbers, the commonest of what is hidden, by hand."""
    before, number, rest = form.partition(_LONG_NUMBER)
    # Codes of dossiers have a hyphen.
    hyphen = _HYPHEN in form or _LOW_LINE in form
    if not number or hyphen or (len(form) > 32 and form.translate(_WORDS).partition(_LONG_WORD)[1]):
        return shown_and_counted(host, path)
    shown, counted, end = "", host, 0
    while number:
        begin = end + len(before)
        plain = path[end:begin]
        after = rest.lstrip(b"0")
        end = len(path) - len(after)
        shown += plain + MASK
        counted += plain + _HIDDEN[: end - begin]
        before, number, rest = after.partition(_LONG_NUMBER)
    return shown + path[end:], counted + path[end:]


def _kind_with_dots(target: bytes) -> Kind | None:
    """The kind of a path with dots; None where it may not stand for itself, or for no page."""
    if target.find(b"/.") >= 0:
        return None
    lowered = target.lower()
    name = lowered[lowered.rfind(b"/") + 1 :]
    return None if lowered in OURS or name.startswith(INDEX_FILES) else kind_of(name.decode())
