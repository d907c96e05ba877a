"""What is sealed is what is found, and anything else is noticed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules import snapshot_seal
from redirect_rules.snapshot_seal import FORMAT, Meta, SectionDigest, SnapshotRefused, blocks, seal, sealed

META = Meta(FORMAT, 7, "ab" * 32, datetime(2026, 11, 1, tzinfo=UTC), "hoa", "Lần đầu", {"rules": 2}, ["2027-01-01"])


def test_what_was_sealed_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"body" * 50_000)
    seal(path, META, 0)
    assert sealed(path, full=True) == (META, 200_000)


def test_a_body_reaches_as_far_as_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"body")
    seal(path, META, 9_000)
    assert sealed(path, full=True)[1] == 9_000


def test_an_octet_in_the_middle_is_noticed_by_a_full_look_only(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(300_000))
    seal(path, META, 0)
    with path.open("r+b") as file:
        file.seek(150_000)
        file.write(b"x")
    assert sealed(path, full=False) == (META, 300_000)
    with pytest.raises(SnapshotRefused, match="damaged"):
        sealed(path, full=True)


def test_a_file_that_shrinks_while_it_is_hashed_has_no_hash(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+b") as file:
        assert snapshot_seal._hash_of(file, 1) == b""


pieces = st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=5)), max_size=12)


def digest_of(*sections: tuple[str, list[tuple[bytes, bytes]]]) -> str:
    digest = SectionDigest()
    for name, items in sections:
        digest.section(name)
        for block in blocks(items):
            digest.take(block)
    return digest.hex()


@given(pieces, pieces)
def test_other_items_have_another_hash(one: list[tuple[bytes, bytes]], other: list[tuple[bytes, bytes]]) -> None:
    assert (digest_of(("exact", one)) == digest_of(("exact", other))) is (one == other)
    if one:
        assert digest_of(("a", one), ("b", [])) != digest_of(("a", []), ("b", one))


def test_meta_with_another_word_has_another_seal(tmp_path: Path) -> None:
    for name, meta in (("x", META), ("y", replace(META, message="Lần sau"))):
        (tmp_path / name).write_bytes(b"body")
        seal(tmp_path / name, meta, 0)
    assert (tmp_path / "x").read_bytes()[-76:] != (tmp_path / "y").read_bytes()[-76:]
