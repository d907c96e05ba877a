"""One request on its way: what is known of the connection that it came on."""

import ssl
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from proxy.access_log import Entry
from proxy.packs import Packs
from proxy.passing.proxy_protocol import Preface
from proxy.turns import Answered, Turn
from proxy.visits import arrival_from
from redirect_rules.decision import Decision, decide
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN
from tests.proxy.conftest import MODEL

ID = "k7m2-9fxd-3hqp"
BROWSER = {"Host": MODEL, "User-Agent": "Mozilla/5.0", "Accept": "text/html", "Sec-Fetch-Dest": "document"}


def connection(*, tls: ssl.SSLContext | None = None, **more: object) -> SimpleNamespace:
    """What a request knows of the connection that it came on."""
    return SimpleNamespace(ssl_context=tls, peername=None, sockname=None, **more)


def turn_for(
    packs: Packs, target: str, headers: dict[str, str] | None = None, *, method: str = "GET", **given: Any
) -> Turn:
    """A turn as it stands when it has been read: of a browser that opens a page of Lạng Sơn's portal."""
    head = CIMultiDict(BROWSER | (headers or {}))
    request = make_mocked_request(method, target, head, **{"protocol": connection(), **given})
    return Turn(request, arrival_from(request, suffixes=(), crawlers=packs.crawlers), AUTUMN, ID, "vi")


def decided(turn: Turn, snapshot: Snapshot) -> Decision:
    """What becomes of it, which is about a page."""
    decision = decide(turn.arrival.visit, snapshot, turn.now)
    assert isinstance(decision, Decision)
    return decision


# what a preface says     by TLS to us    what the visitor came over; None: there is no preface
SECURITY = [
    (None,                  False,          False),
    (None,                  True,           True),
    ("nothing",             True,           True),
    ("nothing",             False,          False),
    (True,                  False,          True),   # the load balancer has taken it off
    (False,                 True,           False),  # the load balancer has put it on
]  # fmt: skip


@pytest.mark.parametrize(("said", "ours", "secure"), SECURITY)
def test_a_load_balancer_knows_better_than_we_whether_a_visitor_came_by_tls(
    packs: Packs, *, said: bool | str | None, ours: bool, secure: bool
) -> None:
    preface = None if said is None else Preface("192.0.2.7", said if isinstance(said, bool) else None, b"")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if ours else None
    turn = turn_for(packs, "/", protocol=connection(tls=tls, preface=preface))
    assert turn.preface is preface
    assert turn.is_secure is secure


def test_a_connection_without_prefaces_says_nothing(packs: Packs) -> None:
    turn = turn_for(packs, "/")
    assert (turn.preface, turn.is_secure, turn.drawn, turn.ahead) == (None, False, None, None)


def test_an_answer_is_about_a_page_only_where_it_says_so() -> None:
    answer = Answered(Entry(outcome="ours"), None)  # type: ignore[arg-type]  # which answer does not matter
    assert (answer.decision, answer.turn, answer.hit) == (None, None, None)
