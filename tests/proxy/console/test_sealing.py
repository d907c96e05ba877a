"""Keys that seal: read from lines, made once, rotated by a new line on top; and texts that nobody can read or move."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.console.sealing import KEYS_VARIABLE, SealingKeys, opened, read
from redirect_rules.people import SealBroken
from redirect_rules.sources import Problems

ONE, TWO = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@given(st.text(min_size=1), st.text())
def test_a_text_comes_back_for_its_purpose_and_for_no_other(text: str, purpose: str) -> None:
    keys = read(f"2026 {ONE}", "x")
    kept = keys.seal(text, purpose=purpose)
    assert keys.unseal(kept, purpose=purpose) == text
    with pytest.raises(SealBroken):
        keys.unseal(kept, purpose=purpose + "!")
    assert keys.is_current(kept)


def test_nothing_stays_nothing_and_what_was_never_sealed_comes_as_it_is() -> None:
    keys = read(f"2026 {ONE}", "x")
    assert keys.seal("", purpose="p") == keys.unseal("", purpose="p") == ""
    assert keys.unseal("GEZDGNBV", purpose="p") == "GEZDGNBV"
    assert keys.is_current("")
    assert not keys.is_current("GEZDGNBV")


def test_the_first_line_seals_and_every_line_opens() -> None:
    before = read(f"2026 {ONE}", "x").seal("text", purpose="p")
    after = read(f"# rotated in November\n\n2027 {TWO}\n2026 {ONE}\n", "x")
    assert after.unseal(before, purpose="p") == "text"
    assert not after.is_current(before)
    assert after.seal("text", purpose="p").startswith("sealed:2027:")


def test_a_key_that_was_taken_away_is_named() -> None:
    kept = read(f"2026 {ONE}", "x").seal("text", purpose="p")
    with pytest.raises(SealBroken, match="2026"):
        read(f"2027 {TWO}", "x").unseal(kept, purpose="p")


def test_one_letter_that_was_changed_is_noticed() -> None:
    keys = read(f"2026 {ONE}", "x")
    kept = keys.seal("text", purpose="p")
    for place in range(len("sealed:2026:"), len(kept)):
        other = "A" if kept[place] != "A" else "B"
        with pytest.raises(SealBroken):
            keys.unseal(kept[:place] + other + kept[place + 1 :], purpose="p")


WRONG = [
    ("", 0, "there is no key"),
    ("2026", 1, "no key"),
    ("2026 short", 1, "no key"),
    (f"20:26 {ONE}", 1, "no key"),
    (f"2026 {ONE} x", 1, "no key"),
    (f"2026 {ONE}\n2026 {TWO}", 2, "already"),
]


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_a_file_that_is_not_right_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(Problems) as raised:
        read(text, "sealing.keys")
    (problem,) = raised.value.problems
    assert (problem.source, problem.line) == ("sealing.keys", line)
    assert said in problem.text
    assert "AQEB" not in problem.text  # never the key


def test_a_first_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "console" / "sealing.keys"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: opened(path, {}, make=True), range(8)))
    assert len({keys.seal("text", purpose="p") for keys in found}) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["sealing.keys"]


def test_a_file_that_is_named_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="cannot be read"):
        opened(tmp_path / "keys", {}, make=False)
    assert not (tmp_path / "keys").exists()


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    keys = opened(tmp_path / "keys", {KEYS_VARIABLE: f"env {ONE}"}, make=True)
    assert keys.seal("text", purpose="p").startswith("sealed:env:")
    assert not (tmp_path / "keys").exists()


def test_no_key_stands_in_its_description() -> None:
    assert repr(SealingKeys({"2026": b"1" * 32})) == "SealingKeys()"
