"""Forms that come too late: the session has ended, or another has begun.  What was typed comes back, to be sent again.

Nothing is done without a click on a page of ours that shows what will be sent, and in the session of whoever clicks.
"""

from collections.abc import Collection
from typing import Final

from proxy.console.calls import Fields
from proxy.console.views import Again

LARGEST: Final = 262_144
"""Octets of a form that is shown once more; more is nothing that somebody has typed."""
_NEVER_SHOWN: Final = frozenset({"password", "old", "new", "code", "secret"})
"""What must not stand in a page: it has to be typed again."""
_OF_THE_SESSION: Final = "csrf"


def again(path: str, form: Fields, uploads: Collection[str], *, is_signed_in: bool) -> Again:
    """What there is to be sent again."""
    dropped = {name for name, value in form.pairs if name in _NEVER_SHOWN and value}
    kept = tuple(pair for pair in form.pairs if pair[0] not in _NEVER_SHOWN | {_OF_THE_SESSION})
    return Again(path, kept, is_signed_in, is_incomplete=bool(dropped or uploads))


def is_small(content_length: int | None) -> bool:
    """Whether a form may be read of somebody who is not signed in."""
    return content_length is not None and content_length <= LARGEST
