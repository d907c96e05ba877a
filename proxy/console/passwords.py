"""Passwords of officers (Argon2id, RFC 9106) and the second factor that a telephone shows (TOTP, RFC 6238).

Meant for the first administrators, until people sign in with VNeID.  Checking one takes some fifty milliseconds and
64 MiB on purpose: only ever in a thread, and only when the account is not locked.
"""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from redirect_rules.people import Password

LEAST_LETTERS: Final = 12
MOST_LETTERS: Final = 256
FREE_FAILURES: Final = 5
"""Wrong passwords in a row before an account waits."""

_HASHER: Final = PasswordHasher()
# Somebody who does not exist takes as long to be refused as somebody who does.
_NOBODYS: Final = _HASHER.hash("nobody has this password")
_STEP: Final = 30  # seconds a code holds (RFC 6238 §4)
_DIGITS: Final = 6


class WeakPassword(ValueError):
    """Too easy to guess; the text is a key under `mistake.`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an attempt."""

    ok: bool
    locked_until: datetime | None = None  # set: the account waits now
    rehash: str = ""  # set: keep this instead, the parameters have become stronger


def hash_of(password: str, *, actor: str = "") -> str:
    """The text to keep.  Raises WeakPassword."""
    if len(password) < LEAST_LETTERS:
        raise WeakPassword("password-short")
    if len(password) > MOST_LETTERS:
        raise WeakPassword("password-long")
    folded = password.casefold()
    if len(set(folded)) < 5 or (actor and actor.casefold() in folded):
        raise WeakPassword("password-easy")
    return _HASHER.hash(password)


def judge(kept: Password | None, password: str, *, now: datetime) -> Verdict:
    """Whether this is their password.  An account that waits refuses even the right one."""
    if kept is not None and kept.locked_until is not None and now < kept.locked_until:
        return Verdict(ok=False, locked_until=kept.locked_until)
    try:
        _HASHER.verify(_NOBODYS if kept is None else kept.hash, password[:MOST_LETTERS])
    except (VerifyMismatchError, InvalidHashError):
        return Verdict(ok=False, locked_until=None if kept is None else _waits(kept.failures + 1, now))
    if kept is None:
        return Verdict(ok=False)
    stronger = _HASHER.hash(password) if _HASHER.check_needs_rehash(kept.hash) else ""
    return Verdict(ok=True, rehash=stronger)


def refused(kept: Password, *, now: datetime) -> Verdict:
    """The second factor was wrong: as bad as a wrong password."""
    return Verdict(ok=False, locked_until=_waits(kept.failures + 1, now))


def _waits(failures: int, now: datetime) -> datetime | None:
    """Doubling from a minute to an hour: guessing stops paying, and nobody is shut out for good."""
    if failures < FREE_FAILURES:
        return None
    return now + timedelta(minutes=min(2 ** (failures - FREE_FAILURES), 60))


def totp(secret: str, at: datetime) -> str:
    """The code a telephone shows at an instant (RFC 6238, SHA-1 as every application does it)."""
    return _code(secret, int(at.timestamp()) // _STEP)


def totp_agrees(secret: str, code: str, *, now: datetime) -> int | None:
    """The step whose code this is, of those around now; None: of none.  A step once used is not to be used again."""
    typed = "".join(code.split())
    step = int(now.timestamp()) // _STEP
    for candidate in (step, step - 1, step + 1):
        if hmac.compare_digest(_code(secret, candidate).encode(), typed.encode(errors="replace")):
            return candidate
    return None


def totp_address(secret: str, actor: str) -> str:
    """What a telephone reads from a QR code."""
    label = quote(f"dvc-edge:{actor}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'dvc-edge'})}"


def _code(secret: str, step: int) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)
