"""The commands as people and scripts call them."""

import gzip
import io
import json
from pathlib import Path

import pytest

from proxy.cli import main, parser
from tests.conftest import CONF

CONFIG = ["--config", str(CONF / "edge.toml")]
EXPLANATION = ["url", "portal", "phase", "client_class", "key", "rule", "outcome", "destination", "target", "trace"]
MATCH = {"era", "code", "name", "district", "province_code", "province", "kind", "confidence", "now"}
DETAIL = "https://dichvucong.hochiminhcity.gov.vn/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.000494.000.00.00.H29"


def run(capsys: pytest.CaptureFixture[str], command: str, *arguments: str, status: int = 0) -> str:
    assert main([command, *CONFIG, *arguments]) == status
    return capsys.readouterr().out


def test_every_command_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "check", "explain", "locality", "test", "replay"):
        with pytest.raises(SystemExit) as caught:
            parser().parse_args([command, "--help"])
        text = capsys.readouterr().out
        assert caught.value.code == 0
        assert "--config FILE" in text
        assert len(text.splitlines()) > 8


def test_check_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "70 portals on 81 hosts" in run(capsys, "check")


def test_mistakes_are_listed_and_the_status_is_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "edge.toml").write_text("[listen]\nport = 'x'\nfoo = 1\n")
    assert main(["check", "--config", str(tmp_path / "edge.toml")]) == 2
    said = capsys.readouterr().err
    assert "2 mistakes to mend" in said
    assert f"{tmp_path}/edge.toml:2: listen.port: write a whole number (not 'x')" in said


def test_explain_prints_one_object_a_line_with_exactly_these_keys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{DETAIL}\n\nhttps://example.com/\nno host at all ://\n"))
    lines = [json.loads(line) for line in run(capsys, "explain", "--json", "-").splitlines()]
    assert [list(line) for line in lines] == [EXPLANATION] * 3
    assert lines[0] | {"trace": 0} == {
        "url": DETAIL,
        "portal": "hochiminh",
        "phase": "notice",
        "client_class": "navigation",
        "key": "dichvucong.hochiminhcity.gov.vn/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.000494.000.00.00.H29",
        "rule": "igate2/procedure-by-code",
        "outcome": "notice",
        "destination": "procedure",
        "target": "https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach?keyword=1.000494"
        "&showAdvanced=false&formalityType=STANDARD&limit=10&activeKey=STANDARD",
        "trace": 0,
    }
    assert [line["outcome"] for line in lines[1:]] == ["refuse", "refuse"]


# options                                                             outcome
ASKED = [
    ([], "notice"),
    (["--at", "2025-06-30T23:59:59+07:00"], "pass"),
    (["--at", "2025-07-01"], "notice"),
    (["--client-class", "bot"], "redirect"),
    (["--client-class", "xhr"], "gone"),
    (["--method", "post"], "gone"),
]


@pytest.mark.parametrize(("options", "outcome"), ASKED)
def test_explain_asks_for_any_instant_method_and_client(
    capsys: pytest.CaptureFixture[str], options: list[str], outcome: str
) -> None:
    line = json.loads(run(capsys, "explain", "--json", *options, DETAIL))
    assert line["outcome"] == outcome


def test_explain_says_why_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "explain", "--place", "new:00004", DETAIL.replace("1.000494", "1.001193"))
    assert "because" in said
    assert "locality: new:00004 is Phường Ba Đình" in said
    assert "provinceCode=01&wardCode=00004" in said


@pytest.mark.parametrize("wrong", [["--at", "soon"], ["--client-class", "robot"], ["--place", "4"], []])
def test_wrong_options_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", *wrong])
    assert caught.value.code == 2
    assert "usage: dvc-edge explain" in capsys.readouterr().err


def test_locality_prints_every_match_with_what_it_is_now(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "locality", "--json", "old:00007"))
    assert found["query"] == "old:00007"
    (match,) = found["matches"]
    assert set(match) == MATCH
    assert (match["kind"], match["confidence"]) == ("split", "agreed")
    assert [now["name"] for now in match["now"]] == ["Phường Ngọc Hà", "Phường Giảng Võ"]


def test_locality_in_words_shows_the_successors(capsys: pytest.CaptureFixture[str]) -> None:
    assert "→ new:00008 Phường Ngọc Hà" in run(capsys, "locality", "cong vi ba dinh")
    assert "nothing found" in run(capsys, "locality", "qqqqqq", status=1)


def test_test_runs_a_file_and_names_the_lines_that_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.ruletest"
    file.write_text(
        "----------\ndichvucong.langson.gov.vn/ notice home\ndichvucong.langson.gov.vn/ pass at=2025-06-01\n"
    )
    assert "2 of 2 examples hold" in run(capsys, "test", str(file))
    file.write_text("----------\ndichvucong.langson.gov.vn/ gone\n")
    assert main(["test", *CONFIG, str(file)]) == 1
    said = capsys.readouterr()
    assert "0 of 1 examples hold" in said.out
    assert "line 2: dichvucong.langson.gov.vn/\n  expected gone\n  but got  notice home" in said.err


COMBINED = '{host} 203.0.113.9 - - [01/Jul/2025:08:00:00 +0700] "GET {path} HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'


def test_replay_reports_coverage_over_several_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = "dichvucong.langson.gov.vn"
    plain, packed = tmp_path / "a.log", tmp_path / "b.log.gz"
    plain.write_text(
        COMBINED.format(host=host, path="/vi") + COMBINED.format(host=host, path="/nobody/knows?x=1") + "junk\n"
    )
    row = json.dumps({"host": host, "request_uri": "/nobody/knows", "method": "GET", "user_agent": "Mozilla/5.0"})
    packed.write_bytes(gzip.compress((row + "\n").encode()))
    report = json.loads(run(capsys, "replay", "--json", "--quiet", str(plain), str(packed)))
    assert (report["lines"], report["unreadable"], report["pages"], report["mapped"]) == (4, 1, 3, 1)
    assert report["unmapped"] == [{"key": f"{host}/nobody/knows", "count": 2}]
    assert "33.3%" in run(capsys, "replay", "--quiet", str(plain), str(packed))


# a log                                                                    options                said, besides the report
USELESS = [
    ("",                                                                      [],                    "the log is empty"),
    (COMBINED.format(host="evil.example", path="/"),                          [],                    "their hosts stand in portals.toml"),
    (COMBINED.format(host="", path="/vi").lstrip(),                           [],                    "say it with --host HOST"),
    (COMBINED.format(host="", path="/vi").lstrip(),                           ["--host", "a.vn"],    "their hosts stand in portals.toml"),
    ("junk\n",                                                                ["--host", "a.vn"],    "--help says which logs are read"),
]  # fmt: skip


@pytest.mark.parametrize(("log", "options", "said"), USELESS)
def test_of_a_log_that_tells_nothing_it_is_said_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], log: str, options: list[str], said: str
) -> None:
    path = tmp_path / "access.log"
    path.write_text(log)
    assert main(["replay", *CONFIG, "--quiet", *options, str(path)]) == 0
    assert said in capsys.readouterr().err


def test_a_host_is_a_name_and_no_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replay", *CONFIG, "--host", "https://dichvucong.langson.gov.vn/", str(tmp_path / "a.log")])
    assert "write it as dichvucong.langson.gov.vn" in capsys.readouterr().err


def test_a_log_that_is_not_there_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "replay", "--quiet", str(tmp_path / "none.log"), status=2)
