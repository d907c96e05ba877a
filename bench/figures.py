"""What was measured, what was promised, and whether the one keeps the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple, TypeAlias


class Verdict(StrEnum):
    """Whether a promise is kept."""

    MET = "met"
    MISSED = "missed"
    NONE = ""  # nothing was promised


class Direction(StrEnum):
    """On which side of its bound a figure should be."""

    AT_LEAST = "≥"
    AT_MOST = "≤"
    BELOW = "<"


class Target(NamedTuple):
    """A promise about a figure, in the figure's unit."""

    direction: Direction
    bound: float

    def verdict(self, figure: float) -> Verdict:
        """Whether a figure keeps it; the bound itself does not keep `<`."""
        kept = {
            Direction.AT_LEAST: figure >= self.bound,
            Direction.AT_MOST: figure <= self.bound,
            Direction.BELOW: figure < self.bound,
        }[self.direction]
        return Verdict.MET if kept else Verdict.MISSED

    def __str__(self) -> str:
        return f"{self.direction} {shown(self.bound)}"


def at_least(bound: float) -> Target:
    """The more the better."""
    return Target(Direction.AT_LEAST, bound)


def at_most(bound: float) -> Target:
    """The less the better."""
    return Target(Direction.AT_MOST, bound)


def below(bound: float) -> Target:
    """As `at_most`, without the bound itself."""
    return Target(Direction.BELOW, bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, once for each round."""

    what: str
    values: tuple[float, ...]
    unit: str
    target: Target | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.what}: a figure needs at least one round")

    @property
    def median(self) -> float:
        """What is compared with the target."""
        return median(self.values)

    @property
    def verdict(self) -> Verdict:
        """Whether the median keeps the promise."""
        return Verdict.NONE if self.target is None else self.target.verdict(self.median)


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, and why."""

    what: str
    why: str


Row: TypeAlias = Figure | Skipped


def ratios(of: Sequence[float], to: Sequence[float]) -> tuple[float, ...]:
    """`of` divided by `to`, round by round: both were measured within seconds of each other.

    Raises ValueError when the rounds do not pair.
    """
    return tuple(one / other for one, other in zip(of, to, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank); share is 0 < share ≤ 1.

    Raises ValueError for no values.
    """
    if not values:
        raise ValueError("no values, no percentile")
    ranked = sorted(values)
    return ranked[max(-int(-share * len(ranked) // 1) - 1, 0)]


_DIGITS: Final = ((100, 0), (10, 1), (1, 2))


def shown(value: float) -> str:
    """A figure for people: three significant digits at least, thousands apart."""
    size = abs(value)
    if value == int(value):
        return f"{int(value):,}"
    for least, digits in _DIGITS:
        if size >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3g}"
