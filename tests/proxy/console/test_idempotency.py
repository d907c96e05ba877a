"""What the API answered under an Idempotency-Key outlives the process that answered."""

from datetime import timedelta

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from proxy.console.desk import Desk
from proxy.console.whole import create_console
from redirect_rules.people import Token, digest_of
from redirect_rules.rights import Deed
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Clock

SECRET = "dvc_" + "s" * 40
WISH = {"message": "please"}


async def asked(desk: Desk, key: str) -> tuple[int, str, str]:
    """A console that has just been started is asked to put something up for review: status, replayed, what it said."""
    async with TestServer(create_console(desk, secure=False)) as server, ClientSession() as program:
        headers = {"Authorization": f"Bearer {SECRET}", "Idempotency-Key": key}
        async with program.post(server.make_url("/api/v1/reviews"), json=WISH, headers=headers) as response:
            return response.status, response.headers.get("Idempotency-Replayed", ""), await response.text()


async def test_after_a_restart_the_same_again_is_not_done_again(desk: Desk, clock: Clock) -> None:
    ends = AUTUMN + timedelta(days=90)
    token = Token("t1", "bien.tap", "nightly", digest_of(SECRET), frozenset(Deed), AUTUMN, ends)
    desk.people.put_token(token)
    status, replayed, first = await asked(desk, "key-1")
    assert (status, replayed) == (201, "")
    assert await asked(desk, "key-1") == (201, "true", first)
    assert len(desk.store.publications.reviews()) == 1
    assert (await asked(desk, "key-2"))[1] == ""
    clock.now += timedelta(days=1)
    assert (await asked(desk, "key-1"))[1] == ""  # a day later it is another wish
    assert len(desk.store.publications.reviews()) == 3
