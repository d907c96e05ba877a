"""What Linux lets a process arrange about its parent, its children and its name: prctl(2), pidfd_open(2).

Nothing here knows what the processes do.
"""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36
_ADOPTION_STEP_SECONDS: Final = 0.0005
_NAME_BYTES: Final = 15  # the kernel keeps no more

_libc = ctypes.CDLL(None, use_errno=True)


class Unsupported(Exception):
    """The kernel cannot supervise processes as we need it."""


def check_support() -> None:
    """Raise Unsupported, in words, where worker processes cannot be supervised."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        raise Unsupported(f"worker processes need Linux 5.4 or newer, with pidfd_open(2) allowed ({error})") from None


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends: the workers that a fork server makes."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Be killed by the kernel when the parent ends, however that happens, stopped or hung as we may be."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def name_process(name: str) -> None:
    """What `ps -o comm` and `top` show; at most 15 bytes of it."""
    _libc.prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()[:_NAME_BYTES]), 0, 0, 0)


def return_memory() -> None:
    """Give what the C library keeps of freed memory back to the kernel, where it can (malloc_trim(3) of glibc)."""
    with suppress(AttributeError):
        _libc.malloc_trim(0)


def became_child_of(parent: int, *, within_seconds: float) -> bool:
    """Wait until the kernel has given us this parent: it happens a moment after the former one has ended."""
    until = time.monotonic() + within_seconds
    while os.getppid() != parent:
        if time.monotonic() > until:
            return False
        time.sleep(_ADOPTION_STEP_SECONDS)
    return True


def close_all(descriptors: Iterable[int]) -> None:
    """Close what a fork has left open and is not ours."""
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)


class Child:
    """A process that is ours, or becomes ours in a moment: signals reach it and no other, and its end is waited for.

    Made inside a running loop.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Its exit status, or the negated number of the signal that killed it."""
        self._pidfd = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._pidfd, self._reap)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing when it has ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _reap(self, tries_left: int = 100) -> None:
        try:
            found = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            # It died before its own parent did, and the kernel has not given it to us yet.
            self._loop.remove_reader(self._pidfd)
            if tries_left:
                self._loop.call_later(0.01, self._reap, tries_left - 1)
            else:
                self._end(0)
            return
        if found is not None:
            self._end(found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)

    def _end(self, returncode: int) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.ended.set_result(returncode)


def ending(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode < 0:
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-returncode).name}"
        return f"was killed by signal {-returncode}"
    return f"exited with status {returncode}"


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
