"""The process that has loaded everything and forks workers: it runs no loop, no thread and no request.

A worker that is forked from it starts in milliseconds and shares its memory.  Between the two stands a process that
ends at once, so that the kernel gives the worker to the supervisor: it alone waits for workers, and when a fork server
dies they go on.

Over one socket (messages, not octets) the supervisor learns what was loaded, or what must be mended, and gives orders;
each order brings the pipe and the listening sockets of a worker with it.
"""

import codecs
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from proxy import authorities, config_file, processes
from proxy.app import load_parts
from proxy.config import Settings
from proxy.serve import loop_factory, prepare_output
from proxy.state import State
from proxy.worker import SIGNALS, Loaded, Order, become_worker
from redirect_rules.garbage import uncollected
from redirect_rules.sources import Problem, Problems

PROTOCOL: Final = 2
"""Raised when a supervisor and a fork server of different versions could misunderstand each other."""
MESSAGE_BYTES: Final = 65_536
CONTROL: Final = 3
"""The descriptor under which a fork server of newly read code finds its socket."""
_MOST_LISTENERS: Final = 64
_LONGEST_TEXT: Final = 4_000  # characters of one complaint; a message must hold it


@dataclass(frozen=True, slots=True)
class Plan:
    """What the supervisor must know of a configuration."""

    listen: tuple[str, int]
    operations: tuple[str, int]
    workers: int
    heartbeat_seconds: int  # 0: never given up
    shutdown_seconds: int
    portals: int
    hosts: int
    secure: tuple[str, int] | None = None  # where https is listened for
    unready_seconds: int = 0  # between the word that we are not ready and the end of accepting

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Self:
        """From what a fork server has told."""
        named = ("listen", "secure", "operations")
        places = {name: tuple(fields[name]) for name in named if fields[name] is not None}
        return cls(**(fields | places))


def plan_of(loaded: Loaded) -> Plan:
    """What a configuration asks of the supervisor; 0 workers are as many as this process may use processors."""
    settings, snapshot = loaded.settings, loaded.parts[0].snapshot
    return Plan(
        listen=(settings.listen.host, settings.listen.port),
        secure=settings.listen.secure_place,
        operations=(settings.operations.host, settings.operations.port),
        workers=settings.workers.count or len(os.sched_getaffinity(0)),
        heartbeat_seconds=settings.workers.heartbeat_seconds,
        unready_seconds=settings.limits.unready_seconds,
        shutdown_seconds=settings.limits.shutdown_seconds,
        portals=len(snapshot.all_portals),
        hosts=len(snapshot.portals),
    )


def load(path: Path | None) -> Loaded:
    """Read the configuration, and everything that it names, for processes that are forked from here.

    Raises Problems.  The garbage collector leaves alone what was read; whether it runs on is the caller's affair.
    """
    with uncollected():  # what it would free now leaves holes that are written to, and so copied, later
        settings: Settings = config_file.load(path or config_file.find(os.environ), os.environ)
        if settings.sso.issuer:  # workers will ask upstreams, and share what is read before they are forked
            authorities.trusting()
        loaded = Loaded(settings, load_parts(settings))
        _read_ahead(loaded)
        processes.return_memory()  # what reading has left behind would be written to, and so copied, by each worker
        # A collector that walks the shared objects writes into each, and every worker would get a copy of its own.
        gc.freeze()
    return loaded


def _read_ahead(loaded: Loaded) -> None:
    """Read and make what every worker needs as soon as it begins, or sooner or later: they share it so.

    The loop; the driver by which hits are written; codecs that are looked up by name; and what misspelt places are
    compared with, which is made in a fiftieth of a second, too long for somebody to wait who asks for one.
    """
    loop_factory()
    for name in ("idna", "unicode_escape"):
        codecs.lookup(name)
    if loaded.settings.hits.keep_days:
        from redirect_rules.stores.hit_sums import read_driver  # noqa: PLC0415 - where nothing is counted, it is not

        read_driver(State.of(loaded.settings).database)
    loaded.parts.packs.snapshot.localities.prepare()


def serve_forks(control: socket.socket, read: Callable[[], Loaded]) -> None:
    """Tell what was read or is wrong, then fork as ordered until the supervisor hangs up.  Signals are blocked."""
    processes.name_process("dvc-edge fork")
    gc.disable()
    try:
        loaded = read()
    except Problems as error:
        for problem in error.problems:
            _tell(control, problem=[problem.source, problem.line, problem.text[:_LONGEST_TEXT]])
        _tell(control, refused=True)
        return
    plan = plan_of(loaded)
    _tell(control, protocol=PROTOCOL, plan=asdict(plan))
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 1 + _MOST_LISTENERS)
        if not message:
            return
        _fork(Order(**json.loads(message)), descriptors, loaded, control)
        processes.close_all(descriptors)


def _fork(order: Order, descriptors: list[int], loaded: Loaded, control: socket.socket) -> None:
    pipe, *numbers = descriptors
    try:
        between = os.fork()
    except OSError as error:  # the pipe that is closed now tells the supervisor
        logging.getLogger(__name__).error("cannot fork: %s", error)  # noqa: TRY400 - a traceback would say no more
        return
    if between:
        os.waitpid(between, 0)
        return
    _fork_again(order, pipe, loaded, control, numbers)


def _fork_again(order: Order, pipe: int, loaded: Loaded, control: socket.socket, numbers: list[int]) -> NoReturn:
    try:
        worker = os.fork()
        if worker:
            os.write(pipe, b"%d\n" % worker)
            os._exit(0)
    except OSError:
        os._exit(1)
    control.close()
    become_worker(order, loaded, [socket.socket(fileno=number) for number in numbers], pipe)


def _tell(control: socket.socket, **fields: Any) -> None:
    control.sendall(json.dumps(fields).encode())


def problem_from(fields: list[Any]) -> Problem:
    """What a fork server complains about, read back."""
    source, line, text = fields
    return Problem(str(source), int(line), str(text))


def main(path: str) -> None:
    """Begin as a new program, with the code as it is on disk now: `path` is a configuration's, or empty."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    processes.die_with_parent()
    os.set_inheritable(CONTROL, False)
    prepare_output()
    with socket.socket(fileno=CONTROL) as control:
        serve_forks(control, lambda: load(Path(path) if path else None))
    sys.stderr.flush()
