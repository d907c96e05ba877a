"""Which paths of a portal are for people who have signed in, and whether a session is good enough for one.

Paths are canonical segments, decoded once and with their dots resolved, as the edge looks rules up; who cannot say what
a path means to every server behind it (`devious`) is refused before anybody gets here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, unquote_plus

from sso.model import Client, Session
from sso.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Protection:
    """A path of a portal, and everything below it."""

    prefix: tuple[str, ...]  # canonical segments in lower case; () is every path
    client: str  # the system that answers there
    level: Level = Level.ONE  # the least; the client's own least holds too
    mode: Literal["required", "shadow"] = "required"  # "shadow": the header where there is a session, nobody refused
    deep_links: bool = False  # a link with a flag signs in first, and then opens the form although its page is closed

    def covers(self, meant: Sequence[str]) -> bool:
        """Whether a path, as `meant` reads it, lies under the prefix in whole segments."""
        return tuple(meant[: len(self.prefix)]) == self.prefix


@dataclass(frozen=True, slots=True)
class PortalProtections:
    """All of one portal."""

    portal: str
    paths: tuple[Protection, ...]

    def of(self, segments: Sequence[str]) -> Protection | None:
        """The protection with the longest prefix; None: the path is for everybody."""
        path = meant(segments)
        return max((own for own in self.paths if own.covers(path)), key=lambda own: len(own.prefix), default=None)


@dataclass(frozen=True, slots=True)
class Protections:
    """Of all portals, with the flags by which the national portal's links ask for a sign-in."""

    portals: Mapping[str, PortalProtections] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)  # parameter (its value is "1") → id of the upstream

    def of(self, portal: str, segments: Sequence[str]) -> Protection | None:
        """What protects a path; None: nothing."""
        protections = self.portals.get(portal)
        return protections.of(segments) if protections is not None else None


def meant(segments: Iterable[str]) -> tuple[str, ...]:
    """A path as the most generous server could take it: rather one door too many is guarded than one too few.

    Servers differ about `;parameters` of a segment, slashes and backslashes in escapes, escapes of escapes, blanks and
    dots at its end, and case.
    """
    parts: list[str] = []
    for segment in segments:
        text = unquote(unquote(unquote(segment))).replace("\\", "/")
        parts += [part.partition(";")[0].rstrip(". \t").lower() for part in text.split("/")]
    return tuple(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Admit:
    """The session is good enough."""

    session: Session


@dataclass(frozen=True, slots=True)
class SignInFirst:
    """It is not, or there is none; `why` is a fixed word."""

    level: Level
    why: Literal["no-session", "level", "upstream", "ended"]


def judge(protection: Protection, client: Client, session: Session | None, *, now: int) -> Admit | SignInFirst:
    """Whether a session opens a protected path.  `now`: seconds since 1970."""
    level = max(protection.level, client.level)
    if session is None:
        return SignInFirst(level, "no-session")
    if session.absolute_end <= now:
        return SignInFirst(level, "ended")
    if client.upstreams and session.identity.upstream not in client.upstreams:
        return SignInFirst(level, "upstream")
    if session.identity.level < level:
        return SignInFirst(level, "level")
    return Admit(session)


def flagged(raw_query: str, flags: Mapping[str, str]) -> str | None:
    """The upstream that a link asks for: that of the first of its flags; None: it has none."""
    return next((upstream for pair in raw_query.split("&") if (upstream := _flag(pair, flags))), None)


def without_flags(raw_query: str, flags: Mapping[str, str]) -> str:
    """A query without its flags; the rest stays as it was sent, to the letter."""
    return "&".join([pair for pair in raw_query.split("&") if _flag(pair, flags) is None])


def _flag(raw_pair: str, flags: Mapping[str, str]) -> str | None:
    name, _, value = raw_pair.removeprefix("amp;").partition("=")
    return flags.get(unquote_plus(name).lower()) if unquote_plus(value) == "1" else None
