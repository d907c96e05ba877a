"""Our own calls go where they may, whatever a name server says."""

import pytest
from aiohttp.test_utils import RawTestServer
from aiohttp.web import BaseRequest, Response
from yarl import URL

from proxy.outbound_addresses import AddressRefused, GuardedResolver, guarded_session, is_refused
from sso import egress

LOOPBACK = egress.networks(["127.0.0.0/8", "::1/128"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.1.2.3"]
)
def test_an_address_inside_is_refused_in_every_spelling(host: str) -> None:
    assert is_refused(URL(f"https://{host}/x", encoded=True), ())


def test_a_name_and_a_public_address_are_not_refused_before_they_are_resolved() -> None:
    assert not is_refused(URL("https://motcua.langson.example/x"), ())
    assert not is_refused(URL("https://203.162.4.190/x"), ())


async def test_a_name_that_leads_inside_has_no_address() -> None:
    resolver = GuardedResolver(())
    with pytest.raises(AddressRefused):
        await resolver.resolve("localhost", 80)
    await resolver.close()
    allowed = GuardedResolver(LOOPBACK)
    assert {one["host"] for one in await allowed.resolve("localhost", 80)} <= {"127.0.0.1", "::1"}
    await allowed.close()


async def test_a_call_keeps_nothing_of_the_one_before() -> None:
    seen = []

    async def answer(request: BaseRequest) -> Response:
        seen.append(dict(request.headers))
        return Response(headers={"Set-Cookie": "a=b"})

    server = RawTestServer(answer)
    await server.start_server()
    async with guarded_session(LOOPBACK, seconds=10) as http:
        for _ in range(2):
            async with http.get(server.make_url("/")):
                pass
    await server.close()
    assert len(seen) == 2
    assert "Cookie" not in seen[1]
