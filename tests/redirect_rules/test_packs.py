"""The texts that make up the rules: read once, whether they come from files or from a published number."""

from dataclasses import replace
from datetime import datetime

import pytest

from redirect_rules.canonical import canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.model import HO_CHI_MINH, Action
from redirect_rules.packs import Listed, Packs, Sources, read_packs, renewed
from redirect_rules.sources import Document, Problems

HOST = "dichvucong.langson.gov.vn"
SOON = datetime(2027, 1, 1, tzinfo=HO_CHI_MINH)


def listed(*paths: str) -> Listed:
    rules = [ExactRule("langson", path, (), Action.GONE, f"langson{path}", valid_until=SOON) for path in paths]
    return Listed(DictIndex(rules), {("langson", "procedure"): {"7": "1.000001"}}, (SOON,))


def test_what_was_written_to_documents_is_read_from_them(packs: Packs) -> None:
    again = read_packs(Sources.of(packs.sources.documents()))
    assert again.snapshot.portals == packs.snapshot.portals
    assert again.book.destinations == packs.book.destinations
    assert again.book.procedure_ids == packs.book.procedure_ids
    sourceless = [
        {replace(rule, source="") for family in each.book.families for rule in family.rules} for each in (again, packs)
    ]
    assert sourceless[0] == sourceless[1]


@pytest.mark.parametrize("name", ["portals.toml", "crawlers.toml", "procedure_ids.csv", "localities/provinces.csv"])
def test_a_missing_part_is_named(packs: Packs, name: str) -> None:
    rest = [document for document in packs.sources.documents() if document[0] != name]
    with pytest.raises(Problems, match=r"is missing: publish again"):
        Sources.of(rest)


def test_when_only_listed_rules_differ_everything_else_is_kept(packs: Packs) -> None:
    after = renewed(packs, Sources.of(packs.sources.documents()), number=2, listed=listed("/x"))
    again = renewed(after, Sources.of(after.sources.documents()), number=3, listed=listed("/y"))
    assert again.snapshot.number == 3
    assert again.snapshot.indexes is after.snapshot.indexes
    portal = again.snapshot.portals[HOST]
    ids = [
        match.rule.id
        for path in ("/x", "/y")
        if (match := again.snapshot.best(portal, canonical_key(HOST, path), SOON.replace(year=2026)))
    ]
    assert "langson/y" in ids
    assert "langson/x" not in ids


def test_the_instants_are_those_of_the_book_and_of_the_listed_rules(packs: Packs) -> None:
    with_rules = renewed(packs, packs.sources, number=2, listed=listed("/x"))
    assert SOON in with_rules.snapshot.instants
    assert set(packs.snapshot.instants) < set(with_rules.snapshot.instants)
    without = renewed(with_rules, packs.sources, number=3, listed=Listed(DictIndex(()), {}))
    assert without.snapshot.instants == packs.snapshot.instants
    assert list(with_rules.snapshot.instants) == sorted(with_rules.snapshot.instants)


def test_when_a_document_differs_it_is_read(packs: Packs) -> None:
    text = packs.sources.crawlers.text + "\n# another\n"
    sources = replace(packs.sources, crawlers=Document("crawlers.toml", text))
    assert renewed(packs, sources, number=2, listed=listed()).snapshot.indexes is not packs.snapshot.indexes
    broken = replace(packs.sources, crawlers=Document("crawlers.toml", "bots = 7"))
    with pytest.raises(Problems, match=r"crawlers.toml:1: bots"):
        renewed(packs, broken, number=3, listed=listed())
