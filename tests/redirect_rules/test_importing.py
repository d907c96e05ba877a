"""A file comes into the store line by line, all or nothing; twice the same file is all the same."""

from collections.abc import Callable, Iterable
from datetime import datetime

import pytest

from redirect_rules.exchange.outcomes import Kind as Became
from redirect_rules.exchange.outcomes import Mode, Outcome
from redirect_rules.exchange.reading import read_rules
from redirect_rules.exchange.rows import Context
from redirect_rules.importing import ImportRefused, ImportReport, import_rows
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.objects import NEW, Kind, Put, Ref, State
from redirect_rules.packs import Packs
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import by
from tests.redirect_rules.shelved import HOST, add, seeded

Imported = Callable[..., ImportReport]

HOME, SEARCH = "https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/tra-cuu-ho-so"
LIST = f"old_url,new_url\nhttps://{HOST}/a,{HOME}\nhttps://{HOST}/b?id=7,{SEARCH}\nhttps://{HOST}/c/{{x:word}},{HOME}\n"


@pytest.fixture
def import_text(store: SqlStore, packs: Packs) -> Imported:
    """Import a text into a seeded store."""
    seeded(store, packs)
    numbers = iter(range(1_000))

    def imported(text: str, mode: Mode = Mode.ADD, **more: object) -> ImportReport:
        portals = packs.snapshot.all_portals
        context = Context.of(portals, packs.snapshot.destinations)
        rows = read_rules(text.encode(), name="list.csv", context=context, portal=more.get("portal"))  # type: ignore[arg-type]
        folds = {portal.id: portal.fold_case for portal in portals}
        change = by("an", "a list", batch=f"import-{next(numbers)}")
        return import_rows(store, rows, mode, change, folds=folds, **more)  # type: ignore[arg-type]

    return imported


def bodies(store: SqlStore, portal: str = "langson") -> dict[str, dict[str, object]]:
    with store.reading() as workspace:
        return {rule.ref.id: rule.body for rule in workspace.rules(f"portal:{portal}")}


def addresses(store: SqlStore) -> set[str]:
    return {text for body in bodies(store).values() for text in (*body.get("exact", ()), *body.get("paths", ()))}  # type: ignore[misc]


def test_a_list_becomes_rules(store: SqlStore, import_text: Imported) -> None:
    report = import_text(LIST)
    assert report.counts == {Became.CREATE: 3}
    assert report.batch == "import-0"
    assert addresses(store) == {"/a", "/b?id=7", "/c/{x:word}"}


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.UPSERT, Mode.REPLACE_SCOPE])
def test_the_same_file_twice_is_all_the_same(store: SqlStore, import_text: Imported, mode: Mode) -> None:
    import_text(LIST)
    before = bodies(store)
    report = import_text(LIST, mode, portal="langson")
    assert report.counts == {Became.SAME: 3}
    assert (report.stands, report.changes, report.batch) == (True, 0, "")
    assert bodies(store) == before


def test_a_dry_run_says_what_would_be_and_changes_nothing(store: SqlStore, import_text: Imported) -> None:
    told: list[Outcome] = []
    report = import_text(LIST + "nonsense,x\n", dry_run=True, told=told.append)
    assert [(outcome.line, outcome.kind) for outcome in told] == [
        (2, Became.CREATE),
        (3, Became.CREATE),
        (4, Became.CREATE),
        (5, Became.ERROR),
    ]
    assert not report.stands
    assert not bodies(store)


def test_one_bad_line_keeps_all_others_out(store: SqlStore, import_text: Imported) -> None:
    lines = "".join(f"https://{HOST}/x/{i},{HOME}\n" for i in range(1_500))
    with pytest.raises(ImportRefused, match="1 lines cannot stand: nothing was changed") as caught:
        import_text(f"old_url,new_url\n{lines}https://example.com/,{HOME}\n{lines.replace('/x/', '/y/')}")
    assert [outcome.line for outcome in caught.value.report.refused] == [1_502]
    assert caught.value.report.counts[Became.CREATE] == 3_000, "the rest is judged all the same"
    assert not bodies(store)


# mode, and what becomes of a line that leads elsewhere
MODES = [(Mode.ADD, Became.CONFLICT), (Mode.UPSERT, Became.UPDATE), (Mode.REPLACE_SCOPE, Became.UPDATE)]


@pytest.mark.parametrize(("mode", "kind"), MODES)
def test_another_target_is_a_conflict_or_an_update(
    store: SqlStore, import_text: Imported, mode: Mode, kind: Became
) -> None:
    add(store, "mine", "/a")
    text = f"old_url,new_url\nhttps://{HOST}/A/,{SEARCH}\n"
    report = import_text(text, mode, dry_run=True, portal="langson")
    assert report.counts == {kind: 1}
    if kind is Became.UPDATE:
        import_text(text, mode, portal="langson")
        assert bodies(store) == {"mine": {"id": "mine", "exact": ["/a"], "action": "notice", "to": ["dossier-lookup"]}}


