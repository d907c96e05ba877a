"""Keys as a file that many processes share."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sso import keys
from sso.stores.key_folder import (
    MASTER_FILE_VARIABLE,
    MASTER_VARIABLE,
    KeyFolder,
    KeysUnreadable,
    LiveSigner,
    master_key,
)
from tests.sso.specimens import NOW

MASTER = b"m" * 32


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    made = KeyFolder(tmp_path / "sign-in", MASTER)
    made.ensure(NOW)
    return made


def test_whoever_comes_first_makes_the_keys_and_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        rings = list(pool.map(lambda _: KeyFolder(tmp_path / "k", MASTER).ensure(NOW), range(4)))
    assert len({keys.written(ring, MASTER) for ring in rings}) == 1


def test_files_are_for_us_alone_and_nothing_else_is_left(folder: KeyFolder, tmp_path: Path) -> None:
    folder.change(lambda ring: keys.rotated(ring, "ES256", NOW, at_once=True))
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "sign-in").iterdir()}
    assert files == {"keys.json": 0o600, "keys.lock": 0o600}
    assert stat.S_IMODE((tmp_path / "sign-in").stat().st_mode) == 0o700


def test_a_worker_follows_what_another_process_changes(folder: KeyFolder, tmp_path: Path) -> None:
    live = LiveSigner(folder, NOW)
    assert not live.refresh()
    before = live.signer.key("ES256").kid
    KeyFolder(tmp_path / "sign-in", MASTER).change(lambda ring: keys.rotated(ring, "ES256", NOW, at_once=True))
    assert live.refresh()
    assert live.signer.key("ES256").kid != before
    assert not live.refresh()


def test_a_change_that_is_refused_changes_nothing(folder: KeyFolder, tmp_path: Path) -> None:
    before = (tmp_path / "sign-in/keys.json").read_bytes()
    with pytest.raises(keys.KeysRefused):
        folder.change(lambda ring: keys.rotated(ring, "ES256", NOW))
    assert (tmp_path / "sign-in/keys.json").read_bytes() == before


def test_a_damaged_file_leaves_the_keys_that_are_in_use(folder: KeyFolder, tmp_path: Path) -> None:
    live = LiveSigner(folder, NOW)
    signer = live.signer
    (tmp_path / "sign-in/keys.json").write_text("{}", encoding="utf-8")
    with pytest.raises(KeysUnreadable, match="is this the master key"):
        live.refresh()
    assert live.signer is signer
    assert not live.refresh()  # complained about once


def test_another_master_key_is_told(folder: KeyFolder, tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable, match="is this the master key"):
        KeyFolder(tmp_path / "sign-in", b"n" * 32).load()


def test_a_master_key_is_named_by_the_environment_or_made(tmp_path: Path) -> None:
    text = base64.urlsafe_b64encode(MASTER).decode()
    assert master_key({MASTER_VARIABLE: text}, tmp_path) == MASTER
    (tmp_path / "mounted").write_text(text + "\n", encoding="ascii")
    assert master_key({MASTER_FILE_VARIABLE: str(tmp_path / "mounted")}, tmp_path) == MASTER
    made = master_key({}, tmp_path / "k")
    assert len(made) == 32
    assert master_key({}, tmp_path / "k") == made
    assert stat.S_IMODE((tmp_path / "k/master.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("environ", [{MASTER_VARIABLE: "short"}, {MASTER_FILE_VARIABLE: "/nowhere/key"}])
def test_a_master_key_that_is_none_is_told_and_never_shown(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable) as caught:
        master_key(environ, tmp_path)
    assert "short" not in str(caught.value)


def test_no_other_master_key_is_made_for_keys_that_are_there(folder: KeyFolder, tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable, match="give the key it was sealed with"):
        master_key({}, tmp_path / "sign-in")
