"""What was found out about a doubtful commune is written into the number that is published, and nobody is asked there."""

import json
from pathlib import Path

import pytest

from redirect_rules.amendments import amendment
from redirect_rules.drafts import Draft
from redirect_rules.localities import Ask, Localities, Whole
from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.packs import Packs
from redirect_rules.publishing import base_of, publish
from redirect_rules.settlements import doubtful, parse, settled
from redirect_rules.snapshot_file import current, open_snapshot, path_of
from redirect_rules.sources import Problems
from redirect_rules.stores.sql import SqlStore
from redirect_rules.units import Confidence, Era, LocalityCode
from tests.redirect_rules.conftest import Opener
from tests.redirect_rules.kept import by
from tests.redirect_rules.shelved import add, seeded

CO_BI = Ref(Kind.SETTLEMENT, "01", "00553")
PAGE = "https://vanban.chinhphu.vn/?docid=214025"
DOCUMENT = "1656/NQ-UBTVQH15"


def stored(ref: Ref, **body: object) -> Stored:
    return Stored(ref, 1, State.ON, json.dumps(body))


def test_thirty_nine_communes_are_doubtful_and_lie_in_provinces_of_today(packs: Packs) -> None:
    found = doubtful(packs.sources.localities)
    assert len(found) == 39
    assert {one.confidence for one in found} == {Confidence.DISPUTED, Confidence.MAJORITY, Confidence.SINGLE_SOURCE}
    provinces = {unit.code for unit in packs.book.localities.new_provinces()}
    assert {one.province_now for one in found} <= provinces
    assert CO_BI in [one.ref for one in found]


def test_where_something_is_settled_nobody_is_asked_any_more(packs: Packs) -> None:
    before = packs.book.localities.resolve(LocalityCode(Era.OLD, "00553"))
    assert isinstance(before, Ask)
    tables = settled(packs.sources.localities, [stored(CO_BI, successors=["00541"], source=PAGE)])
    after = Localities.parse(*(table.text for table in tables))
    now = after.resolve(LocalityCode(Era.OLD, "00553"))
    assert isinstance(now, Whole)
    assert now.commune.code == "00541"
    assert "00553" not in {unit.code for unit in after.disputed()}


def test_only_its_line_of_the_table_changes(packs: Packs) -> None:
    shipped = packs.sources.localities
    tables = settled(shipped, [stored(CO_BI, successors=["00541", "00562"], source=PAGE)])
    assert list(tables[:2]) == [*shipped[:2]]
    pairs = zip(shipped[2].text.splitlines(), tables[2].text.splitlines(), strict=True)
    assert [(one, other) for one, other in pairs if one != other] == [
        (
            "00553,Xã Cổ Bi,018,Huyện Gia Lâm,01,00136;00541;00562;00565,disputed",
            "00553,Xã Cổ Bi,018,Huyện Gia Lâm,01,00541;00562,agreed",
        )
    ]
    assert settled(shipped, []) == shipped


@pytest.mark.parametrize(
    ("ref", "body", "said"),
    [
        (CO_BI, {"successors": ["00541"]}, "source"),
        (CO_BI, {"successors": [], "source": PAGE}, "successors"),
        (CO_BI, {"successors": ["541"], "source": PAGE}, "successors"),
        (CO_BI, {"successors": ["00562", "00541"], "source": PAGE}, "ascending"),
        (CO_BI, {"successors": ["00541"], "source": "somebody told me"}, "address of a page"),
        (CO_BI, {"successors": ["00541"], "source": DOCUMENT}, "of which day"),
        (CO_BI, {"successors": ["00541"], "source": PAGE, "more": 1}, "more"),
        (CO_BI, {"successors": ["99999"], "source": PAGE}, "no commune of today in province 01"),
        (CO_BI, {"successors": ["01648"], "source": PAGE}, "no commune of today in province 01"),
        (Ref(Kind.SETTLEMENT, "04", "00553"), {"successors": ["00541"], "source": PAGE}, "in province 04"),
        (Ref(Kind.SETTLEMENT, "01", "99998"), {"successors": ["00541"], "source": PAGE}, "no old commune"),
    ],
)
def test_what_cannot_stand_is_told_with_its_commune(packs: Packs, ref: Ref, body: dict[str, object], said: str) -> None:
    with pytest.raises(Problems, match=said) as caught:
        settled(packs.sources.localities, [stored(ref, **body)])
    assert ref.id in str(caught.value)


def test_a_document_needs_its_day_and_a_page_does_not() -> None:
    assert parse({"successors": ["00541"], "source": DOCUMENT, "decided_on": "2025-06-16"}).decided_on is not None
    assert parse({"successors": ["00541"], "source": PAGE}).decided_on is None


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
class TestPublished:
    @pytest.fixture
    def store(self, opened: Opener, packs: Packs) -> SqlStore:
        return seeded(opened(four_eyes=False), packs)

    def settle(self, store: SqlStore, *codes: str) -> None:
        there = store.get(CO_BI)
        body = {"successors": [*codes], "source": PAGE}
        store.put(CO_BI, body, by("an"), seen_version=there.version if there else 0)

    def published(self, store: SqlStore, packs: Packs, folder: Path) -> str:
        publish(store, packs.sources, folder, by("an"))
        pointer = current(folder)
        assert pointer is not None
        with open_snapshot(path_of(folder, pointer[0])) as file:
            table = dict(file.documents())["localities/communes_old_to_new.csv"]
        return next(line for line in table.splitlines() if line.startswith("00553,"))

    def test_the_number_carries_it_and_the_draft_without_it_does_not(
        self, store: SqlStore, packs: Packs, tmp_path: Path
    ) -> None:
        assert self.published(store, packs, tmp_path).endswith("disputed")
        self.settle(store, "00541")
        assert self.published(store, packs, tmp_path).endswith("00541,agreed")
        there = store.get(CO_BI)
        assert there is not None
        store.remove(CO_BI, by("an"), seen_version=there.version)
        assert self.published(store, packs, tmp_path).endswith("disputed")

    def test_listed_rules_are_still_exchanged_in_a_copy(self, store: SqlStore, packs: Packs, tmp_path: Path) -> None:
        self.settle(store, "00541")
        self.published(store, packs, tmp_path)
        add(store, "one", "/cu/1")
        base = base_of(store, tmp_path)
        assert base is not None
        with store.reading() as workspace, open_snapshot(base.path) as file:
            draft = Draft(workspace, packs.sources)
            made = amendment(workspace, draft, packs.sources, dict(file.documents()), base.revision)
        assert made is not None
        assert [one.id for one in made.come] == ["langson/one"]
