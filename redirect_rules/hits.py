"""Visits as they are counted: which page, what became of it, who asked; never whose visit it was.

A hit has no value that a visitor sent.  Its key is the host, the path with people masked out of it (`masking`), and
the names of the parameters that rules look at, as the rules spell them: "dichvucong.langson.gov.vn/thu-tuc?ma=".  What
is lost with the values is lost on purpose: most hits cannot be decided again (docs/hits.md says which can).
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from redirect_rules.answers import (
    AllowPreflight,
    Answer,
    Asker,
    RetireWorker,
    SayNotSent,
    SayProblem,
    ShowRobots,
    ShowSecurityContact,
    ShowSitemap,
    asker,
    reads_pages,
)
from redirect_rules.canonical import SENSITIVE, Key, endings_of, names
from redirect_rules.masking import CUT, MASK, masked
from redirect_rules.model import Action, ClientClass, Portal, Rule


class Choice(StrEnum):
    """What became of the countdown on a notice, as its page says it: an outcome of its own, of no visit to a page."""

    STOPPED = "stopped"
    WENT = "went"  # by the button or the link, before the countdown had ended or where there was none
    CARRIED = "carried"  # by the countdown


OTHER: Final = "(other)"
"""The key, or the rule, of what was counted after there was no room for another name."""

OURS: Final = "ours"
"""The outcome of what is about the host and not about a page of it: robots.txt and its like."""

SHADOW: Final = "shadow"
"""The outcome of a visit that passes, and would not if its page were closed already: what is ahead, seen before it."""

NOTICE: Final = "(notice)"
"""The key of what people did on a notice: of whichever page it was, nothing is kept."""

HIDDEN: Final = "#"
"""Stands in a key for one letter or digit that was masked; a canonical path has no bare one."""

NO_PAGES: Final = frozenset({Action.PASS.value, OURS, SHADOW, *Choice})
"""The outcomes of visits that came to no closed page."""

READERS: Final = frozenset(client.value for client in ClientClass if reads_pages(asker(client, "GET")))
"""The values of `Hit.client` that open pages: coverage is about them, as in `replay`."""

_LONGEST_HIDDEN = 40
_MOST_NAMINGS = 1_024
_BITS_OF_A_NAME, _PROBES = 64, 8

NOBODY: Final = 0
NUMBERS: Final = 1
ANYBODY: Final = 2
"""Whom a path may name: nobody, whoever has a number of seven digits or more, or it is to be looked at with care."""

UNNAMED: Final = 0
BY_RULE: Final = 1
BY_PAGE: Final = 2
_FIRST_MARK = 0xE000  # for private use: in no canonical path, which is ASCII
_MOST_NAMES, _LONGEST_NAME = 8, 40  # a database's index holds 2,700 octets, and a host and a path are in it too
_LETTER = re.compile(r"[0-9A-Za-z]")
_LONG_NUMBER = re.compile(r"[0-9]{7,}")
_ABOUT_THE_HOST = (ShowRobots, ShowSitemap, ShowSecurityContact, RetireWorker)


class Decided(Protocol):
    """What a hit takes of a `Decision`: those who keep hits stand on a floor below the one that decides."""

    @property
    def portal(self) -> Portal: ...  # noqa: D102 - as in Decision
    @property
    def client(self) -> ClientClass: ...  # noqa: D102
    @property
    def key(self) -> Key: ...  # noqa: D102
    @property
    def kept(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def rule(self) -> Rule | None: ...  # noqa: D102
    @property
    def answer(self) -> Answer: ...  # noqa: D102
    @property
    def outcome(self) -> Action: ...  # noqa: D102


class Hit(NamedTuple):
    """What is counted together.  Equal hits are one."""

    portal: str  # its id
    key: str
    outcome: str  # an `Action`, or OURS, or SHADOW, or a `Choice`
    client: str  # a `ClientClass`; "form", "preflight" or "program" where the method says more than the class
    rule: str  # "" where none knows the page

    @classmethod
    def of(cls, decision: Decided, *, ahead: bool = False) -> "Hit":
        """What a decision counts as; `ahead`: one that was rehearsed, while the visit passed."""
        outcome = SHADOW if ahead else decision.outcome.value
        return cls(
            decision.portal.id,
            key_of(decision.key, decision.kept),
            OURS if isinstance(decision.answer, _ABOUT_THE_HOST) else outcome,
            _client_of(decision.client, decision.answer),
            decision.rule.id if decision.rule is not None else "",
        )

    @classmethod
    def chosen(cls, portal: str, choice: Choice) -> "Hit":
        """What somebody did on a notice of a portal (its id)."""
        return cls(portal, NOTICE, choice.value, ClientClass.NAVIGATION.value, "")

    @property
    def is_page(self) -> bool:
        """Whether it counts for coverage: somebody who reads pages came to a closed one."""
        return self.client in READERS and self.outcome not in NO_PAGES


def key_of(key: Key, kept: frozenset[str]) -> str:
    """The spelling under which a page is counted: "host/path?name=&name="; `kept` are the rules' names.

    The names are the rules' own (`_*_ma` for any portlet's), so that nobody can write into the count by naming
    parameters.
    """
    present: set[str] = set()
    endings = endings_of(kept) if key.pairs else ()
    for name, values in key.by_name.items():
        if name in SENSITIVE or not any(values):
            continue
        if name in kept:
            present.add(name)
        if name[0] == "_" and name.endswith(endings):
            present.update(source for source in kept if names(name, source))
    query = "&".join(f"{name[:_LONGEST_NAME]}=" for name in sorted(present)[:_MOST_NAMES])
    return f"{key.host}{masked(key.path, hide=_hidden)}" + (f"?{query}" if query else "")


def shown_and_counted(host: str, path: str) -> tuple[str, str]:
    """A path (`Key.path`) as it is shown, and the key under which it is counted where nothing was asked beside it."""
    if "@" in path:
        return masked(path), host + masked(path, hide=_hidden)
    found: list[str] = []

    def mark(text: str) -> str:
        found.append(text)
        return chr(_FIRST_MARK + len(found))

    # Both at once: looking for people takes longer than all else that is told of a page.
    shown = masked(path, hide=mark)
    counted = host + shown
    for number, text in enumerate(found, start=1):
        sign = chr(_FIRST_MARK + number)
        shown, counted = shown.replace(sign, MASK), counted.replace(sign, _hidden(text))
    return shown, counted


def target_of(key: str) -> str | None:
    """The request target that a key was made of, or None where something of it was masked, cut or left out."""
    _, slash, path = key.partition("/")
    lossy = not slash or HIDDEN in path or "?" in path or path.endswith(CUT)
    return None if lossy else f"/{path}"


def _client_of(client: ClientClass, answer: Answer) -> str:
    """Who asked, where a decision no longer knows the method: a form sent by a browser is no page opened by it."""
    match answer:
        case SayNotSent():
            return Asker.FORM.value
        case AllowPreflight():
            return Asker.PREFLIGHT.value
        case SayProblem() if asker(client, "GET") is not Asker.PROGRAM:
            return Asker.PROGRAM.value
    return client.value


def _hidden(found: str) -> str:
    """The form of what was there without its letters, so that clusters can tell a number from a dossier code."""
    return "#@#" if "@" in found else _LETTER.sub(HIDDEN, found)[:_LONGEST_HIDDEN]


class Names:
    """Which names were given, at most `room` of them; told by eight bits each.

    One name in some ten million is taken for another; hashes of texts are keyed, so that nobody can choose which.
    """

    __slots__ = ("_bits", "_mask", "given", "room")

    def __init__(self, room: int) -> None:
        size = 1 << max(10, (_BITS_OF_A_NAME * room - 1).bit_length())
        self.room = room
        self._mask = size - 1
        self._bits = bytearray(size >> 3)
        self.given = 0

    def has(self, number: int) -> bool:
        """Whether the name with this hash was given."""
        bits, mask = self._bits, self._mask
        place = number & mask
        # Of nearly all names that were not given this tells it.
        if not bits[place >> 3] >> (place & 7) & 1:
            return False
        at, step = number, number >> 32 | 1
        for _ in range(_PROBES - 1):
            at += step
            place = at & mask
            if not bits[place >> 3] >> (place & 7) & 1:
                return False
        return True

    def admit(self, number: int) -> bool:
        """Give the name with this hash, if there is room; whether it was given, now or before."""
        if self.has(number):
            return True
        if self.given >= self.room:
            return False
        self.given += 1
        at, step, bits, mask = number, number >> 32 | 1, self._bits, self._mask
        for _ in range(_PROBES):
            place = at & mask
            bits[place >> 3] |= 1 << (place & 7)
            at += step
        return True

    def clear(self) -> None:
        """Forget all of them."""
        self._bits = bytearray(len(self._bits))
        self.given = 0


def _rule_number(rule: str) -> int:
    """Tells rules apart: of what stands up to the last slash of an id, and of the octets behind it."""
    head, slash, tail = rule.rpartition("/")
    return hash(head + slash) ^ hash(tail.encode())


class HitCounter:
    """Counts hits in memory; one dictionary, no locks: it belongs to one event loop.

    At most `limit` distinct hits have names in a day, so neither memory nor the store grows with what visitors invent:
    half of them pages that rules know, half of them others, so that nobody can crowd out the known ones with nonsense.
    What comes after is counted as OTHER of its portal, outcome, client and, for half as many rules again, rule.  The
    sums stay true, and so does coverage.
    """

    def __init__(self, limit: int) -> None:
        self.drains = 0
        self._counts: dict[Hit, int] = {}
        self._day: date | None = None
        room = max(1, limit // 2)
        self._known = Names(room)  # hits that were named in this day, with a rule
        self._unknown = Names(room)  # and without
        self._others = Names(room)  # OTHER of a rule
        self._rules = Names(room)  # those of the known
        self._other_rules = Names(room)  # those of the others
        self._namings: dict[tuple[str, ...], Naming] = {}
        self._owing: list[Naming] = []  # that have counted visits by themselves

    @property
    def total(self) -> int:
        """Visits counted since the last drain."""
        return sum(self.counted.values())

    @property
    def counted(self) -> Mapping[Hit, int]:
        """Visits by hit since the last drain."""
        self._settle()
        return self._counts

    def count(self, hit: Hit, times: int = 1) -> None:
        """So many more visits."""
        counts = self._counts
        before = counts.get(hit)
        if before is not None:
            counts[hit] = before + times
            return
        named = self.named(hit)
        counts[named] = counts.get(named, 0) + times

    def naming(self, portal: str, host: str, outcome: str, client: str, id_head: str) -> "Naming":
        """What counts the pages of a host that are answered alike by rules whose ids begin alike."""
        asked = (portal, host, outcome, client, id_head)
        found = self._namings.get(asked)
        if found is None:
            if len(self._namings) >= _MOST_NAMINGS:
                self._namings.clear()  # nothing is in them that cannot be found again
            found = self._namings[asked] = Naming(self, *asked)
        return found

    def drain(self, day: date) -> Mapping[Hit, int]:
        """Hand over what was counted since the last drain, to be written under `day`; a new day has room again."""
        if self._day not in {None, day}:
            for names in (self._known, self._unknown, self._others, self._rules, self._other_rules):
                names.clear()
        self._day = day
        self.drains += 1
        self._settle()
        counts, self._counts = self._counts, {}
        return counts

    def owe(self, naming: "Naming") -> None:
        """Have a naming asked for what it has counted by itself, before anybody is told."""
        self._owing.append(naming)

    def _settle(self) -> None:
        owing, self._owing = self._owing, []
        for naming in owing:
            hit, visits = naming.settle()
            self._counts[hit] = self._counts.get(hit, 0) + visits

    def standing(self, number: int) -> int:
        """What a visit to a page of a rule may be counted as: BY_PAGE, BY_RULE, or UNNAMED for want of room.

        number  of the rule, as `_rule_number` tells it
        """
        known, others = self._known, self._others
        if known.given < known.room or self._rules.has(number):
            return BY_PAGE
        return BY_RULE if others.given < others.room or self._other_rules.has(number) else UNNAMED

    def named(self, hit: Hit) -> Hit:
        """The hit itself while there is room, or what it is counted among."""
        if hit.rule:
            return self.known(hit, _rule_number(hit.rule))
        return hit if self._unknown.admit(hash(hit)) else hit._replace(key=OTHER)

    def known(self, hit: Hit, number: int) -> Hit:
        """The same of a page that a rule of this number knows."""
        if self._known.admit(hash(hit)):
            self._rules.admit(number)
            return hit
        return self.other(hit._replace(key=OTHER))

    def other(self, hit: Hit) -> Hit:
        """What a visit without a name is counted as, by its rule while there is room for that."""
        portal, _, outcome, client, rule = hit
        if self._others.admit(hash(hit)):
            self._other_rules.admit(_rule_number(rule))
            return hit
        return Hit(portal, OTHER, outcome, client, OTHER)


class Naming:
    """Counts visits to pages of one host that are answered alike, by exact rules whose ids begin alike.

    What a page is counted as is worked out once between two drains; where there is no room for a name, not at all.
    """

    __slots__ = ("_counter", "_drains", "_head_number", "_id_head", "_named", "_nameless", "_parts", "unnamed")

    def __init__(self, counter: HitCounter, *parts: str) -> None:
        """`parts` are those of `HitCounter.naming`."""
        portal, _, outcome, client, self._id_head = parts
        self._head_number = hash(self._id_head)
        self._counter = counter
        self._parts = parts
        self._drains = counter.drains
        self._named: dict[bytes, Hit] = {}
        self._nameless = Hit(portal, OTHER, outcome, client, OTHER)
        self.unnamed = 0  # visits that the counter does not know of yet

    def count(self, path: bytes, id_tail: bytes, people: int) -> None:
        """One visit more to a path (the octets of `Key.path`), by the rule whose id ends so.

        people  NOBODY, NUMBERS or ANYBODY
        """
        counter = self._counter
        if self._drains != counter.drains:
            self._drains = counter.drains
            self._named.clear()
        number = self._head_number ^ hash(id_tail)
        standing = counter.standing(number)
        if standing == UNNAMED:
            if not self.unnamed:
                counter.owe(self)
            self.unnamed += 1
            return
        hit = self._named.get(path)
        if hit is None:
            rule = self._id_head + id_tail.decode()
            if standing == BY_PAGE:
                hit = self._name_of(path, rule, number, people)
            else:
                portal, _, outcome, client, _ = self._parts
                hit = counter.other(Hit(portal, OTHER, outcome, client, rule))
        counts = counter._counts  # noqa: SLF001 - one counter in two classes
        counts[hit] = counts.get(hit, 0) + 1

    def settle(self) -> tuple[Hit, int]:
        """The visits that the counter does not know of, and what they are counted as."""
        visits, self.unnamed = self.unnamed, 0
        return self._nameless, visits

    def _name_of(self, path: bytes, rule: str, number: int, people: int) -> Hit:
        portal, host, outcome, client, _ = self._parts
        text = path.decode()
        if people == ANYBODY:
            counted = shown_and_counted(host, text)[1]
        else:
            counted = host + (_LONG_NUMBER.sub(_signs, text) if people == NUMBERS else text)
        # Without its own __new__, which is Python.
        hit = tuple.__new__(Hit, (portal, counted, outcome, client, rule))
        named = self._counter.known(hit, number)
        if named is hit:
            self._named[path] = hit
        return named


def _signs(found: re.Match[str]) -> str:
    """What `_hidden` makes of a number."""
    return HIDDEN * min(len(found[0]), _LONGEST_HIDDEN)
