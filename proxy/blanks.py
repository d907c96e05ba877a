"""What stands in the place of a value while a template is read once for all pages of its form.

A page is filled in with values that differ from address to address.  Where a template only says them (in text, in a
link, in JSON), the page can be made once with blanks, and the values written into it afterwards.  Where it looks at one
in any other way (compares it, cuts it, counts its letters) the blank refuses, and pages of that form are made each for
itself.  So nobody who edits a template has to know anything of this.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias, cast

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.utils import htmlsafe_json_dumps
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

# For private use (Unicode §23.5): no text of a page has them, and nothing that makes a page safe touches them.
_OPEN: Final = "\ue000"
_CLOSE: Final = "\ue001"

Wording: TypeAlias = Callable[[str], str]
"""From a value to what stands in the page."""


class CannotBeBlank(Exception):
    """A template looks at a value instead of saying it."""


class _Hands(threading.local):
    full = False


_hands: Final = _Hands()


class Spot(NamedTuple):
    """A place that is to be filled in."""

    value: int  # which of the values
    wording: Wording


class Sheet:
    """A page that is being made with blanks."""

    def __init__(self) -> None:
        self._spots: dict[tuple[object, ...], int] = {}
        self._wordings: list[Spot] = []
        self._conditions: list[Spot] = []

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """While a page is made with its blanks, by this thread."""
        _hands.full = True
        try:
            yield
        finally:
            _hands.full = False

    def blank(self, value: int) -> Any:
        """The blank for a value that is a text and not empty."""
        return _Blank(self, value)

    def spot(self, value: int, steps: tuple[Wording, ...], last: Wording) -> str:
        """The sign that stands in the page for a value as these steps word it."""
        number = self._spots.setdefault((value, steps, last), len(self._wordings))
        if number == len(self._wordings):
            self._wordings.append(Spot(value, _Worded(steps, last) if steps else last))
        return f"{_OPEN}{number}{_CLOSE}"

    def suppose(self, value: int, wording: Wording) -> None:
        """From now on the page is one of those for which a value is worded somehow, and not as nothing."""
        self._conditions.append(Spot(value, wording))

    def cut(self, page: str) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Spot, ...]]:
        """The page at its spots: the texts round them, which spots they are, and all that is to be worded for them.

        Raises CannotBeBlank where a text of the page has a sign of ours.
        """
        first, *others = page.split(_OPEN)
        pairs = [other.partition(_CLOSE) for other in others]
        try:
            numbers = tuple(int(number) for number, _, _ in pairs)
            texts = (first, *(text for _, _, text in pairs))
            spots = tuple(self._wordings[number] for number in numbers)
        except (ValueError, IndexError):
            raise CannotBeBlank("a text has a sign that blanks are known by") from None
        if any(_CLOSE in text for text in texts):
            raise CannotBeBlank("a text has a sign that blanks are known by")
        kept = tuple(dict.fromkeys((*spots, *self._conditions)))
        return texts, tuple(kept.index(spot) for spot in spots), kept


class _Worded:
    """One step after the other."""

    __slots__ = ("_last", "_steps")

    def __init__(self, steps: tuple[Wording, ...], last: Wording) -> None:
        self._steps = steps
        self._last = last

    def __call__(self, value: str) -> str:
        for step in self._steps:
            value = step(value)
        return self._last(value)


class _Step:
    """A function with its arguments.  Equal for equal ones, which `partial` is not."""

    __slots__ = ("_function", "_given")

    def __init__(self, function: Callable[..., str], given: tuple[object, ...]) -> None:
        self._function = function
        self._given = given

    def __call__(self, value: str) -> str:
        return self._function(value, *self._given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Step) and (self._function, self._given) == (other._function, other._given)

    def __hash__(self) -> int:
        return hash((self._function, self._given))


def _refused(*_: object, **__: object) -> NoReturn:
    raise CannotBeBlank("a template looks at a value that differs from page to page")


class _Blank:
    """Can be said, and nothing else."""

    __slots__ = ("_sheet", "_steps", "_value")

    def __init__(self, sheet: Sheet, value: int, steps: tuple[Wording, ...] = ()) -> None:
        self._sheet = sheet
        self._value = value
        self._steps = steps

    def then(self, step: Wording) -> "_Blank":
        """What becomes of it by one step more."""
        return _Blank(self._sheet, self._value, (*self._steps, step))

    def __html__(self) -> Markup:
        return Markup(self._sheet.spot(self._value, self._steps, _escaped))  # noqa: S704  # a sign of ours

    def suppose(self, step: Wording) -> None:
        """Suppose that a step more gives something."""
        self._sheet.suppose(self._value, _Worded((*self._steps, step), str))

    def in_json(self) -> str:
        """What stands for it between quotation marks in JSON inside a page."""
        return self._sheet.spot(self._value, self._steps, _quoted)

    def __str__(self) -> str:
        return self.__html__()  # joined to others with "~": as text of the page

    def __bool__(self) -> bool:
        if self._steps:
            _refused()
        return True

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = __repr__ = __len__ = __iter__ = _refused
    __contains__ = __getitem__ = __add__ = __radd__ = __mul__ = __mod__ = __rmod__ = __reduce__ = __copy__ = _refused


class _Unsaid:
    """What no template may look at while it is read with blanks."""

    __slots__ = ()
    __bool__ = __len__ = __iter__ = __getitem__ = __html__ = __str__ = __repr__ = __contains__ = _refused
    __eq__ = __ne__ = __hash__ = _refused


UNSAID: Final[Any] = _Unsaid()
"""In the place of a value for which there can be no blank."""


def _escaped(value: str) -> str:
    """As `markupsafe.escape` does, without a Markup for each."""
    if isinstance(value, Markup):
        return str(value)
    for sign, told in (("&", "&amp;"), (">", "&gt;"), ("<", "&lt;"), ("'", "&#39;"), ('"', "&#34;")):
        if sign in value:
            value = value.replace(sign, told)
    return value


def _quoted(value: str) -> str:
    """As `to_json` does, without the quotation marks."""
    value = encode_basestring(value)[1:-1]
    for sign, told in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("'", "\\u0027")):
        if sign in value:
            value = value.replace(sign, told)
    return value


def _in_json(value: object) -> str:
    if isinstance(value, _Blank):
        return value.in_json()
    raise TypeError(f"{type(value).__name__} is no JSON")


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_in_json)


def to_json(value: object) -> Markup:
    """JSON that is safe in a single-quoted attribute.  For Jinja's filter `tojson`."""
    return htmlsafe_json_dumps(_watched(value, blanks=True), dumps=_JSON.encode)


