"""Answers that a decision alone tells, made without parsing: for pages that are asked for once, by whatever rule.

Where no look-up of an exact rule settles it, the visit is decided here as it would be further down; what is spared is
the parser and the making of a response, which cost three times as much.  What such an answer looks like is learnt from
the slow lane: redirects as sketches, short answers that say the same of every such page as they were sent.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from proxy.access_log import Entry
from proxy.audiences import Audience, Kind, kind_of
from proxy.journal import Account
from proxy.prepared import Prepared, Sketch
from proxy.redirects import plain_address
from redirect_rules.answers import Answer, EndStream, RefuseVisit, SayGoneBriefly, SayProblem, SayUnknown, SendAway
from redirect_rules.decision import OUR_PREFIX, Decision, Visit, decide
from redirect_rules.hits import Hit
from redirect_rules.model import Portal
from redirect_rules.snapshot import Snapshot

_ALWAYS_THE_SAME: Final = (SayUnknown, SayGoneBriefly, SayProblem, RefuseVisit, EndStream)
_MOST_KEPT: Final = 20_000  # forms of answers


class _Alike(NamedTuple):
    """Everything that such an answer depends on, but for the target that a redirect leads to."""

    audience: Audience
    portal: str
    answer: Answer
    permanent: bool
    mapped: bool
    takes_place: bool
    closed_at: datetime | None
    target: str  # "" for redirects, which differ in nothing else

    @classmethod
    def of(cls, audience: Audience, decision: Decision) -> "_Alike":
        way = decision.way
        leads = isinstance(decision.answer, SendAway)
        return cls(
            audience,
            decision.portal.id,
            decision.answer,
            decision.permanent,
            decision.mapped,
            way is not None and way.takes_place,
            _closed_at(decision.portal, decision.key.folded),
            "" if leads or way is None else way.target,
        )


def _closed_at(portal: Portal, segments: tuple[str, ...]) -> datetime | None:
    return portal.schedule_for(segments).closed_at


@dataclass(frozen=True, slots=True)
class Form:
    """What answers to decisions of one kind look like."""

    whole: Prepared | None  # None: a redirect
    sketch: Sketch | None
    status: int
    length: int  # octets of the body as sent; of a redirect: what is added to its target's


class Verdict(NamedTuple):
    """One answer that was made from a decision."""

    form: Form
    decision: Decision
    method: str

    def account(self) -> Account:
        """What there is to count and to write down, as the slow lane would tell it."""
        decision, form = self.decision, self.form
        length = form.length
        if form.sketch is not None:
            length = len(decision.way.target) + 1 if form.sketch.body and decision.way is not None else 0
        return Account.of(Entry.of(decision), self.method, form.status, length, Hit.of(decision))

    def sent(self, request_id: str, date: bytes) -> bytes:
        """The answer."""
        if self.form.whole is not None:
            return self.form.whole.sent(request_id, date)
        if self.form.sketch is None or self.decision.way is None:
            raise LookupError("a redirect that leads nowhere")
        return self.form.sketch.sent(request_id, date, self.decision.way.target)

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        if self.form.whole is not None:
            return replace(self.form.whole, account=self.account())
        if self.form.sketch is None or self.decision.way is None:
            raise LookupError("a redirect that leads nowhere")
        return self.form.sketch.prepared(self.decision.way.target, self.account())


class Verdicts:
    """The verdicts of one snapshot, between two instants at which an answer changes by itself."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._forms: dict[_Alike, Form] = {}
        self._drafts: dict[_Alike, Form] = {}
        self._promising: set[tuple[Audience, Kind]] = set()

    def find(self, audience: Audience, target: bytes, now: datetime) -> Verdict | None:
        """The answer to a request target, if it can be made here."""
        address = plain_address(target, fold_case=False)
        # Who has only been shown pages so far is not decided for twice.
        if address is None or (audience, kind_of(address.as_sent)) not in self._promising:
            return None
        decision = self._decided(audience, target, address.as_sent, now)
        if decision is None:
            return None
        form = self._forms.get(_Alike.of(audience, decision))
        return None if form is None else Verdict(form, decision, audience.facts.method)

    def _decided(self, audience: Audience, target: bytes, path: str, now: datetime) -> Decision | None:
        facts = audience.facts
        visit = Visit(facts.host, target.decode(), facts.method, facts.clients[kind_of(path)], facts.place)
        decision = decide(visit, self._snapshot, now)
        return decision if isinstance(decision, Decision) and _is_told(decision) else None

    def learn(self, audience: Audience, target: bytes, decision: Decision, answer: Prepared) -> None:
        """Look at what the slow lane answered.  A second answer of the same form makes it known."""
        address = plain_address(target, fold_case=False)
        if address is None or not _is_told(decision) or len(self._drafts) >= _MOST_KEPT:
            return
        alike, form = _Alike.of(audience, decision), _form_of(decision, answer)
        if form is None:
            return
        draft = self._drafts.setdefault(alike, form)
        if draft is not form and _same(draft, form):
            self._forms[alike] = draft
            self._promising.add((audience, kind_of(address.as_sent)))

    def forget(self) -> None:
        """An instant has come at which answers change."""
        self._forms.clear()
        self._drafts.clear()
        self._promising.clear()


def _is_told(decision: Decision) -> bool:
    """Whether nothing but the decision tells the answer: no page, no cookie, nothing of ours."""
    way = decision.way
    if decision.key.folded[:1] == (OUR_PREFIX,) or (way is not None and way.place is not None):
        return False
    if isinstance(decision.answer, SendAway):
        return way is not None
    return isinstance(decision.answer, _ALWAYS_THE_SAME)


def _form_of(decision: Decision, answer: Prepared) -> Form | None:
    labels = answer.account.labels
    if not isinstance(decision.answer, SendAway) or decision.way is None:
        return Form(answer, None, int(labels.status), answer.body_octets)
    sketch = Sketch.of(answer, decision.way.target)
    return None if sketch is None else Form(None, sketch, int(labels.status), 0)


def _same(one: Form, other: Form) -> bool:
    if one.whole is None or other.whole is None:
        return one == other
    return (one.status, *_octets(one.whole)) == (other.status, *_octets(other.whole))


def _octets(answer: Prepared) -> tuple[bytes, bytes, bytes]:
    return answer.before_id, answer.before_date, answer.after_date
