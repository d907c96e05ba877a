"""What is sorted through the disk comes in order, and leaves nothing behind."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.stores import sorted_runs
from redirect_rules.stores.sorted_runs import SortedRuns


@settings(deadline=None)
@given(st.lists(st.binary(max_size=4)), st.integers(1, 7))
def test_runs_on_disk_are_merged_in_order(entries: list[bytes], most_held: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_runs, "_BLOCK", 2)
        runs = SortedRuns(Path(folder), most_held=most_held)
        for entry in entries:
            runs.add(entry)
        assert list(runs) == sorted(entries)
        assert not list(Path(folder).iterdir())
