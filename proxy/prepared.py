"""Answers in octets: what was sent once, cut where two requests that are answered alike differ.

They differ in the request's id and in the date.  The answers of exact rules of one kind differ in their target besides:
of two of them a sketch is learnt, and a sketch makes the answer for any other target.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp.web import Response

from proxy.audiences import USUAL, Manner
from proxy.journal import Account

_ID: Final = b"\r\nX-Request-Id: "
_DATE: Final = b"\r\nDate: "
_END: Final = b"\r\n\r\n"
_KEPT_STATUSES: Final = frozenset({200, 204, 301, 302, 403, 404, 410})
_OVERHEAD_OCTETS: Final = 600  # of the objects themselves, and of the account, measured


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One answer, ready but for its id and its date."""

    before_id: bytes  # from the status line to the name of the id's header
    before_date: bytes  # from the id to the name of the date's header
    after_date: bytes  # the rest of the head, and the body if one is sent
    account: Account

    @property
    def octets(self) -> int:
        """What it costs to keep it."""
        return len(self.before_id) + len(self.before_date) + len(self.after_date) + _OVERHEAD_OCTETS

    @property
    def body_octets(self) -> int:
        """The length of the body that is sent."""
        return len(self.after_date.partition(_END)[2])

    def sent(self, request_id: str, date: bytes) -> bytes:
        """The whole answer; `date` as in `responses.http_date`."""
        return b"".join((self.before_id, request_id.encode(), self.before_date, date, self.after_date))


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


@dataclass(frozen=True, slots=True)
class Sketch:
    """The answers to redirects of one kind, ready but for id, date, target and the length of the body."""

    before_id: bytes
    before_link: bytes
    before_location: bytes
    before_length: bytes
    before_date: bytes
    after_date: bytes  # the rest of the head
    body: bool  # whether one is sent: the target and a line feed
    end: bytes  # that line feed

    @classmethod
    def of(cls, answer: Prepared, target: str) -> "Sketch | None":
        """What is left of a redirect's answer without its target; None for one of another form."""
        sent = target.encode()
        match answer.before_date.split(sent):
            case [before_link, before_location, rest]:
                before_length, there, before_date = rest.partition(b"\r\nContent-Length: %d\r\n" % (len(sent) + 1))
                after_date, end, body = answer.after_date.partition(_END)
                elsewhere = sent in answer.before_id or sent in after_date
                if there and end and not elsewhere and body in {b"", sent + b"\n"}:
                    return cls(
                        answer.before_id,
                        before_link,
                        before_location,
                        before_length + b"\r\nContent-Length: ",
                        b"\r\n" + before_date,
                        after_date + _END,
                        bool(body),
                        b"\n" if body else b"",
                    )
        return None

    def prepared(self, to: bytes, account: Account) -> Prepared:
        """The answer that leads to a target, to be given again."""
        length = b"%d" % (len(to) + 1)
        before_date = b"".join((self.before_link, to, self.before_location, to, self.before_length, length))
        after_date = self.after_date + (to + b"\n" if self.body else b"")
        return Prepared(self.before_id, before_date + self.before_date, after_date, account)

    def sent(self, request_id: str, date: bytes, to: bytes) -> bytes:
        """The whole answer that leads to a target."""
        return b"".join(
            (
                self.before_id,
                request_id.encode(),
                self.before_link,
                to,
                self.before_location,
                to,
                self.before_length,
                b"%d" % (len(to) + 1),
                self.before_date,
                date,
                self.after_date,
                to if self.body else b"",
                self.end,
            )
        )
