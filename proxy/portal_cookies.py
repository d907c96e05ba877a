"""Cookies of ours on a portal's host, where the old system has cookies of its own.

All are `__Host-` cookies (RFC 6265bis §4.1.3.2): this host's, never a neighbour's, and never sent in the clear.  Over
plain http, which only development on *.localhost has, they go without that prefix.  A name that comes twice has been
planted by somebody, and counts as absent.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from proxy.passing.cookies import RESERVED
from proxy.passing.fields import Field, Fields

SESSION: Final = "portal"
"""Who is signed in at this portal."""

WAY: Final = "way-"
"""With an id behind it: what a visitor wanted who has been sent to sign in, and the secret that their ticket needs."""

_SECURE: Final = "__Host-sign-in-"
_PLAIN: Final = "sign-in-"
_ALL_SECURE: Final = RESERVED.decode()
_OURS_IN_PLAIN: Final = (f"{_PLAIN}{SESSION}", f"{_PLAIN}{WAY}")


def name_of(name: str, *, secure: bool) -> str:
    """A cookie's name as browsers know it."""
    return f"{_SECURE if secure else _PLAIN}{name}"


def read(fields: Iterable[Field], *, secure: bool) -> Mapping[str, str]:
    """Our cookies, by the names of this module, from all Cookie fields of a request."""
    prefix = name_of("", secure=secure)
    values: dict[str, str] = {}
    twice: set[str] = set()
    for own, value in fields:
        if own.lower() == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                name, _, text = pair.strip(" \t").partition("=")
                if name.startswith(prefix):
                    short = name.removeprefix(prefix)
                    if short in values:
                        twice.add(short)
                    values[short] = text
    return {name: text for name, text in values.items() if name not in twice}


def put(name: str, value: str, *, secure: bool, seconds: int | None = None) -> str:
    """A Set-Cookie value; `seconds` None: until the browser is closed."""
    life = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name_of(name, secure=secure)}={value}; Path=/{life}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def drop(name: str, *, secure: bool) -> str:
    """A Set-Cookie value that takes a cookie away."""
    return put(name, "", secure=secure, seconds=0)


def without_ours(fields: Fields) -> Fields:
    """The fields without our cookies: what opens our doors is nobody's business behind us."""
    kept: Fields = []
    for own, value in fields:
        if own.lower() != b"cookie" or b"sign-in" not in value:
            kept.append((own, value))
            continue
        pairs = [pair for pair in value.split(b";") if not _is_ours(pair)]
        if rest := b";".join(pairs).strip(b" \t"):
            kept.append((own, rest))
    return kept


def _is_ours(pair: bytes) -> bool:
    name = pair.strip(b" \t").partition(b"=")[0].decode("latin-1")
    return name.startswith((_ALL_SECURE, *_OURS_IN_PLAIN))
