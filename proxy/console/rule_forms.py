"""A rule as a form shows it, and the body that a store keeps.  Lines instead of tables, so that an officer can type it.

Addresses: one on a line, as people know it ("https://dichvucong.langson.gov.vn/cu") or its path; when one of them has
{captures} all are templates, and so they stay when the rule had templates before: an exact address would win over
others that a template leaves alone.  Where it leads: one wish on a line, the first that can be made wins: a destination
with its parameters (`procedure code={code}`), or an https address.
"""

import json
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from proxy.console.calls import Fields, Mistake
from redirect_rules.bodies import body_of
from redirect_rules.model import Action, Rule
from redirect_rules.parsing import RuleRow, parse_family, parse_portal_rules
from redirect_rules.sayings import Said
from redirect_rules.schedules import instant
from redirect_rules.sources import Document, Problems

_TEXTS: Final = ("note", "legal_basis", "owner")
_FIELD_OF: Final = {
    "paths": "addresses",
    "exact": "addresses",
    "to": "leads",
    "query": "conditions",
    "when": "conditions",
}

_FIELDS: Final = {
    "rule.id": "id",
    "rule.twice": "id",
    "rule.type": "conditions",
    "rule.when": "conditions",
    "rule.expression": "conditions",
    **{
        f"rule.{name}": "leads"
        for name in (
            *("to", "leads-nowhere", "last", "name-or-url"),
            *("destination", "parameter", "filling", "capture"),
        )
    },
}
"""By the code of a mistake: the field that it is about."""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """What stands in the fields."""

    owner: str = ""  # the id of a portal, or the name of a family
    id: str = ""
    addresses: str = ""
    action: str = Action.NOTICE.value
    leads: str = ""
    conditions: str = ""  # the keys `query`, `when` and `regex` as TOML
    valid_from: str = ""
    valid_until: str = ""
    note: str = ""
    legal_basis: str = ""
    owned_by: str = ""
    tags: str = ""
    samples: str = ""
    reason: str = ""
    version: int = 0  # that was seen
    off: bool = False
    templates: bool = False  # addresses without {captures} are templates too, for they were
    wrong: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, owner: str, body: Mapping[str, Any], *, version: int, off: bool) -> "RuleForm":
        """The form of a rule that is kept."""
        addresses = [*body.get("paths", ()), *body.get("exact", ())]
        return cls(
            owner=owner,
            id=body["id"],
            addresses="\n".join(addresses),
            action=body["action"],
            leads="\n".join(map(lead_text, body.get("to", ()))),
            conditions=_conditions_text(body),
            valid_from=body.get("valid_from") or "",
            valid_until=body.get("valid_until") or "",
            note=body.get("note", ""),
            legal_basis=body.get("legal_basis", ""),
            owned_by=body.get("owner", ""),
            tags=", ".join(body.get("tags", ())),
            version=version,
            off=off,
            templates=bool(body.get("paths")),
        )

    @classmethod
    def read(cls, form: Fields) -> "RuleForm":
        """What somebody typed."""
        return cls(
            owner=form.get("owner"),
            id=form.get("id"),
            addresses=form.get("addresses"),
            action=form.get("action", Action.NOTICE.value),
            leads=form.get("leads"),
            conditions=form.get("conditions"),
            valid_from=form.get("valid_from"),
            valid_until=form.get("valid_until"),
            note=form.get("note"),
            legal_basis=form.get("legal_basis"),
            owned_by=form.get("owned_by"),
            tags=form.get("tags"),
            samples=form.get("samples"),
            reason=form.get("reason"),
            version=form.number("version", 0, least=0, most=10**8),
            off=bool(form.get("off")),
            templates=bool(form.get("templates")),
        )

    def body(self, *, is_family: bool, hosts: Collection[str], destinations: Collection[str]) -> dict[str, Any]:
        """The rule's body, checked by the parser that serves it.  Raises Mistake.

        hosts  of the portal, whose addresses may be written whole
        """
        wrong: list[tuple[str, str]] = [(name, "required") for name in ("id", "reason") if not getattr(self, name)]
        paths, exact = self._addresses(hosts, wrong)
        row: dict[str, Any] = {"id": self.id, "action": self.action, "paths": paths, "exact": exact}
        row["to"] = self._leads(wrong)
        row |= self._conditions(wrong)
        for name in ("valid_from", "valid_until"):
            if text := getattr(self, name):
                try:
                    row[name] = instant(text).isoformat()
                except ValueError:
                    wrong.append((name, "instant"))
        row |= {"note": self.note, "legal_basis": self.legal_basis, "owner": self.owned_by}
        row["tags"] = [tag for part in self.tags.split(",") if (tag := part.strip())]
        if not wrong:
            wrong += flaws_of(row, self.owner, is_family=is_family, destinations=destinations)
        if wrong:
            raise Mistake(*wrong)
        return body_of(RuleRow.model_validate_json(json.dumps(row)))

    def _addresses(self, hosts: Collection[str], wrong: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
        addresses: list[str] = []
        for line in _lines(self.addresses):
            text = line
            if "://" in line:
                parts = urlsplit(line)
                if parts.hostname not in hosts:
                    known = ", ".join(sorted(hosts)) or "–"
                    wrong.append(("addresses", _say("host", f"{line}: not one of {known}", line=line, hosts=known)))
                    continue
                text = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if not text.startswith("/"):
                wrong.append(("addresses", _say("begin", f"{line}: begin with / or with https://", line=line)))
                continue
            addresses.append(text)
        if not (addresses or self.conditions) and not wrong:
            wrong.append(("addresses", "required"))
        templates = self.templates or any("{" in text for text in addresses)
        return (addresses, []) if templates else ([], addresses)

    def _leads(self, wrong: list[tuple[str, str]]) -> list[str | dict[str, str]]:
        leads: list[str | dict[str, str]] = []
        for line in _lines(self.leads):
            try:
                leads.append(lead_of(line))
            except ValueError as error:
                wrong.append(("leads", error.args[0]))
        return leads

    def _conditions(self, wrong: list[tuple[str, str]]) -> dict[str, Any]:
        try:
            found = tomllib.loads(self.conditions)
        except tomllib.TOMLDecodeError as error:
            wrong.append(("conditions", _say("toml", f"this is no TOML: {error}", why=str(error))))
            return {}
        if unknown := found.keys() - {"query", "when", "regex"}:
            names = ", ".join(sorted(unknown))
            wrong.append(("conditions", _say("only", f"{names}: only query, when and regex stand here", names=names)))
            return {}
        return found


def flaws_of(
    row: Mapping[str, Any], owner: str, *, is_family: bool, destinations: Collection[str]
) -> Iterator[tuple[str, str]]:
    """What the parser that serves a rule has against it: fields, and what to write instead."""
    try:
        RuleRow.model_validate_json(json.dumps(row))
        whole = {"family": owner, "version": 1} if is_family else {"portal": owner}
        document = Document("rule.json", json.dumps({**whole, "rule": [row]}))
        if is_family:
            parse_family(document, destinations=destinations)
        else:
            parse_portal_rules(document, destinations=destinations)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            name = str(one["loc"][0]) if one["loc"] else "id"
            place = ".".join(map(str, one["loc"]))
            text = _say("field", f"{place}: {one['msg']}", place=place, why=str(one["msg"]))
            yield _FIELD_OF.get(name, name), text
    except Problems as error:
        for problem in error.problems:
            yield _field_of(problem.text), problem.text


def parsed_rule(body: Mapping[str, Any], scope: str, destinations: Collection[str]) -> Rule:
    """A body as the value that decides; `scope` as in a store.  Raises Problems."""
    whose, _, owner = scope.partition(":")
    whole = {"family": owner, "version": 1} if whose == "family" else {"portal": owner}
    document = Document("rule.json", json.dumps({**whole, "rule": [dict(body)]}))
    if whose == "family":
        (rule,) = parse_family(document, destinations=destinations).rules
    else:
        (rule,) = parse_portal_rules(document, destinations=destinations)[1]
    return rule


def lead_of(line: str) -> str | dict[str, str]:
    """A wish as it is written → as a rule keeps it.  Raises ValueError saying what to write instead."""
    if "://" in line:
        return {"url": line}
    try:
        name, *pairs = shlex.split(line)
    except ValueError as error:
        raise ValueError(_say("quotes", f"{line}: {error}: close the quotes", line=line)) from None
    arguments = {}
    for pair in pairs:
        parameter, equals, value = pair.partition("=")
        if not equals or not parameter:
            text = f"{line}: write parameters as name=value, in quotes where there are blanks"
            raise ValueError(_say("pairs", text, line=line))
        arguments[parameter] = value
    return {"destination": name, **arguments} if arguments else name


def lead_text(lead: str | Mapping[str, str]) -> str:
    """The same, back."""
    if isinstance(lead, str):
        return lead
    if "url" in lead:
        return lead["url"]
    pairs = [f"{name}={_quoted(value)}" for name, value in lead.items() if name != "destination"]
    return " ".join([lead["destination"], *pairs])


def _quoted(value: str) -> str:
    return value if value and not any(letter in value for letter in " \t\"'\\#") else shlex.quote(value)


def _conditions_text(body: Mapping[str, Any]) -> str:
    lines = [f"{name} = {toml_of(body[name])}" for name in ("regex", "when") if body.get(name)]
    lines += [f"query.{json.dumps(name)} = {toml_of(row)}" for name, row in body.get("query", {}).items()]
    return "\n".join(lines)


def toml_of(value: Any) -> str:
    """JSON values as TOML writes them on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(name)} = {toml_of(one)}" for name, one in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_of, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _say(what: str, text: str, **facts: str) -> Said:
    """A sentence of this form's own: its texts stand beside those of the library."""
    return Said.again(text, f"form.{what}", facts)


def _field_of(text: str) -> str:
    """The field that a mistake of the parser's is about; the addresses, where nobody can tell."""
    return _FIELDS.get(text.code, "addresses") if isinstance(text, Said) else "addresses"


def _lines(text: str) -> Sequence[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