def saying(function: Callable[..., Any], *, parts: int = 0) -> Callable[..., Any]:
    """A filter or function of one text, that can also be asked about a blank.

    parts  how many texts it gives; 0: one, and no tuple
    """

    def asked(value: Any, *given: Any) -> Any:
        if not isinstance(value, _Blank):
            return function(_watched(value), *given)
        if not parts:
            return value.then(_Step(function, given))
        return tuple(value.then(_Step(_part, (function, number))) for number in range(parts))

    return asked


def _part(value: str, function: Callable[[str], tuple[str, ...]], number: int) -> str:
    return function(value)[number]


def attributes_of(function: Callable[[str], Any], names: Iterable[str]) -> Callable[..., Any]:
    """A function of one text that gives an object of which templates say these attributes.

    It may give None instead: pages for which it does are made each for itself.
    """
    names = frozenset(names)

    def asked(value: Any) -> Any:
        if not isinstance(value, _Blank):
            return function(_watched(value))
        value.suppose(_Step(_presence, (function,)))
        return _Attributes({name: value.then(_Step(_attribute, (function, name))) for name in names})

    return asked


def _presence(value: str, function: Callable[[str], Any]) -> str:
    return "" if function(value) is None else "there"


def _attribute(value: str, function: Callable[[str], Any], name: str) -> str:
    return str(getattr(function(value), name, ""))


