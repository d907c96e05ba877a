"""Lines of access logs: Combined Log Format, with or without the virtual host in front, and JSON; UTF-8, or what goes
for it.

`parse_line` reads any line with care, and says what each of them means.  Nearly all lines of a log are plain, and of
those `cut` takes out what matters, many at once and without decoding them: a sixth of what the careful way costs.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import from_json

# "[virtual host ]address identity user [time] "METHOD target HTTP/1.1" status bytes "referrer" "agent""
_COMBINED = re.compile(
    r'(?:(?P<host>[^\s:]+)(?::\d+)? )?\S+ \S+ \S+ \[[^\]]*\] "(?P<method>[A-Z]+) (?P<target>\S+)(?: HTTP/[\d.]+)?" '
    r'(?P<status>\d{3}) \S+(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_HOST_KEYS = ("host", "http_host", "server_name", "vhost", "domain")
_TARGET_KEYS = ("request_uri", "uri", "target", "url", "path")
_METHOD_KEYS = ("method", "request_method")
_AGENT_KEYS = ("user_agent", "http_user_agent", "agent", "ua")

_REQUEST = re.compile(r"([A-Z]+) (\S+)(?: HTTP/[\d.]+)?\Z")
_VIRTUAL_HOST = re.compile(r"([^\s:]+)(?::\d+)?\Z")
# The same line where it is plain: its words are printable ASCII without quotes and brackets, so that there is one way
# only to tell them apart, and nothing is escaped between the quotes.  Nothing taken is given back ("++"): a line that
# is not plain costs one look.  Listing what may stand takes `re` half of the time that listing what may not takes.
_WORD = rb"[!#-Z\\^-~]++"
_TIME = rb"[\x00-\x09\x0b-!#-Z\\^-\xff]*+"  # all but LF, quotes and brackets
_QUOTED = rb"[\x00-\x09\x0b-!#-\[\]-\xff]"  # all but LF, quotes and backslashes
_PLAIN_OR_ODD = re.compile(
    rb"(?!\{)(?:(%(word)b) )?%(word)b %(word)b %(word)b \[%(time)b\] "
    rb'"(%(quoted)b++)" [0-9]{3} [!#-~]++ "%(quoted)b*+" "(%(quoted)b*+)"[^\n]*+\n'
    rb"|([^\n]*+)\n" % {b"word": _WORD, b"time": _TIME, b"quoted": _QUOTED}
)


class LoggedRequest(NamedTuple):
    """One line of a log, as far as the rules care."""

    host: str  # "" where the log does not say
    target: str
    method: str
    agent: str


def parse_line(line: str) -> LoggedRequest | None:
    """Read one line of Combined Log Format (with or without the virtual host) or of JSON; None: neither."""
    if line.startswith("{"):
        return _from_json(line)
    match = _COMBINED.match(line)
    if match is None:
        return None
    return LoggedRequest(match["host"] or "", match["target"], match["method"], match["agent"] or "")


def _from_json(line: str) -> LoggedRequest | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _from_object(values) if isinstance(values, dict) else None


def _from_object(values: dict[str, Any]) -> LoggedRequest | None:
    target, method = _first(values, _TARGET_KEYS), _first(values, _METHOD_KEYS) or "GET"
    if not target and isinstance(request := values.get("request"), str) and len(words := request.split()) >= 2:
        method, target = words[:2]
    return LoggedRequest(_first(values, _HOST_KEYS), target, method, _first(values, _AGENT_KEYS)) if target else None


def _first(values: dict[str, Any], names: Iterable[str]) -> str:
    for name in names:
        value = values.get(name)
        if value and isinstance(value, str):
            return value
    return ""


Cut: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""What is left of a line when time, address and referrer are forgotten: the host and port that the log names or b"",
the request line (never b""), the agent, b"".  Of a line that is not plain: three times b"", and the line."""


def cut(lines: bytes) -> list[Cut]:
    """Cut each of the lines; each ends with LF, as `WholeLines` gives them."""
    return _PLAIN_OR_ODD.findall(lines)


def request_of(host: bytes, asked: bytes, agent: bytes) -> LoggedRequest | None:
    """The request in what was cut out of a plain line, as `parse_line` reads it; None where it is none."""
    request, named = _REQUEST.match(decoded(asked)), _VIRTUAL_HOST.match(decoded(host))
    if request is None or (host and named is None):
        return None
    return LoggedRequest(named[1] if named else "", request[2], request[1], decoded(agent))


def read_odd(line: bytes) -> LoggedRequest | None:
    """A line that is not plain, as `parse_line` reads its text; an object of JSON in half of the time."""
    if line[:1] == b"{":
        try:
            return _from_object(from_json(line, cache_strings="keys"))
        except ValueError:
            pass  # perhaps no JSON; perhaps what only the other reader takes, such as half a character
    return parse_line(decoded(line))


def decoded(octets: bytes) -> str:
    """The text of a line or of a part of it: what is no UTF-8 is replaced."""
    return octets.decode("utf-8", "replace")


class WholeLines:
    """Joins what was cut anywhere, and gives it out in whole lines.

    A line ends with LF, CR LF or CR; not with what else Unicode calls a line's end, since that may stand in an agent.
    """

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._rest: list[bytes] = []  # in pieces, since a line that never ends is not to be joined again and again

    def of(self, piece: bytes) -> bytes:
        """The lines that end in this piece, each with LF alone; b"" while none does."""
        # A CR at the end of a piece may be half of a line's end.
        end = piece.rfind(b"\n") + 1 or piece.rfind(b"\r", 0, -1) + 1
        if not end:
            self._rest.append(piece)
            return b""
        lines = b"".join((*self._rest, piece[:end]))
        self._rest = [piece[end:]]
        return _with_lf(lines)

    def last(self) -> bytes:
        """What comes after the last line's end, as lines with LF; b"" if that is nothing."""
        rest, self._rest = b"".join(self._rest), []
        return _with_lf(rest + b"\n") if rest else b""


def _with_lf(lines: bytes) -> bytes:
    return lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in lines else lines
