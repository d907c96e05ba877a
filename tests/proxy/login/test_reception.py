"""Whose request it is, as far as anybody may be believed about it."""

import ipaddress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.web import Response

from proxy.login.reception import Reception, _leg_of
from proxy.passing.forwarded import Trust


@dataclass
class Listening:
    """What a broker is told."""

    issuer: str = "https://signin.example.vn"
    peer: str = ""

    async def answer(self, request: object, *, peer: str, request_id: str) -> Response:
        self.peer = peer
        return Response()


def request(peer: str, *fields: tuple[bytes, bytes]) -> Any:
    protocol = SimpleNamespace(peername=(peer, 1), ssl_context=None, preface=None)
    return SimpleNamespace(protocol=protocol, raw_headers=fields, headers={"Host": "x"}, raw_path="/jwks", path="/jwks")


TRUST = Trust(peers=(ipaddress.ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize(
    ("peer", "said", "believed"),
    [
        ("203.0.113.9", b"198.51.100.1", "203.0.113.9"),  # 34. anybody can write that
        ("10.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"198.51.100.1, 10.0.0.2", "198.51.100.1"),
    ],
)
async def test_34_only_listed_peers_speak_for_others(peer: str, said: bytes, believed: str) -> None:
    broker = Listening()
    reception = Reception(broker, trust=TRUST, suffixes=[])  # type: ignore[arg-type]  # as much of a broker as is needed
    await reception.answer(request(peer, (b"X-Forwarded-For", said)), "id")
    assert broker.peer == believed


def test_the_host_is_that_of_the_issuer_without_a_preview_suffix() -> None:
    for issuer, host in (
        ("http://signin.localhost:8080", "signin"),
        ("https://signin.example.vn", "signin.example.vn"),
    ):
        reception = Reception(Listening(issuer), trust=TRUST, suffixes=["localhost"])  # type: ignore[arg-type]  # as above
        assert reception.host == host


@pytest.mark.parametrize(
    ("target", "leg"),
    [
        ("/token", ("token", "")),
        ("/callback/home?code=1", ("callback", "home")),
        ("/callback/evil", None),
        ("/jwks", None),
        ("/%00", None),
    ],
)
def test_what_is_timed_has_names_of_our_own(target: str, leg: tuple[str, str] | None) -> None:
    assert _leg_of(target, {"home"}) == leg
