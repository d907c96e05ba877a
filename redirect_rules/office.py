"""What one person may do with the rules: every way to change something, behind the rights of who asks.

The console and its API reach the rules through this alone, so a page that forgets to ask whether somebody may is no
hole.  Commands on the machine itself go past it: who can run them owns the files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from redirect_rules import enrolment, publishing
from redirect_rules.enrolment import Enrolment, Record
from redirect_rules.model import Switch
from redirect_rules.objects import Body, Change, Kind, Put, Ref, State, Stored, Write
from redirect_rules.packs import Sources
from redirect_rules.publications import Published, Review
from redirect_rules.publishing import Store
from redirect_rules.rights import CENTRE, Deed, Grant, Person, Province, Role, check, person_of
from redirect_rules.store import Reading

MOST_LOOKED_THROUGH: Final = 50_000
"""Changed objects whose provinces are looked up one by one; a draft that changes more is the centre's to publish."""

_DEEDS: Final[Mapping[Kind, Deed]] = {
    Kind.PORTAL: Deed.EDIT_PORTALS,
    Kind.DEFAULTS: Deed.EDIT_PORTALS,
    Kind.SWITCH: Deed.SWITCH,
    Kind.PERSON: Deed.EDIT_PEOPLE,
    Kind.READINESS: Deed.SIGN_OFF,
    Kind.CLIENT: Deed.EDIT_CLIENTS,
    Kind.SIGN_IN: Deed.EDIT_CLIENTS,
}
"""What writing an object of a kind is; of every other kind it is EDIT."""


class OwnRole(ValueError):
    """Somebody would take the whole country's administration from themselves; a colleague can do that."""


