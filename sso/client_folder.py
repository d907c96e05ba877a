"""Clients that officers have agreed on, as files that the edge reads beside the operator's own; of one id these win.

    FOLDER/ID.toml         a client as in conf/clients; `suspended = true` in it: nobody is signed in for it
    FOLDER/agreed/ID.toml  the same octets once more: they go on serving where somebody has broken the first

Each is written whole under another name and then takes its place: a reader sees the one or the other.  A file that is
broken costs its own client at the most, and never brings the operator's older file of that id back into service: what
an officer has taken away stays away.
"""

import json
import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

from sso.clients import ClientTable, parse, unknown_names
from sso.egress import Networks
from sso.model import Client
from sso.sources import ConfidentialDocument, LinesOf, Mistake, Mistakes, nowhere

Record: TypeAlias = Mapping[str, Any]
"""A client as its file describes it, as JSON knows it; dates are texts."""
Mark: TypeAlias = frozenset[tuple[str, int, int]]
"""What differs when a file of the folder is another one."""

AGREED: Final = "agreed"
SUSPENDED: Final = "suspended"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATES: Final = frozenset({"since", "until"})  # of aliases
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a folder says."""

    clients: Mapping[str, Client] = field(default_factory=dict)
    suspended: Mapping[str, Client | None] = field(default_factory=dict)  # None: its file says no more than that
    broken: frozenset[str] = frozenset()  # ids of files that say nothing, neither in their place nor in AGREED
    refused: tuple[Mistake, ...] = ()

    def over(self, shipped: Mapping[str, Client]) -> dict[str, Client]:
        """Who is signed in for: the operator's own files, and these before them."""
        hidden = {*self.suspended, *self.broken}
        return {id_: one for id_, one in {**shipped, **self.clients}.items() if id_ not in hidden}

    def known(self, shipped: Mapping[str, Client]) -> dict[str, Client]:
        """Everybody whom other files may name, in service or not."""
        resting = {id_: one for id_, one in self.suspended.items() if one is not None}
        return {**shipped, **resting, **self.clients}


# Writing


def keep(folder: Path, record: Record, *, suspended: bool = False) -> None:
    """Let a client be as it was agreed.  Raises ValueError for an id that is no name of a file."""
    id_ = str(record.get("id", ""))
    if not _ID.fullmatch(id_):
        raise ValueError(f"{id_!r} is no id of a client")
    text = text_of({SUSPENDED: True, **record} if suspended else record)
    for place in (folder / AGREED, folder):
        place.mkdir(mode=0o750, parents=True, exist_ok=True)
        _replace(place / f"{id_}.toml", text)


def kept_text(folder: Path, id_: str) -> str | None:
    """What stands in a client's file; None: there is none that could be read."""
    try:
        return (folder / f"{id_}.toml").read_text("utf-8") if _ID.fullmatch(id_) else None
    except (OSError, UnicodeDecodeError):
        return None


def text_of(record: Record) -> str:
    """A record as TOML, a key on each line, in the order in which the manual names them."""
    order = [SUSPENDED, *ClientTable.model_fields]
    known = [key for key in order if record.get(key) is not None]
    return "".join(f"{key} = {_toml(record[key])}\n" for key in [*known, *sorted({*record} - {*order})])


def record_of(document: ConfidentialDocument) -> dict[str, Any]:
    """A file as a record.  Raises Mistakes where it is no TOML."""
    record = _plain(document.data)
    return {key: value for key, value in record.items() if key != SUSPENDED}


def without_defaults(record: Record) -> dict[str, Any]:
    """Without what a file need not say: two records that mean the same are the same."""
    fields = ClientTable.model_fields
    customary = {key: field.default for key, field in fields.items() if not field.is_required() and key != "formats"}
    return {
        key: value
        for key, value in record.items()
        if value is not None and not (key in customary and value == customary[key])
    }


def _toml(value: Any, key: str = "") -> str:
    match value:
        case Mapping():
            inner = (f"{_name(name)} = {_toml(one, name)}" for name, one in value.items() if one is not None)
            return f"{{ {', '.join(inner)} }}"
        case list() | tuple():
            return f"[{', '.join(_toml(one) for one in value)}]"
        case str() if key in _DATES and _DAY.fullmatch(value):
            return value
    # JSON's escapes are TOML's, but for the one control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _name(key: str) -> str:
    return key if _BARE.fullmatch(key) else _toml(key)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case date():
            return value.isoformat()
    return value


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with fresh.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


# Reading


def mark(folder: Path) -> Mark:
    """What differs when something has changed."""
    found = []
    for path in _files(folder):
        try:
            one = path.stat()
        except OSError:
            continue
        found.append((path.name, one.st_ino, one.st_mtime_ns))
    return frozenset(found)


def read(
    folder: Path,
    *,
    allowed: Networks = (),
    development: bool = False,
    known_upstreams: Collection[str] | None = None,
    lines_of: LinesOf = nowhere,
) -> Kept:
    """What the folder says now.  Raises nothing: what cannot be taken is among `refused`."""
    clients: dict[str, Client] = {}
    suspended: dict[str, Client | None] = {}
    broken: set[str] = set()
    refused: list[Mistake] = []
    for path in _files(folder):
        found: Client | None = None
        resting = False
        for place in (path, folder / AGREED / path.name):
            try:
                found, resting = _read_one(place, allowed, known_upstreams, lines_of, development=development)
                break
            except Mistakes as error:
                refused += error.mistakes if place == path else ()
        else:
            broken.add(path.stem)
            continue
        if resting:
            suspended[path.stem] = found
        elif found is not None:
            clients[path.stem] = found
    return Kept(clients, suspended, frozenset(broken), tuple(refused))


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.toml")) if not path.name.startswith(".")]


def _read_one(
    path: Path, allowed: Networks, known_upstreams: Collection[str] | None, lines_of: LinesOf, *, development: bool
) -> tuple[Client | None, bool]:
    name = f"{path.parent.name}/{path.name}"
    try:
        document = ConfidentialDocument(name, path.read_text("utf-8"), lines_of)
    except (OSError, UnicodeDecodeError):
        raise Mistakes(
            [Mistake(name, 0, "cannot be read as UTF-8: agree to this client in the console again")]
        ) from None
    resting = document.data.pop(SUSPENDED, False) is True
    try:
        return _checked(document, path.stem, allowed, known_upstreams, development=development), resting
    except Mistakes:
        if resting:  # that much is clear, and it is the safe half
            return None, True
        raise


def _checked(
    document: ConfidentialDocument,
    id_: str,
    allowed: Networks,
    known_upstreams: Collection[str] | None,
    *,
    development: bool,
) -> Client:
    client = parse(document, allowed=allowed, development=development)
    mistakes = list(unknown_names(document, "upstreams", client.upstreams, known_upstreams))
    if client.id != id_:
        mistakes.append(document.mistake(("id",), f"id: the file is {id_!r}'s: name it {client.id}.toml"))
    if mistakes:
        raise Mistakes(mistakes)
    return client
