"""What Prometheus is told: every label is one of few words, whatever visitors send."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.access_log import Entry
from proxy.metrics import Labels, Metrics
from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.model import Action, ClientClass
from redirect_rules.snapshot import Snapshot
from tests.conftest import RunningEdge
from tests.proxy.conftest import edge_over, request_bytes, say

MODEL = "dichvucong.langson.gov.vn"
SERIES = re.compile(r"^(dvc_edge_\w+)\{(.*)\} \S+$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages) as edge:
        yield edge


async def exposed(edge: RunningEdge) -> str:
    host, port = edge.addresses.operations
    async with edge.session.get(f"http://{host}:{port}/metrics") as response:
        return await response.text()


def labels_of(text: str) -> dict[str, set[str]]:
    """Every value of every label."""
    found: dict[str, set[str]] = {}
    for _, labels in SERIES.findall(text):
        for name, value in LABEL.findall(labels):
            found.setdefault(name, set()).add(value)
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_labels_stay_few_whatever_is_sent(shipped: RunningEdge, snapshot: Snapshot) -> None:
    agents = ["Mozilla/5.0", "curl/8", "Googlebot", "nobody-{}"]
    for number in range(40):
        headers = [
            f"User-Agent: {agents[number % 4].format(number)}",
            f"Accept: text/html;v={number}",
            f"X-{number}: a",
        ]
        method = ("GET", "POST", "HEAD", "PROPFIND", "TRACE", "OPTIONS", "BREW")[number % 7]
        for host in (MODEL, f"unknown-{number}.example", f"a/{number}@b"):
            await say(shipped, request_bytes(f"/trang-{number}?x={number}", host, method=method, headers=headers))
    labels = labels_of(await exposed(shipped))
    assert labels["portal"] == {"langson", "-"}
    assert labels["portal"] - {"-"} <= {portal.id for portal in snapshot.all_portals}
    assert labels["outcome"] <= {*Action, "ours", "error"}
    assert labels["client_class"] <= {*ClientClass, "-"}
    assert all(re.fullmatch(r"[1-5]\d\d", status) for status in labels["status"])
    assert set(labels) <= {"portal", "outcome", "client_class", "status", "le", "version", "form"}


@pytest.mark.asyncio(loop_scope="module")
async def test_every_request_is_counted_once(shipped: RunningEdge) -> None:
    async def counted() -> int:
        values = re.findall(r"^dvc_edge_requests_total\{.*\} (\S+)$", await exposed(shipped), re.MULTILINE)
        return int(sum(map(float, values)))

    before = await counted()
    await say(shipped, request_bytes("/vi"))
    await say(shipped, request_bytes("/", "unknown.example"))
    await say(shipped, request_bytes("/%zz"))
    await say(shipped, b"nonsense\r\n\r\n")
    await say(shipped, request_bytes("/_edge/locality?q=a"))
    assert await counted() == before + 5


def counters(metrics: Metrics) -> dict[str, float]:
    lines = metrics.exposition().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_a_page_no_rule_knows_is_counted_for_its_portal() -> None:
    metrics = Metrics(process=False)
    metrics.count(Labels.of(Entry(portal="langson", rule="unmapped", outcome="notice"), 200), 1_000)
    metrics.count(Labels.of(Entry(portal="langson", rule="igate2/home", outcome="notice"), 200), 1_000)
    found = counters(metrics)
    assert found['dvc_edge_unmapped_total{portal="langson"}'] == 1
    assert found['dvc_edge_request_seconds_count{outcome="notice"}'] == 2


# nanoseconds      seconds
TIMES = [(0, 0.0), (1_500_000, 0.0015), (2_000_000_000, 2.0)]


@pytest.mark.parametrize(("nanoseconds", "seconds"), TIMES)
def test_time_is_told_in_seconds(nanoseconds: int, seconds: float) -> None:
    metrics = Metrics(process=False)
    metrics.count(Labels.of(Entry(outcome="notice"), 200), nanoseconds)
    assert counters(metrics)['dvc_edge_request_seconds_sum{outcome="notice"}'] == pytest.approx(seconds)


def test_an_edge_is_not_ready_until_it_is() -> None:
    metrics = Metrics(process=False)
    assert counters(metrics)["dvc_edge_ready"] == 0
    metrics.ready.set(1)
    assert counters(metrics)["dvc_edge_ready"] == 1


def test_the_process_tells_of_itself_when_asked_to() -> None:
    assert "process_" in Metrics().exposition().decode()
    assert "process_" not in Metrics(process=False).exposition().decode()


def test_two_edges_in_one_process_do_not_count_for_each_other() -> None:
    one, other = Metrics(process=False), Metrics(process=False)
    one.count(Labels.of(Entry(outcome="notice"), 200), 1)
    assert not [name for name in counters(other) if "requests_total" in name]


def test_many_requests_count_as_each_of_them_would() -> None:
    labels = Labels("langson", "redirect", "bot", "301")
    one_by_one, together = Metrics(process=False), Metrics(process=False)
    taken = [0, 1_000, 499_999, 500_000, 500_001, 7_000_000, 20_000_000_000]
    for nanoseconds in taken:
        one_by_one.count(labels, nanoseconds, fast=True)
    together.count_visits(labels, len(taken))
    for nanoseconds in reversed(taken):
        together.times_of(labels.outcome).add(nanoseconds, 1)

    def told(metrics: Metrics) -> list[str]:
        return [line for line in metrics.exposition().decode().splitlines() if "_created" not in line]

    assert told(one_by_one) == told(together)
    assert "dvc_edge_fast_lane_total 7.0" in told(together)
    assert told(one_by_one) == told(together), "what was told is not told again"
