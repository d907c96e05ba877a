"""What analysis has to say of a draft: one frozen value for each thing that somebody should look at."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a draft may be published so."""

    ERROR = "error"  # it may not
    WARNING = "warning"  # somebody meant something else
    NOTE = "note"  # it may be so on purpose


class Flaw(StrEnum):
    """What is wrong."""

    TARGET = "target"  # an address that nobody may be sent to
    LOOP = "loop"  # a way that comes back to where it began
    CHAIN = "chain"  # a way over other retired addresses
    FORM = "form"  # a destination that cannot be reached at some time
    SHADOWED = "shadowed"  # another rule wins wherever this one could
    CONFLICT = "conflict"  # two rules say different things of one address
    UNREACHABLE = "unreachable"  # no visit ever gets to the rule
    LOOKUP = "lookup"  # a table that is not there, is empty, or is not asked
    TIE = "tie"  # only the order in a file could decide
    EXPRESSION = "expression"  # regular expressions that are wrong, too many or too heavy
    WEIGHT = "weight"  # a portal whose rules would hold a worker too long


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw of one rule."""

    kind: Flaw
    severity: Severity
    portal: str  # its id; "" where it is about a family, or about all portals
    rule: str  # its id; "" where it is about a table or about a whole portal
    say: str  # what is wrong, and what to write instead
    other: str = ""  # the id of the other rule, where there are two

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule or self.portal}: {self.say}"
