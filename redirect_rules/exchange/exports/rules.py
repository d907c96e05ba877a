"""The compiled view that every writer takes: an address, what is answered there, and nothing of how it was decided."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from redirect_rules.matching import Rank, rank_of
from redirect_rules.model import Action, Hole, PathTemplate, Rule
from redirect_rules.parsing import parse_template

REDIRECTS: Final = (301, 302, 307, 308)
STATUSES: Final = (*REDIRECTS, 410)


class Kind(StrEnum):
    """How a path is meant; in this order they win."""

    EXACT = "exact"
    TEMPLATE = "template"
    PREFIX = "prefix"  # the path and everything below it


@dataclass(frozen=True, slots=True)
class ExportedRule:
    """One answer of an edge."""

    host: str  # canonical
    path: str  # canonical, encoded, folded where the portal folds; or a template
    status: int  # 301, 302, 307, 308 or 410
    target: str = ""  # "" for 410; {name} where a template captures
    query: tuple[tuple[str, str], ...] = ()  # pairs that must be there, names in lower case; only with EXACT
    kind: Kind = Kind.EXACT
    fold_case: bool = True


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule that the other server's language cannot say, and why."""

    rule: ExportedRule
    why: str


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file of an export."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and what was not."""

    files: tuple[TextFile, ...]
    left_out: tuple[LeftOut, ...] = ()


# What a typed hole matches, as an expression that RE2 and PCRE read alike; the group is its normalised value.
# Types that are changed on the way, or that need their encoding kept, have none.
EXPRESSIONS: Mapping[str, str] = {
    "hex24": "([0-9a-fA-F]{24})",
    "procedure": r"([0-9][.][0-9]{6})(?:[.-][0-9A-Za-z.-]*)?",
    "commune": "([0-9]{5})",
    "number": "([0-9]{1,18})",
    "language": "((?:vi|en|fr|ja|zh|ko|ru|de|lo|km)(?:[-_][A-Za-z]{2})?)",
}
_UNCAPTURED = "[^/]+"
_HOLE = re.compile(r"\{([a-z_]+)\}")
_PARAMETER = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_UNSAFE = frozenset('"\\<>^`|')
_SPECIAL = frozenset(r"\.+*?()|[]{}^$")


@dataclass(frozen=True, slots=True)
class Expression:
    """A template as an expression over the decoded path, without anchors."""

    text: str
    groups: tuple[str, ...]  # the names of its groups, in order


def template_of(rule: ExportedRule) -> PathTemplate:
    """The template of a rule that is not exact.  Raises ValueError."""
    tail = "/{rest:path}" if rule.kind is Kind.PREFIX else ""
    return parse_template(rule.path.rstrip("/") + tail if tail else rule.path)


def expression_of(rule: ExportedRule) -> Expression | str:
    """The expression of a template or a prefix, or why there is none."""
    try:
        template = template_of(rule)
    except ValueError as error:
        return str(error)
    names = set(_HOLE.findall(rule.target))
    parts: list[str] = []
    groups: list[str] = []
    for segment in template.segments:
        if isinstance(segment, Hole):
            text = EXPRESSIONS.get(segment.type, f"({_UNCAPTURED})")
            if segment.name not in names:
                text = _ungrouped(text)
            elif segment.type in EXPRESSIONS:
                groups.append(segment.name)
            else:
                return f"a captured {segment.type} cannot be carried over: it is changed on the way"
            parts.append(f"{quoted(segment.prefix)}{text}{quoted(segment.suffix)}")
        else:
            parts.append(quoted(segment.text.lower() if rule.fold_case else segment.text))
    if names - set(groups):
        return f"{', '.join(sorted(names - set(groups)))} cannot be carried over"
    text = "".join(f"/{part}" for part in parts)
    return Expression(text + ("(?:/.*)?" if template.tail else ""), tuple(groups))


def _ungrouped(text: str) -> str:
    return text.replace("(?:", "(").replace("(", "(?:")


def ranked(rules: Iterable[ExportedRule]) -> list[ExportedRule]:
    """Templates and prefixes, the more specific first, as `matching` ranks them."""

    def rank(rule: ExportedRule) -> Rank:
        template = template_of(rule)
        return rank_of(Rule("", (template,), Action.REDIRECT), template)

    return sorted(rules, key=rank, reverse=True)


def quoted(text: str) -> str:
    """A text that an expression takes literally."""
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in text)


def decoded(path: str) -> str:
    """A canonical path as servers see it once they have decoded it; the root is empty."""
    return unquote(path).removesuffix("/")


def sorted_out(rules: Iterable[ExportedRule]) -> tuple[list[ExportedRule], list[LeftOut]]:
    """The rules that a server of another make can hold, and those that none can."""
    fit: list[ExportedRule] = []
    left_out: list[LeftOut] = []
    for rule in rules:
        if why := _unfit(rule):
            left_out.append(LeftOut(rule, why))
        else:
            fit.append(rule)
    return fit, left_out


def _unfit(rule: ExportedRule) -> str:
    if rule.status not in STATUSES:
        return f"status {rule.status} is none of {', '.join(map(str, STATUSES))}"
    if (rule.status in REDIRECTS) is not bool(rule.target):
        return "a redirect has a target, and 410 none"
    if any(not "!" <= c <= "~" or c in _UNSAFE for c in rule.target):
        return "the target has characters that no header may hold"
    if rule.query and rule.kind is not Kind.EXACT:
        return "parameters belong to an exact path"
    if rule.kind is Kind.EXACT and "{" in rule.target:
        return "nothing fills the holes of the target"
    return _unspoken(rule)


def _unspoken(rule: ExportedRule) -> str:
    plain = decoded(rule.path) if rule.kind is not Kind.TEMPLATE else rule.path
    if "%2f" in rule.path.lower() or "%25" in rule.path or not plain.isprintable():
        return "an encoded slash, percent sign or control character does not survive other servers' decoding"
    if not all(_PARAMETER.match(name) for name, _ in rule.query) or not all(v.isprintable() for _, v in rule.query):
        return "a parameter is no plain word"
    if len({name for name, _ in rule.query}) < len(rule.query):
        return "a parameter is asked for with two values"
    if rule.kind is not Kind.EXACT and isinstance(why := expression_of(rule), str):
        return why
    return ""
