"""The supervisor's end of the socket of a fork server: how one is begun, what it tells, and what it is told."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Never

from proxy import processes
from proxy.fork_server import CONTROL, MESSAGE_BYTES, PROTOCOL, Plan, problem_from, serve_forks
from proxy.worker import SIGNALS, Loaded, Order
from redirect_rules.sources import Problem, Problems


class ForkServerGone(Exception):
    """No worker can be made any more: another fork server is needed."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A fork server that was begun, and our end of its socket."""

    pid: int
    control: socket.socket


def begin(loaded: Loaded, *, foreign: Iterable[socket.socket]) -> Begun:
    """Fork the first fork server, of what was read here: pages that both only read they share.

    Before there is a loop or a thread.  It closes its copies of the foreign sockets.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sys.stdout.flush()
    sys.stderr.flush()
    supervisor = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        if pid := os.fork():
            theirs.close()
            return Begun(pid, ours)
        _forked(supervisor, loaded, theirs, (ours, *foreign))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forked(supervisor: int, loaded: Loaded, control: socket.socket, foreign: Iterable[socket.socket]) -> Never:
    status = 1
    try:
        processes.die_with_parent()
        if os.getppid() == supervisor:
            for sock in foreign:
                sock.close()
            serve_forks(control, lambda: loaded)
        status = 0
    except BaseException:
        logging.getLogger(__name__).exception("no worker can be made any more")
    finally:
        sys.stderr.flush()
        os._exit(status)


def begin_anew(path: Path | None) -> Begun:
    """Start a fork server as a new program, with the code and the configuration that are on disk now."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        # Not -m: that would look for the program in the working folder first.
        root = str(Path(__file__).parents[1])
        program = (
            f"import sys; root = {root!r}; root in sys.path or sys.path.insert(0, root); "
            f"from proxy.fork_server import main; main({str(path or '')!r})"
        )
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", "-c", program],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), CONTROL)],
            setsigmask=SIGNALS,
        )
    return Begun(pid, ours)


class ForkServer:
    """A fork server as the supervisor sees it.  Made inside a running loop."""

    def __init__(self, begun: Begun) -> None:
        self._control = begun.control
        self._control.setblocking(False)
        self._child = processes.Child(begun.pid)

    async def plan(self) -> Plan:
        """Wait until it has loaded everything.  Raises Problems with what must be mended."""
        loop = asyncio.get_running_loop()
        problems: list[Problem] = []
        while message := await loop.sock_recv(self._control, MESSAGE_BYTES):
            told = json.loads(message)
            if "problem" in told:
                problems.append(problem_from(told["problem"]))
            elif "refused" in told:
                raise Problems(problems)
            elif told["protocol"] != PROTOCOL:
                text = "the program on disk is of another version than the one that runs: stop it and start it again"
                raise Problems([Problem("serve", 0, text)])
            else:
                return Plan.read(told["plan"])
        text = (
            f"the program could not be loaded ({processes.ending(await self._child.ended)}); what it said stands above"
        )
        raise Problems([Problem("serve", 0, text)])

    def fork(self, order: Order, listeners: Sequence[socket.socket]) -> int:
        """Have a worker made; our end of its pipe.  Raises ForkServerGone."""
        ours, theirs = os.pipe()
        try:
            descriptors = [theirs, *(listener.fileno() for listener in listeners)]
            socket.send_fds(self._control, [json.dumps(asdict(order)).encode()], descriptors)
        except OSError as error:
            os.close(ours)
            raise ForkServerGone(str(error)) from None
        finally:
            os.close(theirs)
        return ours

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return not self._child.ended.done()

    def kill(self) -> None:
        """End it at once: it does not do what it is told.  Its workers go on."""
        self._child.send(signal.SIGKILL)

    async def close(self) -> None:
        """Let it go: it ends when it sees that nobody will give it an order."""
        self._control.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._child.ended), 1)
        self.kill()
        await self._child.ended
