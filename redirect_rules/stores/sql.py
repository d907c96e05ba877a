"""The rule store on SQLite or PostgreSQL.

store = SqlStore("sqlite:///var/rules.db")
store.put(ref, body, Change(actor, reason, at), seen_version=NEW)
with store.reading() as workspace:
    for rule in workspace.rules(): …
store.publications.request(…);  store.trail.verify();  store.packs.states()
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from redirect_rules.audit import canonical_json
from redirect_rules.objects import Body, Change, Put, Ref, Remove, Revision, State, Stored, Write
from redirect_rules.store import ObjectChanged, Progress, TwiceInBatch, UndoRefused, UnknownVersion
from redirect_rules.stores.batches import changed_since, number_of, undoing
from redirect_rules.stores.database import Database
from redirect_rules.stores.ledger import Ledger, SqlTrail
from redirect_rules.stores.packs import SqlPacks
from redirect_rules.stores.reading import SqlReading
from redirect_rules.stores.register import SqlPublications
from redirect_rules.stores.writing import Taken, Writer

_MANY: Final = 20_000
"""Objects of a change after which the database is asked to look at its tables anew."""


class SqlStore:
    """Keeps the promises of `RuleStore`; its parts those of `Publications`, `Trail` and `PackStore`.

    Safe to use from several threads and processes.  Opening makes or upgrades the tables; raises StoreTooNew.
    """

    def __init__(self, url: str, *, four_eyes: bool = True, wait_seconds: float = 120.0) -> None:
        self._database = Database(url, wait_seconds=wait_seconds)
        self.trail = SqlTrail(self._database)
        self.publications = SqlPublications(self._database, four_eyes=four_eyes)
        self.packs = SqlPacks(self._database, self._write)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[SqlReading]:
        """Look at one state of the workspace."""
        with self._database.reading() as connection, SqlReading(connection) as workspace:
            yield workspace

    def get(self, ref: Ref) -> Stored | None:
        """The object as it stands, or None."""
        with self.reading() as workspace:
            return workspace.get(ref)

    def history(self, ref: Ref) -> list[Revision]:
        """Every revision, the first one first."""
        with self.reading() as workspace:
            return workspace.history(ref)

    def rules(self, scope: str | None = None) -> Iterator[Stored]:
        """All rules that are on, by scope and id, in constant memory."""
        with self.reading() as workspace:
            yield from workspace.rules(scope)

    def put(self, ref: Ref, body: Body, change: Change, *, seen_version: int, state: State = State.ON) -> Stored:
        """Write one object.  Raises ObjectChanged, BadObject, StoreBusy."""
        return self._put("put", Put(ref, body, seen_version, state), change)

    def remove(self, ref: Ref, change: Change, *, seen_version: int) -> None:
        """Remove one object.  Raises ObjectChanged, StoreBusy."""
        self._write([Remove(ref, seen_version)], change, action="remove", subject=str(ref))

    def restore(self, ref: Ref, version: int, change: Change, *, seen_version: int) -> Stored:
        """Write an earlier revision again.  Raises UnknownVersion, ObjectChanged, StoreBusy."""
        earlier = next((one for one in self.history(ref) if one.version == version), None)
        if earlier is None or earlier.body is None:
            raise UnknownVersion(f"{ref} has no revision {version} to go back to")
        return self._put("restore", Put(ref, earlier.body, seen_version, earlier.state), change)

    def apply(self, writes: Iterable[Write], change: Change, *, progress: Progress | None = None) -> int:
        """Write all or nothing; the version of everything written.

        Raises ObjectChanged, TwiceInBatch, BadObject, BatchTaken, StoreBusy.
        """
        subject = f"batch {change.batch}" if change.batch else "objects"
        return self._write(writes, change, action="apply", subject=subject, progress=progress)

    def undo(self, batch: str, change: Change, *, progress: Progress | None = None) -> int:
        """Put back what a batch changed; the version of everything written.

        Raises UnknownVersion, UndoRefused, StoreBusy.
        """
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            undone = number_of(connection, batch)
            if changed := changed_since(connection, undone):
                raise UndoRefused(batch, changed)
            with Writer(connection, ledger.number, progress=progress) as writer:
                for writes in undoing(connection, undone, flush=writer.flush):
                    writer.write(writes)
            version = ledger.number
            ledger.close("undo", f"batch {batch}", digest=writer.digest, draft=writer.draft, undone=undone)
        self._settle(writer.digest.count)
        return version

    def _put(self, action: str, put: Put, change: Change) -> Stored:
        version = self._write([put], change, action=action, subject=str(put.ref))
        return Stored(put.ref, version, put.state, canonical_json(put.body))

    def _write(
        self,
        writes: Iterable[Write],
        change: Change,
        *,
        action: str,
        subject: str,
        progress: Progress | None = None,
        beside: Callable[..., None] | None = None,
    ) -> int:
        """Write objects under one entry; `beside` writes what belongs to it in the same transaction."""
        try:
            with self._database.writing() as connection:
                ledger = Ledger(connection, change)
                version = ledger.number
                with Writer(connection, version, progress=progress) as writer:
                    writer.write(writes)
                if beside is not None:
                    beside(connection)
                ledger.close(action, subject, digest=writer.digest, draft=writer.draft)
        except Taken as taken:
            raise self._explained(taken) from None
        self._settle(writer.digest.count)
        return version

    def _settle(self, count: int) -> None:
        """After a large change."""
        if count >= _MANY:
            self._database.analyse("rules", "objects", "revisions", "facets")

    def _explained(self, taken: Taken) -> Exception:
        """Why objects could not be new: somebody's are there, or the batch itself has them twice."""
        with self.reading() as workspace:
            found = workspace.many(taken.refs)
        ref = next((ref for ref in taken.refs if ref in found), None)
        if ref is None:
            return TwiceInBatch(f"an object is written twice, near {taken.refs[0]}")
        return ObjectChanged(ref, found[ref])
