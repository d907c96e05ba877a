"""Draft → number → in force, and back again: every step of a publication, in order, all or nothing.

publish    compile the draft into a file, check it as it will be served, register it, let it serve now or at an instant
rollback   let an earlier number serve
settle     register what the clock has brought into force by itself
overrule   an emergency switch: acts at once, without a number
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from redirect_rules import activation
from redirect_rules.activation import Waiting
from redirect_rules.analysis import analyse
from redirect_rules.drafts import Draft
from redirect_rules.findings import Severity
from redirect_rules.model import Switch
from redirect_rules.packs import Listed, Packs, Sources, read_packs, renewed
from redirect_rules.publications import Publications, Published, due
from redirect_rules.snapshot_file import (
    Contents,
    SnapshotFile,
    SnapshotRefused,
    current,
    numbers,
    open_snapshot,
    path_of,
    point_at,
    removable,
    write,
)
from redirect_rules.sources import Problem, Problems
from redirect_rules.store import NEW, Change, Kind, Ref, RuleStore
from redirect_rules.verification import note, note_of

MOST_KEPT: Final = 20
"""Numbers whose files stay on the disk, so that one can go back to them."""

Progress = Callable[[str, int], None]
_MOST_SHOWN = 100  # flaws that are told at once


class Store(RuleStore, Protocol):
    """A store with its register."""

    @property
    def publications(self) -> Publications:
        """What was asked for, approved and published."""
        ...


class NothingToPublish(Exception):
    """The draft is what is in force."""


class DraftMoved(Exception):
    """Somebody changed the draft while it was being published."""


class NumberGone(LookupError):
    """The file of that number is not kept any more."""


def _silent(_: str, __: int) -> None:
    """Nobody wants to know."""


def compile_draft(
    store: RuleStore,
    shipped: Sources,
    folder: Path,
    number: int,
    change: Change,
    *,
    revision: int | None = None,
    progress: Progress = _silent,
) -> Packs:
    """Write the file of a number from the draft, and open it as it would be served.

    Raises Problems, SnapshotNotWritten.

    revision  the draft that is meant; raises DraftMoved where it is another one by now
    """
    with store.reading() as workspace:
        draft = Draft(workspace, shipped)
        if revision is not None and draft.revision != revision:
            raise DraftMoved("somebody changed the draft meanwhile: look at the change, and publish again")
        contents = Contents(
            number=number,
            rules=draft.listed(),
            lookups=draft.lookups(),
            documents=draft.documents(),
            made_at=change.at,
            actor=change.actor,
            message=change.reason,
        )
        write(folder, contents, progress=progress)
    return opened(path_of(folder, number))


def opened(path: Path, *, full: bool = False, content: str = "", before: Packs | None = None) -> Packs:
    """Open a file and read what it says.  Raises SnapshotRefused, and Problems for rules that this release refuses.

    full, content  as for `open_snapshot`
    before  what was served until now: what is the same is not read again
    """
    file = open_snapshot(path, full=full, content=content)
    with contextlib.ExitStack() as undo:
        undo.callback(file.close)
        packs = _packs_of(file, before)
        undo.pop_all()
    return packs


def _packs_of(file: SnapshotFile, before: Packs | None) -> Packs:
    meta, sources = file.meta, Sources.of(file.documents())
    instants = tuple(map(datetime.fromisoformat, meta.instants))
    listed = Listed(file.exact, file.lookups, instants, meta.content, meta.message, file.close)
    if before is None:
        return read_packs(sources, number=meta.number, listed=listed)
    return renewed(before, sources, number=meta.number, listed=listed)


def publish(
    store: Store,
    shipped: Sources,
    folder: Path,
    change: Change,
    *,
    at: datetime | None = None,
    review: int | None = None,
    keep: int = MOST_KEPT,
    progress: Progress = _silent,
) -> Published:
    """Make the draft the number that serves, now or at an instant; its message is the change's reason.

    Raises Problems for what must not be published, NothingToPublish, SnapshotNotWritten, and what
    `publications.prepared` raises.  Whatever fails, what serves goes on serving.
    """
    with store.reading() as workspace:
        revision = workspace.revision
    prepared = store.publications.prepare(
        change, revision=revision, review=review, message=change.reason, activates_at=at
    )
    try:
        packs = compile_draft(store, shipped, folder, prepared.number, change, revision=revision, progress=progress)
        with contextlib.closing(packs):
            if review is None:
                _must_differ(folder, packs)
            check_soundness(packs, change.at, progress=progress)
    except BaseException:
        with contextlib.suppress(OSError):
            path_of(folder, prepared.number).unlink()
        store.publications.fail(prepared.number, change)
        raise
    sealed = store.publications.seal(prepared.number, packs.content, change)
    if sealed.activates_at <= change.at:
        sealed = _activate(store, folder, sealed.number, change)
    else:
        waiting = Waiting(sealed.number, packs.content, sealed.activates_at)
        activation.wait_for(folder, (*_still_waiting(folder), waiting))
    note(path_of(folder, sealed.number))
    for path in removable(folder, keep):
        path.unlink(missing_ok=True)
        note_of(path).unlink(missing_ok=True)
    return sealed


def check_soundness(packs: Packs, now: datetime, *, progress: Progress = _silent) -> None:
    """Raise Problems where analysis finds an error: nobody publishes one, whoever they are."""
    findings = analyse(packs, packs.snapshot.exact, now=now, progress=progress)
    errors = (one for one in findings if one.severity is Severity.ERROR)
    if problems := [Problem(one.rule or one.portal or "draft", 0, one.say) for one in islice(errors, _MOST_SHOWN)]:
        raise Problems(problems)


def _must_differ(folder: Path, packs: Packs) -> None:
    pointer = None
    with contextlib.suppress(SnapshotRefused):
        pointer = current(folder)
    if pointer is not None and pointer[1] == packs.content:
        raise NothingToPublish("the draft is what is in force already")


def _activate(store: Store, folder: Path, number: int, change: Change) -> Published:
    """The file's pointer first: what serves is the truth, and the register follows it."""
    with open_snapshot(path_of(folder, number)) as file:
        point_at(folder, file.meta)
    return store.publications.activate(number, change)


