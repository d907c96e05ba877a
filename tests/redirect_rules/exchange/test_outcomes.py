"""The table of modes, and what a file says twice."""

from collections.abc import Callable, Iterable

import pytest

from redirect_rules.exchange.candidates import Candidate, candidate
from redirect_rules.exchange.outcomes import Kind, Mode, differences, outcomes
from redirect_rules.exchange.rows import ImportedRow, ImportProblem
from redirect_rules.parsing import RuleRow

Read = Callable[..., list[ImportedRow | ImportProblem]]
HEADER = "old_url,new_url\n"
A = "/a,https://dichvucong.gov.vn/\n"
A_ELSEWHERE = "/a/,https://dichvucong.gov.vn/tra-cuu-ho-so\n"
B = "/b,https://dichvucong.gov.vn/\n"


def ready(rows: Iterable[ImportedRow | ImportProblem]) -> list[Candidate | ImportProblem]:
    return [candidate(row) if isinstance(row, ImportedRow) else row for row in rows]


def texts(rows: Iterable[ImportedRow | ImportProblem]) -> dict[str, str]:
    return {row.key: row.text for row in ready(rows) if isinstance(row, Candidate)}


# mode, lines, lines of an earlier import                          outcomes
TABLE = [
    ("add", A + B, "", ["2 create", "3 create"]),
    ("add", A, A, ["2 same"]),
    ("add", A, A_ELSEWHERE, ["2 conflict"]),
    ("add", A, B, ["2 create"]),
    ("upsert", A, "", ["2 create"]),
    ("upsert", A, A, ["2 same"]),
    ("upsert", A, A_ELSEWHERE, ["2 update"]),
    ("upsert", A, B, ["2 create"]),
    ("replace-scope", A, A, ["2 same"]),
    ("replace-scope", A, A_ELSEWHERE, ["2 update"]),
    ("replace-scope", A, A + B, ["2 same", "0 remove"]),
    ("add", A + A, "", ["2 create", "3 same"]),
    ("upsert", A + B + A_ELSEWHERE, "", ["2 create", "3 create", "4 conflict"]),
    ("upsert", "/a,\n" + B, "", ["2 error", "3 create"]),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "lines", "before", "expected"), TABLE)
def test_each_line_has_its_outcome(mode: str, lines: str, before: str, expected: list[str], read: Read) -> None:
    there = texts(read(HEADER + before))
    found = list(outcomes(ready(read(HEADER + lines)), there.get, Mode(mode), scope=there))
    assert [f"{outcome.line} {outcome.kind}" for outcome in found] == expected


def test_a_contradiction_names_both_lines(read: Read) -> None:
    *_, conflict = outcomes(ready(read(HEADER + A + B + A_ELSEWHERE)), lambda _: None, Mode.UPSERT)
    assert conflict.say == "lines 2 and 4 lead the same address to different places: remove one of them"
    assert not conflict.stands


def test_a_conflict_says_what_differs_and_what_to_do(read: Read) -> None:
    there = texts(read(HEADER + A))
    (conflict,) = outcomes(ready(read(HEADER + A_ELSEWHERE)), there.get, Mode.ADD)
    assert conflict.say.endswith("with another to: import with mode upsert to change it")


def test_only_what_is_to_be_stored_carries_its_row(read: Read) -> None:
    there = texts(read(HEADER + A))
    found = list(outcomes(ready(read(HEADER + A + B)), there.get, Mode.ADD))
    assert [outcome.row is not None for outcome in found] == [False, True]
    assert all(outcome.stands for outcome in found)
    assert {Kind.CREATE, Kind.SAME} == {outcome.kind for outcome in found}


def test_the_same_file_twice_is_all_the_same(read: Read) -> None:
    text = (
        "old_url;new_url;valid_from;tags;note\n"
        "/a;https://dichvucong.gov.vn/;01/07/2025;x|y;ghi chú\n/b?x=1;https://dichvucong.gov.vn/;;;\n"
    )
    rows = [row for row in ready(read(text)) if isinstance(row, Candidate)]
    stored = {row.key: RuleRow.model_validate(row.rule).model_dump_json(by_alias=True) for row in rows}
    assert [outcome.kind for outcome in outcomes(rows, stored.get, Mode.UPSERT)] == [
        Kind.SAME,
        Kind.SAME,
    ]


# one rule, another                                                      keys that differ
SAME = [
    ({"id": "a", "to": ["home"]}, {"id": "b", "to": ["home"]}, []),
    ({"to": [{"destination": "home"}]}, {"to": ["home"], "note": "", "tags": [], "query": {}}, []),
    ({"valid_from": "2025-07-01T00:00:00+07:00"}, {"valid_from": "2025-06-30T17:00:00Z"}, []),
    ({"tags": ("a",)}, {"tags": ["a"]}, []),
    ({"to": ["home"]}, {"to": ["help"], "note": "x"}, ["note", "to"]),
    ({"valid_from": "2025-07-01"}, {}, ["valid_from"]),
    ({"to": [{"destination": "p", "code": "1"}]}, {"to": [{"destination": "p", "code": "2"}]}, ["to"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "keys"), SAME)
def test_what_says_the_same_is_the_same(one: dict[str, object], other: dict[str, object], keys: list[str]) -> None:
    assert differences(one, other) == keys
    assert differences(other, one) == keys
