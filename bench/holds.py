"""How long single requests hold the loop of a worker: the processor time of each of its steps, one by one.

The edge runs in a thread of its own, with the loop of the standard library, whose steps can be counted; what other
threads and other processes do meanwhile is not in the figures, and a request may take longer than any step of it.
"""

import asyncio
import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.servers import ROOT, read_answer
from proxy import config_file
from proxy.app import App, create_app
from proxy.serve import running

_PATIENCE_SECONDS: Final = 60.0
_SETTLING_SECONDS: Final = 0.002  # what is done behind an answer: it is learnt


class Watch:
    """Tells the longest step of one loop since it was asked last."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._thread: int | None = None

    def taken(self) -> float:
        """Seconds."""
        longest, self._longest = self._longest, 0.0
        return longest

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look at every step of the loop that runs in this thread."""
        self._thread = threading.get_ident()
        run = vars(asyncio.Handle)["_run"]  # the only place that all steps pass

        def timed(handle: asyncio.Handle) -> None:
            if threading.get_ident() != self._thread:
                run(handle)
                return
            begun = time.thread_time()
            run(handle)
            self._longest = max(self._longest, time.thread_time() - begun)

        setattr(asyncio.Handle, "_run", timed)  # noqa: B010 - it is no attribute that may be set
        try:
            yield
        finally:
            setattr(asyncio.Handle, "_run", run)  # noqa: B010 - as above


class _Served(threading.Thread):
    """A whole edge in a thread."""

    def __init__(self, app: App, watch: Watch) -> None:
        super().__init__(name="edge", daemon=True)
        self._app = app
        self._watch = watch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._ready = threading.Event()
        self._port = 0

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with running(self._app) as addresses:
            self._port = addresses.edge[1]
            with self._watch.watching():
                self._ready.set()
                await self._over.wait()

    def port(self) -> int:
        """Where it listens, once it does.  Raises RuntimeError where it cannot."""
        self._ready.wait(_PATIENCE_SECONDS)
        if not self._port:
            raise RuntimeError("the edge does not listen")
        return self._port

    def stop(self) -> None:
        if self._loop is not None and self._over is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._over.set)
        self.join(_PATIENCE_SECONDS)


def longest_steps(folder: Path, kinds: Mapping[str, Callable[[int], bytes]], *, times: int) -> dict[str, float]:
    """Seconds of the longest step for one request of each kind, the least of so many.

    folder  takes the edge's state
    kinds   make a request that nobody has made before, of a number
    """
    free = {
        "DVC_EDGE__LISTEN__PORT": "0",
        "DVC_EDGE__OPERATIONS__PORT": "0",
        "DVC_EDGE__STATE__FOLDER": f'"{folder}"',
    }
    watch = Watch()
    served = _Served(create_app(config_file.load(ROOT / "conf/edge.toml", free), log=io.StringIO()), watch)
    served.start()
    try:
        port, number, found = served.port(), 0, dict[str, float]()
        for _ in range(times):
            for kind, make in kinds.items():
                number += 1
                taken = _asked(port, make(number), watch)
                found[kind] = min(found.get(kind, taken), taken)
        return found
    finally:
        served.stop()


def _asked(port: int, request: bytes, watch: Watch) -> float:
    """On a connection of its own: whatever an answer does to it, the next is not disturbed."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock, sock.makefile("rb") as stream:
        time.sleep(_SETTLING_SECONDS)
        watch.taken()
        sock.sendall(request)
        read_answer(stream)
        time.sleep(_SETTLING_SECONDS)
        return watch.taken()
