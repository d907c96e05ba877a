"""The request that goes towards the origin ("inbound", RFC 9110 §3.7): what was received, less what ends here, more
what only we can say.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from proxy.passing.escort import Escort
from proxy.passing.failures import Failure, Refused
from proxy.passing.fields import HOP_BY_HOP, Fields, lines, members, nominated, values
from proxy.passing.forwarded import SPOKEN_FOR_OTHERS, Hop, Trust, believed, identity, speaks_for_others
from proxy.passing.framing import Chunked, Framing, Length, NoBody, request_framing
from proxy.passing.heads import BadRequestHead, RequestHead, request_head, request_octets
from proxy.passing.policy import Upstream

IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
"""Methods that may be sent again (RFC 9110 §9.2.2); TRACE is never passed."""

# Trailers of a request do not reach us; what Expect asks for is answered here.
_ENDS_HERE: Final = HOP_BY_HOP | SPOKEN_FOR_OTHERS | frozenset({b"expect", b"trailer", b"via"})


class Onward(NamedTuple):
    """A request, ready to be sent."""

    method: bytes
    octets: bytes  # the head, to its empty line
    framing: Framing
    expects_continue: bool  # the visitor waits for 100 before it sends the body
    minor: int  # of the visitor's HTTP version
    public: bytes  # scheme and host as the visitor used them: "https://host"
    escort: Escort | None = None  # what we say beside it, and beside its answer


class Way(NamedTuple):
    """How a request was passed on: enough to pass on the same octets again, also for another visitor."""

    upstream: Upstream
    sent: Onward
    hop: Hop  # the connection it came on
    identity: bytes  # of what was sent, the lines that say who asked

    @classmethod
    def of(cls, upstream: Upstream, sent: Onward, hop: Hop, fields: Fields, trust: Trust) -> "Way | None":
        """Of a request that is a plain question, without a body; None for any other."""
        plain = sent.method == b"GET" and isinstance(sent.framing, NoBody) and sent.minor == 1
        told = lines(identity(believed(hop, fields, trust), hop.host))
        if not plain or sent.escort is not None or sent.expects_continue or sent.octets.count(told) != 1:
            return None
        return cls(upstream, sent, hop, told)

    def again(self, hop: Hop, trust: Trust) -> Onward | None:
        """The same request for another connection; None where what was said about visitors might count."""
        if hop == self.hop:
            return self.sent
        if trust.peers or hop.secure is not self.hop.secure:
            return None
        before, _, after = self.sent.octets.partition(self.identity)
        return self.sent._replace(octets=b"".join((before, _introduced(hop), after)))


@lru_cache(maxsize=1_024)
def _introduced(hop: Hop) -> bytes:
    """The lines that say who asks, where nobody is believed but the connection."""
    return lines(identity(believed(hop, (), Trust()), hop.host))


def checked_head(method: str, raw_target: str, minor: int, raw_fields: tuple[tuple[bytes, bytes], ...]) -> RequestHead:
    """A received head that can be passed on.  Raises Refused."""
    try:
        return request_head(method, raw_target, minor, raw_fields)
    except BadRequestHead:
        raise _bad() from None


def onward(
    head: RequestHead,
    upstream: Upstream,
    hop: Hop,
    trust: Trust,
    via: bytes,
    host: bytes,
    escort: Escort | None = None,
) -> Onward:
    """Make the request for an upstream.  `host`: the portal's canonical host.  Raises Refused."""
    kept, ended = _divided(head.fields, upstream, host)
    framing = _framing(head, upstream)
    expects = False
    if ended:  # of what most browsers send, nothing ends here but Connection
        if gone := nominated(ended):
            kept = [field for field in kept if field[0].lower() not in gone]
        _refuse_loops(ended, via)
        expects = _expects_continue(head.minor, ended)
    origin = believed(hop, head.fields, trust)
    kept += identity(origin, hop.host)
    kept.append((b"Via", b", ".join([*values(ended, b"via"), b"1.%d %b" % (head.minor, via)])))
    if escort is not None:
        kept += escort.inbound()
    if ended and b"trailers" in members(ended, b"te"):
        kept += [(b"TE", b"trailers"), (b"Connection", b"TE")]
    if isinstance(framing, Chunked):
        kept.append((b"Transfer-Encoding", b"chunked"))
    octets = request_octets(RequestHead(head.method, head.target, head.minor, kept))
    public = origin.proto.encode() + b"://" + hop.host
    return Onward(head.method, octets, framing, expects, head.minor, public, escort)


def _divided(fields: Fields, upstream: Upstream, host: bytes) -> tuple[Fields, Fields]:
    """What goes on, in its order, and what ends here (names in lower case), of which some is still to be read."""
    kept: Fields = []
    ended: Fields = []
    named = False
    for field in fields:
        lower = field[0].lower()
        if lower in _ENDS_HERE:
            ended.append((lower, field[1]))
        elif lower == b"host":
            if named:
                raise _bad()
            named = True
            kept.append((field[0], _host(field[1], upstream, host)))
        elif b"_" not in lower or not speaks_for_others(lower):
            kept.append(field)
    if not named:
        kept.insert(0, (b"Host", upstream.host or host))
    return kept, ended


def _bad() -> Refused:
    return Refused(Failure(400, "bad-request", closes=True))


def _framing(head: RequestHead, upstream: Upstream) -> Framing:
    try:
        framing = request_framing(head)
    except BadRequestHead:
        raise _bad() from None
    if upstream.body_octets and isinstance(framing, Length) and framing.octets > upstream.body_octets:
        raise Refused(Failure(413, "body-too-large", closes=True))
    return framing


def _host(received: bytes, upstream: Upstream, host: bytes) -> bytes:
    """What the origin is asked for: as configured, or as received; behind a preview address the portal's own."""
    if upstream.host:
        return upstream.host
    name = received.lower().partition(b":")[0].rstrip(b".")
    return received if name == host else host


def _refuse_loops(fields: Fields, via: bytes) -> None:
    """A request that we have passed on before (RFC 9110 §7.6.3) would go round until the last connection is taken."""
    ours = via.lower()
    for member in members(fields, b"via"):
        words = member.split()
        if len(words) > 1 and words[1] == ours:
            raise Refused(Failure(508, "loop", closes=True))


def _expects_continue(minor: int, fields: Fields) -> bool:
    """Whether the visitor waits for 100 (RFC 9110 §10.1.1).  Raises Refused for an expectation nobody knows."""
    expected = members(fields, b"expect")
    if not expected:
        return False
    if expected != [b"100-continue"]:
        raise Refused(Failure(417, "expectation", closes=True))
    return minor > 0
