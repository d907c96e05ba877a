"""The gazetteer that was read is kept, and found again only where it is still right."""

from pathlib import Path

import pytest

from proxy import kept_localities
from proxy.kept_localities import MOST_KEPT, reader
from redirect_rules.localities import Localities, LocalityDataError

PROVINCES = "era,code,name,successor,also_written\nnew,01,Thành phố Hà Nội,01,\nold,01,Thành phố Hà Nội,01,HN\n"
COMMUNES = "code,name,province_code\n00004,Phường Ba Đình,01\n"
SUCCESSIONS = (
    "code,name,district_code,district,province_code,successors,confidence\n"
    "00001,Phường Phúc Xá,001,Quận Ba Đình,01,00004,agreed\n"
)
TEXTS = (PROVINCES, COMMUNES, SUCCESSIONS)


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> None:
    kept_localities.forget()


def _anew(folder: Path, *texts: str) -> Localities:
    kept_localities.forget()
    return reader(folder)(texts or TEXTS)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_tables_are_read_once_and_then_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _anew(tmp_path / "cache")
    monkeypatch.setattr(kept_localities, "parse_succession", None)
    second = _anew(tmp_path / "cache")
    assert second.find("phuc xa") == first.find("phuc xa")
    assert second.find("phuc xa").matches[0].now[0].name == "Phường Ba Đình"


def test_other_tables_are_read_anew(tmp_path: Path) -> None:
    _anew(tmp_path)
    changed = COMMUNES.replace("Phường Ba Đình", "Phường Ngọc Hà")
    assert _anew(tmp_path, PROVINCES, changed, SUCCESSIONS).find("phuc xa").matches[0].now[0].name == "Phường Ngọc Hà"
    assert len(_files(tmp_path)) == 2


def test_what_another_program_kept_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _anew(tmp_path)
    monkeypatch.setattr(kept_localities, "_program", lambda: b"another")
    _anew(tmp_path)
    assert len(_files(tmp_path)) == 2


@pytest.mark.parametrize("place", [0, 10, 100, -1], ids=["first", "tenth", "hundredth", "last"])
def test_one_wrong_octet_is_found_and_the_file_mended(tmp_path: Path, place: int) -> None:
    expected = _anew(tmp_path).find("ba dinh")
    (kept,) = _files(tmp_path)
    whole = bytearray(kept.read_bytes())
    right = bytes(whole)
    whole[place] ^= 0x55
    kept.write_bytes(whole)
    assert _anew(tmp_path).find("ba dinh") == expected
    assert kept.read_bytes() == right


@pytest.mark.parametrize("length", [0, 3, 4, 50])
def test_what_is_cut_short_is_read_anew(tmp_path: Path, length: int) -> None:
    _anew(tmp_path)
    (kept,) = _files(tmp_path)
    right = kept.read_bytes()
    kept.write_bytes(right[:length])
    _anew(tmp_path)
    assert kept.read_bytes() == right


def test_where_nothing_can_be_kept_the_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert _anew(tmp_path / "file").find("ba dinh").matches


def test_wrong_tables_are_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(LocalityDataError, match="no province further up"):
        _anew(tmp_path, PROVINCES, COMMUNES.replace(",01", ",99"), SUCCESSIONS)
    assert not _files(tmp_path)


def test_old_files_go(tmp_path: Path) -> None:
    for number in range(MOST_KEPT + 2):
        _anew(tmp_path, PROVINCES, COMMUNES.replace("Ba Đình", f"Số {number}"), SUCCESSIONS)
    assert len(_files(tmp_path)) == MOST_KEPT


def test_within_one_process_the_same_tables_are_one_object(tmp_path: Path) -> None:
    assert reader(tmp_path)(TEXTS) is reader(tmp_path)(tuple(f"{text}" for text in TEXTS))
