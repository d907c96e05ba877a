"""A portal's cookie opens the session that it was bound to, at that portal and for that client, while it lasts."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from proxy.portal_sessions import Lifetimes, PortalSessions
from redirect_rules.canonical import BadHost
from sso.stores.valkey import ValkeyStore
from tests.sign_in_peers.fixtures import state, store_url
from tests.sso.specimens import NOW, SESSION, TICKET

__all__ = ["state", "store_url"]

HOST = "dichvucong.langson.gov.vn"


def sessions(store: ValkeyStore, issuer: str = "https://signin.example.vn") -> PortalSessions:
    numbers = count(1)
    return PortalSessions(
        store,
        issuer=issuer,
        clock=lambda: NOW,
        secrets=lambda: f"cookie-{next(numbers)}",
        lifetimes=Lifetimes(600, 3600),
    )


def cookie(put: str) -> list[tuple[bytes, bytes]]:
    return [(b"Cookie", put.partition(";")[0].encode())]


async def bound(store: ValkeyStore) -> tuple[PortalSessions, list[tuple[bytes, bytes]]]:
    await store.open(SESSION, idle_seconds=600)
    made = sessions(store)
    return made, cookie(await made.bind(TICKET, portal="langson", host=HOST))


async def test_a_cookie_opens_its_session(state: ValkeyStore) -> None:
    made, fields = await bound(state)
    found = await made.of(fields, portal="langson", host=HOST, client="langson")
    assert found is not None
    assert found.handle == SESSION.handle


@pytest.mark.parametrize(
    "changed", [{"portal": "caobang"}, {"host": "dichvucong.caobang.gov.vn"}, {"client": "caobang"}]
)
async def test_it_opens_nothing_elsewhere(state: ValkeyStore, changed: dict[str, str]) -> None:
    made, fields = await bound(state)
    place = {"portal": "langson", "host": HOST, "client": "langson"} | changed
    assert await made.of(fields, **place) is None


async def test_what_was_forgotten_opens_nothing(state: ValkeyStore) -> None:
    made, fields = await bound(state)
    assert "Max-Age=0" in await made.unbind(fields)
    assert await made.of(fields, portal="langson", host=HOST, client="langson") is None


async def test_it_ends_with_its_session(state: ValkeyStore) -> None:
    made, fields = await bound(state)
    await state.end(SESSION.id)
    assert await made.of(fields, portal="langson", host=HOST, client="langson") is None


async def test_a_step_up_keeps_it(state: ValkeyStore) -> None:
    made, fields = await bound(state)
    await state.open(replace(SESSION, id="f" * 64), idle_seconds=600, replaces=SESSION.id)
    assert await made.of(fields, portal="langson", host=HOST, client="langson") is not None


async def test_without_a_cookie_the_store_is_not_asked() -> None:
    made = sessions(None)  # type: ignore[arg-type]  # it would break
    assert await made.of([(b"Cookie", b"a=1")], portal="langson", host=HOST, client="langson") is None


HOSTS: list[tuple[str, str, str | type[BadHost]]] = [
    ("https://signin.example.vn", "Dichvucong.LangSon.gov.vn:8443", HOST),
    ("https://signin.example.vn:8443", HOST, f"{HOST}:8443"),
    ("http://signin.localhost:8080", f"{HOST}.localhost:9999", f"{HOST}.localhost:8080"),
    ("http://signin.localhost:8080", HOST, BadHost),
    ("https://signin.example.vn", "a b", BadHost),
]


@pytest.mark.parametrize(("issuer", "named", "host"), HOSTS)
def test_a_host_is_the_one_that_visitors_know_and_no_port_of_their_own(
    issuer: str, named: str, host: str | type[BadHost]
) -> None:
    made: Callable[[str], str] = sessions(None, issuer).host_of  # type: ignore[arg-type]  # no store is asked
    if isinstance(host, str):
        assert made(named) == host
    else:
        with pytest.raises(host):
            made(named)
