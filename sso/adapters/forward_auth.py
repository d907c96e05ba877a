"""Forward-auth: another proxy asks before it lets a request through (nginx `auth_request`, Traefik `forwardAuth`).

What it asks about stands in header fields, and there is more than one dialect.  A field that contradicts another, or
is there twice, is how doors of this kind have been opened; then the answer is no.  Denied is whatever no line here
allows: a host that is none of ours, a path that nothing protects, a path that two servers could read in two ways.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from sso.model import Client, Session
from sso.protection import Admit, Protection, judge
from sso.vocabulary import Level

# By letters and digits alone: some servers take "_" for "-", and nobody may say one thing to them and another to us.
_TARGETS: Final = frozenset({"xoriginaluri", "xforwardeduri"})
_ADDRESSES: Final = frozenset({"xoriginalurl"})
_REWRITES: Final = frozenset({"xrewriteurl", "xforwardedpath", "xforwardedprefix", "xoriginalpath"})
_HOSTS: Final = frozenset({"xoriginalhost", "xforwardedhost"})
_METHODS: Final = frozenset({"xoriginalmethod", "xforwardedmethod"})
_SCHEMES: Final = frozenset({"xoriginalproto", "xforwardedproto", "xoriginalscheme", "xforwardedscheme"})

_LONGEST: Final = 8_190


class Contradiction(Exception):
    """The fields do not say one thing.  `reason` is a fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Original:
    """The request that the other proxy holds back."""

    method: str
    host: str  # as it was named, with its port if it had one
    target: str = field(repr=False)  # origin-form
    redirects: bool  # whether the proxy hands our answer to the visitor (Traefik), or only looks at its status (nginx)


def original_of(fields: Iterable[tuple[str, str]], host: str) -> Original:
    """What the fields of a question say.  `host`: the Host it came with, for who keeps it.  Raises Contradiction."""
    said: dict[str, list[str]] = {}
    for name, value in fields:
        said.setdefault("".join([letter for letter in name.lower() if letter.isalnum()]), []).append(value)
    if any(name in said for name in _REWRITES):
        raise Contradiction("rewritten")
    targets = {*_one_each(said, _TARGETS)}
    hosts = {value.lower() for value in _one_each(said, _HOSTS)}
    for address in _one_each(said, _ADDRESSES):
        try:
            parts = urlsplit(address)
        except ValueError:
            raise Contradiction("address") from None
        if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc:
            raise Contradiction("address")
        hosts.add(parts.netloc.lower())
        targets.add(address.partition("://")[2][len(parts.netloc) :] or "/")
    methods = {*_one_each(said, _METHODS)}
    if len(targets) != 1 or len(hosts) > 1 or len(methods) != 1 or len({*_one_each(said, _SCHEMES)}) > 1:
        raise Contradiction("contradicting")
    target = targets.pop()
    if not target.startswith("/") or len(target) > _LONGEST or not target.isascii() or not target.isprintable():
        raise Contradiction("target")
    return Original(methods.pop(), hosts.pop() if hosts else host, target, "xforwardeduri" in said)


def _one_each(said: dict[str, list[str]], names: frozenset[str]) -> list[str]:
    """The values of these fields, of which none may be there twice, in whatever spelling.  Raises Contradiction."""
    values = [said[name] for name in names if name in said]
    if any(len(own) != 1 for own in values):
        raise Contradiction("repeated")
    return [own[0] for own in values]


@dataclass(frozen=True, slots=True)
class Allow:
    """200, with the session's assertion for this client."""

    client: Client
    session: Session


@dataclass(frozen=True, slots=True)
class SignIn:
    """401, or for browsers whose proxy hands it on a redirect: somebody must sign in first."""

    level: Level


@dataclass(frozen=True, slots=True)
class Deny:
    """403: whoever asks.  `reason` is a fixed word."""

    reason: Literal["unprotected", "devious", "client", "contradiction", "peer", "host"]


Verdict = Allow | SignIn | Deny


def decide(
    protection: Protection | None, client: Client | None, session: Session | None, *, devious: bool, now: int
) -> Verdict:
    """Whether a held-back request may go through.

    `protection`: of the canonical path; None: nothing is said about it, so it is closed; `client`: the one that the
    protection names; `devious`: whether two servers could read the path in two ways; `now`: seconds since 1970.
    """
    if devious:
        return Deny("devious")
    if protection is None:
        return Deny("unprotected")
    if client is None or client.id != protection.client or "forward-auth" not in client.formats:
        return Deny("client")
    judged = judge(protection, client, session, now=now)
    return Allow(client, judged.session) if isinstance(judged, Admit) else SignIn(judged.level)