@dataclass(frozen=True, slots=True)
class Office:
    """A RuleStore in the hands of one person: raises NotAllowed, before anything is done, for what they may not do.

    provinces  of every portal, by its id; a portal that is not among them is the centre's
    """

    person: Person
    store: Store
    folder: Path  # of the published numbers
    provinces: Mapping[str, Province]

    def province_of(self, ref: Ref) -> Province:
        """Where an object lies."""
        match ref.kind:
            case Kind.PORTAL | Kind.SWITCH:
                return self.provinces.get(ref.id, CENTRE)
            case Kind.READINESS | Kind.SETTLEMENT | Kind.CLIENT | Kind.SIGN_IN:
                return ref.scope
            case Kind.RULE | Kind.LOOKUP | Kind.NOISE | Kind.TEXTS:
                whose, _, name = ref.scope.partition(":")
                return self.provinces.get(name, CENTRE) if whose == "portal" else CENTRE
        return CENTRE

    def may_write(self, ref: Ref) -> bool:
        """Whether the person may change or remove this object."""
        return self.person.may(_DEEDS.get(ref.kind, Deed.EDIT), self.province_of(ref))

    def reading(self) -> AbstractContextManager[Reading]:
        """Look at one state of the workspace: everybody who gets here may see all rules."""
        return self.store.reading()

    def put(self, ref: Ref, body: Body, change: Change, *, seen_version: int, state: State = State.ON) -> Stored:
        """Write one object.  Raises OwnRole, and as the store does."""
        self._must_write(ref, change)
        self._must_stay(ref, body)
        return self.store.put(ref, body, change, seen_version=seen_version, state=state)

    def remove(self, ref: Ref, change: Change, *, seen_version: int) -> None:
        """Remove one object.  Raises OwnRole, and as the store does."""
        self._must_write(ref, change)
        self._must_stay(ref, {})
        self.store.remove(ref, change, seen_version=seen_version)

    def restore(self, ref: Ref, version: int, change: Change, *, seen_version: int) -> Stored:
        """Write an earlier revision again.  Raises OwnRole, and as the store does."""
        self._must_write(ref, change)
        if ref.kind is Kind.PERSON:
            with self.store.reading() as workspace:
                earlier = next((one.body for one in workspace.history(ref) if one.version == version), None)
            self._must_stay(ref, earlier or {})
        return self.store.restore(ref, version, change, seen_version=seen_version)

    def apply(self, writes: Iterable[Write], change: Change, *, progress: Callable[[int], None] | None = None) -> int:
        """Write all or nothing; one object that may not be written, and nothing is."""
        return self.store.apply(self._each_allowed(writes, change), change, progress=progress)

    def undo(self, batch: str, change: Change, *, progress: Callable[[int], None] | None = None) -> int:
        """Put back what a batch changed; needs the right to edit everywhere that the batch reached."""
        self._must_be(change)
        with self.store.reading() as workspace:
            scopes = workspace.scopes_of(batch)
        for ref in scopes:
            _must_not_be_client(ref)
            check(self.person, _DEEDS.get(ref.kind, Deed.EDIT), [self.province_of(ref)])
        return self.store.undo(batch, change, progress=progress)

    def overrule(self, portal: str, position: Switch | None, change: Change) -> None:
        """Turn a portal's emergency switch."""
        self._must_write(Ref(Kind.SWITCH, "", portal), change)
        publishing.overrule(self.store, self.folder, portal, position, change)

    # Clients of sign-in: one asks, another agrees, and there is no other way to write one

    def ask_for_client(self, ref: Ref, record: Record, change: Change, *, seen_version: int) -> Stored:
        """Want a client as this record says.  Raises WrongState where it says nothing new."""
        self._must(Deed.EDIT_CLIENTS, [ref.scope], change)
        if record.get("id") != ref.id:
            raise ValueError(f"the record of {record.get('id')!r} cannot stand as {ref}")
        return self._enrol(ref, enrolment.asked(self._enrolment(ref), record, change), change, seen_version)

    def agree_to_client(self, ref: Ref, change: Change, *, seen_version: int) -> Stored:
        """Let a client serve as somebody else wants it.  Raises WrongState, FourEyes."""
        self._must(Deed.EDIT_CLIENTS, [ref.scope], change)
        return self._enrol(ref, enrolment.agreed(self._enrolment(ref), change), change, seen_version)

    def decline_client(self, ref: Ref, change: Change, *, seen_version: int) -> Stored:
        """Leave a client as it is, or withdraw what one has asked for oneself.  Raises WrongState."""
        self._must(Deed.EDIT_CLIENTS, [ref.scope], change)
        return self._enrol(ref, enrolment.declined(self._enrolment(ref)), change, seen_version)

    def suspend_client(self, ref: Ref, change: Change, *, seen_version: int, record: Record | None = None) -> Stored:
        """Take a client out of service, alone and at once; `record` as `enrolment.suspended`.  Raises WrongState."""
        self._must(Deed.EDIT_CLIENTS, [ref.scope], change)
        return self._enrol(ref, enrolment.suspended(self._enrolment(ref), record), change, seen_version)

    def _enrolment(self, ref: Ref) -> Enrolment:
        if ref.kind is not Kind.CLIENT:
            raise ValueError(f"{ref} is no client")
        with self.store.reading() as workspace:
            stored = workspace.get(ref)
        return Enrolment.of(stored.body) if stored is not None else Enrolment()

    def _enrol(self, ref: Ref, made: Enrolment, change: Change, seen_version: int) -> Stored:
        # Without the name of a batch: nobody takes an agreement back by undoing one.
        alone = replace(change, batch=None)
        return self.store.put(ref, made.body, alone, seen_version=seen_version)

    # Publishing: a number is everybody's, so its rights are those of every place that it changes

    def touched(self) -> frozenset[Province]:
        """Where the draft differs from what was published last; CENTRE stands for everything beyond one province."""
        with self.store.reading() as workspace:
            active = self.store.publications.active()
            if active is None:
                return frozenset({CENTRE})
            changed = workspace.changed_since(active.revision, most=MOST_LOOKED_THROUGH)
        if changed is None:
            return frozenset({CENTRE})
        return frozenset(self.province_of(ref) for ref in changed if ref.kind.in_draft) or frozenset({CENTRE})

    def request(self, message: str, change: Change, *, at: datetime | None = None) -> Review:
        """Ask that the draft be published: whoever may edit somewhere may ask, somebody else says yes."""
        self._must_be(change)
        if not self.person.may_somewhere(Deed.EDIT):
            check(self.person, Deed.EDIT, [CENTRE])
        return self.store.publications.request(message, change, activates_at=at)

    def approve(self, review: int, change: Change) -> Review:
        """Say yes, for every place that the draft changes."""
        self._must(Deed.APPROVE, self.touched(), change)
        return self.store.publications.approve(review, change)

    def decline(self, review: int, change: Change) -> Review:
        """Say no, or withdraw one's own request."""
        self._must_be(change)
        theirs = any(
            one.number == review and one.requested_by == change.actor for one in self.store.publications.reviews()
        )
        if not theirs:
            check(self.person, Deed.APPROVE, self.touched())
        return self.store.publications.decline(review, change)

    def publish(
        self,
        shipped: Sources,
        change: Change,
        *,
        at: datetime | None = None,
        review: int | None = None,
        keep: int = publishing.MOST_KEPT,
        progress: Callable[[str, int], None] | None = None,
    ) -> Published:
        """Make the draft the number that serves, now or at an instant."""
        self._must(Deed.PUBLISH, self.touched(), change)
        silent: Callable[[str, int], None] = progress or (lambda _stage, _done: None)
        return publishing.publish(
            self.store, shipped, self.folder, change, at=at, review=review, keep=keep, progress=silent
        )

    def roll_back(self, number: int, change: Change) -> Published:
        """Let an earlier number serve: for the whole country, and so the centre's."""
        self._must(Deed.ROLL_BACK, [CENTRE], change)
        return publishing.rollback(self.store, self.folder, number, change)

    def _must(self, deed: Deed, provinces: Iterable[Province], change: Change) -> None:
        self._must_be(change)
        check(self.person, deed, provinces)

    def _must_write(self, ref: Ref, change: Change) -> None:
        _must_not_be_client(ref)
        self._must(_DEEDS.get(ref.kind, Deed.EDIT), [self.province_of(ref)], change)

    def _must_stay(self, ref: Ref, body: Body) -> None:
        """Nobody takes away their own role as administrator: there might be nobody left who could give it back."""
        if ref != Ref(Kind.PERSON, "", self.person.actor):
            return
        grants = person_of(ref.id, {"grants": (), **body}).grants
        if not any(grant == Grant(Role.ADMINISTRATOR) for grant in grants):
            raise OwnRole("you cannot take away your own role as administrator: ask another administrator")

    def _must_be(self, change: Change) -> None:
        """Nobody signs with somebody else's name, and nobody changes something without saying why."""
        if change.actor != self.person.actor:
            raise ValueError(f"{self.person.actor} cannot change something as {change.actor}")
        if not change.reason.strip():
            raise ValueError("every change needs a reason")

    def _each_allowed(self, writes: Iterable[Write], change: Change) -> Iterator[Write]:
        self._must_be(change)
        known: set[tuple[Kind, str]] = set()  # scopes that were asked about: a million rules share a few
        for write in writes:
            ref = write.ref
            scoped = ref.kind is Kind.RULE
            _must_not_be_client(ref)
            if ref.kind is Kind.PERSON:
                self._must_stay(ref, write.body if isinstance(write, Put) else {})
            if not scoped or (ref.kind, ref.scope) not in known:
                check(self.person, _DEEDS.get(ref.kind, Deed.EDIT), [self.province_of(ref)])
                if scoped:
                    known.add((ref.kind, ref.scope))
            yield write


def _must_not_be_client(ref: Ref) -> None:
    """What two people agree on is not written by one."""
    if ref.kind is Kind.CLIENT:
        raise ValueError(f"{ref}: a client is asked for and agreed to, never simply written")
