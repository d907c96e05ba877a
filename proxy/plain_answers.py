"""Answers about plain addresses that templates know, or no rule does: from octets to octets, by one look-up.

Nothing is decided here, and nothing learnt: `verdicts` hands over how an audience was answered, and what one rule's
pages have in common is worked out once (`redirect_rules.plain_ways`).  Of each page only what differs is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Final, NamedTuple, TypeAlias

from proxy.access_log import Lines, PlainLines, Second
from proxy.audiences import PAGE, Audience, Kind, kind_of
from proxy.journal import Account, Tally
from proxy.metrics import Labels
from proxy.path_traits import CAPITALS, DOTTED, STRANGE, look, without_people
from proxy.prepared import Once, Prepared, Sketch
from proxy.shortcuts import INDEX_FILES, LONGEST_TARGET, OURS
from redirect_rules.canonical import MOST_SEGMENTS
from redirect_rules.hits import HIDDEN, Hit, HitCounter, shown_and_counted
from redirect_rules.masking import MASK
from redirect_rules.model import Portal
from redirect_rules.plain_ways import PlainWays, PortalWays
from redirect_rules.template_plans import LONGEST_PATH, Lead

_LONGEST: Final = min(LONGEST_TARGET, LONGEST_PATH)
_SLASH, _LOW_LINE = b"/_"
# As the compiled form reads them: numbers, not objects.
_STRANGE, _DOTTED, _CAPITALS = STRANGE, DOTTED, CAPITALS
_MOST_KEPT: Final = 20_000  # audiences
_UNMAPPED: Final = b"unmapped"
_MASK: Final = MASK.encode()
_LETTERS: Final = (ascii_letters + digits).encode()
_HIDING: Final = bytes.maketrans(_LETTERS, HIDDEN.encode() * len(_LETTERS))
_LONGEST_HIDDEN: Final = 40  # as many as a key shows of what is hidden in it
_tuple: Final = tuple.__new__
_OUR_FILES: Final = frozenset(path.decode() for path in OURS)
_INDEX_FILES: Final = tuple(name.decode() for name in INDEX_FILES)


@dataclass(frozen=True, slots=True)
class Form:
    """What answers to decisions of one kind look like."""

    whole: Prepared | None  # None: a redirect
    sketch: Sketch | None
    status: int
    length: int  # octets of the body as sent; of a redirect: what is added to its target's


class Precedent(NamedTuple):
    """What is told of all pages of one portal that one audience is answered alike about."""

    form: Form
    lines: Lines
    labels: Labels
    outcome: str  # as hits name it
    client: str  # the same


Asked: TypeAlias = tuple[Audience, Kind, str]
"""Who asks, the kind of the path, and the manner in which its rule is answered (`template_plans.manner_of`; "" for
none): where one schedule counts for all paths of a portal, nothing else tells what the answer is."""


class Standing:
    """A precedent, ready to be followed by the hundred thousand.  Never changed, but for its tally."""

    __slots__ = (
        "_lines",
        "_plain_lines",
        "client",
        "hits",
        "labels",
        "length",
        "outcome",
        "portal",
        "sketch",
        "tally",
        "whole",
    )

    def __init__(self, precedent: Precedent, hits: HitCounter | None) -> None:
        """`hits`: where visits are counted, if they are."""
        form, self._lines, self.labels, self.outcome, self.client = precedent
        self.whole = form.whole
        self.sketch = form.sketch
        self.length = form.length
        self.hits = hits
        self.portal = self.labels.portal
        self.tally = Tally(self.labels)
        self._plain_lines: dict[str, PlainLines] = {}

    def lines_to(self, destination: str) -> PlainLines:
        """The lines of pages that lead there; their rules follow."""
        found = self._plain_lines.get(destination)
        if found is None:
            found = self._plain_lines[destination] = self._lines.by("", destination)
        return found

    def account(self, hit: Hit, destination: str, shown: str, length: int) -> Account:
        """What there is to count and to write down about a page, as the slow lane would tell it."""
        line = self._lines.line(hit.rule or _UNMAPPED.decode(), destination, shown, length)
        return Account(self.labels, *line, hit)


class PlainAnswer(Once):
    """One of them.  Never changed."""

    __slots__ = ("_host", "_lead", "_length", "_path", "_shown", "_standing", "to")

    def __init__(self, standing: Standing, lead: Lead, host: str, path: bytes, shown: bytes, to: bytes) -> None:
        """About a page.

        path   as `Key.path`
        shown  the same without people
        to     where it leads; b"" where the answer is the same for all
        """
        self.tally = standing.tally
        self.to = to
        self._standing = standing
        self._lead = lead
        self._host = host
        self._path = path
        self._shown = shown
        sketch = standing.sketch
        if sketch is None:
            self._length = standing.length
        else:
            self._length = len(to) + 1 if sketch.body else 0

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """See Once."""
        standing = self._standing
        sketch, whole = standing.sketch, standing.whole
        if sketch is not None:
            return sketch.sent(request_id, date, self.to)
        if whole is None:
            raise LookupError("an answer of no form")
        return whole.sent(request_id, date)

    def line(self, second: Second, at: int, request_id: bytes, microseconds: int) -> bytes:
        """See Once."""
        lead = self._lead
        lines = self._standing.lines_to(lead.destination)
        rule = lead.octets or _UNMAPPED
        return lines.line(second, at, request_id, self._length, microseconds, rule, self._shown)

    def count(self) -> None:
        """See Once."""
        hits = self._standing.hits
        if hits is not None:
            hits.count(self._hit())

    def prepared(self) -> Prepared:
        """See Once."""
        sketch, whole = self._standing.sketch, self._standing.whole
        if sketch is not None:
            return sketch.prepared(self.to, self.account())
        if whole is None:
            raise LookupError("an answer of no form")
        return whole.about(self.account())

    def account(self) -> Account:
        """See Once."""
        return self._standing.account(self._hit(), self._lead.destination, self._shown.decode(), self._length)

    def _hit(self) -> Hit:
        standing, counted = self._standing, self._host + counted_as(self._path, self._shown)
        # As the tuple that it is: its constructor runs Python.
        return _tuple(Hit, (standing.portal, counted, standing.outcome, standing.client, self._lead.rule))


class Chamber:
    """Where one audience is answered."""

    __slots__ = ("fold_case", "host", "standings", "ways")

    def __init__(self, audience: Audience, portal: Portal, ways: PortalWays) -> None:
        self.host = audience.facts.host
        self.fold_case = portal.fold_case
        self.ways = ways
        self.standings: tuple[dict[str, Standing], ...] = ({}, {}, {})  # by the kind of the path, and the manner


class PlainAnswers:
    """Those of one snapshot, between two instants at which an answer changes by itself."""

    __slots__ = ("_chambers", "_hits", "_precedents")

    def __init__(self, precedents: Mapping[Asked, Precedent], hits: HitCounter | None = None) -> None:
        """`precedents` grow while they are followed; `hits`: where visits are counted, if they are."""
        self._precedents = precedents
        self._hits = hits
        self._chambers: dict[Audience, Chamber] = {}

    def admit(self, audience: Audience, portal: Portal, ways: PlainWays) -> None:
        """Answer an audience from now on: it has chosen no commune, and the portal is one of `plain_portals`."""
        if audience not in self._chambers:
            if len(self._chambers) >= _MOST_KEPT:
                self._chambers.clear()
            self._chambers[audience] = Chamber(audience, portal, ways.of(portal))

    def forget(self) -> None:
        """An instant has come at which answers change."""
        self._chambers.clear()

    def find(self, audience: Audience, target: bytes) -> PlainAnswer | None:
        """The answer to a request target, if it can be made here."""
        chamber = self._chambers.get(audience)
        size = len(target)
        if chamber is None or not 1 < size <= _LONGEST:
            return None
        seen = look(target)
        # What begins with a low line may be ours.
        if seen & _STRANGE or target[0] != _SLASH or target[1] == _LOW_LINE or target[size - 1] == _SLASH:
            return None
        as_sent = target.decode()
        path, octets = as_sent, target
        segments = folded = tuple(as_sent[1:].split("/"))
        if seen & _CAPITALS and chamber.fold_case:
            path, octets = as_sent.lower(), target.lower()
            folded = tuple(path[1:].split("/"))
        kind: Kind = PAGE
        if seen & _DOTTED:
            told = _kind_of(as_sent)
            if told is None:
                return None
            kind = told
        # Two slashes together are one to canonicalisation.
        if "" in folded or len(folded) > MOST_SEGMENTS:
            return None
        way = chamber.ways.find(path, segments, folded)
        if way is None:
            return None
        lead, to = way
        standing = chamber.standings[kind].get(lead.manner)
        if standing is None:
            precedent = self._precedents.get((audience, kind, lead.manner))
            if precedent is None:
                return None
            standing = chamber.standings[kind][lead.manner] = Standing(precedent, self._hits)
        shown = without_people(octets, seen)
        return PlainAnswer(standing, lead, chamber.host, octets, shown, to.encode())


def counted_as(path: bytes, shown: bytes) -> str:
    """A path in the key under which a hit is counted, from how it is shown without people."""
    if path is shown:
        return path.decode()
    parts = shown.split(_MASK)
    if len(parts) != 2:
        return shown_and_counted("", path.decode())[1]
    # Nearly always one thing is hidden: what stands there is told by its form.
    before, after = parts
    octets, begin, end = path, len(before), len(path) - len(after)
    if end - begin > _LONGEST_HIDDEN:
        return shown_and_counted("", path.decode())[1]
    return (before + octets[begin:end].translate(_HIDING) + after).decode()


def _kind_of(path: str) -> Kind | None:
    """The kind of a path with dots; None where it may not stand for itself, or for no page."""
    if "/." in path:
        return None
    lowered = path.lower()
    name = lowered[lowered.rfind("/") + 1 :]
    return None if lowered in _OUR_FILES or name.startswith(_INDEX_FILES) else kind_of(name)
