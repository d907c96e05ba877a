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
_FIRST_MARK = 0xE000  # for private use: in no canonical path, which is ASCII
_MOST_NAMES, _LONGEST_NAME = 8, 40  # a database's index holds 2,700 octets, and a host and a path are in it too
_LETTER = re.compile(r"[0-9A-Za-z]")
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


class HitCounter:
    """Counts hits in memory; one dictionary, no locks: it belongs to one event loop.

    At most `limit` distinct hits have names in a day, so neither memory nor the store grows with what visitors invent:
    half of them pages that rules know, half of them others, so that nobody can crowd out the known ones with nonsense.
    What comes after is counted as OTHER of its portal, outcome, client and, for half as many rules again, rule.  The
    sums stay true, and so does coverage.
    """

    def __init__(self, limit: int) -> None:
        self._room = max(1, limit // 2)
        self._counts: dict[Hit, int] = {}
        self._day: date | None = None
        self._known: set[Hit] = set()  # named in this day, with a rule
        self._unknown: set[Hit] = set()  # and without
        self._others: set[Hit] = set()  # OTHER of a rule

    @property
    def total(self) -> int:
        """Visits counted since the last drain."""
        return sum(self._counts.values())

    def count(self, hit: Hit, times: int = 1) -> None:
        """So many more visits."""
        counts = self._counts
        before = counts.get(hit)
        if before is not None:
            counts[hit] = before + times
            return
        names = self._known if hit[4] else self._unknown  # a hit's rule, also of one that is told as a plain tuple
        if len(names) < self._room:
            names.add(hit)
            counts[hit] = times
            return
        named = self._named_as(hit)
        counts[named] = counts.get(named, 0) + times

    def drain(self, day: date) -> Mapping[Hit, int]:
        """Hand over what was counted since the last drain, to be written under `day`; a new day has room again."""
        if self._day not in {None, day}:
            for names in (self._known, self._unknown, self._others):
                names.clear()
        self._day = day
        counts, self._counts = self._counts, {}
        return counts

    def _named_as(self, hit: Hit) -> Hit:
        """The hit itself while there is room, or what it is counted among."""
        if self._has_room(self._known if hit[4] else self._unknown, hit):
            return hit
        portal, _, outcome, client, rule = hit
        other = Hit(portal, OTHER, outcome, client, rule)
        if not rule or self._has_room(self._others, other):
            return other
        return Hit(portal, OTHER, outcome, client, OTHER)

    def _has_room(self, names: set[Hit], hit: Hit) -> bool:
        if hit in names:
            return True
        if len(names) >= self._room:
            return False
        names.add(hit)
        return True
