"""How exact rules and lookups lie in a mapped file: the keys, and what is read back from them.

Under a path lie, in the order of their keys,

    place 00 number values   the rules that ask for these values of the path's name set of this number
    place 01                 the place: the rules that ask for nothing, and the name sets
    ff fe digest             any of these whose key is too long for LMDB, with its whole key before the value
    ff ff                    the dictionary: portals, folders, and what records have in common

where a place is the portal's number, the number of the path's folder, and what follows the path's last slash; each
value has its length before it.  Numbers and lengths are two bytes.  A path whose folder has no number stands whole,
after ff ff in its place: a million pages lie in few folders, and a fifth of a file would be their names.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeAlias

from redirect_rules.exact import Names

Item: TypeAlias = tuple[bytes, bytes]
"""A key and its value."""

LONGEST_KEY: Final = 511
"""Bytes of a key that LMDB takes."""
LONG: Final = b"\xff\xfe"
"""Begins the keys that stand for longer ones."""
DICTIONARY: Final = b"\xff\xff"
"""The last key."""


def sized(text: str) -> bytes:
    """A value with its length before it."""
    octets = text.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(2, "big") + octets


MOST_FOLDERS: Final = 4_096
"""Folders that have a number: those that came first."""

_WHOLE = b"\xff\xff"  # in place of a folder's number: the whole path follows


class Places:
    """Portals and folders by number: how the keys of a place begin."""

    def __init__(self, portals: Iterable[str] = (), folders: Iterable[str] | None = ()) -> None:
        """As a file has them, in the order of their numbers; `folders` None: a file that knows none (format 1)."""
        self._portals = {portal: _number(number) for number, portal in enumerate(portals)}
        listed = enumerate(folders or ())
        self._folders = {folder.encode("ascii"): _number(number) for number, folder in listed}
        self._numbers_folders = folders is not None
        self._begin = 4 if folders is not None else 2
        self._folder_names = list(self._folders)
        self._portal_names = list(self._portals)

    def copy(self) -> "Places":
        """Another that can be added to."""
        folders = [folder.decode() for folder in self._folders] if self._numbers_folders else None
        return Places(self._portals, folders)

    @property
    def portals(self) -> Mapping[str, bytes]:
        """The numbers of portals, in their order."""
        return self._portals

    @property
    def folders(self) -> Mapping[bytes, bytes]:
        """The numbers of folders (without the slash at their end), in their order."""
        return self._folders

    @property
    def numbers_folders(self) -> bool:
        """Whether folders have numbers at all."""
        return self._numbers_folders

    def as_data(self) -> dict[str, list[str]]:
        """For the dictionary."""
        data = {"portals": list(self._portals)}
        if self._numbers_folders:
            data["folders"] = [folder.decode() for folder in self._folders]
        return data

    def begin(self, portal: str, path: str) -> bytes | None:
        """How the keys of a place begin; None where nothing can be under it, as nobody has heard of the portal."""
        number = self._portals.get(portal)
        return None if number is None else number + self.rest(path.encode("utf-8", "surrogatepass"))

    def rest(self, path: bytes) -> bytes:
        """The same without the portal's number."""
        if not self._numbers_folders:
            return path
        cut = path.rfind(b"/")
        folder = self._folders.get(path[:cut])
        return folder + path[cut + 1 :] if folder is not None else _WHOLE + path

    def numbered(self, portal: str, path: bytes) -> bytes:
        """The same as `begin`; a portal or folder that has no number is given one, while there are any."""
        number = self._portals.get(portal)
        if number is None:
            number = self._portals[portal] = _number(len(self._portals))
            self._portal_names.append(portal)
        if self._numbers_folders and len(self._folders) < MOST_FOLDERS:
            folder = path[: path.rfind(b"/")]
            if folder not in self._folders:
                self._folders[folder] = _number(len(self._folders))
                self._folder_names.append(folder)
        return number + self.rest(path)

    def parted(self, key: bytes) -> tuple[bytes, bytes]:
        """A key's place, and what it asks for there (number of names, names, values): no path has a NUL in it."""
        cut = key.find(b"\x00", self._begin)
        return (key[:-1], b"") if cut < 0 else (key[:cut], key[cut + 1 :])

    def asks(self, key: bytes) -> bool:
        """Whether a key asks for parameters."""
        return key.find(b"\x00", self._begin) >= 0

    def portal_of(self, place: bytes) -> str:
        """The portal of a place or key."""
        return self._portal_names[int.from_bytes(place[:2], "big")]

    def path_of(self, place: bytes) -> str:
        """The path of a place."""
        if not self._numbers_folders or place[2:4] == _WHOLE:
            return place[self._begin :].decode("ascii")
        folder = self._folder_names[int.from_bytes(place[2:4], "big")]
        return (folder + b"/" + place[4:]).decode("ascii")


def _number(number: int) -> bytes:
    return number.to_bytes(2, "big")


@lru_cache(1_024)
def asked_for(names: Names) -> bytes:
    """A name set as a sort key has it: more names come first."""
    return b"\x00" + bytes((0xFF - len(names),)) + b"".join(map(sized, names))


def stored_key(key: bytes) -> bytes:
    """The key under which LMDB keeps a key."""
    return key if len(key) <= LONGEST_KEY else LONG + blake2b(key, digest_size=32).digest()


def with_key(key: bytes, value: bytes) -> bytes:
    """The value of a long key: a digest proves nothing until the whole key is compared."""
    return len(key).to_bytes(4, "big") + key + value


def names_of(asking: bytes) -> tuple[Names, int]:
    """The name set, and where the values begin."""
    return _texts(asking, 1, 0xFF - asking[0])


def _texts(key: bytes, at: int, count: int) -> tuple[tuple[str, ...], int]:
    texts = []
    for _ in range(count):
        end = at + 2 + int.from_bytes(key[at : at + 2], "big")
        texts.append(key[at + 2 : end].decode("utf-8", "surrogatepass"))
        at = end
    return tuple(texts), at


def query_of(names: Names, values: bytes) -> tuple[tuple[str, str], ...]:
    """What a key asks for, by the name set of its number."""
    return tuple(zip(names, _texts(values, 0, len(names))[0], strict=True))
