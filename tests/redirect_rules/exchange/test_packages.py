"""Bombs and ruins are refused within bounds, in words."""

from collections.abc import Callable

import pytest

from redirect_rules.exchange import packages
from tests.redirect_rules.exchange.workbook_files import NAMESPACE, PARTS, SHEET, cells, packed, sheet

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
# data                                                                    said
RUINS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip": (lambda: b"PK\x03\x04 and nothing", "no XLSX workbook"),
    "no workbook": (lambda: packed({"a": "b"}), "no part xl/workbook.xml"),
    "no sheet": (lambda: packed({**PARTS, "xl/workbook.xml": f"<workbook {NAMESPACE}/>"}), "no part"),
    "no xml": (lambda: sheet("<row>"), "damaged"),
    "cut off": (lambda: sheet("<row/>" * 1_000)[:-400], "no XLSX workbook"),
    "entities": (lambda: sheet("<row/>", **{"xl__workbook.xml": BOMB + PARTS["xl/workbook.xml"]}), "document type"),
    "entities in the sheet": (
        lambda: packed({**PARTS, "xl/worksheets/sheet1.xml": BOMB + SHEET % ""}),
        "document type",
    ),
}


@pytest.mark.parametrize("name", RUINS)
def test_ruins_and_bombs_are_one_problem_of_the_whole(name: str) -> None:
    make, say = RUINS[name]
    found = cells(make())
    assert found[-1][0] == 0
    assert say in str(found[-1][1])


def test_a_zip_bomb_stops_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_INFLATED", 1 << 20)
    data = sheet("<row/>" * 250_000)
    assert len(data) < 100_000
    assert "unpacks to more than 1 MB" in str(cells(data)[-1][1])


def test_a_damaged_part_is_refused() -> None:
    data = bytearray(sheet('<row><c t="inlineStr"><is><t>' + "abc" * 1_000 + "</t></is></c></row>"))
    at = data.index(b"xl/worksheets/sheet1.xml") + 40
    data[at : at + 20] = b"\xff" * 20
    assert "damaged" in str(cells(bytes(data))[-1][1])
