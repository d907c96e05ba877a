"""The page of hits: what people did on the notice, with what nobody knows said beside it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pytest

from proxy.console.desk import Desk
from redirect_rules.hits import Choice, Hit
from redirect_rules.model import HO_CHI_MINH
from tests.proxy.console.conftest import Browser

SHOWN: Final = Hit("langson", "dichvucong.langson.gov.vn/vi", "notice", "navigation", "igate2/home")


def choices(stopped: int, went: int, carried: int) -> dict[Hit, int]:
    return {Hit.chosen("langson", one): n for one, n in zip(Choice, (stopped, went, carried), strict=True)}


def count(desk: Desk, counts: Mapping[Hit, int], *, ago: int = 0) -> None:
    desk.hits.add(desk.clock().astimezone(HO_CHI_MINH).date() - timedelta(days=ago), counts)


def section(page: str) -> list[str]:
    """The words of the section, tag by tag."""
    begin = page.index("<h2>Người dân làm gì trên trang thông báo</h2>")
    return [
        text.strip() for text in re.findall(r">([^<]+)<", page[begin : page.index("<h2>", begin + 4)]) if text.strip()
    ]


async def test_rates_are_of_the_notices_that_browsers_were_shown(administrator: Browser, desk: Desk) -> None:
    count(desk, {SHOWN: 60, **choices(5, 20, 30)})
    count(desk, {SHOWN: 40, **choices(5, 10, 10)}, ago=1)
    count(desk, {SHOWN: 9_000}, ago=2)
    words = section(await administrator.text("/hits"))
    for row in (
        ["Dừng đếm giây", "10", "10,0\xa0%"],
        ["Bấm chuyển ngay", "30", "30,0\xa0%"],
        ["Được tự động chuyển", "40", "40,0\xa0%"],
        ["Cách khác hoặc không rõ", "20", "20,0\xa0%"],
    ):
        at = words.index(row[0])
        assert [word.replace(" %", "\xa0%") for word in words[at : at + 3]] == row
    assert any("JavaScript" in word for word in words), "what is not known is said"
    assert not any("tự gửi" in word for word in words)


async def test_a_day_is_a_point_of_the_chart(administrator: Browser, desk: Desk) -> None:
    count(desk, {SHOWN: 60, **choices(5, 20, 30)})
    page = await administrator.text("/hits")
    row = re.search(r'data-x="\d+">[\d/]+</th>((?:<td class="n" data-y="\d+">\d+</td>){3})</tr>', page)
    assert row is not None
    assert re.findall(r'data-y="(\d+)"', row[1]) == ["5", "20", "30"]


async def test_a_choice_is_in_no_other_table(administrator: Browser, desk: Desk) -> None:
    count(desk, {SHOWN: 60, **choices(5, 20, 30)})
    page = await administrator.text("/hits")
    outside = page.replace("".join(re.findall(r"<h2>Người dân.*?(?=<h2>)", page, re.DOTALL)), "")
    assert "stopped" not in outside
    assert "(notice)" not in page
    assert "(notice)" not in await administrator.text("/unmapped")


@pytest.mark.parametrize(("told", "said"), [
    ({}, "Chưa có trang thông báo nào báo về"),
    (choices(500, 0, 0), "có người tự gửi"),
])  # fmt: skip
async def test_what_cannot_be_relied_on_is_said(
    administrator: Browser, desk: Desk, told: Mapping[Hit, int], said: str
) -> None:
    count(desk, {SHOWN: 60, **told})
    assert any(said in word for word in section(await administrator.text("/hits")))