def _still_waiting(folder: Path) -> Iterator[Waiting]:
    pointer = current(folder)
    yield from (one for one in activation.pending(folder) if pointer is None or one.number > pointer[0])


def rollback(store: Store, folder: Path, number: int, change: Change) -> Published:
    """Let a number serve that served before.  Whatever waits for its instant waits no longer.

    Raises NumberGone, SnapshotRefused when its file is damaged, and LookupError or WrongState for what never was ready.
    """
    if number not in numbers(folder):
        known = ", ".join(map(str, numbers(folder))) or "none"
        raise NumberGone(f"the file of number {number} is not here: one of {known}")
    open_snapshot(path_of(folder, number), full=True).close()  # what is refused changes nothing
    activation.wait_for(folder, ())
    return _activate(store, folder, number, change)


def settle(store: Store, folder: Path, change: Change) -> Published | None:
    """Register the number whose instant has come; None where nothing was due.  Raises SnapshotRefused."""
    if (ready := due(store.publications.snapshots(), change.at)) is None:
        return None
    done = _activate(store, folder, ready.number, change)
    activation.wait_for(folder, _still_waiting(folder))
    return done


def overrule(store: RuleStore, folder: Path, portal: str, position: Switch | None, change: Change) -> None:
    """Turn a portal's emergency switch, or turn it off (None): every worker follows within a second.

    The files change even where the database does not answer: raises its error afterwards.
    """
    positions = {**activation.switches(folder)}
    positions.pop(portal, None)
    activation.switch(folder, positions if position is None else {**positions, portal: position})
    ref = Ref(Kind.SWITCH, "", portal)
    with store.reading() as workspace:
        there = workspace.get(ref)
    if position is not None:
        body = {"position": position.value}
        store.put(ref, body, change, seen_version=there.version if there else NEW)
    elif there is not None:
        store.remove(ref, change, seen_version=there.version)
