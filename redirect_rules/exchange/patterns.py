"""Expressions that people and servers wrote: a template where one says the same, RE2 otherwise, never anything else.

Python's `re` is not asked: `^/(a+)+$` would stop the edge for seconds.  RE2 runs in linear time within a bounded
memory, and has therefore no look-around and no back-references.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import re2

from redirect_rules.exchange.rows import Refused
from redirect_rules.regexes import ORDINALS

LONGEST_PATTERN = 500
"""Characters."""
_MEMORY = 1 << 20
_OPTIONS = re2.Options()
_OPTIONS.max_mem = _MEMORY
_OPTIONS.log_errors = False

REST = "rest"

_TOKEN = re.compile(
    r"""(?P<group>\((?:\?P?<(?P<name>[A-Za-z_]\w*)>)?(?P<body>\.\*|\[\^/\]\+|\\d\+|\[0-9\]\+|\[(?:0-9a-f|a-f0-9)\]\{24\})\))
      | (?P<rest>\.\*\Z)
      | (?P<escaped>\\[-./_~!@:,='])
      | (?P<plain>[\w/,@:!~='-])""",
    re.VERBOSE,
)
_TYPES = {".*": "path", "[^/]+": "word", r"\d+": "number", "[0-9]+": "number"}
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_OTHER_NAMED_GROUP = re.compile(r"\(\?<([A-Za-z_]\w*)>")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an expression means here."""

    path: str  # a template or an exact path; "": only the expression says it
    regex: str  # RE2
    groups: Mapping[str, str] = field(default_factory=dict)  # "1" and "id" → the name of the capture

    @property
    def exact(self) -> bool:
        """Whether it means one path only."""
        return bool(self.path) and "{" not in self.path


def pattern_of(text: str, *, ignore_case: bool) -> Pattern:
    """Read an expression.  Raises Refused with what to write instead."""
    if len(text) > LONGEST_PATTERN:
        raise Refused(f"the expression is longer than {LONGEST_PATTERN:,} characters: write one line for each address")
    text = _OTHER_NAMED_GROUP.sub(r"(?P<\1>", text)
    try:
        compiled = re2.compile(text, _OPTIONS)
    except UnicodeEncodeError:
        raise Refused("half of a letter stands in the expression: type it again") from None
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        raise Refused(
            f"the expression cannot be run in bounded time ({why}): without look-around and back-references write "
            "several simple lines, or a template such as /vi/{id:number}"
        ) from None
    if compiled.groups > len(ORDINALS):
        raise Refused(f"{compiled.groups} groups: capture {len(ORDINALS)} at most, write (?:…) for the others")
    groups = {str(i + 1): ORDINALS[i] for i in range(compiled.groups)}
    groups |= {name: ORDINALS[i - 1] for name, i in compiled.groupindex.items()}
    path = _path(text)
    regex = text if path else _encoded(text)
    return Pattern(path, f"(?i){regex}" if ignore_case else regex, groups)


def _encoded(text: str) -> str:
    """The expression over the percent-encoded path, where canonical paths live: "ứ" is %E1%BB%A9 there."""
    if text.isascii() and " " not in text:
        return text
    if any(c == " " or not c.isascii() for part in _CLASS.findall(text) for c in part):
        raise Refused("a letter with a mark stands in brackets: write (?:ă|â) in place of [ăâ]")
    return "".join(c if c.isascii() and c != " " else f"(?:{quote(c)})" for c in text)


def _path(text: str) -> str:
    """The template that matches the same paths, or "" when none does."""
    if not text.startswith("^/"):
        return ""
    body = text[1:]
    closed = body.endswith("$") and not body.endswith("\\$")
    body = body.removesuffix("$") if closed else body
    if closed:
        body = body.removesuffix("/?")
    elif not body.endswith(("/", ".*", ".*)")):
        return ""  # "^/tin" knows "/tin-tuc" as well
    parts, at, count = [], 0, 0
    while at < len(body):
        token = _TOKEN.match(body, at)
        if token is None:
            return ""
        at = token.end()
        if token["group"]:
            parts.append(f"{{{ORDINALS[count]}:{_TYPES.get(token['body'], 'hex24')}}}")
            count += 1
        elif token["rest"]:
            parts.append(f"{{{REST}:path}}")
        else:
            parts.append(token["plain"] or token["escaped"][1:])
    path = "".join(parts)
    if not closed and path.endswith("/"):
        path += f"{{{REST}:path}}"
    return path if _fits(path) else ""


def _fits(path: str) -> bool:
    """Whether it is a template: one hole in a segment, a tail alone and at the end, no dot segments."""
    segments = path.split("/")[1:]
    for i, segment in enumerate(segments):
        if segment.count("{") > 1 or segment in {".", ".."}:
            return False
        if ":path}" in segment and not (segment.startswith("{") and segment.endswith("}") and i == len(segments) - 1):
            return False
        if not segment and i < len(segments) - 1:
            return False
    return True
