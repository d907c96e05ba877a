"""Keys with which the console makes texts unreadable that must be read again: telephones' secrets, ID tokens, answers.

A file of lines, the first of which seals and all of which open:

    2026-11 q8m0…        a name of the key, and 32 octets as url-safe base64

To rotate, write a new line on top and keep the old ones for as long as anything is sealed with them; each telephone's
secret is sealed anew when its owner signs in.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from redirect_rules.people import SealBroken
from redirect_rules.sources import Problem, Problems
from sso.keys import Unsealable, sealed, unsealed

KEYS_VARIABLE: Final = "DVC_EDGE_CONSOLE_SEALING_KEYS"
_OCTETS: Final = 32
_MARK: Final = "sealed:"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
_FIRST: Final = "first"
_SAY: Final = (
    "each line is a name and 32 octets as url-safe base64: "
    "python3 -c 'import base64, os; print(\"2026-11\", base64.urlsafe_b64encode(os.urandom(32)).decode())'"
)


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """The Seal of the console: sealed with the first key, opened with the one that the text names."""

    keys: Mapping[str, bytes] = field(repr=False)  # by name, the one that seals first

    def seal(self, text: str, *, purpose: str) -> str:
        """The text as it is kept: "sealed:NAME:…"; nothing stays nothing."""
        if not text:
            return ""
        name, key = next(iter(self.keys.items()))
        return f"{_MARK}{name}:{sealed(text.encode(), key, _bound(purpose))}"

    def unseal(self, text: str, *, purpose: str) -> str:
        """It again; what was never sealed comes as it is.  Raises SealBroken."""
        if not text.startswith(_MARK):
            return text
        name, _, letters = text.removeprefix(_MARK).partition(":")
        key = self.keys.get(name)
        if key is None:
            raise SealBroken(f"sealed with the key {name!r}, which is not among the console's: put its line back")
        try:
            return unsealed(letters, key, _bound(purpose)).decode()
        except (Unsealable, UnicodeDecodeError):
            raise SealBroken(f"sealed with another key of the name {name!r}, or changed in the database") from None

    def is_current(self, text: str) -> bool:
        """Whether it is sealed with the key that seals now; nothing is."""
        return not text or text.startswith(f"{_MARK}{next(iter(self.keys))}:")


def read(text: str, source: str) -> SealingKeys:
    """Keys from their lines.  Raises Problems."""
    keys: dict[str, bytes] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        octets = _octets(words[1]) if len(words) == 2 else b""
        if not _NAME.fullmatch(words[0]) or len(octets) != _OCTETS:
            problems.append(Problem(source, number, f"this is no key: {_SAY}"))
        elif words[0] in keys:
            problems.append(Problem(source, number, "this name stands there already: give each key one of its own"))
        else:
            keys[words[0]] = octets
    if not keys and not problems:
        problems.append(Problem(source, 0, f"there is no key: {_SAY}"))
    if problems:
        raise Problems(problems)
    return SealingKeys(keys)


def opened(path: Path, environ: Mapping[str, str], *, make: bool) -> SealingKeys:
    """The keys in the environment, or else in a file.  Raises Problems.

    make  a first key where there is no file yet: beside the database it protects copies of the database only
    """
    if text := environ.get(KEYS_VARIABLE):
        return read(text, f"environment {KEYS_VARIABLE}")
    if make:
        _make(path)
    try:
        return read(path.read_text("ascii"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise Problems([Problem(str(path), 0, f"keys cannot be read: {error}")]) from None


def _make(path: Path) -> None:
    """A file with a first key; whoever comes first makes it."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    line = f"{_FIRST} {base64.urlsafe_b64encode(secrets.token_bytes(_OCTETS)).decode()}\n"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(fresh)  # unlike a rename it takes nobody's place
    except OSError as error:
        raise Problems([Problem(str(path), 0, f"a first key cannot be written: {error}")]) from None
    finally:
        fresh.unlink(missing_ok=True)


def _bound(purpose: str) -> str:
    return f"console {purpose}"


def _octets(letters: str) -> bytes:
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
