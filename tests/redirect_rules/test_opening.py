"""A number is opened as it is served, and what is the same as before is not read again."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from redirect_rules.opening import opened
from redirect_rules.packs import Packs
from redirect_rules.snapshot_file import path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.snapshot_writer import write
from redirect_rules.sources import Problems
from tests.redirect_rules.test_snapshot_file import CONTENTS, RULES


def made(folder: Path, packs: Packs, number: int = 1) -> Path:
    documents = list(packs.sources.documents())
    write(folder, replace(CONTENTS, number=number, documents=documents, rules=RULES[: number * 10]))
    return path_of(folder, number)


def test_a_number_says_what_it_was_made_of(tmp_path: Path, packs: Packs) -> None:
    with closing(opened(made(tmp_path, packs))) as ours:
        assert set(ours.snapshot.exact) == set(RULES[:10])
        assert ours.snapshot.portals.keys() == packs.snapshot.portals.keys()
        assert ours.snapshot.lookups["langson", "procedures"]["629d"] == "1.001193"
        assert (ours.snapshot.number, ours.message) == (1, CONTENTS.message)


def test_what_is_the_same_as_before_is_not_read_again(tmp_path: Path, packs: Packs) -> None:
    with (
        closing(opened(made(tmp_path, packs))) as one,
        closing(opened(made(tmp_path, packs, 2), before=one)) as two,
    ):
        assert two.book is one.book
        assert len(two.snapshot.exact) == 20
        assert two.snapshot.number == 2


def test_another_content_is_refused(tmp_path: Path, packs: Packs) -> None:
    with pytest.raises(SnapshotRefused, match="its content has the hash"):
        opened(made(tmp_path, packs), content="0" * 64)


def test_documents_that_this_release_refuses_are_told(tmp_path: Path) -> None:
    write(tmp_path, CONTENTS)
    with pytest.raises(Problems, match="this part of the rules is missing"):
        opened(path_of(tmp_path, 1))
