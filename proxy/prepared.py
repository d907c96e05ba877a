"""Answers in octets: what was sent once, cut where two requests that are answered alike differ.

They differ in the request's id and in the date.  The answers of exact rules of one kind differ in their target besides:
of two of them a sketch is learnt, and a sketch makes the answer for any other target.
"""

from typing import Final

from aiohttp.web import Response

from proxy.access_log import Second, number
from proxy.audiences import USUAL, Manner
from proxy.journal import Account, Tally
from redirect_rules.octets import joined

_ID: Final = b"\r\nX-Request-Id: "
_DATE: Final = b"\r\nDate: "
_END: Final = b"\r\n\r\n"
_NOTHING: Final = b""
_KEPT_STATUSES: Final = frozenset({200, 204, 301, 302, 403, 404, 410})
_OVERHEAD_OCTETS: Final = 600  # of the objects themselves, and of the account, measured


class Prepared:
    """One answer, ready but for its id and its date.  Never changed."""

    __slots__ = ("account", "after_date", "before_date", "before_id")

    def __init__(self, before_id: bytes, before_date: bytes, after_date: bytes, account: Account) -> None:
        """Of an answer in three pieces.

        before_id    from the status line to the name of the id's header
        before_date  from the id to the name of the date's header
        after_date   the rest of the head, and the body if one is sent
        """
        self.before_id = before_id
        self.before_date = before_date
        self.after_date = after_date
        self.account = account

    @property
    def octets(self) -> int:
        """What it costs to keep it."""
        return len(self.before_id) + len(self.before_date) + len(self.after_date) + _OVERHEAD_OCTETS

    @property
    def body_octets(self) -> int:
        """The length of the body that is sent."""
        return len(self.after_date.partition(_END)[2])

    def about(self, account: Account) -> "Prepared":
        """The same answer, to be told of in other words."""
        return Prepared(self.before_id, self.before_date, self.after_date, account)

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The whole answer; `date` as in `responses.http_date`."""
        return joined((self.before_id, request_id, self.before_date, date, self.after_date))


def prepared(
    response: Response, *, method: str, request_id: str, account: Account, manner: Manner = USUAL
) -> Prepared | None:
    """What was answered, in the octets that aiohttp sent; None for an answer that may not be given again.

    `response` was sent already, in the `manner` that the client asked for.  Not kept are answers with a cookie, of a
    length that is not told, that say something else about the connection, and that name the request's id anywhere but
    in its header.
    """
    headers = response.headers
    body = response.body or b""
    if response.status not in _KEPT_STATUSES or not isinstance(body, bytes):
        return None
    if "Set-Cookie" in headers or "Transfer-Encoding" in headers or headers.get("Connection") != manner.connection:
        return None
    major, minor = manner.version
    lines = [
        f"HTTP/{major}.{minor} {response.status} {response.reason}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    head = "\r\n".join(lines).encode() + _END
    whole = head if method == "HEAD" else head + body
    date = headers["Date"].encode()
    before_id, id_there, rest = whole.partition(_ID + request_id.encode())
    before_date, date_there, after_date = rest.partition(_DATE + date)
    if not (id_there and date_there) or _END in before_date or whole.count(request_id.encode()) != 1:
        return None
    return Prepared(before_id + _ID, before_date + _DATE, after_date, account)


class Sketch:
    """Answers to redirects of one kind, ready but for id, date, target and the length of the body.  Never changed."""

    __slots__ = (
        "_after_date",
        "_before_date",
        "_before_id",
        "_before_length",
        "_before_link",
        "_before_location",
        "_end",
        "body",
    )

    def __init__(self, *pieces: bytes, body: bool) -> None:
        """Of six pieces, cut at the id, the target in Link, the target in Location, the length and the date.

        body  whether one is sent: the target and a line feed
        """
        (
            self._before_id,
            self._before_link,
            self._before_location,
            self._before_length,
            self._before_date,
            self._after_date,
        ) = pieces
        self.body = body
        self._end = b"\n" if body else b""

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """What it was made of."""
        return (
            self._before_id,
            self._before_link,
            self._before_location,
            self._before_length,
            self._before_date,
            self._after_date,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and (self.pieces, self.body) == (other.pieces, other.body)

    def __hash__(self) -> int:
        return hash((self.pieces, self.body))

    @classmethod
    def of(cls, answer: Prepared, target: str) -> "Sketch | None":
        """What is left of a redirect's answer without its target; None for one of another form."""
        sent = target.encode()
        parts = answer.before_date.split(sent)
        if len(parts) != 3:
            return None
        before_link, before_location, rest = parts
        before_length, there, before_date = rest.partition(b"\r\nContent-Length: %d\r\n" % (len(sent) + 1))
        after_date, end, body = answer.after_date.partition(_END)
        elsewhere = sent in answer.before_id or sent in after_date
        if not (there and end) or elsewhere or body not in {b"", sent + b"\n"}:
            return None
        return cls(
            answer.before_id,
            before_link,
            before_location,
            before_length + b"\r\nContent-Length: ",
            b"\r\n" + before_date,
            after_date + _END,
            body=bool(body),
        )

    def prepared(self, to: bytes, account: Account) -> Prepared:
        """The answer that leads to a target, to be given again."""
        length = b"%d" % (len(to) + 1)
        before_date = b"".join((self._before_link, to, self._before_location, to, self._before_length, length))
        after_date = self._after_date + (to + self._end if self.body else b"")
        return Prepared(self._before_id, before_date + self._before_date, after_date, account)

    def sent(self, request_id: bytes, date: bytes, to: bytes) -> bytes:
        """The whole answer that leads to a target."""
        octets = len(to) + 1
        return joined(
            (
                self._before_id,
                request_id,
                self._before_link,
                to,
                self._before_location,
                to,
                self._before_length,
                number(octets),
                self._before_date,
                date,
                self._after_date,
                to if self.body else _NOTHING,
                self._end,
            )
        )


class Once:
    """An answer made for one request, of which little is told but what differs from others of its kind."""

    __slots__ = ("tally",)

    def __init__(self, tally: Tally) -> None:
        """`tally` counts all of its kind."""
        self.tally = tally

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The answer; `date` as in `responses.http_date`."""
        raise NotImplementedError

    def line(self, second: Second, at: int, request_id: bytes, microseconds: int) -> bytes:
        """Its line in the access log; `at` in nanoseconds since 1970."""
        raise NotImplementedError

    def count(self) -> None:
        """Count the visit, if visits are counted."""
        raise NotImplementedError

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        raise NotImplementedError

    def account(self) -> Account:
        """All there is to count and to write down about it, as the slow lane would tell it."""
        raise NotImplementedError
