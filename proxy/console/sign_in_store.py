"""Sign-outs that clients have yet to hear of, in the store of sign-in: looked at, tried again, given up.

The console joins the store that the edge uses, for a moment, and starts none of its own: where it does not answer, the
page says so, and all others work.  A handler runs in a thread, so that each look may have a loop of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from proxy.console.desk import Desk
from proxy.login.opening import state_folder
from sso.model import LogoutDelivery
from sso.store import StoreUnavailable
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import ValkeyStore, open_store

Step = Literal["again", "give-up"]

SECONDS: Final = 3.0
"""How long a page waits for the store."""
BY_HAND: Final = "by hand"
"""Why a delivery was given up that an officer gave up."""

T = TypeVar("T")


class StoreDown(Exception):
    """The store of sign-in cannot be asked; the text is a key under `store-down.`."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How things stand with one client, without anything of a person."""

    client: str
    waiting: int
    delivered: int
    given_up: int
    oldest: int | None  # seconds since 1970, of those that wait
    next_at: int | None
    errors: Sequence[tuple[str, int]]  # the most frequent first


def queues(desk: Desk) -> list[Queue]:
    """Every client that has something to hear, or has heard something lately.  Raises StoreDown."""
    found = _asked(desk, lambda store: store.deliveries())
    return [_queue(client, deliveries) for client, deliveries in sorted(found.items())]


def _queue(client: str, deliveries: Sequence[LogoutDelivery]) -> Queue:
    states = Counter(one.state for one in deliveries)
    waiting = [one for one in deliveries if one.state == "waiting"]
    errors = Counter(one.last_error for one in deliveries if one.last_error)
    return Queue(
        client,
        states["waiting"],
        states["delivered"],
        states["given-up"],
        min((one.created_at for one in waiting), default=None),
        min((one.next_at for one in waiting), default=None),
        errors.most_common(),
    )


def moved(desk: Desk, client: str, step: Step, now: int) -> int:
    """Let everything that waits for a client be tried at once, given-up ones too, or give up what waits; how many.

    Raises StoreDown.
    """

    async def move(store: ValkeyStore) -> int:
        found: Mapping[str, Sequence[LogoutDelivery]] = await store.deliveries(client)
        wanted = {"waiting", "given-up"} if step == "again" else {"waiting"}
        chosen = [one for one in found.get(client, ()) if one.state in wanted]
        for one in chosen:
            again = replace(one, state="waiting", next_at=now)
            await store.settled(again if step == "again" else replace(one, state="given-up", last_error=BY_HAND))
        return len(chosen)

    return _asked(desk, move)


def _asked(desk: Desk, work: Callable[[ValkeyStore], Awaitable[T]]) -> T:
    async def ask() -> T:
        store = open_store(_address(desk), timeout_seconds=SECONDS)
        try:
            return await work(store)
        finally:
            await store.close()

    if not desk.settings.sso.issuer:
        raise StoreDown("off")
    try:
        return asyncio.run(ask())
    except (StoreUnavailable, ValueError, OSError):  # an address that is none is a ValueError
        raise StoreDown("silent") from None


def _address(desk: Desk) -> str:
    return desk.settings.sso.store or EmbeddedValkey(state_folder(desk.settings) / "sign-in").url
