"""The list of rules goes by name, or by what was changed last, page by page, with its filters."""

import re
from html import unescape

from proxy.console.desk import Desk
from redirect_rules.objects import Change, Kind, Put, Ref
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Browser

RULES = 120


def ids(page: str) -> list[str]:
    return re.findall(r'class="code">langson/([^<]+)</a>', page)


def link(page: str, marked: str) -> str:
    """The address of the link that has these words in its tag or after it."""
    return next(
        (unescape(href) for href, rest in re.findall(r'<a href="([^"]+)"([^\n]*?</a>)', page) if marked in rest), ""
    )


def written(desk: Desk) -> list[str]:
    """Rules whose names do not go as their changes do; the last one that was written comes first."""
    names = [f"r-{(number * 7) % RULES:03}" for number in range(RULES)]
    for at in range(0, RULES, 40):
        writes = [
            Put(
                Ref(Kind.RULE, "portal:langson", name),
                {"id": name, "exact": [f"/{name}"], "action": "notice", "to": ["home"], "tags": ["thu"]},
                seen_version=0,
            )
            for name in names[at : at + 40]
        ]
        desk.store.apply(writes, Change("trung.uong", "r", AUTUMN, f"b-{at}"))
    return names[::-1]


async def through(browser: Browser, path: str) -> list[str]:
    """All pages of a list, one after the other."""
    found: list[str] = []
    while path:
        page = await browser.text(path)
        found += ids(page)
        path = link(page, 'rel="next"')
    return found


async def test_each_order_shows_every_rule_once(administrator: Browser, desk: Desk) -> None:
    newest = written(desk)
    page = await administrator.text("/rules?tag=thu")
    assert await through(administrator, "/rules?tag=thu") == sorted(newest)
    changed = link(page, "Mới sửa trước")
    assert changed == "/rules?tag=thu&order=changed"
    found = await through(administrator, changed)
    assert (sorted(found), len(found)) == (sorted(newest), RULES)
    assert [set(found[at : at + 40]) for at in (0, 40, 80)] == [set(newest[at : at + 40]) for at in (0, 40, 80)]
    assert await through(administrator, "/rules?tag=thu&kind=never&order=changed") == found


async def test_the_order_is_said_and_stays_when_one_filters(administrator: Browser, desk: Desk) -> None:
    written(desk)
    page = await administrator.text("/rules?tag=thu&order=changed")
    assert '<input type="hidden" name="order" value="changed">' in page
    assert re.search(r'aria-current="true">Mới sửa trước', page)
    assert link(page, "Theo tên") == "/rules?tag=thu"
    second = link(page, 'rel="next"')
    assert "after" not in link(await administrator.text(second), "Theo tên"), "another order begins anew"


async def test_a_filter_with_an_order_of_its_own_offers_no_other(administrator: Browser, desk: Desk) -> None:
    written(desk)
    for path in ("/rules?q=/r-0", "/rules?kind=conflict"):
        assert "Mới sửa trước" not in await administrator.text(path), path
    page = await administrator.text("/rules?tag=thu&order=sideways&after=nonsense")
    assert re.search(r'aria-current="true">Theo tên', page)
