"""`dvc-edge rules` and `dvc-edge audit`, as officers and scripts call them: from a list to what serves, and back."""

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from proxy.commands.rules import importing
from redirect_rules.hits import Hit
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.snapshot_file import current
from redirect_rules.stores.hits import HitStore
from tests.conftest import CONF

HOST = "dichvucong.langson.gov.vn"
HOME, LOOKUP = "https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/tra-cuu-ho-so"
LIST = f"old_url,new_url\nhttps://{HOST}/cu/1,{LOOKUP}\nhttps://{HOST}/cu/2?id=7,{LOOKUP}\n"

Run = Callable[..., str]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def run(state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, read_once: None) -> Run:
    """Give a command on this state folder; what it prints."""
    monkeypatch.setenv("DVC_EDGE_ACTOR", "an")

    def given(*arguments: str, status: int = 0, err: bool = False) -> str:
        words = [*arguments, "--config", str(CONF / "edge.toml"), "--state", str(state)]
        assert main(words) == status, capsys.readouterr()
        printed = capsys.readouterr()
        return printed.err if err else printed.out

    return given


@pytest.fixture
def told(run: Run) -> Callable[..., Any]:
    """The same with --json."""
    return lambda *arguments, status=0: json.loads(run(*arguments, "--json", status=status))


@pytest.fixture
def a_list(tmp_path: Path) -> str:
    path = tmp_path / "list.csv"
    path.write_text(LIST, "utf-8")
    return str(path)


def explained(run: Run, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("explain", "--json", "--client", "bot", f"https://{HOST}{path}"))
    return found


def test_from_a_list_to_what_serves_and_back(run: Run, a_list: str) -> None:
    run("rules", "publish", "-m", "as shipped")
    assert "line 2  create" in run("rules", "import", a_list, "--mode", "add", "--dry-run")
    assert "in the draft as import-" in run("rules", "import", a_list, "--mode", "add")
    assert explained(run, "/cu/2?id=7")["rule"] is None, "a draft serves nobody"
    assert "0 errors" in run("rules", "check")
    assert "number 2 serves" in run("rules", "publish", "-m", "the list")
    found = explained(run, "/cu/2?id=7&utm_source=x")
    assert (found["outcome"], found["target"]) == ("redirect", LOOKUP)
    assert found["rule"].startswith("langson/i-")
    run("rules", "rollback", "1")
    assert explained(run, "/cu/2?id=7")["rule"] is None
    history = run("rules", "history")
    assert "the list (an)" in history
    assert "  1  active" in history


def test_the_same_list_twice_changes_nothing(told: Callable[..., Any], a_list: str) -> None:
    assert told("rules", "import", a_list, "--mode", "add")["counts"]["create"] == 2
    again = told("rules", "import", a_list, "--mode", "add")
    assert (again["counts"]["same"], again["batch"]) == (2, None)


