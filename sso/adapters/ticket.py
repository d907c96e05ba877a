"""Login tickets: for 30 seconds and one use, a session's identity for one client in the browser that asked for it.

A portal's host gets one when a visitor comes back from signing in, and makes a cookie of its own of it.  A system that
cannot speak OpenID Connect but can send one request gets one at an address that is registered for it, and asks us what
it stands for.  Whoever asked says beforehand the digest of a secret that its browser keeps, and the secret itself when
the ticket is redeemed, so that a ticket that is stolen on the way is worth nothing (as PKCE does for codes, RFC 7636).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from sso import refusals
from sso.model import Client, Destination, Digest, Participation, Session, digest
from sso.refusals import Refusal
from sso.store import Ticket
from sso.vocabulary import Level

TICKET_SECONDS: Final = 30
ENTRY_SECONDS: Final = 600
"""How long a visitor may take on the page that a portal sent them to, before they choose how to sign in."""

ENTRY_PURPOSE: Final = "portal-entry"

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_WORDS: Final = ("client", "portal", "host", "target", "scheme", "browser", "upstream")


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket, to be kept under its digest and handed over by sending the browser to `uri`."""

    digest: Digest
    meaning: Ticket
    participation: Participation  # the client's part in the session: to be joined, where it is new
    uri: str = field(repr=False)


def entry_text(destination: Destination, *, now: int) -> str:
    """What a portal's host seals (`sso.keys.Signer.seal`) and sends a visitor to the issuer's with.

    So nobody else can choose a destination, and nobody reads it on the way.
    """
    return json.dumps({**destination_facts(destination), "exp": now + ENTRY_SECONDS}, separators=(",", ":"))


def destination_facts(destination: Destination) -> dict[str, object]:
    """A destination as JSON."""
    return {**{name: getattr(destination, name) for name in _WORDS}, "level": destination.level.value}


def destination_from(said: Mapping[str, Any]) -> Destination:
    """It again."""
    return Destination(level=Level(said["level"]), **{name: said[name] for name in _WORDS})


def destination_of(text: str, *, now: int) -> Destination:
    """What an entry says, once it has been unsealed.  Raises Refusal for one that is too old."""
    said: dict[str, Any] = json.loads(text)
    if said["exp"] <= now:
        raise Refusal(refusals.ENTRY)
    return destination_from(said)


def asked_for(client: Client, *, return_uri: str, browser: str, level: str = "") -> Destination:
    """Where a client wants its ticket.  Raises Refusal; then nobody is sent anywhere.

    `return_uri` must be a registered one, letter for letter (RFC 9700 §4.1.3); `browser`: the SHA-256, in hexadecimal,
    of a secret that the client's own cookie keeps; `level`: "1", "2" or "" for the client's least.
    """
    if "ticket" not in client.formats:
        raise Refusal(refusals.TICKET_NONE)
    if return_uri not in client.redirect_uris:
        raise Refusal(refusals.REDIRECT_URI)
    if _DIGEST.fullmatch(browser) is None:
        raise Refusal(refusals.TICKET_BROWSER)
    if level not in {"", "1", "2"}:
        raise Refusal(refusals.TICKET_LEVEL)
    parts = urlsplit(return_uri)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    least = max(client.level, Level(int(level))) if level else client.level
    scheme: Literal["http", "https"] = "http" if parts.scheme == "http" else "https"
    return Destination(client.id, "", parts.netloc, target, least, scheme, browser)


def issue(session: Session, destination: Destination, *, now: int, secrets: Callable[[], str]) -> Issued:
    """A ticket for the session of the browser that stands before us.  `secrets` gives fresh url-safe values."""
    ticket = secrets()
    part = session.participations.get(destination.client)
    if part is None:
        part = Participation(destination.client, secrets(), now)
    meaning = Ticket(destination.client, session.handle, part.sid, destination.browser, destination)
    mark = "&" if "?" in destination.target else "?"
    return Issued(digest(ticket), meaning, part, f"{destination.address}{mark}ticket={ticket}")
