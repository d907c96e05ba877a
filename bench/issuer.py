"""Our issuer alone, as a process to be measured: `python -m bench.issuer PORT STORE ES256|RS256`.

The broker with everything that serves, on its event loop and a store over a socket.  The people's accounts are made up
in the same process, which tells how many seconds of processor time that took (`GET /upstream-seconds`).
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import uvloop
from aiohttp.web import BaseRequest, Response, Server, StreamResponse

from proxy.login.broker import Broker
from proxy.login.endpoints import ROUTES
from proxy.login.responding import Responder
from proxy.pages import Pages
from sso.stores.valkey import open_store
from sso.upstreams.directory import Upstreams
from sso.upstreams.fetch import Got
from tests.sign_in_peers.issuer import Clock, Home, client, home_upstream, signer


class TimedHome(Home):
    """The accounts, with a count of the seconds that making them up takes."""

    seconds = 0.0

    async def post(self, uri: str, *, form: Sequence[tuple[str, str]], headers: Mapping[str, str] | None = None) -> Got:
        self.clock.now = int(time.time())
        began = time.process_time()
        got = await super().post(uri, form=form, headers=headers)
        TimedHome.seconds += time.process_time() - began
        return got


async def serve(port: int, store: str, algorithm: str) -> None:
    """Answer until killed."""
    issuer = f"http://localhost:{port}"
    home = TimedHome(Clock(int(time.time())))
    record = replace(client("alpha"), signing_algorithm=algorithm)  # type: ignore[arg-type]  # one of the two
    broker = Broker(
        issuer=issuer,
        store=open_store(store, person_key=b"k" * 32),
        clients={"alpha": record},
        current_signer=signer,
        upstreams=Upstreams({"home": home_upstream()}, home, issuer=issuer),
        responder=Responder(Pages(), secure=False),
        routes=ROUTES,
        clock=lambda: int(time.time()),
        secrets=lambda: secrets.token_urlsafe(32),
    )

    async def answer(request: BaseRequest) -> StreamResponse:
        match request.path:
            case "/approve":
                return Response(text=home.approve(request.raw_path.partition("?to=")[2]))
            case "/upstream-seconds":
                return Response(text=str(TimedHome.seconds))
        return await broker.answer(request, peer="127.0.0.1", request_id="k7m2-9fxd-3hqp")

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(Server(answer, access_log=None), "127.0.0.1", port)
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
