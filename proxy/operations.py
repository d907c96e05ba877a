"""The operators' address: /live, /ready and /metrics.  Never reachable from outside."""

from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from proxy.metrics import CONTENT_TYPE, Metrics
from proxy.passing.metrics import standing


class Operated(Protocol):
    """What is asked about: one process, or a supervisor with its workers."""

    def is_ready(self) -> bool:
        """Whether visitors may be sent here."""
        ...

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        ...

    def upstreams(self) -> Mapping[str, Mapping[str, int | str]]:
        """How upstreams stand, by name."""
        ...


class InOneProcess:
    """An edge that answers operators and visitors from one loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def is_ready(self) -> bool:
        """Between the start and the stop."""
        return bool(self._metrics.ready._value.get() == 1)  # noqa: SLF001 - a Gauge offers no way to read it

    def exposition(self) -> bytes:
        """What this process counts."""
        return self._metrics.exposition()

    def upstreams(self) -> Mapping[str, Mapping[str, int | str]]:
        """How they stand for this process."""
        return standing(self._metrics.registry.collect())


OPERATED = web.AppKey("OPERATED", Operated)


async def live(_: web.Request) -> web.Response:
    """The process that answers operators runs, and its loop turns."""
    return web.json_response({"status": "live"})


async def ready(request: web.Request) -> web.Response:
    """Whether visitors may be sent here: 503 before the start and while draining.

    How upstreams stand is told beside it and changes nothing: one dead province must not take the others off the net.
    """
    operated = request.app[OPERATED]
    is_ready = operated.is_ready()
    said: dict[str, object] = {"status": "ready" if is_ready else "not ready"}
    if upstreams := operated.upstreams():
        said["upstreams"] = upstreams
    return web.json_response(said, status=200 if is_ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """What Prometheus reads."""
    return web.Response(body=request.app[OPERATED].exposition(), headers={"Content-Type": CONTENT_TYPE})


def create_operations(operated: Operated) -> web.Application:
    """The application behind the operators' address."""
    application = web.Application()
    application[OPERATED] = operated
    application.router.add_get("/live", live)
    application.router.add_get("/ready", ready)
    application.router.add_get("/metrics", metrics)
    return application
