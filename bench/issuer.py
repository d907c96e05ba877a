"""Our issuer alone, as a process to be measured: `python -m bench.issuer PORT STORE ES256|RS256 FOLDER`.

The broker with everything that serves: its event loop, a store over a socket, limits (too high to be reached), and an
audit log in FOLDER.  Several processes may listen on one port.  The people's accounts are made up in the same process,
which tells how many seconds of processor time that took (`GET /upstream-seconds`), and how many the whole leg to them
took, with what we check of it (`GET /leg-seconds`).
"""

import asyncio
import gc
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import uvloop
from aiohttp.web import BaseRequest, Response, Server, StreamResponse

from proxy.limiting import Limiter
from proxy.login.broker import Broker
from proxy.login.endpoints import ROUTES
from proxy.login.responding import Responder
from proxy.pages import Pages
from proxy.sign_in_log import SignInLog
from proxy.worker import GC_THRESHOLDS
from sso.effects import Redirect
from sso.limits import RATES, with_most
from sso.model import LoginAttempt
from sso.stores.valkey import open_store
from sso.upstreams.attempts import Identified
from sso.upstreams.directory import Upstreams
from sso.upstreams.fetch import Got
from tests.sign_in_peers.issuer import AN, Clock, Home, client, home_upstream, signer

MOST: Final = 1_000_000_000
"""Requests a minute: never reached."""


class TimedHome(Home):
    """The accounts: whoever comes is somebody new, whose code ends with the nonce of the request (bench.logins).

    It counts the seconds that making them up takes.
    """

    seconds = 0.0

    async def post(self, uri: str, *, form: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None) -> Got:
        self.clock.now = int(time.time())
        began = time.process_time()
        code = dict(form)["code"]
        self.people[code] = replace(AN, sub=code)
        self.nonces[code] = code.partition(".")[2]
        got = await super().post(uri, form=form, headers=headers)
        TimedHome.seconds += time.process_time() - began
        return got


class TimedUpstreams(Upstreams):
    """Counts the seconds that the legs to upstreams take: made up and checked."""

    seconds = 0.0

    async def begin(self, *args: Any, **kwargs: Any) -> tuple[LoginAttempt, Redirect]:
        began = time.process_time()
        begun = await super().begin(*args, **kwargs)
        TimedUpstreams.seconds += time.process_time() - began
        return begun

    async def finish(self, *args: Any, **kwargs: Any) -> Identified:
        # Nothing in it waits: the accounts are made up here.
        began = time.process_time()
        finished = await super().finish(*args, **kwargs)
        TimedUpstreams.seconds += time.process_time() - began
        return finished


async def serve(port: int, store: str, algorithm: str, folder: Path) -> None:
    """Answer until killed."""
    issuer = f"http://localhost:{port}"
    home = TimedHome(Clock(int(time.time())))
    record = replace(client("alpha"), signing_algorithm=algorithm)  # type: ignore[arg-type]  # one of the two
    kept = open_store(store, person_key=b"k" * 32, timeout_seconds=5)
    unlimited = with_most(RATES, dict.fromkeys(RATES, MOST))
    broker = Broker(
        issuer=issuer,
        store=kept,
        clients={"alpha": record},
        current_signer=signer,
        upstreams=TimedUpstreams({"home": home_upstream()}, home, issuer=issuer),
        responder=Responder(Pages(), secure=False),
        routes=ROUTES,
        clock=lambda: int(time.time()),
        secrets=lambda: secrets.token_urlsafe(32),
        limiter=Limiter(kept, pepper=b"k" * 32, rates=unlimited),
        audit=SignInLog(folder / "audit").write,
    )

    async def answer(request: BaseRequest) -> StreamResponse:
        match request.path:
            case "/upstream-seconds":
                return Response(text=str(TimedHome.seconds))
            case "/leg-seconds":
                return Response(text=str(TimedUpstreams.seconds))
        return await broker.answer(request, peer="127.0.0.1", request_id="k7m2-9fxd-3hqp")

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(Server(answer, access_log=None), "127.0.0.1", port, reuse_port=True)
    # As the workers of an edge do.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])))