def test_a_long_list_is_read_beside_and_says_the_same(
    told: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.csv"
    path.write_text(LIST + f"https://{HOST}/{{x:word}}/y,{HOME}\nhttps://{HOST}/cu/1,{HOME}\n,{HOME}\n", "utf-8")
    here = told("rules", "import", str(path), "--mode", "add", status=1)
    monkeypatch.setattr(importing, "_LONG", 0)
    beside = told("rules", "import", str(path), "--mode", "add", status=1)
    assert beside == here
    assert (beside["counts"]["create"], beside["counts"]["conflict"], beside["counts"]["error"]) == (3, 1, 1)


def test_a_correction_is_published_by_itself_or_with_all_rules(
    told: Callable[..., Any], a_list: str, state: Path
) -> None:
    told("rules", "import", a_list, "--mode", "add")
    told("rules", "publish", "-m", "the first")
    Path(a_list).write_text(LIST.replace(LOOKUP, HOME), "utf-8")
    told("rules", "import", a_list, "--mode", "upsert")
    assert told("rules", "publish", "-m", "the second")["number"] == 2
    note = state / "snapshots" / "00000002.analysed"
    assert note.read_text("ascii").startswith("1 ")
    Path(a_list).write_text(LIST, "utf-8")
    told("rules", "import", a_list, "--mode", "upsert")
    assert told("rules", "publish", "-m", "the third", "--whole")["number"] == 3
    assert note.with_name("00000003.analysed").read_text("ascii").startswith("0 ")


def test_a_line_that_cannot_stand_is_told_with_what_to_write(run: Run, tmp_path: Path, state: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(f"old_url,new_url\nhttps://{HOST}/a,{HOME}\nhttps://{HOST}/b,https://example.com/\n", "utf-8")
    said = run("rules", "import", str(path), "--mode", "add", status=1)
    assert "bad.csv:3: error:" in said
    assert "allowed hosts are dichvucong.gov.vn" in said
    assert "nothing was changed" in said
    with sqlite3.connect(state / "rules.db") as database:
        assert database.execute("select count(*) from rules where scope like 'portal:%'").fetchone() == (0,)


def test_an_import_can_be_taken_back(run: Run, told: Callable[..., Any], a_list: str) -> None:
    batch = told("rules", "import", a_list, "--mode", "add")["batch"]
    run("rules", "undo", batch)
    assert told("rules", "import", a_list, "--mode", "add", "--dry-run")["counts"]["create"] == 2


MISUSE = [
    (("rules", "import", "nowhere.csv", "--mode", "add"), "nowhere.csv: cannot be read"),
    (("rules", "import", "x.csv", "--mode", "replace-scope"), "replace-scope needs --portal ID"),
    (("rules", "import", "x.csv", "--mode", "add", "--portal", "langsn"), "there is no portal 'langsn'"),
    (("rules", "undo", "import-7"), "there is no batch 'import-7'"),
    (("rules", "rollback", "7"), "the file of number 7 is not here"),
    (("rules", "approve", "7"), "there is no review 7"),
    (("rules", "switch", "langsn", "home"), "there is no portal 'langsn'"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISUSE, ids=[" ".join(words) for words, _ in MISUSE])
def test_what_cannot_be_done_is_said_in_a_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    assert said in run(*words, status=2, err=True)


def test_a_number_may_wait_for_its_instant(run: Run, a_list: str, state: Path) -> None:
    run("rules", "publish", "-m", "as shipped")
    run("rules", "import", a_list, "--mode", "add")
    assert "serves from 2099-01-01T00:00:00+07:00" in run("rules", "publish", "-m", "later", "--at", "2099-01-01")
    assert current(state / "snapshots") is not None
    assert explained(run, "/cu/2?id=7")["rule"] is None
    assert "from 2099-01-01T00:00:00+07:00" in run("rules", "history")


def test_nothing_new_is_not_published(run: Run) -> None:
    run("rules", "publish", "-m", "as shipped")
    assert "the draft is what is in force already" in run("rules", "publish", "-m", "again", status=2, err=True)


def test_a_draft_with_an_error_is_not_published(run: Run, told: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text(f"old_url,new_url,id\nhttps://{HOST}/xem/{{x:word}},{HOME},one\n", "utf-8")
    run("rules", "import", str(path), "--mode", "add")
    path.write_text(f"old_url,new_url,id\nhttps://{HOST}/xem/{{y:word}},{LOOKUP},two\n", "utf-8")
    run("rules", "import", str(path), "--mode", "add")
    assert "known as well by" in run("rules", "publish", "-m", "x", status=2, err=True)
    assert not told("rules", "history")["snapshots"] or told("rules", "history")["snapshots"][0]["state"] == "failed"


def test_with_four_eyes_a_second_person_has_to_approve(run: Run, a_list: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EDGE__PUBLISHING__FOUR_EYES", "true")
    run("rules", "import", a_list, "--mode", "add")
    assert "approved by a second person" in run("rules", "publish", "-m", "x", status=2, err=True)
    assert "request 1 is open" in run("rules", "request", "-m", "please")
    assert "somebody else has to approve it" in run("rules", "approve", "1", status=2, err=True)
    assert "request 1 is approved" in run("rules", "approve", "1", "--actor", "binh")
    assert "number 1 serves" in run("rules", "publish", "--review", "1", "-m", "as approved")
    assert "as approved (an, approved by binh)" in run("rules", "history")


def test_the_effect_of_a_draft_is_shown_for_a_log(
    run: Run, told: Callable[..., Any], a_list: str, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    line = '{} 10.0.0.1 - - [01/Nov/2026:00:00:00 +0700] "GET {} HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
    log.write_text("".join(line.format(HOST, path) for path in ("/cu/1", "/cu/2?id=7", "/cu/2?id=7", "/khac")), "utf-8")
    run("rules", "publish", "-m", "as shipped")
    run("rules", "import", a_list, "--mode", "add")
    assert "2 of 3 distinct" in run("rules", "effect", "--log", str(log))
    assert told("rules", "effect", "--log", str(log))


def test_the_effect_of_a_draft_is_shown_for_the_recorded_hits(run: Run, a_list: str, state: Path) -> None:
    run("rules", "publish", "-m", "as shipped")
    store = HitStore.open(f"sqlite:///{state / 'rules.db'}")
    today = datetime.now(HO_CHI_MINH).date()
    store.add(
        today, {Hit("langson", f"{HOST}{path}", "notice", "navigation", ""): 5 for path in ("/cu/1", "/x", "/cu/2?id=")}
    )
    store.close()
    run("rules", "import", a_list, "--mode", "add")
    said = run("rules", "effect")
    assert "1 of 2 distinct" in said
    assert f"{HOST}/cu/1" in said
    assert "the values of parameters are not kept: an access log says more" in run("rules", "effect", err=True)


def test_where_no_hits_were_recorded_a_log_is_asked_for(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert "name an access log with --log FILE" in run("rules", "effect", err=True)
    with pytest.raises(SystemExit):
        run("rules", "effect", "--days", "0")
    assert "write a whole number of days from 1" in capsys.readouterr().err


def test_a_switch_is_turned_and_shown(run: Run, told: Callable[..., Any]) -> None:
    run("rules", "switch", "langson", "home")
    assert told("rules", "switch") == {"langson": "home"}
    assert explained(run, "/vi/thu-tuc-hanh-chinh")["rule"] == "switch/home"
    assert "no switch is on" in run("rules", "switch", "langson", "off")


def test_what_is_exported_is_the_same_when_it_comes_back(
    run: Run, told: Callable[..., Any], a_list: str, tmp_path: Path
) -> None:
    run("rules", "import", a_list, "--mode", "add")
    out = tmp_path / "out.csv"
    run("rules", "export", "--format", "csv", "--portal", "langson", "--output", str(out))
    assert told("rules", "import", str(out), "--mode", "replace-scope", "--portal", "langson")["counts"]["same"] == 2


@pytest.mark.parametrize("name", ["nginx", "haproxy", "envoy", "cloudflare"])
def test_another_server_gets_its_configuration(run: Run, a_list: str, tmp_path: Path, name: str) -> None:
    run("rules", "import", a_list, "--mode", "add")
    run("rules", "export", "--format", name, "--output", str(tmp_path / "out"))
    written = "".join(path.read_text("utf-8") for path in sorted((tmp_path / "out").iterdir()))
    assert "/cu/1" in written
    assert "/cu/1" in run("rules", "export", "--format", name)


# ── the audit trail ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_chain_is_proved_and_a_forgery_is_found(
    run: Run, told: Callable[..., Any], a_list: str, state: Path
) -> None:
    run("rules", "import", a_list, "--mode", "add", "-m", "from the province")
    assert "the chain holds" in run("audit", "verify")
    head = told("audit", "verify")["head"]
    assert "from the province" in run("audit", "list")
    with sqlite3.connect(state / "rules.db") as database:
        database.execute("pragma writable_schema = on")
        database.executescript("drop trigger if exists audit_update; drop trigger if exists audit_no_update;")
        triggers = database.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f"drop trigger {name}")
        database.execute("update audit set actor = 'nobody' where batch is not null")
    assert "does not hold" in run("audit", "verify", status=1, err=True)
    assert not told("audit", "verify", status=1)["holds"]
    assert head["number"] > 1


def test_before_the_first_change_there_is_no_trail(run: Run) -> None:
    assert "nothing was changed here yet" in run("audit", "verify", status=2, err=True)
