"""Bulk redirect lists in JSON, item by item."""

import json

import pytest

from redirect_rules.exchange.cloudflare import wishes
from redirect_rules.exchange.rows import ImportProblem

ITEM = {"source_url": "h.vn/a", "target_url": "https://h.vn/b"}
READ_ITEM = "exact h.vn/a https://h.vn/b {'status': '301'}"


def read(text: str) -> list[str]:
    return [
        f"{wish.line}: {wish.say}"
        if isinstance(wish, ImportProblem)
        else f"{wish.kind} {wish.old} {wish.new} {wish.cells}"
        for wish in wishes("x", text.split("\n"))
    ]


# text                                                             wishes, or the beginning of what is said
READ = [
    ("[]", []),
    (json.dumps([{"redirect": ITEM}]), [READ_ITEM]),
    (json.dumps([ITEM, ITEM], indent=4), [READ_ITEM, READ_ITEM]),
    (json.dumps({"success": True, "items": [ITEM]}), [READ_ITEM]),
    (json.dumps({"result": [{"redirect": ITEM, "id": "x"}]}, indent=1), [READ_ITEM]),
    (json.dumps([{**ITEM, "status_code": 308, "subpath_matching": True}]), ["below h.vn/a https://h.vn/b {'status': '308', 'subpath_matching': 'true'}"]),
    (json.dumps([{"redirect": {**ITEM, "preserve_query_string": "enabled"}, "comment": "ghi chú"}]), ["exact h.vn/a https://h.vn/b {'status': '301', 'preserve_query_string': 'true', 'note': 'ghi chú'}"]),
    ("[5, {}]", ["1: an item has", "1: an item has"]),
    ('[\n\n {"redirect": 5}]', ["3: an item has"]),
    ('[{"source_url": "h.vn/a", "target_url"', ["1: the list ends in the middle of an item"]),
    ("{}", ["1: this is no list"]),
    ("", ["1: this is no list"]),
    ("[" + "[" * 50_000, ["1: the item is nested too deeply"]),
    ('["' + "x" * 2_000_000 + '"]', ["1: an item is longer than any redirect"]),
    ('["' + "x" * 200_000 + '"]', ["1: an item has"]),
    ('["' + "x\n" * 500_000, ["1: an item is longer than any redirect"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_list_is_read_item_by_item(text: str, expected: list[str]) -> None:
    assert [line[: len(start)] for line, start in zip(read(text), expected, strict=True)] == expected


def test_a_long_list_is_read_in_a_window() -> None:
    text = json.dumps([ITEM] * 20_000, indent=1).split("\n")
    assert sum(1 for _ in wishes("x", text)) == 20_000


def test_an_item_has_the_line_on_which_it_begins() -> None:
    text = json.dumps([ITEM] * 3, indent=1).split("\n")
    assert [wish.line for wish in wishes("x", text)] == [2, 6, 10]
