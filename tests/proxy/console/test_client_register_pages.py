"""The register of attribute release: since when, by whose word; and what it says to a spreadsheet."""

import csv
import io
import json

import pytest
from yarl import URL

from proxy.console.desk import Desk
from redirect_rules.enrolment import Record
from redirect_rules.objects import Change, Kind, Ref
from redirect_rules.rights import Grant, Person, Role
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Clock, at

RECORD: dict[str, object] = {
    "id": "moi",
    "name": {"vi": "=HYPERLINK(1)"},
    "sector": "moi",
    "redirect_uris": ["https://moi.example/cb"],
    "attributes": ["name"],
    "legal_basis": "@SUM(A1)",
}


@pytest.fixture(autouse=True)
def agreed(desk: Desk, clock: Clock) -> None:
    """One client, whose second attribute came after the first, and whose first one went and came again."""
    for number, told in enumerate((["name"], ["name", "citizen_id"], ["citizen_id"], ["citizen_id", "name"])):
        enrol(desk, clock, {**RECORD, "attributes": told}, f"hỏi.{number}", f"đồng.ý.{number}")


def enrol(desk: Desk, clock: Clock, record: Record, asker: str, second: str) -> None:
    ref = Ref(Kind.CLIENT, "20", "moi")
    one, other = (desk.office(Person(name, frozenset({Grant(Role.ADMINISTRATOR)}))) for name in (asker, second))
    with desk.store.reading() as workspace:
        there = workspace.get(ref)
    first = one.ask_for_client(
        ref, record, Change(asker, "because", clock.now), seen_version=there.version if there else 0
    )
    other.agree_to_client(ref, Change(second, "yes", clock.now), seen_version=first.version)


async def test_each_attribute_has_its_own_beginning_and_its_own_two_people(base: URL) -> None:
    async with at(base, "xem") as viewer:
        answer = await viewer.get("/clients/register.json?client=moi")
        told = json.loads(await answer.text())
    lines = {one["attribute"]: one for one in told["releases"]}
    assert (lines["citizen_id"]["asked_by"], lines["citizen_id"]["agreed_by"]) == ("hỏi.1", "đồng.ý.1")
    assert (lines["name"]["asked_by"], lines["name"]["agreed_by"]) == ("hỏi.3", "đồng.ý.3"), (
        "it had gone, and came again"
    )
    assert lines["name"]["since"] == AUTUMN.isoformat()
    assert lines["name"]["province"] == "Tỉnh Lạng Sơn"
    assert lines["name"]["legal_basis"] == "@SUM(A1)"


async def test_a_spreadsheet_calculates_nothing_of_it(base: URL) -> None:
    async with at(base, "xem") as viewer:
        answer = await viewer.get("/clients/register.csv")
        text = (await answer.read()).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["client"] for row in rows} == {"moi", "langson", "khanhhoa", "ho-tich"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any("=HYPERLINK(1)" in row["name"] for row in rows)


async def test_filters_reach_the_page_and_both_exports(base: URL) -> None:
    async with at(base, "xem") as viewer:
        page = await viewer.text("/clients/register?attribute=email")
        assert "/clients/register.csv?attribute=email" in page
        assert "Có 1 dòng." in page
        of_file = page.partition("<tbody>")[2]
        assert "theo tệp cấu hình" in of_file
        table = await (await viewer.get("/clients/register.csv?attribute=email")).text()
        assert table.count("\r\n") == 2
        assert "Có 0 dòng." in await viewer.text("/clients/register?client=nobody")
        assert "Có 2 dòng." in await viewer.text("/clients/register?client=moi&province=20")
