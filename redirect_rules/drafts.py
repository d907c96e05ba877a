"""The workspace as it stands → the texts and lists that a published number is made of.

What is edited lies in the store; what stays with the operator (allowed hosts, gazetteer, procedures, crawlers) comes
from the shipped sources.  Together they are read by the one parser of `packs`, so a draft is checked by what serves it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from redirect_rules.bodies import exact_rules
from redirect_rules.canonical import BadTarget
from redirect_rules.exact import ExactRule
from redirect_rules.model import Lookup
from redirect_rules.objects import Kind, State, Stored
from redirect_rules.packs import Sources, Table
from redirect_rules.parsing import PARAMETERS
from redirect_rules.settlements import settled
from redirect_rules.sources import Document, Problem, Problems
from redirect_rules.store import Reading


class Draft:
    """One state of the workspace, read once: the listed rules first, then everything else."""

    def __init__(self, workspace: Reading, shipped: Sources) -> None:
        self._workspace = workspace
        self._shipped = shipped
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)  # scope → rules that are not listed
        self._problems: list[Problem] = []
        self._portals = list(self._with_texts())
        self._destinations = {body["name"] for _, body in self._bodies(Kind.DESTINATION)}

    def _with_texts(self) -> Iterator[dict[str, Any]]:
        """The portals, each with the sentences that were written for it."""
        own = {stored.ref.scope: body.get("texts") for stored, body in self._bodies(Kind.TEXTS)}
        for _, portal in self._bodies(Kind.PORTAL):
            scope = f"portal:{portal['id']}"
            if scope in own:
                portal["texts"] = _laid_over(portal.get("texts", {}), own[scope])
            yield portal

    @property
    def revision(self) -> int:
        """The number of the last change of the draft."""
        return self._workspace.revision

    def listed(self) -> Iterator[ExactRule]:
        """Portals' own plain addresses, in constant memory; what is not plain is kept for `documents`."""
        folds = {portal["id"]: portal.get("fold_case", True) for portal in self._portals}
        for stored in self._workspace.rules():
            whose, _, name = stored.ref.scope.partition(":")
            body = json.loads(stored.text)
            if whose == "portal" and (found := self._exact(name, body, stored, fold_case=folds.get(name, True))):
                yield from found
            else:
                self._rows[stored.ref.scope].append(body)

    def _exact(
        self, portal: str, body: dict[str, Any], stored: Stored, *, fold_case: bool
    ) -> tuple[ExactRule, ...] | None:
        try:
            found = exact_rules(portal, body, fold_case=fold_case)
        except BadTarget as error:
            return self._complain(portal, stored, str(error))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return self._complain(portal, stored, f"this is no rule: {error!r}")
        if found and (wrong := self._wrong(found[0])):
            return self._complain(portal, stored, wrong)
        return found

    def _wrong(self, rule: ExactRule) -> str:
        """What the parser would say of it, which never sees listed rules."""
        for name in (rule.destination, rule.otherwise):
            if name and name not in self._destinations:
                return f"there is no destination {name!r}: one of {', '.join(sorted(self._destinations))}"
        for parameter, _ in rule.arguments:
            if parameter not in PARAMETERS:
                return f"no destination takes {parameter!r}: one of {', '.join(sorted(PARAMETERS))}"
        return ""

    def _complain(self, portal: str, stored: Stored, text: str) -> tuple[ExactRule, ...]:
        self._problems.append(Problem(f"rules/{portal}", 0, f"{stored.ref.id}: {text}"))
        return ()

    def listed_in(self, stored: Stored) -> tuple[ExactRule, ...] | None:
        """The plain addresses of one rule; None where it is none of the listed ones, or no rule at all."""
        whose, _, name = stored.ref.scope.partition(":")
        if whose != "portal":
            return None
        fold = next((portal.get("fold_case", True) for portal in self._portals if portal["id"] == name), True)
        return self._exact(name, stored.body, stored, fold_case=fold) or None

    def lookups(self) -> Iterator[Lookup]:
        """All lookup tables."""
        for stored, body in self._bodies(Kind.LOOKUP):
            yield Lookup(stored.ref.scope.partition(":")[2], stored.ref.id, body["entries"])

    def sources(self) -> Sources:
        """Every text.  To be asked after `listed` was read to its end.  Raises Problems for rules that were none."""
        if self._problems:
            raise Problems(self._problems)
        shipped = self._shipped
        return replace(
            shipped,
            localities=self.localities(),
            portals=_json("portals", {"defaults": self._defaults(), "portal": self._portals}),
            destinations=_json(
                "destinations",
                {
                    "allowed_hosts": shipped.destinations.data.get("allowed_hosts", []),
                    "destination": [body for _, body in self._bodies(Kind.DESTINATION)],
                },
            ),
            families=tuple(self._families()),
            portal_rules=tuple(self._portal_rules()),
            lookups=(),
        )

    def localities(self) -> tuple[Table, ...]:
        """The tables of localities, with what was settled.  Raises Problems for settlements that cannot stand."""
        return settled(self._shipped.localities, (stored for stored, _ in self._bodies(Kind.SETTLEMENT)))

    def documents(self) -> Iterator[tuple[str, str]]:
        """The same, as names and texts."""
        yield from self.sources().documents()

    def _defaults(self) -> dict[str, Any]:
        return {stored.ref.id: body for stored, body in self._bodies(Kind.DEFAULTS)}

    def _families(self) -> Iterator[Document]:
        for stored, body in self._bodies(Kind.FAMILY):
            rules = self._rows.get(f"family:{stored.ref.id}", [])
            yield _json(f"families/{stored.ref.id}", {**body, "rule": rules})

    def _portal_rules(self) -> Iterator[Document]:
        for scope, rows in sorted(self._rows.items()):
            whose, _, name = scope.partition(":")
            if whose == "portal":
                yield _json(f"rules/{name}", {"portal": name, "rule": rows})

    def _bodies(self, kind: Kind) -> Iterator[tuple[Stored, dict[str, Any]]]:
        for stored in self._workspace.objects(kind):
            if stored.state is State.ON:
                yield stored, stored.body


def _laid_over(texts: dict[str, Any], own: Any) -> Any:
    """Sentences over others, language by language; what has another form is left to the parser, who says so."""
    if not isinstance(own, dict) or not all(isinstance(said, dict) for said in own.values()):
        return own
    return texts | {language: {**texts.get(language, {}), **said} for language, said in own.items()}


def _json(name: str, data: dict[str, Any]) -> Document:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Document(str(PurePath(name).with_suffix(".json")), text)
