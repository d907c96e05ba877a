"""What the rules would say to visits of the past: access logs → coverage, outcomes, and the pages nobody mapped.

The same pages are asked for by the same few programs again and again, so what was decided once is remembered: of a line
little is looked at, and only what was never seen is read with care.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from redirect_rules.answers import (
    RetireWorker,
    ShowRobots,
    ShowSecurityContact,
    ShowSitemap,
    asker,
    reads_pages,
)
from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.garbage import uncollected
from redirect_rules.model import Action, ClientClass
from redirect_rules.snapshot import Snapshot

What = TypeVar("What")

MOST_KEYS: Final = 100_000
"""Distinct unmapped keys that are kept; what comes after is counted, not named."""
MOST_REMEMBERED: Final = 200_000
"""Different visits whose decision is remembered, and agents whose kind is: some 100 MB."""

_AT_ONCE: Final = 10_000  # lines between two turns of the garbage collector
# "[virtual host ]address identity user [time] "METHOD target HTTP/1.1" status bytes "referrer" "agent""
_COMBINED = re.compile(
    r'(?:(?P<host>[^\s:]+)(?::\d+)? )?\S+ \S+ \S+ \[[^\]]*\] "(?P<method>[A-Z]+) (?P<target>\S+)(?: HTTP/[\d.]+)?" '
    r'(?P<status>\d{3}) \S+(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_HOST_KEYS = ("host", "http_host", "server_name", "vhost", "domain")
_TARGET_KEYS = ("request_uri", "uri", "target", "url", "path")
_METHOD_KEYS = ("method", "request_method")
_AGENT_KEYS = ("user_agent", "http_user_agent", "agent", "ua")
# "[virtual host ]address identity user [day zone] "request" status bytes "referrer" "agent"", without a backslash
_PLAIN_LINE = re.compile(
    r'(?:([^\s\[\]"]+) )?[^\s\[\]"]+ [^\s\[\]"]+ [^\s\[\]"]+ \[[^\s\[\]"]+ [^\s\[\]"]+\] '
    r'"([^"\\]*)" [0-9]{3} [^\s"]+ "[^"\\]*" "([^"\\]*)"'
)
_PARTS, _WORDS, _NUMBERS = 7, 7, 4  # of such a line between quotes, of what is before them, of what is between them
_STATUSES = frozenset(map(str, range(100, 600)))
_REQUEST = re.compile(r"([A-Z]+) (\S+)(?: HTTP/[\d.]+)?\Z")
_VIRTUAL_HOST = re.compile(r"([^\s:]+)(?::\d+)?\Z")
_NO_PAGES = (ShowRobots, ShowSitemap, ShowSecurityContact, RetireWorker)  # they are about the host


class LoggedRequest(NamedTuple):
    """One line of a log, as far as the rules care."""

    host: str  # "" where the log does not say
    target: str
    method: str
    agent: str


@dataclass(slots=True)
class Report:
    """What came of all lines."""

    lines: int = 0
    unreadable: int = 0
    elsewhere: int = 0  # hosts that are nobody's portal
    outcomes: Counter[str] = field(default_factory=Counter)
    portals: Counter[str] = field(default_factory=Counter)
    pages: int = 0  # visits to closed pages
    mapped: int = 0  # those of them that a rule knows
    unmapped: Counter[str] = field(default_factory=Counter)
    unnamed: int = 0  # unmapped visits whose keys were not kept

    @property
    def coverage(self) -> float | None:
        """The share of visits to closed pages that a rule knows."""
        return self.mapped / self.pages if self.pages else None

    def add(self, other: "Report") -> None:
        """Count what came of other lines as well."""
        self.lines += other.lines
        self.unreadable += other.unreadable
        self.elsewhere += other.elsewhere
        self.outcomes.update(other.outcomes)
        self.portals.update(other.portals)
        self.pages += other.pages
        self.mapped += other.mapped
        self.unnamed += other.unnamed
        for key, count in other.unmapped.items():
            self.count_unmapped(key, count)

    def count(self, fate: "Fate", times: int) -> None:
        """So many lines of which this came."""
        if fate.outcome is None:
            self.unreadable += times
            return
        self.outcomes[fate.outcome] += times
        self.elsewhere += times * fate.elsewhere
        if fate.portal:
            self.portals[fate.portal] += times
        if fate.page:
            self.pages += times
            self.mapped += 0 if fate.unmapped else times
        if fate.unmapped:
            self.count_unmapped(fate.unmapped, times)

    def count_unmapped(self, key: str, times: int) -> None:
        """So many visits to a page that no rule knows."""
        if key in self.unmapped or len(self.unmapped) < MOST_KEYS:
            self.unmapped[key] += times
        else:
            self.unnamed += times

    def as_json(self, most: int) -> dict[str, Any]:
        """For programs."""
        return {
            "lines": self.lines,
            "unreadable": self.unreadable,
            "elsewhere": self.elsewhere,
            "pages": self.pages,
            "mapped": self.mapped,
            "coverage": self.coverage,
            "outcomes": dict(self.outcomes.most_common()),
            "portals": dict(self.portals.most_common()),
            "unmapped": [{"key": key, "count": count} for key, count in self.unmapped.most_common(most)],
            "unmapped_not_named": self.unnamed,
        }


def parse_line(line: str) -> LoggedRequest | None:
    """Read one line of Combined Log Format (with or without the virtual host) or of JSON; None: neither."""
    if line.startswith("{"):
        return _from_json(line)
    match = _COMBINED.match(line)
    if match is None:
        return None
    return LoggedRequest(match["host"] or "", match["target"], match["method"], match["agent"] or "")


def _from_json(line: str) -> LoggedRequest | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    target, method = _first(values, _TARGET_KEYS), _first(values, _METHOD_KEYS) or "GET"
    request = values.get("request")
    if not target and isinstance(request, str) and len(words := request.split()) >= 2:
        method, target = words[:2]
    return LoggedRequest(_first(values, _HOST_KEYS), target, method, _first(values, _AGENT_KEYS)) if target else None


def _first(values: dict[str, Any], names: Iterable[str]) -> str:
    return next((value for name in names if isinstance(value := values.get(name), str) and value), "")


Cut: TypeAlias = tuple[str, str, str]
"""What is left of a line when time, address and referrer are forgotten: the host and port that the log names or "", the
request line, the agent.  Equal for visits that are decided alike."""


def cut(line: str) -> Cut | None:
    """The quick way to read a line that is plainly one of Combined Log Format; None where it is not that plain."""
    parts = line.split('"')
    if len(parts) == _PARTS and "\\" not in line:
        before, asked, told, _, gap, agent, _ = parts
        words, numbers = before.split(" "), told.split(" ")
        if (
            # As the expression below asks, in half of its time; what is odd is left to it.
            len(words) == _WORDS
            and words[4][:1] == "["
            and words[5][-1:] == "]"
            and before.isprintable()
            and before.count("[") == before.count("]") == 1
            and all(words[:-1])
            and len(numbers) == _NUMBERS
            and numbers[1] in _STATUSES
            and numbers[2].isalnum()
            and gap == " "
            and not (numbers[0] or numbers[3])
        ):
            return words[0], asked, agent
    found = _PLAIN_LINE.match(line)
    return None if found is None else found.groups("")  # type: ignore[return-value]  # three groups


def request_of(found: Cut) -> LoggedRequest | None:
    """The request in what was cut out of a line; None where it is none, or where the quick way is not enough."""
    named, asked, agent = found
    request, host = _REQUEST.match(asked), _VIRTUAL_HOST.match(named)
    if request is None or (named and host is None):
        return None
    return LoggedRequest(host[1] if host else "", request[2], request[1], agent)


@dataclass(slots=True)
class _Seen(Generic[What]):
    """Visits that are decided alike."""

    what: What
    times: int = 0  # that were not counted yet


class Tally(Generic[What]):
    """Reads lines, decides each different visit once, and counts what came of it."""

    def __init__(
        self,
        crawlers: Crawlers,
        decided: Callable[[LoggedRequest | None], What],
        count: Callable[[What, int], None],
    ) -> None:
        """`decided` says what comes of a line's request (None: unreadable), `count` is told how often it came."""
        self._crawlers = crawlers
        self._decided = decided
        self._count = count
        self._seen: dict[tuple[str, str, bool], _Seen[What]] = {}  # by host, request line, and whether a crawler asks
        self._agents: dict[str, bool] = {}

    def take(self, lines: Iterable[str]) -> int:
        """Read some more lines; how many they were."""
        rest, read = iter(lines), 0
        while True:
            with uncollected():
                some = self._take_some(islice(rest, _AT_ONCE))
            read += some
            if some < _AT_ONCE:
                return read

    def _take_some(self, lines: Iterable[str]) -> int:
        seen, agents, read = self._seen, self._agents, 0
        for line in lines:
            read += 1
            if (found := cut(line)) is None:
                self._count(self._decided(parse_line(line)), 1)
                continue
            host, request, agent = found
            crawls = agents.get(agent)
            if crawls is None:
                crawls = self._crawls(agent)
            alike = seen.get((host, request, crawls))
            if alike is None:
                self._meet(line, (host, request, agent), crawls=crawls)
            else:
                alike.times += 1
        return read

    def settle(self) -> None:
        """Count everything that was read."""
        for alike in self._seen.values():
            if alike.times:
                self._count(alike.what, alike.times)
                alike.times = 0

    def _crawls(self, agent: str) -> bool:
        """Whether an agent is a listed crawler: all that matters of it, as a log does not say what else it sent."""
        if len(self._agents) >= MOST_REMEMBERED:
            self._agents.clear()
        crawls = self._agents[agent] = self._crawlers.is_bot(agent or _BROWSER)
        return crawls

    def _meet(self, line: str, found: Cut, *, crawls: bool) -> None:
        """Decide what was not seen before."""
        if len(self._seen) >= MOST_REMEMBERED:
            self.settle()
            self._seen.clear()
        logged = request_of(found)
        what = self._decided(parse_line(line) if logged is None else logged)
        # At once, so that keys have their place in the order in which they came.
        self._count(what, 1)
        self._seen[found[0], found[1], crawls] = _Seen(what)


