"""Fields by which a system behind us may be told who asks: taken out of what visitors send, in any spelling.

Servers disagree about which letters of a field's name matter: "_" for "-", upper for lower case, dots; CGI and PHP make
one variable of them all.  So names are compared by their letters and digits alone.
"""

from functools import lru_cache
from typing import Final

from proxy.passing.fields import Field, Fields
from sso.adapters.assertion import HEADER

_OURS: Final = "".join(letter for letter in HEADER.lower() if letter.isalnum())

CUSTOMARY: Final = frozenset(
    {
        *("remoteuser", "xremoteuser", "httpremoteuser", "xremoteemail", "xremotename", "xremotegroups"),
        *("xforwardeduser", "xforwardedemail", "xforwardedgroups", "xforwardedpreferredusername"),
        *("xforwardedaccesstoken", "xauthrequestuser", "xauthrequestemail", "xauthrequestgroups"),
        *("xauthrequestpreferredusername", "xauthrequestaccesstoken", "xauthenticateduser", "xauthuser", "xuser"),
        *("xwebauthuser", "xauthenticateduserid", "xidentity", "xuserid", "oidcclaimsub", "xvouchidpclaims"),
    }
)
"""Fields that systems commonly believe from a proxy, by letters and digits; we never send them."""


def stripped(fields: Fields, *, customary: bool) -> Fields:
    """The fields without any that looks like our own; `customary`: without the customary ones too."""
    return [field for field in fields if not _pretends(field[0], customary)]


@lru_cache(maxsize=1024)
def _pretends(name: bytes, customary: bool) -> bool:  # noqa: FBT001 - half of what is remembered by
    bare = "".join([letter for letter in name.decode("latin-1").lower() if letter.isalnum() and letter.isascii()])
    return _OURS in bare or (customary and bare in CUSTOMARY)


def assertion_field(assertion: str) -> Field:
    """The one field that says who asks."""
    return HEADER.encode(), assertion.encode("ascii")
