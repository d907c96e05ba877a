"""Exact rules as a few bytes and back: what many rules have in common stands in a dictionary once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgpack

from redirect_rules.exact import ExactRule, Names, Record, Shape
from redirect_rules.exact_complaints import complaint_about_end
from redirect_rules.model import Action

MOST_SHAPES: Final = 4_096
"""Entries of the dictionary of what rules have in common."""

_INLINE = -1  # in the place of a shape's number: the shape itself follows


class Records:
    """Rules as bytes and back, with the dictionary that makes them short.

    A record is a msgpack array: the shape's number, the end of the id, the end of the url if there is one, the texts of
    the arguments.  When the dictionary is full a record carries its shape itself: never wrong, only longer.
    """

    def __init__(self, shapes: Iterable[Shape] = ()) -> None:
        self._shapes = list(shapes)
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._packer = msgpack.Packer()

    def pack(self, rule: ExactRule) -> bytes:
        """The record of a rule, without its address.  Raises ValueError, as `complaint_about_end` says it."""
        _, _, _, action, rule_id, destination, arguments, url, begin, end, otherwise = rule
        head, slash, id_tail = rule_id.rpartition("/")
        id_head = head + slash
        url_head = url_tail = ""
        if url:
            head, slash, url_tail = url.rpartition("/")
            url_head = head + slash
        names: Names = ()
        texts: list[str] = []
        if arguments:
            names, texts = tuple([name for name, _ in arguments]), [text for _, text in arguments]
        # Of the action its text: hashing a member of an Enum runs Python.
        shape = (action._value_, destination, names, url_head, id_head, begin, end, otherwise)
        number = self._numbers.get(shape)
        if number is None:
            number = self._number_of(rule, shape)
        rest = (id_tail, url_tail, *texts) if url else (id_tail, *texts)
        record = (number, *rest) if number >= 0 else (_INLINE, _shape_as_data(Shape(action, *shape[1:])), *rest)
        packed: bytes = self._packer.pack(record)
        return packed

    def _number_of(self, rule: ExactRule, shape: tuple[Any, ...]) -> int:
        if wrong := complaint_about_end(rule):
            raise ValueError(wrong)
        if len(self._shapes) >= MOST_SHAPES:
            return _INLINE
        self._numbers[shape] = len(self._shapes)
        self._shapes.append(Shape(rule.action, *shape[1:]))
        return len(self._shapes) - 1

    def shape(self, number: int) -> Shape:
        """What stands in the dictionary under a number."""
        return self._shapes[number]

    @property
    def shapes(self) -> Sequence[Shape]:
        """The dictionary, in the order of its numbers."""
        return self._shapes

    @classmethod
    def continued(cls, shapes: Iterable[Shape]) -> "Records":
        """With what a file has in its dictionary, so that more can be packed to stand beside its records."""
        records = cls(shapes)
        records._numbers = {(shape.action._value_, *shape[1:]): n for n, shape in enumerate(records._shapes)}
        return records

    def rule(self, portal: str, path: str, query: tuple[tuple[str, str], ...], record: Record) -> ExactRule:
        """The rule of an unpacked record."""
        number = record[0]
        if number >= 0:
            shape, at = self._shapes[number], 1
        else:
            shape, at = _shape_from_data(record[1]), 2
        action, destination, parameters, url_head, id_head, begin, end, otherwise = shape
        url = ""
        rule_id = id_head + record[at]
        if url_head:
            at += 1
            url = url_head + record[at]
        if len(parameters) == 1:  # nearly always, and a third of the time of zip
            arguments: tuple[tuple[str, str], ...] = ((parameters[0], record[at + 1]),)
        else:
            arguments = tuple(zip(parameters, record[at + 1 :], strict=True))
        return ExactRule(portal, path, query, action, rule_id, destination, arguments, url, begin, end, otherwise)

    def as_data(self) -> list[Any]:
        """The dictionary, for the file."""
        return [_shape_as_data(shape) for shape in self._shapes]

    @classmethod
    def from_data(cls, data: Iterable[Any]) -> "Records":
        """The dictionary of a file.  Raises ValueError or TypeError for what is none."""
        return cls(map(_shape_from_data, data))


def _shape_as_data(shape: Shape) -> list[Any]:
    action, destination, parameters, url_head, id_head, begin, end, otherwise = shape
    instants = [at.isoformat() if at else None for at in (begin, end)]
    return [str(action), destination, list(parameters), url_head, id_head, *instants, otherwise]


def _shape_from_data(data: Sequence[Any]) -> Shape:
    action, destination, parameters, url_head, id_head, *instants, otherwise = data
    begin, end = (datetime.fromisoformat(text) if text else None for text in instants)
    return Shape(Action(action), destination, tuple(parameters), url_head, id_head, begin, end, otherwise)
