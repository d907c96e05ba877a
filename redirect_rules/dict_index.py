"""An exact index in memory: for small sets, for drafts and for tests."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from redirect_rules.exact import (
    MOST_NAME_SETS,
    Address,
    ExactRule,
    Names,
    Place,
    PlacedIndex,
    Shape,
    asking_order,
)
from redirect_rules.exact_complaints import complaint, complaint_about_name_sets, complaint_about_neighbours
from redirect_rules.packed_rules import Alone, Packed, packed
from redirect_rules.rule_records import Records
from redirect_rules.sources import Problem, Problems


class DictIndex(PlacedIndex):
    """The rules of a few addresses, found as those of a file are."""

    def __init__(self, rules: Iterable[ExactRule]) -> None:
        """Index rules in any order.  Raises Problems for what cannot be compiled, as the file's compiler does."""
        self._rules: dict[Address, list[ExactRule]] = defaultdict(list)
        names: dict[tuple[str, str], set[Names]] = defaultdict(set)
        problems: list[Problem] = []
        for rule in rules:
            self._rules[rule.address].append(rule)
            asked = names[rule.portal, rule.path]
            if rule.query:
                asked.add(tuple(name for name, _ in rule.query))
            if wrong := complaint(rule):
                problems.append(Problem(rule.id, 0, wrong))
        self._name_sets = {where: tuple(sorted(asked, key=asking_order)) for where, asked in names.items()}
        self._records = Records()
        problems += self._crowded()
        if problems:
            raise Problems(problems)

    def _crowded(self) -> Iterator[Problem]:
        for rules in self._rules.values():
            if len(rules) > 1 and (wrong := complaint_about_neighbours(rules)):
                yield Problem(rules[-1].id, 0, wrong)
        for (portal, path), name_sets in self._name_sets.items():
            if len(name_sets) > MOST_NAME_SETS:
                yield Problem(portal, 0, complaint_about_name_sets(path, name_sets[:MOST_NAME_SETS]))

    def place(self, portal: str, path: str) -> Place | None:
        """See PlacedIndex."""
        name_sets = self._name_sets.get((portal, path))
        return None if name_sets is None else Place(name_sets, self._rules.get((portal, path, ()), ()))

    def under(self, portal: str, path: str, _: int, query: tuple[tuple[str, str], ...]) -> Sequence[ExactRule]:
        """See PlacedIndex."""
        return self._rules.get((portal, path, query), ())

    def alone(self, portal: str) -> Alone:
        """See ExactIndex."""
        return _DictAlone(self, portal, self._records)

    def shape(self, number: int) -> Shape:
        """See ExactIndex."""
        return self._records.shape(number)

    def __len__(self) -> int:
        return sum(map(len, self._rules.values()))

    def __iter__(self) -> Iterator[ExactRule]:
        for rules in self._rules.values():
            yield from rules


class _DictAlone(Alone):
    """As a mapped file finds them, and packed as there."""

    __slots__ = ("_index", "_portal", "_records")

    def __init__(self, index: PlacedIndex, portal: str, records: Records) -> None:
        self._index = index
        self._portal = portal
        self._records = records

    def find(self, path: bytes, cut: int) -> Packed | None:  # noqa: ARG002 - see Alone
        place = self._index.place(self._portal, path.decode())
        if place is None or place.name_sets or len(place.plain) != 1:
            return None
        return packed(self._records.pack(place.plain[0]))
