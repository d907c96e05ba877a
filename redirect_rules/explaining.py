"""A URL as people paste it → the visit it would be, and the decision in the words of `dvc-edge explain`.

The same `decide` as the edge calls; there is no second opinion.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict
from urllib.parse import quote

from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.decision import BadRequest, Decision, Visit, WrongHost, decide
from redirect_rules.model import Action, ClientClass
from redirect_rules.sayings import say
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import LocalityCode
from redirect_rules.ways import Step

_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<authority>[^/?#]*)(?P<target>[^#]*)(?P<fragment>#.*)?\Z", re.DOTALL
)
_BROWSER: Final = {"accept": "text/html,application/xhtml+xml", "sec-fetch-dest": "document"}


class Explanation(TypedDict):
    """One JSON object of `dvc-edge explain --json`."""

    url: str
    portal: str | None
    phase: str | None
    client_class: str
    key: str | None
    rule: str | None
    outcome: str
    destination: str | None
    target: str | None
    trace: list[str]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a URL."""

    at: datetime
    method: str = "GET"
    client: ClientClass | None = None  # None: as a browser would ask for that URL
    place: LocalityCode | None = None


def visit_to(url: str, question: Question, *, suffixes: Sequence[str], crawlers: Crawlers) -> Visit:
    """The visit a browser would make.  Raises BadHost where the text has no host in it."""
    match = _URL.match(url.strip())
    if match is None or (match["scheme"] or "https").lower() not in {"http", "https"}:
        raise BadHost(say("address.scheme"))
    host = canonical_host(match["authority"])
    for suffix in suffixes:
        host = host.removesuffix("." + suffix)
    target = quote(match["target"], safe="!#$%&'()*+,/:;=?@[]~\\-._")
    target = target if target.startswith("/") else "/" + target
    path = target.partition("?")[0]
    client = question.client or client_class(question.method, path, _BROWSER, crawlers)
    return Visit(host, target, question.method, client, question.place)


def explain(
    url: str, question: Question, snapshot: Snapshot, *, suffixes: Sequence[str], crawlers: Crawlers
) -> Explanation:
    """Say what becomes of a URL, and why."""
    try:
        visit = visit_to(url, question, suffixes=suffixes, crawlers=crawlers)
    except BadHost as error:
        client = question.client or ClientClass.NAVIGATION
        return _refused(url, client, (Step("host", error.args[0]),))
    decision = decide(visit, snapshot, question.at)
    match decision:
        case WrongHost(trace):
            return _refused(url, visit.client, trace)
        case BadRequest(portal, _, trace):
            return _refused(url, visit.client, trace) | {"portal": portal.id}
        case Decision():
            return _explained(url, decision)


def reasons(
    url: str, question: Question, snapshot: Snapshot, *, suffixes: Sequence[str], crawlers: Crawlers
) -> tuple[Step, ...]:
    """The trace of `explain`, step by step, each with what it is made of: for whoever says it in another language."""
    try:
        visit = visit_to(url, question, suffixes=suffixes, crawlers=crawlers)
    except BadHost as error:
        return (Step("host", error.args[0]),)
    return decide(visit, snapshot, question.at).trace


def _explained(url: str, decision: Decision) -> Explanation:
    way = decision.way
    return Explanation(
        url=url,
        portal=decision.portal.id,
        phase=decision.phase.value,
        client_class=decision.client.value,
        key=decision.key_text,
        rule=decision.rule.id if decision.rule else None,
        outcome=decision.outcome.value,
        destination=(way.destination or None) if way else None,
        target=way.target if way else None,
        trace=[str(step) for step in decision.trace],
    )


def _refused(url: str, client: ClientClass, trace: Sequence[Step]) -> Explanation:
    return Explanation(
        url=url,
        portal=None,
        phase=None,
        client_class=client.value,
        key=None,
        rule=None,
        outcome=Action.REFUSE.value,
        destination=None,
        target=None,
        trace=[str(step) for step in trace],
    )
