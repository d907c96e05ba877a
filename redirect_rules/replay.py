"""What the rules would say to visits of the past: access logs → coverage, outcomes, and the pages nobody mapped."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from redirect_rules.answers import asker, reads_pages
from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import Action
from redirect_rules.snapshot import Snapshot

MOST_KEYS: Final = 100_000
"""Distinct unmapped keys that are kept; what comes after is counted, not named."""

# "[virtual host ]address identity user [time] "METHOD target HTTP/1.1" status bytes "referrer" "agent""
_COMBINED = re.compile(
    r'(?:(?P<host>[^\s:]+)(?::\d+)? )?\S+ \S+ \S+ \[[^\]]*\] "(?P<method>[A-Z]+) (?P<target>\S+)(?: HTTP/[\d.]+)?" '
    r'(?P<status>\d{3}) \S+(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_HOST_KEYS = ("host", "http_host", "server_name", "vhost", "domain")
_TARGET_KEYS = ("request_uri", "uri", "target", "url", "path")
_METHOD_KEYS = ("method", "request_method")
_AGENT_KEYS = ("user_agent", "http_user_agent", "agent", "ua")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
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


def replay(
    lines: Iterable[str], snapshot: Snapshot, *, now: datetime, crawlers: Crawlers, host: str = ""
) -> Iterator[Report]:
    """Decide every line as if it came at `now`; yields the one growing report after each line.

    `host` stands in for logs that do not say which host was asked.
    """
    report = Report()
    for line in lines:
        report.lines += 1
        logged = parse_line(line)
        visit = _visit(logged, host, crawlers) if logged else None
        if visit is None:
            report.unreadable += 1
        else:
            _count(report, visit, snapshot, now)
        yield report


def _visit(logged: LoggedRequest, default_host: str, crawlers: Crawlers) -> Visit | None:
    target, named = logged.target, logged.host or default_host
    try:
        if "://" in target[:8]:
            authority = urlsplit(target).netloc
            named = authority or named
            rest = target.partition("//")[2][len(authority) :]
            target = rest if rest.startswith("/") else "/" + rest
        host = canonical_host(named)
    except (BadHost, ValueError):
        return None
    headers = {"user-agent": logged.agent or "Mozilla/5.0", "accept": "text/html"}
    client = client_class(logged.method, target.partition("?")[0], headers, crawlers)
    return Visit(host, target, logged.method, client)


def _count(report: Report, visit: Visit, snapshot: Snapshot, now: datetime) -> None:
    decision = decide(visit, snapshot, now)
    if not isinstance(decision, Decision):
        report.elsewhere += visit.host not in snapshot.portals
        report.outcomes[Action.REFUSE] += 1
        return
    report.outcomes[decision.outcome] += 1
    report.portals[decision.portal.id] += 1
    if decision.outcome is Action.PASS or not reads_pages(asker(visit.client, visit.method)):
        return
    report.pages += 1
    if decision.mapped:
        report.mapped += 1
    elif decision.key_text in report.unmapped or len(report.unmapped) < MOST_KEYS:
        report.unmapped[decision.key_text] += 1
    else:
        report.unnamed += 1
