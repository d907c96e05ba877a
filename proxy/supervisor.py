"""Keeps the workers: as many as wished, replaced when they die or hang, exchanged without losing a visitor.

The supervisor answers operators, but no visitor.  It never forks once its loop runs: a fork server does
(docs/decisions/0010).  Programs beside the workers are spawned anew, and have nothing of this process.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from proxy import processes, systemd
from proxy.backoff import Backoff
from proxy.companions import Companion
from proxy.fork_server import Plan
from proxy.forking import Begun, ForkServer, ForkServerGone, begin_anew
from proxy.listeners import address, listen, parted, refuse_new
from proxy.operations import create_operations
from proxy.roster import Generation, Life, Roster, Sockets
from proxy.serve import Addresses, operated
from proxy.supervision import Cause, Supervision
from proxy.worker_metrics import WorkerMetrics
from proxy.workers import Stage
from redirect_rules.sources import Problem, Problems

HOPELESS: Final = 4
"""After so many deaths of one place, and nobody ever ready, the start has failed."""
_HANDSHAKE_SECONDS: Final = 0.1
"""Connections that the kernel was making when we stopped are made by then, and accepted."""

_log = logging.getLogger(__name__)


class Supervisor:
    """One port, many workers."""

    def __init__(
        self,
        first: Begun,
        *,
        edge: Sockets,
        operations: Sockets,
        path: Path | None,
        companions: Sequence[Companion] = (),
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what has begun and listens; companions run from the first ready worker on, until the end.

        let_go  frees what the first fork server was forked with, when no worker shares it any more
        """
        self._let_go = let_go
        self._first = first
        self._companions = [(companion, asyncio.Event()) for companion in companions]
        self._edge = edge
        self._operations = operations
        self._path = path
        self._stop_wanted = asyncio.Event()
        self._hurried = asyncio.Event()  # told to stop again
        self._reload_wanted = asyncio.Event()
        self._hopeless = False
        self._renewing = asyncio.Lock()
        self._on_terminal = sys.stderr.isatty()

    def is_ready(self) -> bool:
        """Whether visitors may be sent here: somebody takes them, and nobody has told us to stop."""
        return not self._stop_wanted.is_set() and Stage.READY in self._roster.stages()

    def exposition(self) -> bytes:
        """What all workers have counted, and what became of them."""
        return self._supervision.exposition(self._roster.stages(), is_ready=self.is_ready())

    def upstreams(self) -> Mapping[str, Mapping[str, int | str]]:
        """How upstreams stand, as the workers have told."""
        return self._supervision.upstreams()

    async def run(self, started: Callable[[Addresses, Plan], None]) -> None:
        """Serve until SIGINT or SIGTERM.  Raises Problems when the start cannot succeed."""
        processes.adopt_orphans()
        self._obey_signals()
        server = ForkServer(self._first)
        plan = await self._first_plan(server)
        if plan is None:
            return
        counts = WorkerMetrics.create()
        self._roster = Roster(counts)
        self._supervision = Supervision(counts)
        self._current = Generation(plan, server, self._edge)
        self._desk = AsyncExitStack()
        try:
            await self._desk.enter_async_context(operated(create_operations(self), self._operations))
            await self._supervise(started)
        finally:
            await self._desk.aclose()
            counts.close()

    async def _first_plan(self, server: ForkServer) -> Plan | None:
        """What the first fork server has loaded; None when we are told to stop before."""
        async with AsyncExitStack() as undoing:
            undoing.push_async_callback(server.close)
            loading, stopping = asyncio.ensure_future(server.plan()), asyncio.ensure_future(self._stop_wanted.wait())
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not loading.done():
                loading.cancel()
                return None
            plan = loading.result()
            undoing.pop_all()
        return plan

    async def _supervise(self, started: Callable[[Addresses, Plan], None]) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._begin(self._current)
            beside = [
                self._tasks.create_task(self._announce(started)),
                self._tasks.create_task(self._reload_when_wanted()),
            ]
            for companion, renew in self._companions:
                self._tasks.create_task(self._keep_beside(companion, renew))
            await self._stop_wanted.wait()
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            await self._stop()
        if self._hopeless:
            raise Problems([Problem("serve", 0, "no worker could be made ready: its log stands above")])

    def _obey_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._want_stop)
        loop.add_signal_handler(signal.SIGINT, self._want_stop)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _want_stop(self) -> None:
        if self._stop_wanted.is_set():
            _log.warning("told to stop again: leaving what is in hand")
            self._roster.kill()
            self._hurried.set()
        self._stop_wanted.set()

    def _hang_up(self) -> None:
        if self._on_terminal and not sys.stderr.isatty():
            self._want_stop()  # the terminal was closed, and nobody would see us any more
        else:
            self._reload_wanted.set()

    async def _keep_beside(self, companion: Companion, renew: asyncio.Event) -> None:
        """Visitors come first: it is started when somebody takes them."""
        ready, stopping = (
            asyncio.ensure_future(self._roster.one_ready.wait()),
            asyncio.ensure_future(self._stop_wanted.wait()),
        )
        await asyncio.wait({ready, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        stopping.cancel()
        try:
            await companion.keep(self._stop_wanted, self._hurried, renew)
        except Exception:  # noqa: BLE001 - whatever it is, visitors are answered
            _log.exception("%s is not looked after any more: restart the edge when it suits", companion.name)

    async def _announce(self, started: Callable[[Addresses, Plan], None]) -> None:
        await self._roster.one_ready.wait()
        operations = self._operations[0]
        secure = parted(self._edge)[1]
        where = Addresses(address(self._edge[0]), address(operations), address(secure[0]) if secure else None)
        started(where, self._current.plan)
        systemd.notify(systemd.READY)

    # Keeping workers.

    def _begin(self, generation: Generation) -> None:
        for _ in range(generation.plan.workers):
            self._tasks.create_task(self._keep(generation))

    async def _keep(self, generation: Generation) -> None:
        """Keep one worker's place filled until the generation retires."""
        backoff = Backoff()
        while not generation.retired.is_set():
            life = await self._one_life(generation)
            if generation.retired.is_set():
                return
            if generation.on_trial and life.cause is not Cause.SIGNAL:
                _log.error("%s before it was ready", life.told)
                generation.decide(sound=False)
                return
            self._supervision.count_restart(life.cause)
            if life.cause is not Cause.SIGNAL:
                pause_seconds = backoff.after(life.seconds)
                _log.warning("%s after %.1f s%s", life.told, life.seconds, _outlook(backoff.deaths, pause_seconds))
                if backoff.deaths >= HOPELESS and not self._roster.one_ready.is_set():
                    self._hopeless = True
                    self._stop_wanted.set()
                await _until(generation.retired, pause_seconds)

    async def _one_life(self, generation: Generation) -> Life:
        try:
            return await self._roster.one_life(generation)
        except (ForkServerGone, OSError) as error:
            await self._renew(generation)
            return Life(f"a worker could not be started ({error})", Cause.CRASH, 0)

    async def _renew(self, generation: Generation) -> None:
        """Another fork server in place of one that died, with what is on disk now."""
        async with self._renewing:
            if generation.server.is_running or generation.retired.is_set():
                return
            await generation.server.close()
            generation.server = ForkServer(begin_anew(self._path))
            try:
                plan = await generation.server.plan()
            except Problems as error:
                _complain("no worker can be started", error)
            else:
                generation.plan = replace(plan, workers=generation.plan.workers)

    # Exchanging all of them.

    async def _reload_when_wanted(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            systemd.notify(systemd.reloading())
            try:
                await self._reload()
            except Problems as error:
                _complain("not reloaded, the workers go on as they are", error)
                self._supervision.count_reload(done=False)
            else:
                self._supervision.count_reload(done=True)
            systemd.notify(systemd.READY)

    async def _reload(self) -> None:
        """New workers from what is on disk now; the old ones finish once all the new ones accept.  Raises Problems."""
        former = self._current
        async with AsyncExitStack() as undoing:
            server = ForkServer(begin_anew(self._path))
            undoing.push_async_callback(server.close)
            plan = await server.plan()
            edge, operations = self._edge, self._operations
            plain, secure = parted(edge)
            if plan.listen != former.plan.listen:
                plain = _opened(plan.listen, "listen", undoing)
            if plan.secure != former.plan.secure:
                secure = _opened(plan.secure, "listen__tls", undoing, secure=True) if plan.secure else ()
            edge = (*plain, *secure)
            if plan.operations != former.plan.operations:
                operations = _opened(plan.operations, "operations", undoing)
            fresh = Generation(plan, server, edge, on_trial=True)
            undoing.callback(fresh.retire)
            self._begin(fresh)
            if not await fresh.trial:
                raise Problems([Problem("serve", 0, "a new worker ended before it was ready: its log stands above")])
            undoing.pop_all()
        self._current = fresh
        if operations is not self._operations:
            await self._move_desk(operations)
        _close(tuple(listener for listener in self._edge if listener not in edge))
        self._edge = edge
        for _ in former.workers:
            self._supervision.count_restart(Cause.RELOAD)
        former.retire()
        await former.server.close()
        self._let_go()
        for _, renew in self._companions:
            renew.set()
        _log.info("reloaded: %d workers answer for %d portals", plan.workers, plan.portals)

    async def _move_desk(self, operations: Sockets) -> None:
        former, self._desk = self._desk, AsyncExitStack()
        await self._desk.enter_async_context(operated(create_operations(self), operations))
        self._operations = operations
        await former.aclose()

    # The end.

    async def _stop(self) -> None:
        systemd.notify(systemd.STOPPING)
        if seconds := self._current.plan.unready_seconds:
            _log.info("stopping: not ready any more, still accepting for %d s", seconds)
            await _until(self._hurried, seconds)
        _log.info("stopping: finishing what is in hand")
        if refuse_new(self._edge):
            await asyncio.sleep(_HANDSHAKE_SECONDS)
        self._current.retire()
        _close(self._edge)
        await self._roster.gone()
        await self._current.server.close()


def cannot_listen(place: tuple[str, int], error: OSError, key: str) -> str:
    """What an operator reads whose address is taken; `key` is its table in the configuration."""
    another = f"choose another, e.g. DVC_EDGE__{key.upper()}__PORT={(place[1] or 8080) + 1}"
    return f"cannot listen on {place[0]}:{place[1]}: {error.strerror}; {another}"


def _opened(place: tuple[str, int], key: str, undoing: AsyncExitStack, *, secure: bool = False) -> Sockets:
    try:
        opened = listen(*place, secure=secure)
    except OSError as error:
        raise Problems([Problem("serve", 0, cannot_listen(place, error, key))]) from None
    undoing.callback(_close, opened)
    return opened


def _complain(what: str, error: Problems) -> None:
    _log.error("%s: %d to mend", what, len(error.problems))
    for problem in error.problems:
        _log.error("  %s", problem)


def _outlook(deaths: int, pause_seconds: float) -> str:
    if deaths == 1:
        return ": another takes its place at once"
    return f", death {deaths} in a row: another takes its place in {pause_seconds:g} s"


async def _until(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _close(sockets: Sockets) -> None:
    for sock in sockets:
        sock.close()