def test_what_the_file_does_not_speak_of_stays(store: SqlStore, import_text: Imported) -> None:
    add(store, "mine", "/a", note="Công văn 12", tags=["2025"])
    text = f"old_url,new_url\nhttps://{HOST}/a,{SEARCH}\n"
    import_text(text, Mode.UPSERT)
    assert bodies(store)["mine"] == {
        "id": "mine",
        "exact": ["/a"],
        "action": "notice",
        "to": ["dossier-lookup"],
        "note": "Công văn 12",
        "tags": ["2025"],
    }
    import_text(text, Mode.REPLACE_SCOPE, portal="langson")
    assert "note" not in bodies(store)["mine"], "a file that is the whole truth says that there is no note"


def test_replacing_a_scope_removes_what_no_line_names_and_nothing_elsewhere(
    store: SqlStore, import_text: Imported
) -> None:
    import_text(LIST)
    add(store, "mine", "/mine", "/ours")
    add(store, "theirs", "/a", portal="hanoi")
    report = import_text(f"old_url,new_url\n/a,{HOME}\n/d,{HOME}\n", Mode.REPLACE_SCOPE, portal="langson")
    assert report.counts == {Became.SAME: 1, Became.CREATE: 1, Became.REMOVE: 3}
    assert addresses(store) == {"/a", "/d"}
    assert "theirs" in bodies(store, "hanoi")


def test_a_rule_of_several_addresses_is_not_changed_by_a_line(store: SqlStore, import_text: Imported) -> None:
    add(store, "mine", "/a", "/b")
    report = import_text(f"old_url,new_url\nhttps://{HOST}/a,{SEARCH}\n", Mode.UPSERT, dry_run=True)
    assert report.counts == {Became.CONFLICT: 1}
    assert "knows this address beside others" in report.refused[0].say


@pytest.mark.parametrize(("mode", "kind"), [(Mode.ADD, Became.CONFLICT), (Mode.UPSERT, Became.UPDATE)])
def test_an_id_names_the_rule_whose_address_is_corrected(
    store: SqlStore, import_text: Imported, mode: Mode, kind: Became
) -> None:
    add(store, "mine", "/olld")
    text = f"old_url,new_url,id\nhttps://{HOST}/old,{HOME},mine\n"
    assert import_text(text, mode, dry_run=True).counts == {kind: 1}
    if kind is Became.UPDATE:
        import_text(text, mode)
        assert addresses(store) == {"/old"}


def test_a_rule_that_was_switched_off_is_not_known_and_not_overwritten(store: SqlStore, import_text: Imported) -> None:
    body = {"id": "mine", "exact": ["/a"], "action": "gone"}
    store.put(Ref(Kind.RULE, "portal:langson", "mine"), body, by("an"), seen_version=NEW, state=State.OFF)
    import_text(f"old_url,new_url\nhttps://{HOST}/a,{HOME}\n")
    assert len(bodies(store)) == 1


def test_an_import_is_undone_as_a_whole(store: SqlStore, import_text: Imported) -> None:
    add(store, "mine", "/a")
    report = import_text(LIST.replace(HOME, SEARCH), Mode.UPSERT)
    store.undo(report.batch, by("binh"))
    assert addresses(store) == {"/a"}
    assert bodies(store)["mine"]["to"] == ["home"]


def test_an_expression_keeps_its_groups(store: SqlStore, import_text: Imported) -> None:
    import_text(f"old_url,new_url\n{HOST}~^/tin/(x|y)+/z$,{HOME}\n")
    (body,) = bodies(store).values()
    assert body["regex"] == "(?i)^/tin/(x|y)+/z$"
    assert import_text(f"old_url,new_url\n{HOST}~^/tin/(x|y)+/z$,{HOME}\n").counts == {Became.SAME: 1}


def test_what_was_exported_with_a_validity_is_the_same(store: SqlStore, import_text: Imported) -> None:
    until = datetime(2027, 1, 1, tzinfo=HO_CHI_MINH).isoformat()
    body = {"id": "mine", "exact": ["/a"], "action": "notice", "to": ["home"], "valid_until": until}
    store.apply([Put(Ref(Kind.RULE, "portal:langson", "mine"), body, NEW)], by("an"))
    text = f"old_url,new_url,valid_until\nhttps://{HOST}/a,{HOME},2026-12-31T17:00:00+00:00\n"
    assert import_text(text).counts == {Became.SAME: 1}


def test_replacing_needs_to_know_whose_rules(store: SqlStore) -> None:
    rows: Iterable[object] = ()
    with pytest.raises(ValueError, match="replace-scope needs the portal"):
        import_rows(store, rows, Mode.REPLACE_SCOPE, by("an"), folds={})  # type: ignore[arg-type]
