"""Notice pages that nobody asked for before, made without parsing: most people's addresses are asked for once.

A visit is decided here as it would be further down, by `decide` itself, and its page is a skeleton that is filled in;
what is spared is the parser and the making of a response, which cost twice as much.  The head of such an answer is
learnt from the slow lane: as soon as a whole answer that is made here is, octet for octet, the one that was sent.
"""

import hashlib
from collections.abc import Hashable
from datetime import datetime
from string import ascii_letters, digits
from typing import Final, NamedTuple

from proxy.access_log import Entry
from proxy.audiences import LONGEST_TARGET, Audience, kind_of
from proxy.generations import Generations
from proxy.journal import Account
from proxy.pages import Pages
from proxy.prepared import Prepared
from proxy.presentation import Presenter
from proxy.visits import says_something_to_us
from redirect_rules.answers import ShowNotice
from redirect_rules.decision import OUR_PREFIX, Decision, Visit, decide
from redirect_rules.hits import Hit

_MOST_AUDIENCES: Final = 1_024  # whose heads are kept, of a kilobyte or two each
_STATUS: Final = 200
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\nContent-Length: "
_SMALLEST: Final = 4_096  # octets of a page: of smaller ones it is not settled here whether they are packed
# What a target may be made of (RFC 3986 §3.3, §3.4) and be read by the parser as it stands.
_PLAIN: Final = (ascii_letters + digits + "-._~!$&'()*+,;=:@/%?").encode()


class Head(NamedTuple):
    """The head of answers that differ in id, target, length and date."""

    before_id: bytes
    before_target: bytes
    before_length: bytes
    before_date: bytes
    after_date: bytes

    @classmethod
    def of(cls, answer: Prepared, target: bytes, length: int) -> "Head | None":
        """What is left of an answer's head; None for one of another form."""
        before_target, there, rest = answer.before_date.partition(b"<%b>" % target)
        before_length, told, before_date = rest.partition(b"%b%d\r\n" % (_LENGTH, length))
        after_date, end, _ = answer.after_date.partition(_END)
        if not (there and told and end):
            return None
        return cls(
            answer.before_id,
            before_target + b"<",
            b">" + before_length + _LENGTH,
            b"\r\n" + before_date,
            after_date + _END,
        )


