"""Where the edge hands over what is for the issuer's host: who asks, as far as anybody may be believed about it."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

from aiohttp.web import BaseRequest, StreamResponse

from proxy.hops import address_of
from proxy.login.broker import Broker
from proxy.passing.forwarded import Trust
from proxy.visits import without_suffix

_LEGS: Final = frozenset({"/authorize", "/portal", "/ticket", "/ticket/redeem", "/token", "/userinfo", "/logout"})


class Reception:
    """The issuer's host at an edge."""

    def __init__(
        self,
        broker: Broker,
        *,
        trust: Trust,
        suffixes: Sequence[str],
        upstreams: Collection[str] = (),
        on_leg: Callable[[str, str, float], None] | None = None,
    ) -> None:
        """`trust`: whose word counts about a visitor's address; `suffixes`: those of preview hosts; `upstreams`: their
        ids; `on_leg` takes the endpoint, the upstream where it is about one, and the seconds that its answer took.
        """
        self._upstreams = frozenset(upstreams)
        self._on_leg = on_leg
        self._broker = broker
        self._trust = trust
        self.host = without_suffix(urlsplit(broker.issuer).hostname or "", suffixes)

    async def answer(self, request: BaseRequest, request_id: str) -> StreamResponse:
        """Answer a request that came to the issuer's host."""
        began = time.perf_counter()
        peer = address_of(request, self._trust)
        try:
            return await self._broker.answer(request, peer=peer, request_id=request_id)
        finally:
            if self._on_leg is not None and (leg := _leg_of(request.raw_path, self._upstreams)) is not None:
                self._on_leg(*leg, time.perf_counter() - began)


def _leg_of(raw_target: str, upstreams: Collection[str]) -> tuple[str, str] | None:
    """Endpoint and upstream of a request, in words of our own; None: none of a sign-in."""
    path = raw_target.partition("?")[0]
    above, _, last = path.rpartition("/")
    if above == "/callback" and last in upstreams:
        return "callback", last
    return (path.removeprefix("/"), "") if path in _LEGS else None
