"""What the long pieces of work do to a desk and what they say of it; here in the test's own process."""

from pathlib import Path
from typing import Any

import pytest

from proxy.console.desk import Desk
from proxy.console.tasks import KINDS
from proxy.console.work import Request, wanted
from redirect_rules.objects import NEW, Change, Kind, Ref
from redirect_rules.publications import NotApproved
from redirect_rules.rights import NotAllowed
from tests.conftest import AUTUMN

ROWS = b"old_url,new_url\nhttps://dichvucong.langson.gov.vn/cu-1,https://dichvucong.gov.vn/\n"
BAD = b"old_url,new_url\nhttps://dichvucong.langson.gov.vn/cu-1,https://evil.example/\n"
HOW = {"portal": "langson", "mode": "add", "action": "notice", "dry_run": False, "reason": "the list of November"}


class Told:
    """Hears how far a piece is."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def __call__(self, stage: str, done: int) -> None:
        self.stages.append(stage)


def done(desk: Desk, folder: Path, request: Request, upload: bytes | None = None) -> tuple[dict[str, Any], Told]:
    if upload is not None:
        (folder / "upload").write_bytes(upload)
    told = Told()
    return KINDS[request.kind](desk, request, folder, told), told


def an_import(actor: str = "trung.uong", **changed: Any) -> Request:
    return wanted("import", "rows.csv", actor, AUTUMN, "i1", **{**HOW, **changed})


def rules_of_langson(desk: Desk) -> int:
    with desk.store.reading() as workspace:
        return sum(one.ref.scope == "portal:langson" for one in workspace.objects(Kind.RULE))


def test_the_draft_is_analysed_and_the_worst_comes_first(desk: Desk, tmp_path: Path) -> None:
    result, told = done(desk, tmp_path, wanted("check", "", "xem", AUTUMN, "c1"))
    assert told.stages[0] == "compile"
    assert sum(result["counts"].values()) >= len(result["findings"])
    order = [*result["counts"]]
    ranks = [order.index(one["severity"]) for one in result["findings"]]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("dry", [True, False])
def test_an_import_says_what_it_does_and_a_dry_run_does_it_not(desk: Desk, tmp_path: Path, dry: bool) -> None:  # noqa: FBT001
    before = rules_of_langson(desk)
    result, told = done(desk, tmp_path, an_import(dry_run=dry), ROWS)
    assert result["dry_run"] is dry
    assert [one["kind"] for one in result["shown"]] == ["create"]
    assert rules_of_langson(desk) == before + (not dry)
    assert "import" in told.stages


def test_one_row_that_cannot_be_taken_and_nothing_is(desk: Desk, tmp_path: Path) -> None:
    before = rules_of_langson(desk)
    result, _ = done(desk, tmp_path, an_import(), ROWS + BAD.partition(b"\n")[2])
    assert any("evil.example" in one["say"] for one in result["shown"])
    assert rules_of_langson(desk) == before


def test_work_is_done_with_the_rights_of_whoever_began_it(desk: Desk, tmp_path: Path) -> None:
    done(desk, tmp_path, an_import("lang.son"), ROWS)
    elsewhere = wanted("import", "rows.csv", "lang.son", AUTUMN, "i2", **{**HOW, "portal": "bacgiang"})
    with pytest.raises(NotAllowed):
        done(desk, tmp_path, elsewhere, ROWS.replace(b"langson", b"bacgiang"))


def test_nobody_publishes_alone(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(NotApproved):
        done(desk, tmp_path, wanted("publish", "", "trung.uong", AUTUMN, "p1", message="mine alone"))


def test_the_effect_of_the_draft_is_shown_for_a_log(desk: Desk, tmp_path: Path) -> None:
    rule = {"id": "moi", "action": "notice", "exact": ["/trang-moi"], "to": ["procedure-list"]}
    why = Change("trung.uong", "a test needs it", AUTUMN)
    desk.store.put(Ref(Kind.RULE, "portal:langson", "moi"), rule, why, seen_version=NEW)
    log = b"".join(
        b'- - - [01/Nov/2026:09:00:00 +0700] "GET %s HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n' % path
        for path in (b"/trang-moi", b"/vi/trangchu")
    )
    log_of = wanted("effect", "log", "xem", AUTUMN, "e1", days=7, host="dichvucong.langson.gov.vn")
    result, told = done(desk, tmp_path, log_of, log)
    assert "langson/moi" in str(result)
    assert "compare" in told.stages
