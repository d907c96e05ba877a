"""Draft → number → in force, and back again: every step of a publication, in order, all or nothing.

publish    compile the draft into a file, check it as it will be served, register it, let it serve now or at an instant;
           where nothing but listed rules changed, they are exchanged in a copy of what serves, and looked at alone
rollback   let an earlier number serve
settle     register what the clock has brought into force by itself
overrule   an emergency switch: acts at once, without a number
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from redirect_rules import activation
from redirect_rules.activation import Waiting
from redirect_rules.amendments import amendment
from redirect_rules.analysis import analyse
from redirect_rules.drafts import Draft
from redirect_rules.exact import ExactRule
from redirect_rules.findings import Severity
from redirect_rules.model import Switch
from redirect_rules.objects import NEW, Change, Kind, Ref
from redirect_rules.opening import opened
from redirect_rules.packs import Packs, Sources
from redirect_rules.publications import Publications, Published, due
from redirect_rules.snapshot_file import current, numbers, open_snapshot, path_of, point_at, removable
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.snapshot_writer import Amended, Contents, amend, write
from redirect_rules.sources import Problem, Problems
from redirect_rules.store import Reading, RuleStore
from redirect_rules.stores.lmdb_compiler import NotThere
from redirect_rules.verification import analysed, note, note_analysed, note_of, note_of_analysis, open_verified

MOST_KEPT: Final = 20
"""Numbers whose files stay on the disk, so that one can go back to them."""

Progress = Callable[[str, int], None]
MOST_AMENDED: Final = 200
"""Copies of copies; then all rules are read once more, so that nothing unused stays in the file."""

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


class Base(NamedTuple):
    """A number in which analysis found no error: what the next one may be made from."""

    path: Path
    content: str  # as in Meta
    revision: int  # of the draft that it was made from
    amended: int  # how many times it is the copy of a copy


class Compiled(NamedTuple):
    """The draft as it would be served.  To be closed."""

    packs: Packs
    come: tuple[ExactRule, ...] | None = None  # all that is not as in the base; None: there is no base
    amended: int = 0  # how many times it is the copy of a copy
    since: datetime | None = None  # when the base was analysed

    def close(self) -> None:
        """Let go of the file."""
        self.packs.close()


def base_of(store: Store, folder: Path) -> Base | None:
    """What serves, if the next number may be made from it."""
    with contextlib.suppress(SnapshotRefused):
        if (pointer := current(folder)) is not None:
            number, content = pointer
            path = path_of(folder, number)
            amended = analysed(path)
            registered = (one for one in store.publications.snapshots() if (one.number, one.hash) == pointer)
            if amended is not None and amended < MOST_AMENDED and (known := next(registered, None)) is not None:
                return Base(path, content, known.revision, amended)
    return None


def compile_draft(
    store: RuleStore,
    shipped: Sources,
    folder: Path,
    number: int,
    change: Change,
    *,
    revision: int | None = None,
    base: Base | None = None,
    progress: Progress = _silent,
) -> Compiled:
    """Write the file of a number from the draft, and open it as it would be served.

    Raises Problems, SnapshotNotWritten.

    revision  the draft that is meant; raises DraftMoved where it is another one by now
    base      what to make it from, where that is possible; None: from all rules
    """
    with store.reading() as workspace:
        if revision is not None and workspace.revision != revision:
            raise DraftMoved("somebody changed the draft meanwhile: look at the change, and publish again")
        if base is not None:
            # Whatever stands in the way is found again, and told in full, where all rules are read.
            with contextlib.suppress(SnapshotRefused, Problems, NotThere):
                come, since = _amended(workspace, shipped, folder, number, change, base, progress)
                return Compiled(opened(path_of(folder, number)), come, base.amended + 1, since)
        draft = Draft(workspace, shipped)
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
    return Compiled(opened(path_of(folder, number)))


def _amended(
    workspace: Reading, shipped: Sources, folder: Path, number: int, change: Change, base: Base, progress: Progress
) -> tuple[tuple[ExactRule, ...], datetime]:
    """Write the file as a copy of the base.  Raises NotThere where that is impossible, and as `amend`."""
    with open_verified(base.path, content=base.content) as file:
        documents = dict(file.documents())
        found = amendment(workspace, Draft(workspace, shipped), shipped, documents, base.revision)
        if found is None:
            raise NotThere("all rules have to be read")
        made = Amended(number, file, found.gone, found.come, change.at, change.actor, change.reason)
        amend(folder, made, progress=progress)
        return found.come, file.meta.made_at


def publish(
    store: Store,
    shipped: Sources,
    folder: Path,
    change: Change,
    *,
    at: datetime | None = None,
    review: int | None = None,
    keep: int = MOST_KEPT,
    whole: bool = False,
    progress: Progress = _silent,
) -> Published:
    """Make the draft the number that serves, now or at an instant; its message is the change's reason.

    whole  read, compile and analyse all rules, however few have changed

    Raises Problems for what must not be published, NothingToPublish, SnapshotNotWritten, and what
    `publications.prepared` raises.  Whatever fails, what serves goes on serving.
    """
    with store.reading() as workspace:
        revision = workspace.revision
    prepared = store.publications.prepare(
        change, revision=revision, review=review, message=change.reason, activates_at=at
    )
    try:
        base = None if whole else base_of(store, folder)
        compiled = compile_draft(
            store, shipped, folder, prepared.number, change, revision=revision, base=base, progress=progress
        )
        packs = compiled.packs
        with contextlib.closing(packs):
            if review is None:
                _must_differ(folder, packs)
            check_soundness(compiled, change.at, progress=progress)
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
    note_analysed(path_of(folder, sealed.number), compiled.amended)
    for path in removable(folder, keep):
        path.unlink(missing_ok=True)
        note_of(path).unlink(missing_ok=True)
        note_of_analysis(path).unlink(missing_ok=True)
    return sealed


def check_soundness(compiled: Compiled, now: datetime, *, progress: Progress = _silent) -> None:
    """Raise Problems where analysis finds an error: nobody publishes one, whoever they are.

    Of a copy only the listed rules that came are looked at.  The others had no error; whether a listed rule has one
    hangs on itself and on what is no listed rule, which is as it was, and on the time: so all are looked at where
    anything has begun or ended since.
    """
    packs, come = compiled.packs, compiled.come
    if come is not None and compiled.since is not None and not _turned(packs, compiled.since, now):
        findings = analyse(packs, come, now=now, compiled=True, progress=progress)
    else:
        findings = analyse(packs, packs.snapshot.exact, now=now, compiled=True, progress=progress)
    errors = (one for one in findings if one.severity is Severity.ERROR)
    if problems := [Problem(one.rule or one.portal or "draft", 0, one.say) for one in islice(errors, _MOST_SHOWN)]:
        raise Problems(problems)


def _turned(packs: Packs, since: datetime, now: datetime) -> bool:
    """Whether a portal's phase, a rule of a pack or an address of a destination has begun or ended meanwhile."""
    return now < since or any(since < at <= now for at in packs.book.instants())


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
