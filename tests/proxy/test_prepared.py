"""An answer that was sent is kept as it was sent, if it may be given again."""

from collections.abc import Mapping

import pytest
from aiohttp.web import Response

from proxy.access_log import Entry
from proxy.journal import Account
from proxy.prepared import Prepared, Sketch, prepared

ID = "k7m2-9fxd-3hqp"
ACCOUNT = Account.of(Entry(), "GET", 200, 3)
TARGET = "https://dichvucong.gov.vn/a"


def kept(
    response: Response | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    status: int = 200,
) -> Prepared | None:
    """A response as it is after it was sent."""
    fields = {"Server": "s", "X-Request-Id": ID, "Content-Length": "3", "Date": "D", **(headers or {})}
    response = response or Response(status=status, body=b"abc", headers=fields)
    return prepared(response, method=method, request_id=ID, account=ACCOUNT)


def test_it_is_given_again_with_another_id_and_another_date() -> None:
    answer = kept()
    assert answer is not None
    sent = answer.sent(b"ANOTHER", b"LATER")
    assert (
        sent == b"HTTP/1.1 200 OK\r\nServer: s\r\nX-Request-Id: ANOTHER\r\nContent-Length: 3\r\nDate: LATER\r\n\r\nabc"
    )
    assert answer.octets > len(sent)


def test_to_head_no_body_is_given() -> None:
    answer = kept(method="HEAD")
    assert answer is not None
    assert answer.sent(b"X", b"Y").endswith(b"Content-Length: 3\r\nDate: Y\r\n\r\n")


# what                                                      headers                              status
NOT_KEPT = [
    ("a cookie",                                            {"Set-Cookie": "a=b"},               200),
    ("the end of the connection",                           {"Connection": "close"},             200),
    ("a length that is not told",                           {"Transfer-Encoding": "chunked"},    200),
    ("the id in another field",                             {"X-Other": f"a {ID}"},              200),
    ("the id in a field before",                            {"Server": ID},                      200),
    ("our fault",                                           {},                                  500),
    ("nobody to pass it to",                                {},                                  503),
    ("nobody's host",                                       {},                                  421),
    ("a bad request",                                       {},                                  400),
]  # fmt: skip


@pytest.mark.parametrize(("what", "headers", "status"), NOT_KEPT, ids=[what for what, _, _ in NOT_KEPT])
def test_some_answers_are_given_once(what: str, headers: Mapping[str, str], status: int) -> None:
    assert kept(headers=headers, status=status) is None


def test_a_page_that_names_its_id_is_given_once() -> None:
    fields = {"X-Request-Id": ID, "Date": "D"}
    assert kept(Response(body=f"<p>{ID}".encode(), headers=fields)) is None


def redirect(target: str = TARGET, *, body: bool = True, changes: Mapping[str, str] | None = None) -> Prepared:
    text = f"{target}\n".encode()
    fields = {
        "X-Request-Id": ID,
        "Link": f"<{target}>; rel=x",
        "Location": target,
        "Content-Length": str(len(text)),
        "Date": "D",
        **(changes or {}),
    }
    answer = prepared(
        Response(status=301, body=text, headers=fields),
        method="GET" if body else "HEAD",
        request_id=ID,
        account=ACCOUNT,
    )
    assert answer is not None
    return answer


@pytest.mark.parametrize("body", [True, False])
@pytest.mark.parametrize("other", ["https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/" + "b" * 90])
def test_a_sketch_makes_the_answer_for_another_target(body: bool, other: str) -> None:  # noqa: FBT001 - a column
    sketch = Sketch.of(redirect(body=body), TARGET)
    assert sketch is not None
    assert sketch.sent(b"X", b"Y", other.encode()) == redirect(other, body=body).sent(b"X", b"Y")
    assert sketch == Sketch.of(redirect(other, body=body), other)


# what                                 changes
NO_SKETCH = [
    ("the target once more",           {"X-Again": TARGET}),
    ("no target in Link",              {"Link": "<>"}),
    ("no target in Location",          {"Location": "/"}),
    ("another length",                 {"Content-Length": "7"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "changes"), NO_SKETCH)
def test_of_an_answer_of_another_form_there_is_no_sketch(what: str, changes: dict[str, str]) -> None:
    assert Sketch.of(redirect(changes=changes), TARGET) is None


def test_another_body_makes_no_sketch() -> None:
    assert Sketch.of(redirect(), TARGET + "/b") is None
