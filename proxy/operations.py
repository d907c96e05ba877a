"""The operators' address: /live, /ready and /metrics.  Never reachable from outside."""

from aiohttp import web

from proxy.metrics import CONTENT_TYPE, Metrics

METRICS = web.AppKey("METRICS", Metrics)


async def live(_: web.Request) -> web.Response:
    """The process runs and its loop turns."""
    return web.json_response({"status": "live"})


async def ready(request: web.Request) -> web.Response:
    """Whether visitors may be sent here: 503 before the start and while draining."""
    is_ready = request.app[METRICS].ready._value.get() == 1  # noqa: SLF001 - a Gauge offers no way to read it
    return web.json_response({"status": "ready" if is_ready else "not ready"}, status=200 if is_ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """What Prometheus reads."""
    return web.Response(body=request.app[METRICS].exposition(), headers={"Content-Type": CONTENT_TYPE})


def create_operations(counters: Metrics) -> web.Application:
    """The application behind the operators' address."""
    application = web.Application()
    application[METRICS] = counters
    application.router.add_get("/live", live)
    application.router.add_get("/ready", ready)
    application.router.add_get("/metrics", metrics)
    return application
