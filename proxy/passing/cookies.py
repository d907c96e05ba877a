"""Set-Cookie on its way back: Domain, Path and Secure as the policy of an upstream wants them, the rest untouched.

A provincial system may believe that it has another name than the one its visitors know, and give its cookies to that
name; browsers then throw them away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

RESERVED: Final = b"__Host-sign-in"
"""How names of cookies begin by which the edge knows who has signed in."""


def is_reserved(value: bytes) -> bool:
    """Whether a Set-Cookie field would plant one of ours: then somebody else would be signed in at this browser."""
    return value.lstrip(b" \t").startswith(RESERVED)


@dataclass(frozen=True, slots=True)
class CookiePolicy:
    """What becomes of the attributes of cookies (RFC 6265 §5.2)."""

    domains: Mapping[bytes, bytes] = field(default_factory=dict)  # lower case, no leading dot → new; empty: none
    paths: Mapping[bytes, bytes] = field(default_factory=dict)  # whole segments: "/app" covers "/app/x", not "/apple"
    secure: Literal["keep", "add"] = "keep"

    @property
    def keeps_all(self) -> bool:
        """Whether no cookie needs to be looked at."""
        return not self.domains and not self.paths and self.secure == "keep"


def rewritten(value: bytes, policy: CookiePolicy) -> bytes:
    """The value of a Set-Cookie field under a policy; without reason for a change, the very same octets."""
    if policy.keeps_all:
        return value
    pair, *attributes = value.split(b";")
    kept = [pair]
    is_secure = False
    for attribute in attributes:
        name, equals, own = attribute.partition(b"=")
        match name.strip(b" \t").lower():
            case b"secure":
                is_secure = True
            case b"domain" if (wanted := policy.domains.get(own.strip(b" \t").lstrip(b".").lower())) is not None:
                if wanted:
                    kept.append(name + equals + wanted)
                continue
            case b"path" if (moved := moved_path(own.strip(b" \t"), policy.paths)) is not None:
                kept.append(name + equals + moved)
                continue
        kept.append(attribute)
    if policy.secure == "add" and not is_secure:
        kept.append(b" Secure")
    return b";".join(kept)


def moved_path(path: bytes, paths: Mapping[bytes, bytes]) -> bytes | None:
    """A path under the longest prefix that covers it in whole segments, moved; None: it stays where it is."""
    for prefix in sorted(paths, key=len, reverse=True):
        bare = prefix.rstrip(b"/")
        if path == bare or path.startswith(bare + b"/"):
            rest = path[len(bare) :]
            return (paths[prefix].rstrip(b"/") + rest) or b"/"
    return None
