"""Origins behind TLS and behind names: whose certificate counts, and where a name may lead."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.passing_peers.certificates import Authority, server_context
from tests.passing_peers.edges import edge, get, request, upstream
from tests.passing_peers.recording import recording_origin


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def names(**known: str) -> Any:
    """A resolver that knows these names only."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        if host not in known:
            raise OSError("no such name")
        return [known[host]]

    return lookup


CERTIFICATES = [
    # issued for        asked as              verified as     goes through
    ("127.0.0.1",       "https://127.0.0.1",  "",             True),
    ("origin.test",     "https://origin",     "origin.test",  True),
    ("other.test",      "https://127.0.0.1",  "",             False),
    ("origin.test",     "https://origin",     "",             False),
    ("origin.test",     "https://origin",     "other.test",   False),
]  # fmt: skip


@pytest.mark.parametrize(("issued", "url", "server_name", "good"), CERTIFICATES)
async def test_a_certificate_must_be_for_the_origin(
    authority: Authority, issued: str, url: str, server_name: str, good: bool  # noqa: FBT001
) -> None:  # fmt: skip
    secure = server_context(authority.issue(issued))
    async with recording_origin(secure=secure) as origin:
        tls = {"ca_file": str(authority.file), "server_name": server_name}
        to = upstream(1, origins=[{"url": f"{url}:{origin.port}"}], tls=tls)
        async with edge(to, lookup=names(origin="127.0.0.1")) as ours:
            answer = await ours.ask(get())
            assert answer.endswith(b"ok") is good
            assert bool(origin.seen) is good
            if not good:
                assert ours.failures[0].reason == "unreachable"


async def test_a_certificate_must_come_from_a_known_authority(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "Stranger")
    async with recording_origin(secure=server_context(stranger.issue("127.0.0.1"))) as origin:
        for tls in ({"ca_file": str(authority.file)}, {}):
            to = upstream(1, origins=[{"url": f"https://127.0.0.1:{origin.port}"}], tls=tls)
            async with edge(to) as ours:
                assert (await ours.ask(get())).startswith(b"HTTP/1.1 502 ")
        assert not origin.seen


@pytest.mark.parametrize("shows", [True, False])
async def test_an_origin_may_want_our_certificate(authority: Authority, shows: bool) -> None:  # noqa: FBT001
    ours_file, ours_key = authority.issue("edge.test")
    secure = server_context(authority.issue("127.0.0.1"), clients=authority)
    own = {"certificate_file": str(ours_file), "key_file": str(ours_key)} if shows else {}
    async with recording_origin(secure=secure) as origin:
        tls = {"ca_file": str(authority.file), **own}
        async with edge(upstream(1, origins=[{"url": f"https://127.0.0.1:{origin.port}"}], tls=tls)) as ours:
            assert (await ours.ask(get())).endswith(b"ok") is shows
            assert bool(origin.seen) is shows


async def test_a_long_body_goes_both_ways_over_tls(authority: Authority) -> None:
    secure = server_context(authority.issue("127.0.0.1"))
    async with recording_origin(secure=secure) as origin:
        tls = {"ca_file": str(authority.file)}
        async with edge(upstream(1, origins=[{"url": f"https://127.0.0.1:{origin.port}"}], tls=tls)) as ours:
            body = bytes(range(256)) * 20_000
            assert (await ours.ask(request(body, f"Content-Length: {len(body)}"))).endswith(b"ok")
            assert origin.seen[0].body == body
            assert origin.connections == 1


LEADS = [
    # the name leads to     allowed           what is said
    ("127.0.0.1",           ["127.0.0.1/32"], None),
    ("127.0.0.1",           [],               "address-refused"),
    ("169.254.169.254",     [],               "address-refused"),
    ("::ffff:127.0.0.1",    [],               "address-refused"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "allowed", "reason"), LEADS)
async def test_a_name_leads_only_where_it_may(address: str, allowed: list[str], reason: str | None) -> None:
    async with recording_origin() as origin:
        to = upstream(1, origins=[{"url": f"http://lgsp.test:{origin.port}"}], allow_networks=allowed)
        async with edge(to, lookup=names(**{"lgsp.test": address})) as ours:
            await ours.ask(get())
            assert [failure.reason for failure in ours.failures] == ([reason] if reason else [])
            assert bool(origin.seen) is (reason is None)


async def test_a_name_that_nobody_knows_is_unreachable() -> None:
    async with edge(upstream(1, origins=[{"url": "http://nowhere.test"}], attempts=1), lookup=names()) as ours:
        assert (await ours.ask(get())).startswith(b"HTTP/1.1 502 ")
        assert ours.failures[0].reason == "unreachable"
