"""`dvc-edge hits`, as people and scripts call it."""

import json
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy import config_file
from proxy.cli import main
from proxy.clock import utc_now
from proxy.state import State
from redirect_rules.hits import OTHER, SHADOW, Choice, Hit
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.stores.hits import HitStore
from tests.conftest import CONF

HOST = "dichvucong.langson.gov.vn"
Hits = Callable[..., str]


def hit(
    path: str, rule: str = "", *, outcome: str = "notice", client: str = "navigation", portal: str = "langson"
) -> Hit:
    return Hit(portal, path if path == OTHER else HOST.replace("langson", portal) + path, outcome, client, rule)


COUNTED = {
    hit("/vi", "igate2/home"): 90,
    hit("/vi", "igate2/home", client="bot", outcome="redirect"): 4,
    hit("/khong-co"): 3,
    hit(OTHER): 1,
    hit(OTHER, "igate2/news"): 2,
    hit("/nop-ho-so/1", "eform/draft", outcome="pass"): 50,
    **{hit(f"/ban-tin/{number}"): 2 for number in (5, 77, 123, 4_000, 81)},
}


def today() -> date:
    return utc_now().astimezone(HO_CHI_MINH).date()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HitStore]:
    """Where `--state` of the commands below finds it."""
    monkeypatch.setenv("DVC_EDGE__STATE__FOLDER", str(tmp_path))
    opened = HitStore.open(
        State.of(config_file.load(CONF / "edge.toml", {"DVC_EDGE__STATE__FOLDER": str(tmp_path)})).database
    )
    yield opened
    opened.close()


@pytest.fixture
def hits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Hits:
    def run(*arguments: str, status: int = 0) -> str:
        command = ["hits", "--config", str(CONF / "edge.toml"), "--state", str(tmp_path), *arguments]
        assert main(command) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    return run


def as_json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_program_gets_everything(store: HitStore, hits: Hits) -> None:
    store.add(today(), COUNTED)
    store.add(today() - timedelta(days=1), {hit("/khong-co"): 10})
    store.add(today() - timedelta(days=40), {hit("/khong-co"): 1_000})
    found = as_json(hits("--json"))
    assert (found["pages"], found["mapped"], found["coverage"]) == (120, 96, 0.8)
    assert found["last"] == today().isoformat()
    assert found["days"] == [
        {"day": (today() - timedelta(days=1)).isoformat(), "portal": "langson", "pages": 10, "mapped": 0},
        {"day": today().isoformat(), "portal": "langson", "pages": 110, "mapped": 96},
    ]
    assert {"day": today().isoformat(), "outcome": "redirect", "client": "bot", "visits": 4} in found["outcomes"]
    assert found["unmapped"][0] == {"portal": "langson", "key": f"{HOST}/khong-co", "visits": 13}
    assert (found["mapped_not_named"], found["unmapped_not_named"]) == (2, 1)
    assert found["rules"][:2] == [{"rule": "igate2/home", "visits": 94}, {"rule": "eform/draft", "visits": 50}]
    never, all_of_them = found["never_hit_of"]
    assert all_of_them > never > 50
    assert "igate2/home" not in found["never_hit"]
    (proposal,) = found["proposals"]
    assert (proposal["template"], proposal["pages"], proposal["visits"]) == ("/ban-tin/{id:number}", 5, 10)
    assert tomllib.loads(proposal["rule"])["rule"][0]["paths"] == ["/ban-tin/{id:number}"]


def test_a_person_reads_it_in_words(store: HitStore, hits: Hits) -> None:
    store.add(today(), COUNTED)
    said = hits("--days", "1", "--most", "3")
    assert said.startswith(
        f"all portals, {today()} to {today()}\n110 visits to closed pages, 87.3% of them known to a rule\n"
    )
    lines = [" ".join(line.split()) for line in said.splitlines()]
    for line in (
        "110 87.3% langson",
        "50 pass navigation",
        f"3 {HOST}/khong-co",
        "1 other pages, too many to name",
        "94 igate2/home",
        "2 visits to known pages had no room for their names; perhaps to these",
        "# conf/rules/langson.toml: 5 pages of langson, 10 visits, such as",
        'paths = ["/ban-tin/{id:number}"]',
    ):
        assert line in lines
    assert "rules were never hit" in said