class _Attributes:
    def __init__(self, values: Mapping[str, _Blank]) -> None:
        self.__dict__.update(values)


# ── templates that would look at what has blanks in it ────────────────────────────────────────────────────────────


def _watched(value: Any, *, blanks: bool = False) -> Any:
    """The value; raises CannotBeBlank for a text with a blank in it.  `blanks`: those themselves may be there.

    Where no page is made with blanks, a text may have any signs: visitors type what they like.
    """
    if not _hands.full:
        return value
    if isinstance(value, str):
        if _OPEN in value:
            _refused()
    elif isinstance(value, _Blank):
        if not blanks:
            _refused()
    elif isinstance(value, dict):
        for key, inner in value.items():
            _watched(key)
            _watched(inner, blanks=blanks)
    elif isinstance(value, list | tuple):
        for inner in value:
            _watched(inner, blanks=blanks)
    return value


_WATCHED: Final = "watched"
# These say a value, or tell whether it is there at all.
_SAYING_FILTERS: Final = frozenset({"href", "inside", "address", "breakable", "tojson", "e", "escape", _WATCHED})
_COUNTING_FILTERS: Final = frozenset({"length", "count"})
_HARMLESS_TESTS: Final = frozenset({"none", "defined", "undefined"})


class _Watching(NodeTransformer):
    """Has everything watched that a template looks at, and does not only say."""

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - as Jinja calls it
        self.generic_visit(node)
        node.expr = _watch(node.expr)
        for operand in node.ops:
            operand.expr = _watch(operand.expr)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        # A row of values may have blanks; a text is none.
        node.iter = _watch(node.iter, "watched_row")
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.node = _watch(node.node, "watched_row")
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name | nodes.Getattr):
            node.node = _watch(node.node, "watched_row")
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if node.name not in _SAYING_FILTERS:
            if isinstance(node.node, nodes.Expr):  # of a filter over a block, see below
                node.node = _watch(node.node, "watched_row" if node.name in _COUNTING_FILTERS else _WATCHED)
            node.args = [_watch(argument) for argument in node.args]
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if node.name not in _HARMLESS_TESTS:
            node.node = _watch(node.node)
            node.args = [_watch(argument) for argument in node.args]
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr) and node.node.attr == "changed":  # of a loop: it compares
            node.args = [_watch(argument) for argument in node.args]
        return node

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        super().generic_visit(node, *args, **kwargs)
        if isinstance(node, nodes.BinExpr) and not isinstance(node, nodes.And | nodes.Or):
            node.left, node.right = _watch(node.left), _watch(node.right)
        if isinstance(node, nodes.FilterBlock) or (isinstance(node, nodes.AssignBlock) and node.filter is not None):
            # There is no telling what such a filter is given.
            node.body.insert(0, nodes.Output([_watch(nodes.Const(""), "alone")]))
        return node


def _watch(node: nodes.Node, how: str = _WATCHED) -> nodes.Expr:
    return nodes.Filter(cast("nodes.Expr", node), how, [], [], None, None, lineno=node.lineno)


class _WatchingGenerator(CodeGenerator):
    """Writes templates down in Python, with everything watched in them that is looked at."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:  # noqa: N802 - as above
        """See CodeGenerator."""
        _Watching().visit(node)
        node.set_environment(self.environment)
        super().visit_Template(node, frame)


class WatchingEnvironment(jinja2.Environment):
    """Templates that may be given blanks."""

    code_generator_class = _WatchingGenerator

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.filters.update(watched=_watched, watched_row=partial(_watched, blanks=True), alone=_alone, tojson=to_json)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """See Environment: of a text with blanks in it nothing can be asked."""
        if isinstance(obj, str):
            _watched(obj)
        return super().getattr(obj, attribute)


def _alone(text: str) -> str:
    """The text; raises CannotBeBlank while blanks are about."""
    if _hands.full:
        _refused()
    return text
