"""Keys as a file under the state folder, shared by all workers.

    FOLDER/keys.json   the ring, secrets sealed (sso.keys.written)      FOLDER/keys.lock   held by whoever changes it
    FOLDER/master.key  what they are sealed with, where nothing else is named

Writing is a new file that takes the old one's name: a reader sees the one or the other, whole.
"""

import base64
import binascii
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sso.keys import KeyRing, Signer, Unsealable, new_ring, ring_of, written

MASTER_VARIABLE: Final = "DVC_EDGE_SSO_MASTER_KEY"
MASTER_FILE_VARIABLE: Final = "DVC_EDGE_SSO_MASTER_KEY_FILE"
_MASTER_OCTETS: Final = 32


class KeysUnreadable(Exception):
    """The file of keys, or the master key, is not what it should be; the text says what to do."""


def master_key(environ: Mapping[str, str], folder: Path) -> bytes:
    """What keys are sealed with: 32 octets, as url-safe base64 in the environment, in a file that it names, or in
    FOLDER/master.key, which is made where there is none.  Raises KeysUnreadable.

    A master key beside what it seals protects copies of the one file only: in production name a place of its own.
    """
    if text := environ.get(MASTER_VARIABLE):
        return _master(text, f"${MASTER_VARIABLE}")
    if name := environ.get(MASTER_FILE_VARIABLE):
        try:
            return _master(Path(name).read_text(encoding="ascii"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise KeysUnreadable(f"{name}, which ${MASTER_FILE_VARIABLE} names, cannot be read: {error}") from None
    path = folder / "master.key"
    with _locked(folder):
        if not path.exists():
            if (folder / "keys.json").exists():
                raise KeysUnreadable(
                    f"{folder / 'keys.json'} is there and {path} is not: give the key it was sealed with by"
                    f" ${MASTER_FILE_VARIABLE}"
                )
            _replace(path, base64.urlsafe_b64encode(secrets.token_bytes(_MASTER_OCTETS)).decode() + "\n")
        return _master(path.read_text(encoding="ascii"), str(path))


class KeyFolder:
    """The file of keys, and whoever changes it."""

    def __init__(self, folder: Path, master: bytes) -> None:
        self._folder = folder
        self._path = folder / "keys.json"
        self._master = master

    def load(self) -> KeyRing:
        """What is there.  Raises KeysUnreadable."""
        try:
            return ring_of(self._path.read_text(encoding="utf-8"), self._master)
        except FileNotFoundError:
            raise KeysUnreadable(f"there are no keys in {self._folder}: dvc-edge keys list makes the first") from None
        except (OSError, UnicodeDecodeError) as error:
            raise KeysUnreadable(f"{self._path} cannot be read: {error}") from None
        except Unsealable as error:
            raise KeysUnreadable(
                f"{self._path} cannot be opened ({error}): is this the master key that it was sealed with?"
            ) from None

    def ensure(self, now: int) -> KeyRing:
        """What is there; the first keys, where there are none yet.  Whoever comes first makes them."""
        if not self._path.exists():
            with _locked(self._folder):
                if not self._path.exists():
                    _replace(self._path, written(new_ring(now, secrets.token_urlsafe), self._master))
        return self.load()

    def change(self, step: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """Put what a step makes of it in its place; one change after the other.  Raises what the step raises."""
        with _locked(self._folder):
            ring = step(self.load())
            _replace(self._path, written(ring, self._master))
        return ring

    def mark(self) -> tuple[int, int] | None:
        """What differs when the file is another one; None: there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


class LiveSigner:
    """The signer of the keys that are in the file now."""

    def __init__(self, folder: KeyFolder, now: int) -> None:
        self._folder = folder
        folder.ensure(now)
        self._mark = folder.mark()  # before reading: what comes in between is then read once more
        self.signer = Signer(folder.load())

    def refresh(self) -> bool:
        """Take the keys that are there now; whether they are others.  Raises KeysUnreadable: the old ones stay."""
        mark = self._folder.mark()
        if mark is None or mark == self._mark:
            return False
        self._mark = mark  # a damaged file is complained about once
        self.signer = Signer(self._folder.load())
        return True


def _master(text: str, name: str) -> bytes:
    try:
        octets = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except (ValueError, binascii.Error):
        octets = b""
    if len(octets) != _MASTER_OCTETS:
        raise KeysUnreadable(
            f"{name} must hold 32 octets as url-safe base64: "
            "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        )
    return octets


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "keys.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
