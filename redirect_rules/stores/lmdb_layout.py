"""How exact rules and lookups lie in a mapped file: the keys, and what is read back from them.

Under a path lie, in the order of their keys,

    portal path 00 number values   the rules that ask for these values of the path's name set of this number
    portal path 01                 the place: the rules that ask for nothing, and the name sets
    ff fe digest                   any of these whose key is too long for LMDB, with its whole key before the value
    ff ff                          the dictionary: portals, and what records have in common

where portal is a number of two bytes, and each value has its length (two bytes) before it.
"""

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


def parts_of(key: bytes) -> tuple[bytes, bytes]:
    """A sort key's place, and what it asks for there (number of names, names, values): no path has a NUL in it."""
    cut = key.find(b"\x00", 2)
    return (key[:-1], b"") if cut < 0 else (key[:cut], key[cut + 1 :])


def path_of(place: bytes) -> str:
    """The path of a place."""
    return place[2:].decode("ascii")


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
