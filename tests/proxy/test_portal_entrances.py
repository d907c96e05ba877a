"""From a portal to the issuer and back: what is sealed, what stays in the browser, and what a ticket needs."""

import base64
import json
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.gate_answers import GoTo, TurnedAway
from proxy.limiting import Limiter
from proxy.portal_entrances import LONGEST_TARGET, Caller, PortalEntrances, again, is_plain
from proxy.portal_sessions import PortalSessions
from sso.events import AuditEvent
from sso.model import Destination, digest
from sso.store import StoreUnavailable, Ticket
from sso.stores.valkey import ValkeyStore
from sso.vocabulary import Level
from tests.sign_in_peers.fixtures import state, store_url
from tests.sign_in_peers.issuer import NOW, signer

__all__ = ["state", "store_url"]

HOST = "dichvucong.langson.gov.vn"
TARGET = "/nop-ho-so?MaTTHC=1.001193&soDinhDanh=001054000123"


class Kept(list[AuditEvent]):
    def write(self, event: AuditEvent) -> None:
        self.append(event)


def entrances(store: Any, audit: Kept | None = None) -> PortalEntrances:
    numbers = count(1)
    sessions = PortalSessions(
        store, issuer="https://signin.example.vn", clock=lambda: NOW, secrets=lambda: f"secret-number-{next(numbers)}"
    )
    return PortalEntrances(
        sessions,
        signer=signer,
        clients=dict,
        limiter=Limiter(store, pepper=b"p"),
        audit=audit if audit is not None else Kept(),
    )


def caller(cookie: str = "", portal: str = "langson") -> Caller:
    fields = [(b"Cookie", cookie.encode())] if cookie else []
    return Caller(portal, HOST, fields, "203.0.113.7", "k7m2-9fxd-3hqp")


def begun(target: str = TARGET, made: PortalEntrances | None = None, cookie: str = "") -> GoTo:
    answer = (made or entrances(None)).begin(
        caller(cookie), target, client="langson", level=Level.TWO, upstream="vneid"
    )
    assert isinstance(answer, GoTo)
    return answer


def test_the_entry_says_which_portal_and_nothing_of_the_wish() -> None:
    entry = parse_qs(urlsplit(begun().location).query)["entry"][0]
    said = json.loads(signer().unseal(entry, purpose="portal-entry"))
    assert (said["portal"], said["client"], said["level"], said["upstream"]) == ("langson", "langson", 2, "vneid")
    assert said["target"] == "/_edge/sign-in/done?way=secret-numbe"
    assert "001054000123" not in json.dumps(said) + begun().location


def test_the_wish_stays_in_the_browser_with_the_secret_whose_digest_the_entry_has() -> None:
    (cookie,) = begun().cookies
    assert cookie.startswith("__Host-sign-in-way-secret-numbe=secret-number-1.")
    kept = cookie.partition(";")[0].partition(".")[2]
    assert base64.urlsafe_b64decode(kept + "==").decode() == TARGET
    assert "Max-Age=900" in cookie


def test_many_that_were_begun_and_not_ended_do_not_pile_up() -> None:
    cookie = "; ".join(f"__Host-sign-in-way-{number}=a.b" for number in range(5))
    *gone, new = begun(cookie=cookie).cookies
    assert len(gone) == 5
    assert all("Max-Age=0" in line for line in gone)
    assert "Max-Age=900" in new


@pytest.mark.parametrize("target", ["/" + "a" * LONGEST_TARGET, "//" + "\\evil", "/é", "/a b", '/"x'])
def test_what_fits_in_no_cookie_or_is_no_path_begins_nothing(target: str) -> None:
    answer = entrances(None).begin(caller(), target, client="langson", level=Level.TWO)
    assert answer == TurnedAway(414, "uri-too-long")


@given(st.text(max_size=40))
def test_a_plain_target_is_a_path_of_this_host_to_every_reader(text: str) -> None:
    if is_plain(text):
        parts = urlsplit(f"https://{HOST}{text}")
        assert (parts.scheme, parts.netloc) == ("https", HOST)


def test_all_behind_to_is_the_target() -> None:
    assert again("/a?b=1&c=2") == "/_edge/sign-in/begin?to=/a?b=1&c=2"


# Back


async def kept_ticket(store: ValkeyStore, *, portal: str = "langson", host: str = HOST) -> tuple[str, str]:
    """A ticket in the store, and the cookie that goes with it."""
    destination = Destination("langson", portal, host, "/_edge/sign-in/done?way=w", browser=digest("s3cret"))
    await store.put_ticket(digest("T"), Ticket("langson", "handle-1", "sid", digest("s3cret"), destination), seconds=30)
    return (
        "way=w&ticket=T",
        f"__Host-sign-in-way-w=s3cret.{base64.urlsafe_b64encode(TARGET.encode()).decode().rstrip('=')}",
    )


def for_langson(target: str) -> str | None:
    return "langson" if target.startswith("/nop-ho-so") else None


async def test_a_ticket_leads_to_the_wish_with_a_cookie_of_the_portal(state: ValkeyStore) -> None:
    audit = Kept()
    query, cookie = await kept_ticket(state)
    answer = await entrances(state, audit).done(caller(cookie), query, for_langson)
    assert isinstance(answer, GoTo)
    assert answer.location == f"https://{HOST}{TARGET}"
    assert answer.cookies[0].startswith("__Host-sign-in-portal=secret-number-")
    assert "Max-Age=0" in answer.cookies[1]
    assert [(event.event, event.session, event.code) for event in audit] == [
        ("ticket.redeemed", "handle-1", "k7m2-9fxd-3hqp")
    ]


@pytest.mark.parametrize(("query", "reason"), [
    ("way=w&ticket=guess", "sign-in-expired"),
    ("way=w", "sign-in-expired"),
    ("way=w&ticket=T&ticket=T", "sign-in-expired"),
    ("way=other&ticket=T", "sign-in-cookies"),
    ("ticket=T", "sign-in-cookies"),
])  # fmt: skip
async def test_what_does_not_fit_together_is_refused(state: ValkeyStore, query: str, reason: str) -> None:
    _, cookie = await kept_ticket(state)
    answer = await entrances(state).done(caller(cookie), query, for_langson)
    assert isinstance(answer, TurnedAway)
    assert (answer.status, answer.reason) == (400, reason)


@pytest.mark.parametrize("place", [{"portal": "caobang"}, {"host": "dichvucong.caobang.gov.vn"}])
async def test_a_ticket_for_another_place_is_used_up_and_opens_nothing(
    state: ValkeyStore, place: dict[str, str]
) -> None:
    query, cookie = await kept_ticket(state, **place)
    assert isinstance(await entrances(state).done(caller(cookie), query, for_langson), TurnedAway)
    assert await state.take_ticket(digest("T"), "langson", digest("s3cret")) is None


async def test_a_path_that_is_protected_no_more_takes_no_ticket(state: ValkeyStore) -> None:
    query, cookie = await kept_ticket(state)
    answer = await entrances(state).done(caller(cookie), query, lambda _: None)
    assert isinstance(answer, TurnedAway)


async def test_a_store_that_is_gone_is_told_so() -> None:
    class Gone:
        async def take_ticket(self, *_: object) -> None:
            raise StoreUnavailable

    cookie = f"__Host-sign-in-way-w=s.{base64.urlsafe_b64encode(TARGET.encode()).decode().rstrip('=')}"
    answer = await entrances(Gone()).done(caller(cookie), "way=w&ticket=T", for_langson)
    assert answer == TurnedAway(503, "sign-in-down", retry_seconds=5)
