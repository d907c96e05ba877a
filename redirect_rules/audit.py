"""The audit trail as values: who did what, each entry chained to the one before by its hash.

Pure: the chain is made and checked here, wherever it is kept.  What a chain cannot show by itself is that its end was
cut off or that all of it was written anew; for that, keep its head (`Link`) somewhere else and check against it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

_TAKEN_AT_ONCE = 256  # objects
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class Link(NamedTuple):
    """Where a chain stands: the number and the hash of an entry."""

    number: int
    hash: str  # 64 hexadecimal digits


GENESIS = Link(0, "0" * 64)
"""Before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done.  Every field goes into the hash."""

    number: int  # from 1, without gaps
    at: str  # UTC, as `utc_text` writes it
    actor: str
    action: str  # "put", "remove", "apply", "undo", "approve", …
    subject: str  # "rule portal:langson/news", "batch import-7", "snapshot 12"
    reason: str = ""
    batch: str | None = None
    count: int = 0  # objects written
    draft: int = 0  # 1: the workspace is another one since
    detail: str = "{}"  # canonical JSON
    digest: str = ""  # of the objects written, by `ContentDigest`

    @property
    def instant(self) -> datetime:
        """When it was done, aware.  Raises ValueError where somebody wrote no instant into the table."""
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, slots=True)
class Search:
    """Which entries to show; what is empty or None does not matter."""

    actor: str = ""
    action: str = ""
    word: str = ""  # anywhere in action, subject, reason or batch, without case
    since: datetime | None = None
    until: datetime | None = None  # not included

    def says(self, *texts: str | None) -> bool:
        """Whether one of an entry's texts has the word in it."""
        word = self.word.casefold()
        return any(text is not None and word in text.casefold() for text in texts)


@dataclass(frozen=True, slots=True)
class Found:
    """Some entries that were searched for, the newest first."""

    entries: tuple[Entry, ...]
    looked_to: int | None  # go on with those before this number; None: there are no more


@dataclass(frozen=True, slots=True)
class Chained:
    """An entry with its place in the chain."""

    entry: Entry
    previous: str  # hash of the entry before
    hash: str

    @property
    def link(self) -> Link:
        """Where the chain stands after this entry."""
        return Link(self.entry.number, self.hash)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a trail is not what was written."""

    number: int  # of the entry
    why: str


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: keys sorted, no spaces, letters as they are.

    Raises ValueError for what JSON or UTF-8 cannot hold (NaN, half a surrogate pair), TypeError for other types.
    """
    text = _encode(value)
    if not text.isascii():
        text.encode()  # UnicodeEncodeError is a ValueError
    return text


def utc_text(at: datetime) -> str:
    """The one spelling of an instant, which sorts as time does.  Raises ValueError for one without offset."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no offset: an instant must say of which zone it is")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def hash_of(entry: Entry, previous: str) -> str:
    """SHA-256 over the previous hash and the canonical JSON of the entry."""
    return hashlib.sha256(f"{previous}\n{canonical_json(asdict(entry))}".encode()).hexdigest()


def chained(entry: Entry, after: Link) -> Chained:
    """Put an entry at the end of a chain.  Raises ValueError where its number is not the next one."""
    if entry.number != after.number + 1:
        raise ValueError(f"entry {entry.number} cannot follow entry {after.number}")
    return Chained(entry, after.hash, hash_of(entry, after.hash))


def checked(chain: Iterable[Chained], *, known: Iterable[Link] = ()) -> Iterator[Entry | Broken]:
    """Walk a chain from its first entry: the entries that hold and, last, the break, if there is one.

    `known` are links that somebody kept: the trail must run through all of them.
    """
    must_be: dict[int, set[str]] = {}
    for link in known:
        must_be.setdefault(link.number, set()).add(link.hash)
    last = GENESIS
    for one in chain:
        if (why := _fault(one, last)) is None and must_be.pop(one.entry.number, {one.hash}) != {one.hash}:
            why = "it is another one than the link that was kept"
        if why is not None:
            yield Broken(last.number + 1, why)
            return
        yield one.entry
        last = one.link
    must_be.pop(GENESIS.number, None)
    if must_be:
        yield Broken(last.number + 1, f"the trail ends here, and entry {max(must_be)} was known")


def first_break(chain: Iterable[Chained], *, known: Iterable[Link] = ()) -> Broken | None:
    """The first broken link, or None.  Forms and arguments as `checked`."""
    return next((found for found in checked(chain, known=known) if isinstance(found, Broken)), None)


def _fault(one: Chained, last: Link) -> str | None:
    if one.entry.number != last.number + 1:
        return f"it is missing: after entry {last.number} comes entry {one.entry.number}"
    if one.previous != last.hash:
        return "it does not follow the entry before it"
    return None if hash_of(one.entry, one.previous) == one.hash else "it was changed after it was written"


class ContentDigest:
    """SHA-256 over everything that one change wrote, in the order in which it was written."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._waiting: list[str] = []  # spelt, and not in the hash yet: some hundred at once take half the time
        self.count = 0

    def add(self, kind: str, scope: str, id_: str, state: str, body: str | None) -> None:
        """Take in one object; `body` None: it was removed."""
        # The unit separator is in no name, and escaped in JSON.
        self.count += 1
        self._waiting.append(f"{kind}\x1f{scope}\x1f{id_}\x1f{state}\x1f{body or ''}\n")
        if len(self._waiting) >= _TAKEN_AT_ONCE:
            self._take()

    def _take(self) -> None:
        self._hash.update("".join(self._waiting).encode())
        self._waiting.clear()

    def text(self) -> str:
        """64 hexadecimal digits."""
        self._take()
        return self._hash.hexdigest()
