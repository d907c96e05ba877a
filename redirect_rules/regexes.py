"""Free regular expressions, for imports and experts: asked after every other rule, in the order in which they stand.

RE2 only: `^/(a+)+$` in Python's `re` would stop a worker for seconds.  But linear is not free: RE2 builds a state for
each character it has not met in that company, and a state costs what the expressions in it weigh.  So both factors are
bounded: the length of a path that is looked at, and the weight (RE2's program size) of all expressions that can be
asked about one path.  Expressions are kept under the literal folders that they begin with, so that this weight is that
of one folder and of those above it, not that of the portal.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import re2

from redirect_rules.canonical import Key
from redirect_rules.matching import Match, TemplateIndex
from redirect_rules.model import PathTemplate, Rule
from redirect_rules.sayings import say
from redirect_rules.sources import Problem, Problems

MOST_EXPRESSIONS: Final = 500
"""Expressions of one portal."""
LONGEST_EXPRESSION: Final = 500
"""Characters."""
HEAVIEST: Final = 256
"""Program size of all expressions that can be asked about one path; `^/a/(\\d+)\\.html$` weighs 13."""
LONGEST_PATH: Final = 200
"""Characters of a path that expressions are asked about; of longer ones they know nothing."""

ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
"""Captures have names of letters: group 1 is `first`."""

Folder: TypeAlias = tuple[str, ...]

_MEMORY_BYTES = 1 << 20  # what RE2 may keep of its states for one folder
_DEEPEST = 3  # literal folders
_BEGINNING = re.compile(r"\^((?:/[A-Za-z0-9_-]+)*)/(?![?*+{])")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|[()|]|[^\\\[()|]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expression:
    """A rule that knows paths by an expression.  The rule's templates are not asked.

    The expression is searched for in the canonical path, percent-encoded, case as sent: without case where the portal
    folds.  No path ends in a slash.  Groups become captures under their names and as `first` … `ninth`, decoded.
    """

    pattern: str
    rule: Rule


def groups_of(pattern: str) -> frozenset[str]:
    """The captures of an expression.  Raises ValueError that says what is wrong with it."""
    try:
        compiled = re2.compile(pattern, _options(fold_case=True))
    except re2.error as error:
        raise ValueError(say("rule.expression", pattern=pattern, why=_text_of(error))) from None
    return frozenset(ORDINALS[: compiled.groups]) | frozenset(compiled.groupindex)


class RegexSet:
    """The expressions of one portal."""

    def __init__(self, expressions: Sequence[Expression], *, fold_case: bool) -> None:
        """Compile.  Raises Problems, each with the id of its rule: no RE2, too long, too heavy, too many."""
        self._options = _options(fold_case=fold_case)
        self._expressions = [_Compiled(one, self._options, fold_case=fold_case) for one in expressions]
        problems = [Problem(one.rule.id, 0, one.complaint) for one in self._expressions if one.complaint]
        if len(expressions) > MOST_EXPRESSIONS:
            text = f"the portal has {len(expressions)} regular expressions: {MOST_EXPRESSIONS} at most, write templates"
            problems.append(Problem(expressions[-1].rule.id, 0, text))
        folders: dict[Folder, list[int]] = defaultdict(list)
        for number, one in enumerate(self._expressions):
            folders[one.folder].append(number)
        problems += self._too_heavy(folders)
        if problems:
            raise Problems(problems)
        self._sets = {folder: (self._set_of(numbers), numbers) for folder, numbers in folders.items()}

    def best(self, key: Key, now: datetime) -> Match | None:
        """The first expression that knows the path and whose rule is in force and asks for nothing else."""
        return next(self._matches(key, now), None)

    def candidates(self, key: Key, now: datetime) -> list[Match]:
        """All of them, in their order."""
        return list(self._matches(key, now))

    def __len__(self) -> int:
        return len(self._expressions)

    def _matches(self, key: Key, now: datetime) -> Iterator[Match]:
        text = replace(key, folded=key.segments).path
        if not self._sets or len(text) > LONGEST_PATH:
            return
        found: list[int] = []
        for depth in range(min(_DEEPEST, len(key.folded)) + 1):
            if (kept := self._sets.get(key.folded[:depth])) is not None:
                found += [kept[1][place] for place in kept[0].Match(text) or ()]
        for number in sorted(found):
            if (match := self._expressions[number].match(key, text, now)) is not None:
                yield match

    def _set_of(self, numbers: Sequence[int]) -> Any:
        kept = re2.Set.SearchSet(self._options)
        for number in numbers:
            kept.Add(self._expressions[number].pattern)
        kept.Compile()
        return kept

    def _too_heavy(self, folders: Mapping[Folder, Sequence[int]]) -> Iterator[Problem]:
        for folder in folders:
            above = [folder[:depth] for depth in range(len(folder) + 1)]
            numbers = [number for each in above if each in folders for number in folders[each]]
            weight = sum(self._expressions[number].weight for number in numbers)
            if weight > HEAVIEST:
                text = (
                    f"/{'/'.join(folder)}: {len(numbers)} regular expressions can be asked about one path here, and "
                    f"weigh {weight}, {HEAVIEST} at most: write templates, or begin them with a folder (^/folder/)"
                )
                yield Problem(self._expressions[max(numbers)].rule.id, 0, text)


class _Compiled:
    """One expression, ready to be asked."""

    def __init__(self, given: Expression, options: Any, *, fold_case: bool) -> None:
        self.pattern = given.pattern
        self.rule = replace(given.rule, templates=(PathTemplate((), "", given.pattern),), exact=False)
        self.complaint = ""
        self.weight = 0
        self.folder = _folder_of(given.pattern, fold_case=fold_case)
        # A template of any path asks for the rule's conditions and validity, and reads its query captures.
        self._rest = TemplateIndex([[self.rule]], fold_case=fold_case)
        if len(given.pattern) > LONGEST_EXPRESSION:
            self.complaint = f"the expression is longer than {LONGEST_EXPRESSION} characters"
            return
        try:
            self._expression = re2.compile(given.pattern, options)
            self.weight = self._expression.programsize
        except re2.error as error:
            self.complaint = f"{given.pattern!r} is no RE2 expression: {_text_of(error)}"

    def match(self, key: Key, text: str, now: datetime) -> Match | None:
        """The match with all its captures, if the rule is in force and its conditions hold."""
        rest = self._rest.best(key, now)
        found = self._expression.search(text)
        if rest is None or found is None:
            return None
        return Match(self.rule, rest.template, {**rest.captured, **_groups(found)})


def _groups(found: Any) -> Mapping[str, str]:
    numbered = dict(zip(ORDINALS, found.groups(), strict=False))
    return {name: unquote(text) for name, text in {**numbered, **found.groupdict()}.items() if text}


def _text_of(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _options(*, fold_case: bool) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.case_sensitive = not fold_case
    return options


def _folder_of(pattern: str, *, fold_case: bool) -> Folder:
    """The literal folders without which the expression cannot match; () where that is not plain to see."""
    begins = _BEGINNING.match(pattern)
    if begins is None or "\\Q" in pattern or _has_branches(pattern):
        return ()
    folders = tuple(begins[1].split("/")[1:][:_DEEPEST])
    return tuple(folder.lower() for folder in folders) if fold_case else folders


def _has_branches(pattern: str) -> bool:
    """Whether a | stands outside all groups."""
    depth = 0
    for token in _TOKEN.findall(pattern):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "|" and depth == 0:  # noqa: S105 - no password
            return True
    return False