class Shown(NamedTuple):
    """One notice that was made here."""

    head: Head
    decision: Decision
    target: bytes
    method: str
    body: bytes  # as sent, or as it would be

    def account(self) -> Account:
        """What there is to count and to write down, as the slow lane would tell it."""
        length = 0 if self.method == "HEAD" else len(self.body)
        return Account.of(Entry.of(self.decision), self.method, _STATUS, length, Hit.of(self.decision))

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The answer."""
        head = self.head
        return b"".join(
            (
                head.before_id,
                request_id,
                head.before_target,
                self.target,
                head.before_length,
                b"%d" % len(self.body),
                head.before_date,
                date,
                head.after_date,
                b"" if self.method == "HEAD" else self.body,
            )
        )

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        head = self.head
        before_date = b"".join(
            (head.before_target, self.target, head.before_length, b"%d" % len(self.body), head.before_date)
        )
        body = b"" if self.method == "HEAD" else self.body
        return Prepared(head.before_id, before_date, head.after_date + body, self.account())


class _Draft(NamedTuple):
    """What the slow lane answered, until it is seen that the same is made here."""

    decision: Decision
    head: Prepared  # without the body
    digest: bytes  # of the whole

    @classmethod
    def of(cls, decision: Decision, answer: Prepared) -> "_Draft":
        after_date, end, _ = answer.after_date.partition(_END)
        head = Prepared(answer.before_id, answer.before_date, after_date + end, answer.account)
        return cls(decision, head, _digest(answer.sent(b"", b"")))


class Notices:
    """The notices of one snapshot, between two instants at which an answer changes by itself."""

    def __init__(self, presenter: Presenter, pages: Pages) -> None:
        self._presenter = presenter
        self._pages = pages
        self._heads: Generations[Audience, dict[Hashable, Head | _Draft | None]] = Generations(
            entries=_MOST_AUDIENCES, octets=_MOST_AUDIENCES, weight=lambda _, __: 1
        )

    def find(self, audience: Audience, target: bytes, now: datetime) -> Shown | None:
        """The answer to a request target, if it is a notice that can be made here at once."""
        heads = self._heads.get(audience)
        if heads is None or not _is_plain(target):
            return None
        path = target.partition(b"?")[0].decode()
        facts = audience.facts
        visit = Visit(facts.host, target.decode(), facts.method, facts.clients[kind_of(path)], facts.place)
        decision = decide(visit, self._presenter.snapshot, now)
        if not isinstance(decision, Decision) or not _is_shown(decision):
            return None
        alike = _alike(decision)
        head = heads.get(alike)
        if isinstance(head, _Draft):
            head = heads[alike] = self._proved(head, audience, now)
        return self._shown(head, audience, decision, now) if isinstance(head, Head) else None

    def learn(self, audience: Audience, target: bytes, decision: Decision, answer: Prepared) -> None:
        """Look at what the slow lane answered."""
        if not _is_shown(decision) or not _is_plain(target):
            return
        heads = self._heads.get(audience)
        if heads is None:
            self._heads.put(audience, heads := {})
        alike = _alike(decision)
        if alike not in heads:
            heads[alike] = _Draft.of(decision, answer)

    def forget(self) -> None:
        """An instant has come at which answers change."""
        self._heads.clear()

    def _proved(self, draft: _Draft, audience: Audience, now: datetime) -> Head | _Draft | None:
        """The head of an answer, if the whole of it is made here octet for octet; None if it is another.

        The draft itself if the page cannot be made here yet.
        """
        body = self._body(draft.decision, audience, now)
        if body is None or draft.decision.way is None:
            return draft
        target = draft.decision.way.target.encode()
        head = Head.of(draft.head, target, len(body))
        if head is None:
            return None
        shown = Shown(head, draft.decision, target, audience.facts.method, body)
        return head if _digest(shown.sent(b"", b"")) == draft.digest else None

    def _shown(self, head: Head, audience: Audience, decision: Decision, now: datetime) -> Shown | None:
        body = self._body(decision, audience, now)
        if body is None or decision.way is None:
            return None
        return Shown(head, decision, decision.way.target.encode(), audience.facts.method, body)

    def _body(self, decision: Decision, audience: Audience, now: datetime) -> bytes | None:
        """The page in the coding that is asked for; None where it takes too long to make it here."""
        facts = audience.facts
        ask = isinstance(decision.answer, ShowNotice) and decision.answer.ask
        view = self._presenter.notice(decision, now=now, stay=False, ask=ask)
        page = self._pages.at_once(view, facts.language)
        if page is None or page.length < _SMALLEST:
            return None
        return page.packed(facts.coding) if facts.coding else page.html


def _digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _alike(decision: Decision) -> Hashable:
    """Everything that the head of a notice to one audience depends on, but for target, length, id and date."""
    portal, way = decision.portal, decision.way
    closed_at = portal.schedule_for(decision.key.folded).closed_at
    return portal.id, closed_at, way is not None and way.takes_place


def _is_shown(decision: Decision) -> bool:
    """Whether it is a notice for all who ask alike."""
    ours = decision.key.folded[:1] == (OUR_PREFIX,)
    return isinstance(decision.answer, ShowNotice) and decision.way is not None and not decision.pilot and not ours


def _is_plain(target: bytes) -> bool:
    """Whether a request target is read as it stands, and says nothing to us."""
    if len(target) > LONGEST_TARGET or target.translate(None, _PLAIN) or target[:1] != b"/" or target[1:2] == b"/":
        return False
    return not says_something_to_us(target.decode())
