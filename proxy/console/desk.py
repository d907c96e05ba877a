"""What every page needs, opened once: the draft, what is published, the hits, the people."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from proxy.config import Settings
from proxy.console import sealing
from proxy.console.work import Workshop
from proxy.packs import load_packs
from proxy.state import State, served
from redirect_rules import activation
from redirect_rules.objects import Change, Kind, Ref
from redirect_rules.office import Office
from redirect_rules.packs import Packs
from redirect_rules.people import Seal
from redirect_rules.publishing import base_of, compile_draft
from redirect_rules.rights import CENTRE, Person, Province, person_of, province_of
from redirect_rules.seeding import packs_of, seed
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.stores.answers import SqlAnswers
from redirect_rules.stores.database import Database
from redirect_rules.stores.hits import HitStore
from redirect_rules.stores.people import SqlPeople
from redirect_rules.stores.sql import SqlStore

_DRAFT: Final = 0
"""The number under which a draft is compiled to be looked at."""

_NOTHING: Final = Person("", frozenset())


@dataclass(slots=True, repr=False)  # all rules as a text would take seconds, wherever somebody logs a task
class Desk:
    """Open for as long as the console runs.  Its methods may be called from any thread."""

    settings: Settings
    state: State
    shipped: Packs
    store: SqlStore
    people: SqlPeople
    answers: SqlAnswers
    seal: Seal
    hits: HitStore
    clock: Callable[[], datetime]
    workshop: Workshop
    _database: Database
    _packs: Packs | None = None
    _stamp: tuple[object, ...] = ()
    _draft: tuple[int, Packs] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, clock: Callable[[], datetime]) -> Iterator[Self]:
        """Open everything, and bring the store up to the shipped packs.  Raises Problems, StoreTooNew."""
        shipped = load_packs(settings)
        state = State.of(settings)
        named = settings.console.sealing_keys_file
        keys = settings.path(named) if named else state.folder / "console" / "sealing.keys"
        seal = sealing.opened(keys, os.environ, make=not named)
        with state.store() as store:
            seed(store, packs_of(shipped.sources), at=clock())
            hits, database = state.hits(), Database(state.database)
            workshop = Workshop(settings, state.folder / "console" / "work")
            people, answers = SqlPeople(database, seal), SqlAnswers(database, seal)
            desk = cls(settings, state, shipped, store, people, answers, seal, hits, clock, workshop, database)
            try:
                yield desk
            finally:
                workshop.close()
                hits.close()
                database.close()

    def published(self) -> Packs:
        """What serves now; read again when the pointer or a switch has moved."""
        with self._lock:
            stamp = self._stamp_now()
            if self._packs is None or stamp != self._stamp:
                # The one before is left to whoever still reads it: its file is unmapped when nobody does.
                self._packs, self._stamp = served(self.settings, self.clock()), stamp
            return self._packs

    def drafted(self) -> Packs:
        """The draft as it would be served; compiled once for each state of it.  Raises Problems."""
        with self._lock:
            with self.store.reading() as workspace:
                revision = workspace.revision
            if self._draft is None or self._draft[0] != revision:
                change = Change("console", f"draft {revision}", self.clock())
                folder = self.state.folder / "console" / "draft"
                folder.mkdir(parents=True, exist_ok=True)
                compiled = compile_draft(
                    self.store,
                    self.shipped.sources,
                    folder,
                    _DRAFT,
                    change,
                    revision=revision,
                    base=base_of(self.store, self.state.snapshots),
                )
                self._draft = (revision, compiled.packs)
            return self._draft[1]

    def _stamp_now(self) -> tuple[object, ...]:
        folder, now = self.state.snapshots, self.clock()
        with suppress(SnapshotRefused, OSError):
            return (activation.in_force(folder, now), tuple(sorted(activation.switches(folder).items())))
        return ()

    def person(self, actor: str) -> Person:
        """Who somebody is; a stranger has no rights at all."""
        with self.store.reading() as workspace:
            stored = workspace.get(Ref(Kind.PERSON, "", actor))
        if stored is None:
            return Person(actor, _NOTHING.grants)
        return person_of(actor, stored.body)

    def office(self, person: Person) -> Office:
        """The rules, behind the rights of a person."""
        return Office(person, self.store, self.state.snapshots, self.provinces())

    def province(self, portal: str) -> Province:
        """Where a portal lies; one that nobody knows is the centre's."""
        return self.provinces().get(portal, CENTRE)

    def provinces(self) -> dict[str, Province]:
        """Where each portal lies, by its id."""
        packs = self.published()
        return {portal.id: province_of(portal, packs.book.localities) for portal in packs.snapshot.all_portals}

    def province_of_scope(self, scope: str) -> Province:
        """Where the rules of a scope lie: "portal:langson" in its province, families at the centre."""
        whose, _, name = scope.partition(":")
        return self.province(name) if whose == "portal" else CENTRE
