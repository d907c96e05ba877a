"""How a repeated request is counted, and that it never takes a place that it does not give back."""

from prometheus_client import CollectorRegistry

from proxy.passing.breaker import State
from proxy.passing.forwarded import Hop, Trust
from proxy.passing.heads import RequestHead
from proxy.passing.inbound import Way, onward
from proxy.passing.metrics import PassingMetrics
from proxy.passing.passer import Passer
from proxy.passing.upstreams import LiveUpstream
from tests.passing_peers.edges import edge, get, upstream
from tests.passing_peers.recording import recording_origin

TO = upstream(1)
HOST = b"a.gov.vn"
TRUST = Trust()


def way(*fields: tuple[bytes, bytes], hop: Hop, method: bytes = b"GET", trust: Trust = TRUST) -> Way | None:
    head = RequestHead(method, b"/", 1, [(b"Host", HOST), *fields])
    return Way.of(TO, onward(head, TO, hop, trust, b"via", HOST), hop, head.fields, trust)


FIRST, SECOND = Hop("198.51.100.7", False, HOST), Hop("2001:db8::1", False, HOST)


def test_a_way_is_the_same_for_the_same_connection_and_names_another_visitor_as_himself() -> None:
    known = way((b"X-A", b"1"), hop=FIRST)
    assert known is not None
    assert known.again(FIRST, TRUST) is known.sent
    again = known.again(SECOND, TRUST)
    assert again is not None
    head = RequestHead(b"GET", b"/", 1, [(b"Host", HOST), (b"X-A", b"1")])
    assert again == onward(head, TO, SECOND, TRUST, b"via", HOST)


def test_a_way_is_no_other_scheme_s_and_nobody_s_where_somebody_is_believed() -> None:
    known = way(hop=FIRST)
    assert known is not None
    assert known.again(FIRST._replace(secure=True), TRUST) is None
    assert known.again(SECOND, Trust(peers=TO.allowed)) is None


def test_what_is_no_plain_question_has_no_way() -> None:
    assert way(hop=FIRST, method=b"HEAD") is None
    assert way((b"Content-Length", b"2"), hop=FIRST, method=b"POST") is None
    assert way((b"Expect", b"100-continue"), hop=FIRST) is None


async def test_a_place_is_taken_only_with_a_connection_that_is_there_and_given_back() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as running:
        (live,) = running.passer._live.values()
        assert isinstance(live, LiveUpstream)
        assert live.take_kept() is None
        await running.ask(get())
        taken = live.take_kept()
        assert taken is not None
        assert (live.pool.taken, live.take_kept()) == (1, None)
        live.give_back(*taken, reusable=True)
        assert live.pool.taken == 0
        live.breaker.state = State.OPEN
        assert live.take_kept() is None
        live.breaker.state = State.CLOSED
        taken = live.take_kept()
        assert taken is not None
        live.give_back(*taken, reusable=False)
        assert live.take_kept() is None


def test_what_is_counted_soon_is_counted_when_it_is_settled() -> None:
    registry = CollectorRegistry()
    metrics = PassingMetrics(registry)
    metrics.passed_soon("a", "2xx", 0.1)
    labels = {"upstream": "a", "outcome": "2xx"}
    assert not registry.get_sample_value("dvc_edge_passed_total", labels)
    metrics.settle()
    metrics.settle()
    assert registry.get_sample_value("dvc_edge_passed_total", labels) == 1


async def test_a_server_that_could_not_repeat_is_given_no_way() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as running:
        assert isinstance(running.passer, Passer)
        await running.ask(get())
        assert running.passer.repeated == 0