class Fate(NamedTuple):
    """What becomes of a visit, as far as it is counted."""

    outcome: str | None  # None: it cannot be read
    portal: str = ""  # "": nobody's
    elsewhere: bool = False
    page: bool = False  # a closed page, opened by somebody who reads pages
    unmapped: str = ""  # its key, where no rule knows the page


def replay(lines: Iterable[str], snapshot: Snapshot, *, now: datetime, crawlers: Crawlers, host: str = "") -> Report:
    """Decide every line as if it came at `now` (aware); `host` stands in for logs that name none."""
    report = Report()

    def decided(logged: LoggedRequest | None) -> Fate:
        return fate_of(logged and visit_of(logged, host, crawlers), snapshot, now)

    tally = Tally(crawlers, decided, report.count)
    report.lines = tally.take(lines)
    tally.settle()
    return report


def fate_of(visit: Visit | None, snapshot: Snapshot, now: datetime) -> Fate:
    """What becomes of a visit; None: a line that tells of none."""
    if visit is None:
        return Fate(None)
    decision = decide(visit, snapshot, now)
    if not isinstance(decision, Decision):
        return Fate(Action.REFUSE, elsewhere=visit.host not in snapshot.portals)
    passes = decision.outcome is Action.PASS or isinstance(decision.answer, _NO_PAGES)
    page = not passes and reads_pages(asker(visit.client, visit.method))
    unmapped = decision.key_text if page and not decision.mapped else ""
    return Fate(decision.outcome, decision.portal.id, page=page, unmapped=unmapped)


