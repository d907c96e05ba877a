"""What stands between a number and the draft, where that is nothing but listed rules: they can be exchanged in a copy.

Everything else that a draft may change (a portal, a template, a destination, a table) says something of rules that
nobody touched, so that all of them have to be read again.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from redirect_rules.drafts import Draft
from redirect_rules.exact import ExactRule
from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.packs import Sources
from redirect_rules.store import Reading

MOST: Final = 20_000
"""Objects; where more changed, compiling all rules anew is about as quick."""


class Amendment(NamedTuple):
    """The listed rules that differ."""

    gone: tuple[ExactRule, ...]  # of the number, not of the draft
    come: tuple[ExactRule, ...]  # of the draft, not of the number


def amendment(
    workspace: Reading, draft: Draft, shipped: Sources, documents: Mapping[str, str], revision: int
) -> Amendment | None:
    """What makes the draft of a number; None where all rules have to be read.

    documents  of the number, by their names
    revision   of the draft that the number was made from
    """
    if not _same_beside(replace(shipped, localities=draft.localities()), documents):
        return None
    changed = workspace.changed_since(revision, most=MOST)
    if changed is None:
        return None
    refs = frozenset(ref for ref in changed if ref.kind.in_draft)
    if any(ref.kind is not Kind.RULE for ref in refs):
        return None
    before = _listed(draft, refs, workspace.as_of(refs, revision))
    after = _listed(draft, refs, workspace.many(refs))
    if before is None or after is None:
        return None
    return Amendment(tuple((before - after).elements()), tuple((after - before).elements()))


def _same_beside(shipped: Sources, documents: Mapping[str, str]) -> bool:
    """Whether what stays with the operator is what the number was made with."""
    beside = {
        name: text
        for name, text in shipped.documents()
        if name.startswith("localities/") or name.partition(".")[0] in {"crawlers", "procedure_ids"}
    }
    if any(documents.get(name) != text for name, text in beside.items()):
        return False
    hosts = json.loads(documents.get("destinations.json", "{}")).get("allowed_hosts")
    return bool(hosts == shipped.destinations.data.get("allowed_hosts", []))


def _listed(draft: Draft, refs: Iterable[Ref], there: Mapping[Ref, Stored]) -> Counter[ExactRule] | None:
    """The plain addresses of those rules that are on; None where one of them is no listed rule."""
    found: Counter[ExactRule] = Counter()
    for ref in refs:
        stored = there.get(ref)
        if stored is None or stored.state is not State.ON:
            continue
        listed = draft.listed_in(stored)
        if listed is None:
            return None
        found.update(listed)
    return found
