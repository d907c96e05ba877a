"""Templates found by the literals of a path: one probe for each shape, none for each template.

A shape is what remains of a template when its holes and its texts are forgotten: the places of its literals.  What may
fit a path of one length is told apart once, so that a look-up looks at nothing that it could not take.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Final, Protocol, TypeAlias

from redirect_rules.canonical import MOST_SEGMENTS

Shape: TypeAlias = tuple[int, ...]
"""The places of a template's literals, in ascending order."""
Texts: TypeAlias = str | tuple[str, ...]
"""The literals of a path at the places of a shape; of one alone no tuple is made."""


class Placed(Protocol):
    """A template, as far as it is looked at here."""

    @property
    def place(self) -> int:
        """Its rank among all: the lowest comes first."""
        ...

    @property
    def length(self) -> int:
        """Segments."""
        ...

    @property
    def endless(self) -> bool:
        """Whether more of them may follow."""
        ...


Shelf: TypeAlias = Mapping[Texts, tuple[Placed, ...]]
"""The templates of one shape by their literals, each time the lowest places first."""
_Probe: TypeAlias = tuple[Callable[[tuple[str, ...]], Texts], Shelf]
"""What takes the literals of a shape out of a path, and what stands under them: of one length only."""

_Row: TypeAlias = tuple[Mapping[str, tuple[_Probe, ...]], tuple[_Probe, ...]]
"""What a path of one length is asked of, by its first segment, and where no template begins with that."""

_FEW: Final = 2  # shapes
_by_place = attrgetter("place")


class TupleSpace:
    """Templates in any number, never changed."""

    __slots__ = ("_last", "_rows", "shelves")

    def __init__(self, shelves: Mapping[Shape, Shelf]) -> None:
        """Of templates by their shapes."""
        self.shelves = shelves
        self._rows = tuple(_Rows(shelves).made())
        self._last = len(self._rows) - 1

    def under(self, folded: tuple[str, ...]) -> Sequence[Any]:
        """The templates that have the literals and the length of a path (`Key.folded`), the lowest places first.

        A tuple is the space's own: the very same for the same literals, for as long as the space lives.
        """
        length = len(folded)
        row = self._rows[length] if length < self._last else self._rows[self._last]
        beginning, others = row
        probes = others
        if length and beginning:
            probes = beginning.get(folded[0], others)
        found: Sequence[Any] = ()
        for literals, shelf in probes:
            alike = shelf.get(literals(folded))
            if alike is not None:
                found = sorted((*found, *alike), key=_by_place) if found else alike
        return found


def texts_of(texts: tuple[str, ...]) -> Texts:
    """Literals as a shelf has them."""
    return texts if len(texts) != 1 else texts[0]


class _Rows:
    """Makes the rows of a space."""

    def __init__(self, shelves: Mapping[Shape, Shelf]) -> None:
        self._shelves = shelves
        # Of no place itemgetter takes nothing: an empty slice instead.
        self._literals = {shape: itemgetter(*shape) if shape else itemgetter(slice(0)) for shape in shelves}
        self._lengths = {
            shape: frozenset((one.length, one.endless) for alike in shelf.values() for one in alike)
            for shape, shelf in shelves.items()
        }
        self._fitting: dict[tuple[Shape, frozenset[tuple[int, bool]]], Shelf] = {}

    def made(self) -> list[_Row]:
        """By length; the last is for whatever is longer as well."""
        longest = max((length for lengths in self._lengths.values() for length, _ in lengths), default=0)
        return [self._row(length) for length in range(min(longest + 1, MOST_SEGMENTS) + 1)]

    def _row(self, length: int) -> _Row:
        probes = {shape: (self._literals[shape], self._of_length(shape, length)) for shape in self._shelves}
        fitting: dict[Shape, _Probe] = {shape: probe for shape, probe in probes.items() if probe[1]}
        with_first = [shape for shape in fitting if shape[:1] == (0,)]
        if len(with_first) <= _FEW:
            return {}, tuple(fitting.values())  # as soon asked as sorted out
        others = tuple(shape for shape in fitting if shape[:1] != (0,))
        beginning: dict[str, tuple[Shape, ...]] = {}
        for shape in with_first:
            firsts = (texts if isinstance(texts, str) else texts[0] for texts in fitting[shape][1])
            for first in dict.fromkeys(firsts):
                beginning[first] = (*beginning.get(first, others), shape)
        # Thousands of templates begin differently and are asked of the same shelves.
        alike = {shapes: tuple(fitting[shape] for shape in shapes) for shapes in {others, *beginning.values()}}
        return {first: alike[shapes] for first, shapes in beginning.items()}, alike[others]

    def _of_length(self, shape: Shape, length: int) -> Shelf:
        """The templates of a shape that a path of this length can fit."""
        lengths = self._lengths[shape]
        fitting = frozenset(one for one in lengths if one[0] == length or (one[1] and one[0] < length))
        found = self._fitting.get((shape, fitting))
        if found is None:
            shelf = self._shelves[shape]
            found = self._fitting[shape, fitting] = shelf if fitting == lengths else _only(shelf, fitting)
        return found


def _only(shelf: Shelf, lengths: frozenset[tuple[int, bool]]) -> Shelf:
    kept = {
        texts: tuple(one for one in alike if (one.length, one.endless) in lengths) for texts, alike in shelf.items()
    }
    return {texts: alike for texts, alike in kept.items() if alike}
