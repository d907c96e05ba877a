"""Clients that officers have agreed on: written, read again, and what becomes of a file that somebody has broken."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso import client_folder
from sso.client_folder import keep, read, record_of, text_of
from sso.clients import load_clients, parse, secret_digest
from sso.sources import ConfidentialDocument, documents

CONF = Path(__file__).parents[2] / "conf" / "clients"
RECORD: dict[str, Any] = {
    "id": "a",
    "name": {"vi": 'Hệ thống «A» "một"'},
    "sector": "a",
    "redirect_uris": ["https://a.example/cb"],
    "secret_digests": [secret_digest("a secret")],
}
BREAKING = {
    "no TOML": "id = ",
    "no client": 'id = "a"\n',
    "another's name": text_of({**RECORD, "id": "b"}),
    "an address that leads astray": text_of({**RECORD, "redirect_uris": ["https://a.example/../cb"]}),
    "an upstream that is gone": text_of({**RECORD, "upstreams": ["gone"]}),
    "nothing": "",
}


@pytest.mark.parametrize("document", documents(CONF), ids=lambda one: one.source)
def test_every_shipped_file_means_the_same_when_it_was_a_record(document: ConfidentialDocument) -> None:
    again = ConfidentialDocument("again.toml", text_of(record_of(document)))
    assert parse(again) == parse(document)


@given(st.text(min_size=1, max_size=300).filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text)))
def test_a_name_of_any_letters_comes_back(name: str) -> None:
    client = parse(ConfidentialDocument("a.toml", text_of({**RECORD, "name": {"vi": name}, "legal_basis": name[:300]})))
    assert client.name == {"vi": name}
    assert client.legal_basis == name


def test_what_was_agreed_serves_before_the_operators_file(tmp_path: Path) -> None:
    shipped = load_clients(CONF)
    record = record_of(documents(CONF)[2]) | {"redirect_uris": ["https://moi.langson.example/cb"]}
    assert record["id"] == "langson"
    keep(tmp_path, record)
    keep(tmp_path, RECORD)
    kept = read(tmp_path)
    assert kept.refused == ()
    served = kept.over(shipped)
    assert set(served) == {"a", "langson", "khanhhoa", "ho-tich"}
    assert served["langson"].redirect_uris == ("https://moi.langson.example/cb",)


def test_a_client_out_of_service_is_not_brought_back_by_an_older_file(tmp_path: Path) -> None:
    shipped = load_clients(CONF)
    keep(tmp_path, record_of(documents(CONF)[2]), suspended=True)
    kept = read(tmp_path)
    assert "langson" not in kept.over(shipped)
    assert "langson" in kept.known(shipped), "other files may go on naming it"
    keep(tmp_path, record_of(documents(CONF)[2]))
    assert "langson" in read(tmp_path).over(shipped)


@pytest.mark.parametrize("text", BREAKING.values(), ids=BREAKING)
def test_a_broken_file_is_told_and_what_was_agreed_goes_on(tmp_path: Path, text: str) -> None:
    keep(tmp_path, RECORD)
    (tmp_path / "a.toml").write_text(text, "utf-8")
    kept = read(tmp_path, known_upstreams=["vneid"])
    assert kept.clients["a"].redirect_uris == ("https://a.example/cb",)
    assert kept.refused
    assert "a.toml" in str(kept.refused[0])
    assert not kept.broken


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"id = "], ids=["no UTF-8", "no TOML"])
def test_broken_twice_it_serves_nobody_and_the_others_go_on(tmp_path: Path, octets: bytes) -> None:
    shipped = load_clients(CONF)
    keep(tmp_path, RECORD)
    keep(tmp_path, record_of(documents(CONF)[2]))
    for path in (tmp_path / "langson.toml", tmp_path / "agreed/langson.toml"):
        path.write_bytes(octets)
    kept = read(tmp_path)
    assert kept.broken == {"langson"}
    assert set(kept.over(shipped)) == {"a", "khanhhoa", "ho-tich"}


def test_out_of_service_is_believed_even_of_a_file_that_says_nothing_else(tmp_path: Path) -> None:
    keep(tmp_path, RECORD)
    (tmp_path / "a.toml").write_text("suspended = true\n")
    kept = read(tmp_path)
    assert "a" in kept.suspended
    assert kept.over({}) == {}


@pytest.mark.parametrize("id_", ["../a", "A", "", ".a", "a/b"])
def test_no_id_leads_out_of_the_folder(tmp_path: Path, id_: str) -> None:
    with pytest.raises(ValueError, match="no id"):
        keep(tmp_path / "clients", {**RECORD, "id": id_})
    assert client_folder.kept_text(tmp_path, id_) is None
    assert not list(tmp_path.rglob("*.toml"))


def test_a_change_shows_in_the_mark_and_a_folder_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "clients"
    assert client_folder.mark(folder) == frozenset()
    assert read(folder).clients == {}
    keep(folder, RECORD)
    before = client_folder.mark(folder)
    keep(folder, {**RECORD, "level": 1})
    assert client_folder.mark(folder) != before
    assert client_folder.kept_text(folder, "a") == text_of({**RECORD, "level": 1})
