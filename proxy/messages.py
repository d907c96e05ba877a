"""The words of the pages: read from TOML, checked whole, filled in safely.

A message is plain text with named places, `{portal} closed on {date}`.  It is no template: no markup, no attribute
access, no formats.  Whatever is filled in is escaped, so neither a message nor a visitor can add an element to a page.
"""

import difflib
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import jinja2
from jinja2 import nodes
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

DEFAULT_LANGUAGE = "vi"

#: Where a language that lacks a message borrows it: a half-translated page beats a missing sentence.
FALLBACKS = ("en", DEFAULT_LANGUAGE)

#: Keys this program asks for by itself; a name that ends in "." stands for all keys below it.
ASKED_BY_CODE = frozenset({"language.name", "national.portal", "national.host", "date.full", "date.month."})

_FIELD_NAME = re.compile(r"[a-z]+\Z")


@dataclass(frozen=True, slots=True)
class Message:
    """One message, taken apart: text, name, text, …, name, text."""

    pieces: tuple[str, ...]  # even places are text, odd places are names
    escaped: tuple[str, ...]  # the same for HTML

    @property
    def names(self) -> frozenset[str]:
        """The places to fill in."""
        return frozenset(self.pieces[1::2])

    @property
    def source(self) -> str:
        """The text with its places standing in it as they were written."""
        return "".join(f"{{{piece}}}" if at % 2 else piece for at, piece in enumerate(self.pieces))

    def raw(self, values: Mapping[str, object]) -> str:
        """The text with its places filled in, not escaped: for JSON, never for HTML."""
        return "".join(str(values[piece]) if at % 2 else piece for at, piece in enumerate(self.pieces))

    def html(self, values: Mapping[str, object]) -> Markup:
        """The same, safe in an element or a quoted attribute."""
        pieces = [escape(values[piece]) if at % 2 else piece for at, piece in enumerate(self.escaped)]
        return Markup("".join(pieces))  # noqa: S704  # every piece is escaped, here or when it was read


def parse(text: str) -> Message:
    """Take a message apart.  Raises ValueError saying what is wrong with it."""
    pieces = [""]
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error} (write {{{{ and }}}} for braces)") from None
    for literal, name, form, conversion in parsed:
        pieces[-1] += literal
        if name is None:
            continue
        if form or conversion or not _FIELD_NAME.match(name):
            raise ValueError(f"{{{name}}}: only a plain lower-case name may stand in braces")
        pieces += [name, ""]
    return Message(tuple(pieces), tuple(str(escape(piece)) for piece in pieces))


@dataclass(frozen=True, slots=True)
class MessageFile:
    """One file as read, with everything that is wrong with it."""

    source: str
    messages: Mapping[str, Message]
    problems: tuple[str, ...]


def read(source: str, text: str) -> MessageFile:
    """Read a TOML file of messages; nested tables become dotted keys."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return MessageFile(source, {}, (f"{source}: {error}",))
    messages: dict[str, Message] = {}
    problems: list[str] = []
    for key, value in _flat(table):
        if not isinstance(value, str):
            problems.append(f"{source}: {key}: must be text in quotes, not {type(value).__name__}")
            continue
        try:
            messages[key] = parse(value)
        except ValueError as error:
            problems.append(f"{source}: {key}: {error}")
    return MessageFile(source, messages, tuple(problems))


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def problems_against(file: MessageFile, reference: Mapping[str, Message]) -> Iterator[str]:
    """What would never be shown, or could not be filled in, if this file were laid over the reference."""
    yield from file.problems
    for key, message in file.messages.items():
        known = reference.get(key)
        if known is None:
            near = difflib.get_close_matches(key, reference, n=1)
            yield f"{file.source}: {key}: no page asks for this key" + (f"; did you mean {near[0]}?" if near else "")
        elif unknown := message.names - known.names:
            offered = ", ".join(f"{{{name}}}" for name in sorted(known.names)) or "no place to fill in"
            wrong = ", ".join(f"{{{name}}}" for name in sorted(unknown))
            yield f"{file.source}: {key}: {wrong} is not known here; this message has {offered}"


class Texts:
    """All messages of one language, for one portal.  Called by templates: `t("closed.title", portal=…)`."""

    __slots__ = ("_constant", "_json", "_messages", "language")

    def __init__(self, language: str, messages: Mapping[str, Message]) -> None:
        self.language = language
        self._messages = messages
        self._json: dict[tuple[str, ...], Markup] = {}
        self._constant = {key: m.html({}) for key, m in messages.items() if not m.names}

    def __call__(self, key: str, /, **values: object) -> Markup:
        """The message as HTML.  Raises KeyError for a key or a value that is missing."""
        constant = self._constant.get(key)
        return self._messages[key].html(values) if constant is None else constant

    def __contains__(self, key: str) -> bool:
        return key in self._messages

    @property
    def messages(self) -> Mapping[str, Message]:
        """What stands under each key."""
        return self._messages

    def over(self, own: Mapping[str, Message]) -> "Texts":
        """The same under some messages that win."""
        return Texts(self.language, {**self._messages, **own})

    def raw(self, key: str, /, **values: object) -> str:
        """The message as plain text."""
        return self._messages[key].raw(values)

    def json(self, *keys: str) -> Markup:
        """Messages for a script, which fills in the {places} itself: JSON, safe in a single-quoted attribute."""
        if keys not in self._json:
            self._json[keys] = htmlsafe_json_dumps(
                {key: self._messages[key].source for key in keys}, ensure_ascii=False
            )
        return self._json[keys]

    def date(self, day: date) -> Markup:
        """A day as people write it in this language."""
        return self("date.full", day=day.day, month=self(f"date.month.{day.month}"), year=day.year)


def keys_asked(environment: jinja2.Environment, source: str) -> frozenset[str]:
    """The keys a template asks for; of one that is put together, `"trouble." ~ reason`, its beginning: "trouble."."""
    found: set[str] = set()
    for call in environment.parse(source).find_all(nodes.Call):
        match call.node:
            case nodes.Name(name="t") | nodes.Getattr(node=nodes.Name(name="t"), attr="raw") if call.args:
                found.add(_key(call.args[0]))
            case nodes.Getattr(node=nodes.Name(name="t"), attr="json"):
                found.update(map(_key, call.args))
    return frozenset(found)


def _key(argument: nodes.Expr) -> str:
    if isinstance(argument, nodes.Const):
        return str(argument.value)
    if isinstance(argument, nodes.Concat) and isinstance(argument.nodes[0], nodes.Const):
        prefix = str(argument.nodes[0].value)
        return prefix if prefix.endswith(".") else prefix + "."
    raise ValueError("a template must ask for a message by a key that begins with a constant")