def test_what_became_of_notices_is_told_with_what_nobody_knows(store: HitStore, hits: Hits) -> None:
    store.add(today(), COUNTED)
    assert "notices shown" not in hits()
    told = {Hit.chosen("langson", choice): times for choice, times in zip(Choice, (10, 20, 40), strict=True)}
    store.add(today(), told)
    lines = [" ".join(line.split()) for line in hits().splitlines()]
    begin = lines.index(f"106 notices shown to browsers since {today()}, of which")
    assert lines[begin + 1 : begin + 5] == [
        "10 9.4% stopped the countdown",
        "20 18.9% went at once",
        "40 37.7% were carried by the countdown",
        "36 34.0% left in another way, or without a script that could tell",
    ]
    found = as_json(hits("--json"))
    assert found["notices"] == [{"day": today().isoformat(), "notices": 106, "stopped": 10, "went": 20, "carried": 40}]
    assert {one["outcome"] for one in found["outcomes"]}.isdisjoint(Choice)


def test_what_is_pasted_can_be_read_as_it_is_printed(store: HitStore, hits: Hits) -> None:
    store.add(today(), COUNTED)
    pasted = hits().partition("say where their pages lead\n")[2]
    assert [rule["id"] for rule in tomllib.loads(pasted)["rule"]] == ["ban-tin"]


def test_one_portal_is_shown_alone(store: HitStore, hits: Hits) -> None:
    store.add(today(), {**COUNTED, hit("/vi", "igate2/home", portal="hanoi"): 7})
    found = as_json(hits("--json", "--portal", "hanoi"))
    assert (found["portal"], found["pages"], found["unmapped"], found["proposals"]) == ("hanoi", 7, [], [])
    assert hits("--portal", "hanoi").startswith("hanoi, ")


def test_nothing_counted_is_said_so(store: HitStore, hits: Hits) -> None:
    assert hits().endswith(": nothing was counted\n")
    assert as_json(hits("--json"))["coverage"] is None


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, hits: Hits) -> None:
    assert "nothing was counted yet; run `dvc-edge serve`" in hits(status=2)
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}  # what was read of the localities


def test_a_portal_that_is_none_is_said_so(store: HitStore, hits: Hits) -> None:
    assert "there is no portal 'saigon': its id stands in" in hits("--portal", "saigon", status=2)


def test_a_database_that_does_not_answer_is_said_so(hits: Hits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EDGE__STATE__DATABASE", "postgresql://rules@127.0.0.1:1/rules")
    assert "the database does not answer" in hits(status=2)


@pytest.mark.parametrize("wrong", [["--days", "0"], ["--days", "x"], ["--most", "-1"]])
def test_wrong_numbers_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["hits", *wrong])
    assert caught.value.code == 2
    assert "write a whole number from 1" in capsys.readouterr().err


def test_coverage_is_known_before_the_day(store: HitStore, hits: Hits) -> None:
    ahead = {hit("/vi", "igate2/home", outcome=SHADOW): 3, hit("/con-thieu", outcome=SHADOW): 1}
    store.add(today(), {**COUNTED, **ahead})
    found = as_json(hits("--json"))
    assert (found["pages"], found["mapped"]) == (110, 96), "what still passes is no visit to a closed page"
    assert [(one["pages"], one["mapped"]) for one in found["ahead"]] == [(4, 3)]
    assert [page["key"] for page in found["unmapped_ahead"]] == [f"{HOST}/con-thieu"]
    said = hits()
    assert "4 visits to pages that still pass; once they are closed a rule knows 75.0%" in said
    assert f"1  {HOST}/con-thieu" in said
    assert "still pass" not in hits("--portal", "hue")
