"""The logs that are replayed to be measured: the same visits in each form, as unevenly asked for as pages are."""

from collections import Counter
from pathlib import Path

import pytest

from bench import replay
from proxy.packs import Packs


@pytest.fixture(scope="module")
def logs(packs: Packs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return replay.write_logs(tmp_path_factory.mktemp("logs"), packs.snapshot, 2_000, 600)


def test_every_form_of_the_log_tells_of_the_same_visits(logs: dict[str, Path], packs: Packs) -> None:
    reports = [replay.replayed(path, packs) for path in logs.values()]
    assert reports[0] == reports[1] == reports[2]
    assert (reports[0].lines, reports[0].unreadable) == (2_000, 0)
    assert reports[0].elsewhere, "some visits are other people's"


def test_what_is_packed_is_read_unpacked(logs: dict[str, Path]) -> None:
    assert replay.read(logs["gzip"]) == replay.read(logs["plain"]) == logs["plain"].stat().st_size


def test_some_pages_are_asked_for_far_more_often_than_others(packs: Packs) -> None:
    asked = Counter((visit.host, visit.target) for visit in replay.visits(packs.snapshot, 2_000, 600))
    (_, most), *_ = asked.most_common(1)
    assert 100 < len(asked) < 600
    assert most > 20 * sorted(asked.values())[len(asked) // 2]


def test_the_draft_changes_something_but_not_much(logs: dict[str, Path], packs: Packs) -> None:
    report = replay.compared(logs["plain"], packs, replay.drafted(packs.snapshot, 600))
    assert 0 < report.changed < report.urls / 4
