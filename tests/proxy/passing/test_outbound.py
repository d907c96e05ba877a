"""The answer that goes to the visitor."""

import pytest

from proxy.passing.cookies import CookiePolicy
from proxy.passing.framing import NoBody, response_framing
from proxy.passing.heads import read_response_head
from proxy.passing.inbound import Onward
from proxy.passing.locations import Move
from proxy.passing.outbound import Homeward, homeward, interim
from proxy.passing.policy import OriginServer, Upstream

PLAIN = Upstream("province", (OriginServer("http", "10.0.0.5", 80),))
REWRITING = Upstream(
    "province",
    PLAIN.origins,
    cookies=CookiePolicy({b"in.vn": b""}, {}, "keep"),
    moves=(Move(b"http://10.0.0.5", b"{public}"),),
)


def home(
    *lines: str,
    status: int = 200,
    method: bytes = b"GET",
    minor: int = 1,
    keep: bool = True,
    upstream: Upstream = PLAIN,
) -> Homeward:
    head = read_response_head("".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} OK", *lines, "")).encode())
    sent = Onward(method, b"", NoBody(), False, minor, b"https://a.vn")
    return homeward(head, response_framing(method, head), sent, upstream, keep=keep)


def fields(made: Homeward) -> list[str]:
    return made.octets.decode().split("\r\n")[1:-2]


CL, TE = "Content-Length: 5", "Transfer-Encoding: chunked"

FRAMINGS = [
    # came        status  to       minor  keep    goes                                           chunks closes
    ([CL],        200,    b"GET",  1,     True,   [CL],                                          False, False),
    ([CL],        200,    b"GET",  1,     False,  [CL, "Connection: close"],                     False, True),
    ([CL],        200,    b"GET",  0,     True,   [CL, "Connection: keep-alive"],                False, False),
    ([CL],        200,    b"GET",  0,     False,  [CL, "Connection: close"],                     False, True),
    ([CL, CL],    200,    b"GET",  1,     True,   [CL],                                          False, False),
    ([TE],        200,    b"GET",  1,     True,   [TE],                                          True,  False),
    ([TE],        200,    b"GET",  0,     True,   ["Connection: close"],                         False, True),
    ([],          200,    b"GET",  1,     True,   [TE],                                          True,  False),
    ([],          200,    b"GET",  0,     True,   ["Connection: close"],                         False, True),
    ([CL],        200,    b"HEAD", 1,     True,   [CL],                                          False, False),
    ([TE],        200,    b"HEAD", 1,     True,   [TE],                                          False, False),
    ([],          200,    b"HEAD", 1,     True,   [],                                            False, False),
    ([CL],        304,    b"GET",  1,     True,   [CL],                                          False, False),
    ([TE],        304,    b"GET",  1,     True,   [],                                            False, False),
    ([CL],        204,    b"GET",  1,     True,   [],                                            False, False),
    ([TE, "Trailer: A"], 200, b"GET", 1,  True,   [TE, "Trailer: A"],                            True,  False),
    ([TE, "Trailer: A"], 200, b"GET", 0,  True,   ["Connection: close"],                         False, True),
]  # fmt: skip


@pytest.mark.parametrize(("came", "status", "method", "minor", "keep", "goes", "chunks", "closes"), FRAMINGS)
def test_an_answer_is_framed_for_this_connection(
    came: list[str], status: int, method: bytes, minor: int, keep: bool, goes: list[str], chunks: bool, closes: bool  # noqa: FBT001
) -> None:  # fmt: skip
    made = home(*came, status=status, method=method, minor=minor, keep=keep)
    assert (fields(made), made.chunks, made.closes) == (goes, chunks, closes)


@pytest.mark.parametrize(
    "line", ["Connection: close", "Keep-Alive: timeout=5", "Upgrade: h2c", "Proxy-Authenticate: Basic"]
)
def test_what_speaks_of_the_other_connection_stays_there(line: str) -> None:
    assert fields(home(CL, line)) == [CL]
    assert fields(home(CL, "X-Hop: 1", "Connection: x-hop")) == [CL]


def test_addresses_and_cookies_follow_the_policy() -> None:
    lines = ["Location: http://10.0.0.5/x", "Set-Cookie: a=1; Domain=in.vn", "set-cookie: b=2; Path=/", CL]
    assert fields(home(*lines)) == lines
    assert fields(home(*lines, upstream=REWRITING)) == [
        "Location: https://a.vn/x",
        "Set-Cookie: a=1",
        "set-cookie: b=2; Path=/",
        CL,
    ]


def test_an_interim_answer_keeps_its_own_fields() -> None:
    head = read_response_head(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nContent-Length: 1\r\n\r\n")
    assert interim(head) == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
