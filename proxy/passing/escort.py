"""What we say beside a request that passes, and beside its answer; the body is never touched.

A page of a portal that will close can ask for the announcement of it: the origin writes `Edge-Announcement: ask` on its
answer, and in place of that the visitor gets the announcement, for a script or a proxy in front to show.
"""

from typing import Final, NamedTuple

from proxy.passing.fields import Field, Fields, values
from proxy.passing.heads import ResponseHead

ANNOUNCEMENT: Final = b"edge-announcement"
"""The field, in lower case.  What visitors write in it is dropped, and so is what origins write."""

_ASKED: Final = b"ask"


class Announcement(NamedTuple):
    """That a page will close; texts in ASCII."""

    closes_at: str  # "2025-07-01T00:00:00+07:00"; empty: no day is known
    successor: str  # the address that its visitors will be sent to
    dismiss: str  # path to which the wish to see no more of it is posted

    def field(self) -> bytes:
        """As the value of Edge-Announcement: a dictionary of strings (RFC 9651 §3.2)."""
        named = (("closes", self.closes_at), ("successor", self.successor), ("dismiss", self.dismiss))
        return b", ".join(b"%b=%b" % (name.encode(), _quoted(text)) for name, text in named if text)

    def timing(self) -> bytes:
        """The same as Server-Timing, the one field of an answer that the page's own script can read."""
        named = (("closes", self.closes_at), ("successor", self.successor), ("dismiss", self.dismiss))
        return b", ".join(b"edge-%b;desc=%b" % (name.encode(), _quoted(text)) for name, text in named if text)


class Escort(NamedTuple):
    """What goes along with one request."""

    announcement: Announcement | None = None  # offered to the origin, and to the visitor where the page asks for it
    cookie: bytes = b""  # the value of a Set-Cookie of ours; empty: none
    told: tuple[Field, ...] = ()  # fields of our own for the origin, which no `Connection` of the visitor's takes away
    received: tuple[Field, ...] | None = None  # the visitor's fields as far as they are believed; None: all that came

    def inbound(self) -> Fields:
        """Fields for the origin."""
        announced = [(b"Edge-Announcement", self.announcement.field())] if self.announcement is not None else []
        return [*announced, *self.told]

    def outbound(self, head: ResponseHead) -> Fields:
        """Fields for the visitor, beside those of the origin."""
        told: Fields = []
        if self.announcement is not None and _asks(head):
            told += [(b"Edge-Announcement", self.announcement.field()), (b"Server-Timing", self.announcement.timing())]
        if self.cookie:
            # A cache that is shared must not hand one visitor's ticket to all.
            told += [(b"Set-Cookie", self.cookie), (b"Cache-Control", b"private")]
        return told


def _asks(head: ResponseHead) -> bool:
    """Whether an answer is a page that wants to announce its closing."""
    asked = [value.strip().lower() for value in values(head.fields, ANNOUNCEMENT)]
    types = [value.partition(b";")[0].strip().lower() for value in values(head.fields, b"content-type")]
    return asked == [_ASKED] and 200 <= head.status < 300 and types == [b"text/html"]


def _quoted(text: str) -> bytes:
    """A string (RFC 9651 §3.3.3); what cannot stand in one is left out."""
    printable = "".join(char for char in text if " " <= char <= "~")
    return b'"%b"' % printable.replace("\\", "\\\\").replace('"', '\\"').encode()
