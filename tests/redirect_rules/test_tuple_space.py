"""One probe for each shape finds what looking at every template finds, at every length of path."""

from collections import defaultdict
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import MOST_SEGMENTS
from redirect_rules.tuple_space import Shape, Texts, TupleSpace, texts_of


@dataclass(frozen=True, slots=True)
class Template:
    """A template whose parts are literals, or None where it has holes."""

    place: int
    parts: tuple[str | None, ...]
    endless: bool

    @property
    def length(self) -> int:
        return len(self.parts)

    def fits(self, path: tuple[str, ...]) -> bool:
        long_enough = len(path) == len(self.parts) or (self.endless and len(path) > len(self.parts))
        return long_enough and all(part in {None, text} for part, text in zip(self.parts, path, strict=False))


def space_of(*templates: Template) -> TupleSpace:
    shelves: dict[Shape, dict[Texts, list[Template]]] = defaultdict(lambda: defaultdict(list))
    for one in templates:
        literals = [(place, part) for place, part in enumerate(one.parts) if part is not None]
        shelves[tuple(place for place, _ in literals)][texts_of(tuple(text for _, text in literals))].append(one)
    return TupleSpace(
        {shape: {texts: tuple(alike) for texts, alike in shelf.items()} for shape, shelf in shelves.items()}
    )


_PARTS = st.lists(st.sampled_from([None, None, "a", "b", "c"]), max_size=5).map(tuple)
_TEMPLATES = st.lists(st.tuples(_PARTS, st.booleans()), max_size=24)
_PATHS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=7).map(tuple)


@given(_TEMPLATES, st.lists(_PATHS, min_size=1, max_size=8))
def test_what_stands_under_a_path_is_every_template_that_may_fit_it_in_their_order(
    given_templates: list[tuple[tuple[str | None, ...], bool]], paths: list[tuple[str, ...]]
) -> None:
    templates = [Template(place, parts, endless) for place, (parts, endless) in enumerate(given_templates)]
    space = space_of(*templates)
    for path in paths:
        assert list(space.under(path)) == [one for one in templates if one.fits(path)]


def test_of_many_that_begin_differently_none_is_in_the_others_way() -> None:
    """More shapes of one length than are asked without looking at the first segment."""
    shapes = [(True, False, False), (True, True, False), (True, False, True), (False, True, False)]
    templates = [
        Template(number * 4 + which, tuple(f"x{number}" if literal else None for literal in shape), endless=which == 1)
        for number in range(50)
        for which, shape in enumerate(shapes)
    ]
    space = space_of(*templates)
    assert [one.place for one in space.under(("x7", "x7", "x7"))] == [28, 29, 30, 31]
    assert [one.place for one in space.under(("x7", "x7", "x8"))] == [28, 29, 31]
    assert [one.place for one in space.under(("x7", "x7", "x7", "x7"))] == [29]
    assert [one.place for one in space.under(("x8", "x7", "-"))] == [31, 32]
    assert list(space.under(("-", "-", "-"))) == []


def test_a_path_longer_than_any_template_finds_those_with_a_tail() -> None:
    short, tail = Template(0, ("a",), endless=False), Template(1, ("a",), endless=True)
    space = space_of(short, tail)
    for length in (1, 2, 3, MOST_SEGMENTS, MOST_SEGMENTS + 1, 1_000):
        assert list(space.under(("a",) * length)) == ([short, tail] if length == 1 else [tail])


def test_what_stands_under_the_same_literals_is_the_very_same() -> None:
    """Whoever works something out about it may keep it under its identity."""
    space = space_of(*(Template(place, ("a", None), endless=False) for place in range(3)))
    assert space.under(("a", "b")) is space.under(("a", "c"))


def test_nothing_is_under_anything_in_an_empty_space() -> None:
    for path in ((), ("a",), ("a", "b")):
        assert list(space_of().under(path)) == []
