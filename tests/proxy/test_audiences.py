"""Who asks is told by the octets of the head, and only of a head that is plain."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from proxy.audiences import (
    ASSET,
    DOCUMENT,
    LONGEST_TAIL,
    LONGEST_TARGET,
    PAGE,
    Head,
    Manner,
    classes_of,
    is_ordinary,
    kind_of,
)
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.model import ClientClass

TAIL = b"HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n"

# what is sent                                    why it is no plain head
NO_HEADS = [
    (b"",                                         "nothing"),
    (b"GET / HTTP/1.1\r\n\r\n",                   "no field: at least a Host is needed"),
    (b"POST / " + TAIL,                           "another method"),
    (b"get / " + TAIL,                            "methods have a case"),
    (b"GET  / " + TAIL,                           "two blanks"),
    (b"GET * " + TAIL,                            "about no page"),
    (b"GET a.example:80 " + TAIL,                 "no path"),
    (b"GET http://a.example/ " + TAIL,            "absolute form"),
    (b"GET /\x00 " + TAIL,                        "a control character"),
    (b"GET /\x7f " + TAIL,                        "another"),
    ("GET /á ".encode() + TAIL,                   "beyond ASCII"),
    (b"GET / " + TAIL.replace(b"1.1", b"0.9"),    "an older version"),
    (b"GET / " + TAIL.replace(b"1.1", b"2.0"),    "a newer version"),
    (b"GET / " + TAIL.replace(b"\r\n", b"\n"),    "bare line feeds"),
    (b"GET / " + TAIL.replace(b"*/*", b"*\n*"),   "a bare line feed in a value"),
    (b"GET / " + TAIL.replace(b"*/*", b"*\r*"),   "a bare carriage return"),
    (b"GET / " + TAIL.replace(b"*/*", b"*\x00*"), "NUL"),
    (b"GET / " + TAIL.replace(b"*/*", b"\xc3"),   "beyond ASCII"),
    (b"GET / " + TAIL.replace(b"Acc", b" Acc"),   "a folded line"),
    (b"GET / " + TAIL.replace(b"t:", b"t :"),     "a blank before the colon"),
    (b"GET / " + TAIL.replace(b"Accept", b""),    "a field without a name"),
    (b"GET / " + TAIL + b"x",                     "something behind it"),
    (b"GET / " + TAIL + b"GET / " + TAIL,         "two of them"),
    (b"\r\nGET / " + TAIL,                        "something before it"),
    (b"GET / " + TAIL[:-1],                       "not the whole of it"),
    (b"GET /" + b"a" * LONGEST_TARGET + b" " + TAIL, "a long target"),
    (b"GET / " + TAIL.replace(b"*/*", b"a" * LONGEST_TAIL), "long fields"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "why"), NO_HEADS)
def test_what_is_no_plain_head_is_none(data: bytes, why: str) -> None:
    assert Head.of(data) is None


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_plain_head_comes_apart_at_its_target(method: bytes) -> None:
    assert Head.of(method + b" /a?b=c#d " + TAIL) == (method, b"/a?b=c#d", TAIL)


PATHS = ["/", "/a", "/a.html", "/a.css", "/a.JS", "/a.b/c", "/a.pdf", "/a.xml", "/a.nonsense", "/a.", "/.css", "/a.b.docx", "/a.verylongending"]  # fmt: skip
AGENTS = ["", "Mozilla/5.0", "Googlebot/2.1", "curl/8"]
ACCEPTS = ["", "text/html", "application/json", "image/webp", "text/event-stream", "*/*"]
DESTINATIONS = ["", "document", "iframe", "empty", "image"]
CRAWLERS = Crawlers.listed(["Googlebot"], ["curl/"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_three_kinds_of_paths_are_all_that_a_clients_class_depends_on(path: str, method: str) -> None:
    for agent in AGENTS:
        for accept in ACCEPTS:
            for destination in DESTINATIONS:
                headers = {"user-agent": agent, "accept": accept, "sec-fetch-dest": destination}
                expected = client_class(method, path, headers, CRAWLERS)
                assert classes_of(method, headers, CRAWLERS)[kind_of(path)] is expected, headers


def test_the_kinds_differ_where_the_classes_do() -> None:
    assert [kind_of(path) for path in ("/a", "/a.css", "/a.pdf")] == [PAGE, ASSET, DOCUMENT]
    browser = classes_of("GET", {"user-agent": "Mozilla/5.0"}, CRAWLERS)
    assert browser == (ClientClass.NAVIGATION, ClientClass.ASSET, ClientClass.DOWNLOAD)


# fields beside Host                                             ordinary?
FIELDS = [
    ([],                                                         True),
    ([("Accept", "*/*"), ("Cookie", "a=b"), ("Range", "bytes=0-1")], True),
    ([("Connection", "keep-alive")],                             True),
    ([("connection", "Keep-Alive")],                             True),
    ([("Connection", "close")],                                  True),
    ([("Connection", "keep-alive, close")],                      False),
    ([("Connection", "keep-alive"), ("Connection", "close")],    False),
    ([("Connection", "Upgrade")],                                False),
    ([("Upgrade", "websocket")],                                 False),
    ([("Content-Length", "0")],                                  False),
    ([("Transfer-Encoding", "chunked")],                         False),
    ([("Expect", "100-continue")],                               False),
    ([("TE", "trailers")],                                       False),
    ([("Trailer", "X")],                                         False),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "ordinary"), FIELDS)
def test_a_head_that_changes_what_follows_is_not_ordinary(fields: list[tuple[str, str]], ordinary: bool) -> None:  # noqa: FBT001 - a column
    request = make_mocked_request("GET", "/", CIMultiDict([("Host", "a.example"), *fields]))
    assert is_ordinary(request) is ordinary


# version, does the connection end?  the Connection header of the answer (RFC 9112 §9.3)
MANNERS = [
    ((1, 1), False,                  None),
    ((1, 1), True,                   "close"),
    ((1, 0), True,                   None),
    ((1, 0), False,                  "keep-alive"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "closes", "told"), MANNERS)
def test_an_answer_says_what_is_not_understood_by_itself(
    version: tuple[int, int],
    closes: bool,  # noqa: FBT001 - a column
    told: str | None,
) -> None:
    assert Manner(version, closes).connection == told


def test_the_manner_of_an_answer_is_that_of_its_question() -> None:
    request = make_mocked_request("GET", "/", CIMultiDict({"Host": "a.example"}), closing=True)
    assert Manner.of(request) == Manner((1, 1), closes=True)
