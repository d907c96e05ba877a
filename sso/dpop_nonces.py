"""Nonces of ours for DPoP proofs (RFC 9449 §8 and §9): a proof that was made beforehand, and stolen, is worth nothing.

Nothing is kept: a nonce is a keyed digest of the stretch of time that it belongs to, the same at every node.  The one
of the stretch before is good as well, so that nobody is refused for having asked a moment too early.
"""

import base64
import hashlib
import hmac
from typing import Final

NONCE_SECONDS: Final = 120
"""How long one is given out; it is good for so long again."""

HEADER: Final = "DPoP-Nonce"

_PURPOSE: Final = b"dpop nonce"


def nonce_at(now: int, *, key: bytes) -> str:
    """The nonce that is given out now: 43 url-safe letters.  `key`: a secret of the house, the same on all nodes."""
    return _of(now // NONCE_SECONDS, key)


def is_good(nonce: str | None, now: int, *, key: bytes) -> bool:
    """Whether a proof's nonce is one of ours, given out lately."""
    if nonce is None:
        return False
    stretch = now // NONCE_SECONDS
    shown = nonce.encode(errors="replace")
    # Both are compared, so that time does not tell which it was.
    fits = [hmac.compare_digest(shown, _of(one, key).encode()) for one in (stretch, stretch - 1)]
    return any(fits)


def _of(stretch: int, key: bytes) -> str:
    own = hmac.digest(key, _PURPOSE, hashlib.sha256)
    made = hmac.digest(own, stretch.to_bytes(8, "big", signed=True), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
