"""Who is at the browser, and whether a form is really from one of our pages.

The cookie is random; the store knows its SHA-256.  A form carries the session's own token, and is refused when the
browser says that another site sent it (Fetch Metadata, Origin): each of the two would do alone.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from redirect_rules.people import PeopleStore, SignedIn, digest_of

IDLE_SECONDS: Final = 30 * 60
LONGEST: Final = timedelta(hours=9)  # a working day
WARN_MINUTES: Final = 5


class Forged(Exception):
    """A form that did not come from a page of ours."""


class Outdated(Forged):
    """A form of a page of ours that was made for another session: the one before, or somebody else's."""


@dataclass(frozen=True, slots=True)
class CookieName:
    """What the cookies are called: bound to host and TLS wherever there is TLS (RFC 6265bis §4.1.3.2)."""

    secure: bool

    @property
    def session(self) -> str:
        """The session's."""
        return "__Host-console" if self.secure else "console"

    @property
    def under_way(self) -> str:
        """What a browser takes along to the broker."""
        return "__Host-console-sign-in" if self.secure else "console-sign-in"

    @property
    def notice(self) -> str:
        """What the next page shows once."""
        return "__Host-console-notice" if self.secure else "console-notice"

    @property
    def language(self) -> str:
        """The language that was chosen."""
        return "__Host-console-language" if self.secure else "console-language"


def begun(
    actor: str, cookie: str, csrf: str, *, now: datetime, way: str, sid: str = "", id_token: str = ""
) -> SignedIn:
    """A new session for somebody who has just shown who they are."""
    return SignedIn(digest_of(cookie), actor, csrf, now, now, now + LONGEST, way, sid, id_token)


def holder(people: PeopleStore, cookie: str, *, now: datetime) -> SignedIn | None:
    """Whose cookie this is; None: nobody's."""
    if not 20 <= len(cookie) <= 200:
        return None
    return people.signed_in(digest_of(cookie), now=now, idle_seconds=IDLE_SECONDS)


def minutes_left(signed_in: SignedIn, now: datetime) -> int | None:
    """How long the session still lasts when that is soon; None while it is not."""
    left = int((signed_in.ends_at - now).total_seconds()) // 60
    return left if left <= WARN_MINUTES else None


def check_sender(headers: Mapping[str, str], host: str) -> None:
    """Raise Forged when the browser says that another site sent a form.  headers: by lower-case name."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forged("the browser says that another site sent it")
    origin = headers.get("origin", "")
    if origin and urlsplit(origin).netloc != host:
        raise Forged("its origin is another site")


def is_from_us(headers: Mapping[str, str], host: str) -> bool:
    """Whether the browser itself says that a page of ours sent it; saying nothing is not enough."""
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] == "same-origin"
    return urlsplit(headers.get("origin", "")).netloc == host


def check_form(signed_in: SignedIn | None, token: str, headers: Mapping[str, str], host: str) -> None:
    """Raise Forged unless the form is ours, Outdated when it is, but not of this session."""
    check_sender(headers, host)
    if signed_in is not None and not hmac.compare_digest(signed_in.csrf.encode(), token.encode(errors="replace")):
        if is_from_us(headers, host):
            raise Outdated("its token is another session's")
        raise Forged("its token is not the session's")
