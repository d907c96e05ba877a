"""A wish → the row it becomes: its address canonical, its target admitted, every cell read."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from pydantic import TypeAdapter, ValidationError

from redirect_rules.captures import TYPES
from redirect_rules.exchange.cells import LEADS, STATUSES, action_of, day_of, is_yes, json_of, tags_of
from redirect_rules.exchange.old_addresses import AddressReader, OldAddress
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem, MatchKind, Refused, Wish
from redirect_rules.exchange.targets import Targets, To
from redirect_rules.model import Action
from redirect_rules.parsing import QueryRow

_GROUP = re.compile(r"\$(?:(\d)|\{(\w+)\}|([A-Za-z_]\w*))")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_TO: TypeAdapter[list[str | dict[str, str]]] = TypeAdapter(list[str | dict[str, str]])
_WHEN: TypeAdapter[list[str]] = TypeAdapter(list[str])
_QUERY: TypeAdapter[dict[str, QueryRow]] = TypeAdapter(dict[str, QueryRow])
_UNSAID = {
    "preserve_query_string": "the visit's query is not carried over: write FALSE, and the parameters into new_url",
    "include_subdomains": "subdomains are portals of their own: write one line for each host",
}


class Checker:
    """Turns wishes into rows or problems; holds what is remembered from line to line."""

    def __init__(self, source: str, context: Context, portal: str | None, action: Action) -> None:
        self._source = source
        self._action = action
        self._addresses = AddressReader(context, portal)
        self._targets = Targets(context)

    def rows(self, wish: Wish) -> Iterator[ImportedRow | ImportProblem]:
        """The row of each address that the wish is for."""
        try:
            _whole_letters(wish)
            for address in self._addresses.read(wish):
                yield self._row(wish, address)
        except Refused as error:
            yield ImportProblem(self._source, wish.line, str(error), wish.text)

    def _row(self, wish: Wish, address: OldAddress) -> ImportedRow:
        cells = wish.cells
        if not cells and self._action in LEADS:  # two columns: the short way for most
            action = self._action
            to = self._leading(wish, address)
        else:
            cells = _status_told_from_code(cells)
            action = action_of(cells, self._action)
            to = self._to(wish, address, action, cells)
        key = address.key
        rule: dict[str, object] = {"id": id_of(key)}
        if address.path:
            rule["exact"] = [address.path]
        elif address.template is not None:
            rule["paths"] = [address.template.text]
        rule["action"] = action.value
        if to:
            rule["to"] = to
        if cells:
            rule |= _for_people(cells)
        regex = address.pattern.regex if address.pattern and address.template is None else ""
        return ImportedRow(wish.line, address.portal.id, key, rule, address.path, address.query, regex, wish.text)

    def _to(self, wish: Wish, address: OldAddress, action: Action, cells: Mapping[str, str]) -> list[To]:
        named = cells.get("destination", "").strip()
        for column, say in _UNSAID.items():
            if is_yes(cells, column):
                raise Refused(f"{column}: {say}")
        if action not in LEADS:
            if (named or wish.new) and action is not Action.GONE:
                raise Refused(f"a line that says {action} leads nowhere: empty its new_url and destination")
            if not named and not wish.new:
                return []
        if named.startswith("["):
            return self._checked_goals(named)
        arguments = _arguments(cells)
        if named or (arguments and not wish.new):
            if wish.new:
                raise Refused("both new_url and destination are written: keep one of them")
            return self._targets.named(named or ("procedure" if "code" in arguments else "procedure-search"), arguments)
        if arguments:
            raise Refused("code and keyword belong to a destination: empty new_url, or empty them")
        return self._leading(wish, address)

    def _leading(self, wish: Wish, address: OldAddress) -> list[To]:
        url = wish.new
        if wish.kind is MatchKind.REGEX and address.pattern is not None:
            url = _with_captures(url, address.pattern.groups)
        if "{" not in url:
            return self._targets.to(url, old_path=address.path)
        spanning = {name: _spans(name, address) for name in sorted(address.captures)}
        template = address.template.text if address.template is not None else ""
        return self._targets.to_captured(url, spanning, template=template)

    def _checked_goals(self, text: str) -> list[To]:
        goals: list[To] = _typed("destination", text, _TO)
        for goal in goals:
            name = goal if isinstance(goal, str) else goal.get("destination", "")
            if name:
                self._targets.named(name, {})
            else:
                self._targets.to(str(goal.get("url", "")) if isinstance(goal, dict) else "")
        return goals


def id_of(key: str) -> str:
    """The id of a rule that nobody named: always the same for the same address."""
    return "i-" + blake2b(key.encode(), digest_size=10).hexdigest()


def _whole_letters(wish: Wish) -> None:
    """Refuse halves of letters (lone surrogates), which escapes in JSON and XML can smuggle in."""
    for text in (wish.old, wish.new, *wish.cells.values()):
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise Refused("half of a letter stands here: type the text again")


def _with_captures(url: str, groups: Mapping[str, str]) -> str:
    def named(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name not in groups:
            raise Refused(f"${name} is no group of the expression, and no other variable is known here")
        return f"{{{groups[name]}}}"

    return _GROUP.sub(named, url)


def _spans(name: str, address: OldAddress) -> bool:
    """Whether a capture may hold slashes."""
    return address.template is None or address.template.tail == name


def _status_told_from_code(cells: Mapping[str, str]) -> Mapping[str, str]:
    """A column `code` of 301s holds statuses, whatever its name: no procedure has a bare number for a code."""
    code = cells.get("code", "").strip()
    if code in STATUSES and "status" not in cells:
        return {name: cell for name, cell in cells.items() if name != "code"} | {"status": code}
    return cells


def _arguments(cells: Mapping[str, str]) -> dict[str, str]:
    arguments: dict[str, str] = {}
    if sent := cells.get("code", "").strip():
        if (code := TYPES["procedure"].read(sent)) is None:
            raise Refused(f"{sent[:40]!r} is no procedure code: write 1.001193, or empty the cell")
        arguments["code"] = code
    if keyword := TYPES["text"].read(cells.get("keyword", "")):
        if "{" in keyword:
            raise Refused("a keyword has no braces")
        arguments["keyword"] = keyword
    return arguments


def _for_people(cells: Mapping[str, str]) -> dict[str, object]:
    """Validity, conditions, and what is written for people."""
    found: dict[str, Any] = {name: cells[name] for name in ("note", "legal_basis", "owner") if cells.get(name)}
    days: dict[str, datetime] = {}
    for name in ("valid_from", "valid_until"):
        if cells.get(name, "").strip():
            days[name] = day_of(name, cells[name])
            found[name] = days[name].isoformat()
    if len(days) > 1 and days["valid_until"] <= days["valid_from"]:
        raise Refused("valid_until comes before valid_from: put them in order")
    if cells.get("tags") and (tags := tags_of(cells["tags"])):
        found["tags"] = tags
    if rule_id := cells.get("id", "").strip():
        if not _ID.match(rule_id):
            raise Refused(f"{rule_id[:40]!r} is no id: write small letters, digits and hyphens, or empty the cell")
        found["id"] = rule_id
    if when := cells.get("when", "").strip():
        found["when"] = (
            _typed("when", when, _WHEN) if when.startswith("[") else [part.strip() for part in when.split(";")]
        )
    if query := cells.get("query", "").strip():
        _typed("query", query, _QUERY)
        found["query"] = json_of("query", query)
    return found


def _typed(column: str, text: str, form: TypeAdapter[Any]) -> Any:
    try:
        return form.validate_python(json_of(column, text))
    except ValidationError:
        raise Refused(f"{column}: {text[:60]!r} is not of its form: write it as an export does") from None
