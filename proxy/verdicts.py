"""Answers that a decision alone tells, made without parsing: for pages that are asked for once, by whatever rule.

Where no look-up of an exact rule settles it, the visit is decided here as it would be further down; what is spared is
the parser and the making of a response, which cost three times as much.  What such an answer looks like is learnt from
the slow lane: redirects as sketches, short answers that say the same of every such page as they were sent.
"""

from datetime import datetime
from typing import Final, NamedTuple

from proxy.access_log import Entry, Lines, names_of
from proxy.audiences import Audience, Kind, kind_of
from proxy.journal import Account
from proxy.metrics import Labels
from proxy.plain_answers import Asked, Form, PlainAnswers, Precedent
from proxy.prepared import Prepared, Sketch
from proxy.redirects import key_of_address, plain_address, plain_portals
from redirect_rules.answers import Answer, EndStream, RefuseVisit, SayGoneBriefly, SayProblem, SayUnknown, SendAway
from redirect_rules.canonical import Key
from redirect_rules.decision import OUR_PREFIX, Decision, Visit, decide
from redirect_rules.hits import Hit, HitCounter, key_of, shown_and_counted
from redirect_rules.model import Action, Portal
from redirect_rules.plain_ways import PlainWays
from redirect_rules.snapshot import Snapshot
from redirect_rules.template_plans import manner_of
from redirect_rules.ways import HOME, Note, WayFinder

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

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The answer."""
        if self.form.whole is not None:
            return self.form.whole.sent(request_id, date)
        if self.form.sketch is None or self.decision.way is None:
            raise LookupError("a redirect that leads nowhere")
        return self.form.sketch.sent(request_id, date, self.decision.way.target.encode())

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        if self.form.whole is not None:
            return self.form.whole.about(self.account())
        if self.form.sketch is None or self.decision.way is None:
            raise LookupError("a redirect that leads nowhere")
        return self.form.sketch.prepared(self.decision.way.target.encode(), self.account())


def precedent_of(verdict: Verdict) -> Precedent:
    """What all that are answered alike have in common, from one of them."""
    decision, status = verdict.decision, verdict.form.status
    entry, hit = Entry.of(decision), Hit.of(decision)
    lines = Lines.of(entry, verdict.method, status)
    return Precedent(verdict.form, lines, Labels.of(entry, status), hit.outcome, hit.client)


class Following(NamedTuple):
    """One answer that was made as one before it: of the decision only the rule and the way are looked for."""

    precedent: Precedent
    snapshot: Snapshot
    portal: Portal
    key: Key
    rule: str  # "" where none knows the page
    destination: str
    to: bytes

    def account(self) -> Account:
        """What there is to count and to write down, as the slow lane would tell it."""
        form, lines, labels, outcome, client = self.precedent
        pairs = self.key.pairs
        shown, counted = shown_and_counted(self.key.host, self.key.path)
        length = form.length
        if form.sketch is not None:
            length = len(self.to) + 1 if form.sketch.body else 0
        line = lines.line(
            self.rule or "unmapped", self.destination, shown + names_of(pairs) if pairs else shown, length
        )
        if pairs:
            counted = key_of(self.key, self.snapshot.significant_at(self.portal, self.key))
        return Account(labels, *line, Hit(self.portal.id, counted, outcome, client, self.rule))

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The answer."""
        form = self.precedent.form
        if form.sketch is not None:
            return form.sketch.sent(request_id, date, self.to)
        if form.whole is None:
            raise LookupError("an answer of no form")
        return form.whole.sent(request_id, date)

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        form = self.precedent.form
        if form.sketch is not None:
            return form.sketch.prepared(self.to, self.account())
        if form.whole is None:
            raise LookupError("an answer of no form")
        return form.whole.about(self.account())


class Verdicts:
    """The verdicts of one snapshot, between two instants at which an answer changes by itself."""

    def __init__(self, snapshot: Snapshot, hits: HitCounter | None = None) -> None:
        """`hits`: where visits are counted, if they are."""
        self._snapshot = snapshot
        self._portals = plain_portals(snapshot)
        self._forms: dict[_Alike, Form] = {}
        self._drafts: dict[_Alike, Form] = {}
        self._promising: dict[Audience, set[Kind]] = {}
        self._precedents: dict[Asked, Precedent] = {}
        self._ways: PlainWays | None = None
        self.plain = PlainAnswers(self._precedents, hits)
        """What is to be asked first: it answers the commonest of these without any of this."""

    def find(self, audience: Audience, target: bytes, now: datetime) -> "Verdict | Following | None":
        """The answer to a request target, if it can be made here."""
        # Who has only been shown pages so far is not decided for twice.
        promising = self._promising.get(audience)
        if promising is None:
            return None
        facts = audience.facts
        portal = self._portals.get(facts.host)
        address = plain_address(target, fold_case=portal is not None and portal.fold_case)
        if address is None:
            return None
        kind = kind_of(address.as_sent)
        if kind not in promising:
            return None
        if portal is not None and facts.place is None:
            found = self._following(audience, kind, portal, key_of_address(facts.host, address), now)
            if found is not None:
                return found
        decision = self._decided(audience, target, address.as_sent, now)
        form = self._forms.get(_Alike.of(audience, decision)) if decision is not None else None
        if decision is None or form is None:
            return None
        verdict = Verdict(form, decision, facts.method)
        if portal is not None and facts.place is None:
            self._remember(audience, kind, verdict, now)
        return verdict

    def _following(self, audience: Audience, kind: Kind, portal: Portal, key: Key, now: datetime) -> Following | None:
        """The answer where one like it was decided before."""
        snapshot = self._snapshot
        match = snapshot.best(portal, key, now)
        if match is None:
            precedent = self._precedents.get((audience, kind, ""))
            return None if precedent is None else Following(precedent, snapshot, portal, key, "", HOME, b"")
        way = WayFinder(snapshot, portal, key, None, now, _Unread()).way_of(match)
        if way.place is not None or way.candidates:
            return None
        rule = match.rule
        precedent = self._precedents.get((audience, kind, manner_of(rule.action.value, takes_place=way.takes_place)))
        if precedent is None:
            return None
        return Following(precedent, snapshot, portal, key, rule.id, way.destination, way.target.encode())

    def _remember(self, audience: Audience, kind: Kind, verdict: Verdict, now: datetime) -> None:
        """Follow a verdict from now on: a redirect to wherever, or what is said of every page that no rule knows."""
        decision = verdict.decision
        rule, way = decision.rule, decision.way
        switched = decision.portal.id in self._snapshot.switches
        if way is None or way.candidates or switched or (rule is None) == (verdict.form.sketch is not None):
            return
        if rule is not None and (rule.action is Action.ASK or way.place is not None):
            return
        manner = "" if rule is None else manner_of(rule.action.value, takes_place=way.takes_place)
        self._precedents[audience, kind, manner] = precedent_of(verdict)
        if self._ways is None:
            self._ways = PlainWays(self._snapshot, now)
        self.plain.admit(audience, decision.portal, self._ways)

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
            self._promising.setdefault(audience, set()).add(kind_of(address.as_sent))

    def forget(self) -> None:
        """An instant has come at which answers change."""
        self._forms.clear()
        self._drafts.clear()
        self._promising.clear()
        self._precedents.clear()
        self._ways = None
        self.plain.forget()


class _Unread(list[Note]):
    """Takes notes that nobody will read."""

    def append(self, _note: Note) -> None:
        """Forget it."""


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
