"""What a client would be told about somebody who signs in, shown to that very person with the values covered.

An engineer tries a client with an account of their own, where no test person exists: nothing reaches the client, and
nothing that stands on the page could be copied and used.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sso.model import Client
from sso.refusals import ENTRY, Refusal

PURPOSE: Final = "rehearsal"
"""What an invitation is sealed for (`sso.keys.Signer.seal`)."""
PATH: Final = "/rehearsal"
SECONDS: Final = 3_600
"""How long an invitation is good for."""

_PLAIN: Final = frozenset({"account_type"})
"""What tells nothing of anybody in particular."""
_HIDDEN: Final = frozenset({"sub", "acr", "auth_time", "amr", "previous_sub"})
"""What is no attribute: every client has it."""
_COVERED: Final = "•••"


def invitation(client: str, *, now: int) -> str:
    """What a console seals, for a link that leads to this page."""
    return json.dumps({"client": client, "until": now + SECONDS}, separators=(",", ":"))


def invited(text: str, *, now: int) -> str:
    """The client that an invitation is for, once it has been unsealed.  Raises Refusal for one that is too old."""
    said: dict[str, Any] = json.loads(text)
    if said["until"] <= now:
        raise Refusal(ENTRY)
    return str(said["client"])


def covered(told: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """What a client is told: each attribute by its name, of its value the first letter at the most."""
    return tuple((name, _cover(name, str(value))) for name, value in told.items() if name not in _HIDDEN)


def _cover(name: str, value: str) -> str:
    if name in _PLAIN:
        return value
    # Of a number the first digit says little; of a short text everything would be said.
    return (value[0] if len(value) > 3 else "") + _COVERED


def lacking(told: Mapping[str, object], client: Client) -> tuple[str, ...]:
    """What the client may be told and is not, because the account does not have it."""
    return tuple(claim.value for claim in sorted(client.attributes) if claim.value not in told)
