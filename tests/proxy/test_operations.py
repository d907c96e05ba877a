"""What operators and their programs ask for, on an address of its own."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from proxy.metrics import CONTENT_TYPE, Metrics
from proxy.operations import InOneProcess, create_operations
from tests.conftest import BROWSER, RunningEdge


async def ask(edge: RunningEdge, path: str, method: str = "GET") -> tuple[int, str, str]:
    host, port = edge.addresses.operations
    async with edge.session.request(method, f"http://{host}:{port}{path}") as response:
        return response.status, response.headers.get("Content-Type", ""), await response.text()


# path        status   what it says
ASKED = [
    ("/live",    200, '{"status": "live"}'),
    ("/ready",   200, '{"status": "ready"}'),
    ("/metrics", 200, "dvc_edge_ready 1.0"),
    ("/",        404, ""),
    ("/vi",      404, ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "status", "said"), ASKED)
async def test_a_running_edge_says_how_it_is(edge: RunningEdge, path: str, status: int, said: str) -> None:
    answered, _, text = await ask(edge, path)
    assert answered == status
    assert said in text


@pytest.mark.parametrize(("is_ready", "status"), [(1, 200), (0, 503)])
async def test_visitors_are_kept_away_before_the_start_and_while_it_ends(is_ready: int, status: int) -> None:
    metrics = Metrics(process=False)
    metrics.ready.set(is_ready)
    async with TestClient(TestServer(create_operations(InOneProcess(metrics)))) as operations:
        assert (await operations.get("/ready")).status == status
        assert (await operations.get("/live")).status == 200


async def test_metrics_are_of_the_type_that_prometheus_asks_for(edge: RunningEdge) -> None:
    assert (await ask(edge, "/metrics"))[1] == CONTENT_TYPE


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
async def test_it_is_only_read(edge: RunningEdge, path: str, method: str) -> None:
    assert (await ask(edge, path, method))[0] == 405


@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
async def test_citizens_never_see_it(edge: RunningEdge, path: str) -> None:
    """On the edge's address these are pages of the old portal like any others."""
    response = await edge.get(f"https://dichvucong.langson.gov.vn{path}", BROWSER)
    assert response.status == 200
    assert "dvc_edge" not in (await response.text()).replace("dvc_edge_place", "")
    assert "Lạng Sơn" in await response.text()