_BROWSER: Final = "Mozilla/5.0"
_NOBODY: Final = Crawlers.listed((), ())
_LONGEST_ENDING: Final = 12  # letters of what a file's name ends with; of more it is no kind of file


_host_of = lru_cache(1_024)(canonical_host)  # of many pages there are few hosts


def visit_of(logged: LoggedRequest, default_host: str, crawlers: Crawlers) -> Visit | None:
    """The visit that a line tells of; None where its host is none."""
    target, named = logged.target, logged.host or default_host
    try:
        if "://" in target[:8]:
            authority = urlsplit(target).netloc
            named = authority or named
            rest = target.partition("//")[2][len(authority) :]
            target = rest if rest.startswith("/") else "/" + rest
        host = _host_of(named)
    except (BadHost, ValueError):
        return None
    if crawlers.is_bot(logged.agent or _BROWSER):
        return Visit(host, target, logged.method, ClientClass.BOT)
    file = target.partition("?")[0].rpartition("/")[2].partition(";")[0]
    _, dot, ending = file.rpartition(".")
    return Visit(host, target, logged.method, _by_ending(logged.method, dot + ending[:_LONGEST_ENDING]))


@lru_cache(1_024)
def _by_ending(method: str, ending: str) -> ClientClass:
    """What somebody is who takes pages and is no listed crawler: it hangs on what a file's name ends with."""
    return client_class(method, f"/file{ending}", {"user-agent": _BROWSER, "accept": "text/html"}, _NOBODY)
