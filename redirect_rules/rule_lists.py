"""Rules as they are listed: which of them, in what order, and where a page of the list ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from redirect_rules.objects import Kind, Ref, State, Stored


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules to show; what is None does not matter."""

    scope: str | None = None
    key: str | None = None  # canonical path of an exact rule
    key_prefix: str | None = None
    action: str | None = None
    destination: str | None = None
    owner: str | None = None
    tag: str | None = None
    state: State | None = None
    ends_before: datetime | None = None  # by its valid_until

    @property
    def narrows_facets(self) -> bool:
        """Whether it asks for anything that many rules have in common."""
        asked = (self.scope, self.action, self.destination, self.owner, self.tag, self.state)
        return any(one is not None for one in asked)


class Order(StrEnum):
    """How a list goes on."""

    NAME = "name"  # by scope and id
    CHANGED = "changed"  # what was changed last comes first
    ADDRESS = "address"  # by scope and address: always, where an address or its beginning is asked for
    END = "end"  # by the end of their validity: always, where an end is asked for


class Mark(NamedTuple):
    """Where a page ended: its last rule, as it stood there."""

    ref: Ref
    version: int

    @property
    def text(self) -> str:
        """For a link: "portal:langson|news|41"."""
        return f"{self.ref.scope}|{self.ref.id}|{self.version}"

    @classmethod
    def of(cls, stored: Stored) -> "Mark":
        """A page that ends with this rule."""
        return cls(stored.ref, stored.version)

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """What `text` wrote; None: it did not."""
        scope, _, rest = text.partition("|")
        id_, bar, version = rest.rpartition("|")
        if not (bar and scope and id_ and version.isascii() and version.isdecimal() and len(version) < 16):
            return None
        return cls(Ref(Kind.RULE, scope, id_), int(version))
