# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""Sign-outs that wait: seen by all who may look, moved by those who may, in the store that the edge uses."""

import asyncio

from yarl import URL

from proxy.console.desk import Desk
from sso.model import LogoutDelivery
from sso.stores.valkey import ValkeyStore
from tests.proxy.console.conftest import at, hire
from tests.proxy.console.signing_in import NOW, desk, store  # noqa: F401 - a fixture


def delivery(number: int, client: str = "langson", *, state: str = "waiting", age: int = 7_200) -> LogoutDelivery:
    return LogoutDelivery(
        id=f"d{number}", client=client, uri=f"https://{client}.example/x", sid="s", subject="nobody-should-see-this",
        created_at=NOW - age, attempts=3, next_at=NOW + 600, state="waiting", last_error="HTTP 500",
    )  # fmt: skip


async def states(kept: ValkeyStore) -> dict[str, str]:
    return {one.id: one.state for found in (await kept.deliveries()).values() for one in found}


async def test_what_waits_is_shown_tried_again_and_given_up(base: URL, desk: Desk) -> None:
    hire(desk, {"quan.tri.ls": [{"role": "administrator", "province": "20"}]})
    async with store(desk) as kept:
        await kept.enqueue([delivery(1), delivery(2), delivery(3, "khanhhoa")])
        async with at(base, "xem") as viewer:
            page = await viewer.text("/clients/sign-outs")
            assert "Hệ thống một cửa tỉnh Lạng Sơn" in page
            assert "quá một giờ" in page
            assert "HTTP 500" in page
            assert "nobody-should-see-this" not in page, "of people there is nothing"
            assert "<form" not in page.partition("<main")[2]
        async with at(base, "quan.tri.ls") as here:
            page = await here.text("/clients/sign-outs")
            assert 'action="/clients/sign-outs/langson"' in page
            assert 'action="/clients/sign-outs/khanhhoa"' not in page
            foreign = await here.post("/clients/sign-outs/khanhhoa", {"go": "give-up", "reason": "x"})
            assert foreign.status == 403
            assert (await here.post("/clients/sign-outs/langson", {"go": "again"})).status == 422, "a reason"
            assert (await here.post("/clients/sign-outs/langson", {"go": "melt", "reason": "x"})).status == 404
            again = await here.post("/clients/sign-outs/langson", {"go": "again", "reason": "they are back"})
            assert again.status == 303
            due = await kept.due(now=NOW + 5, limit=9, lease_seconds=1)
            assert {one.id for one in due} == {"d1", "d2"}, "those of the other client are not due yet"
            given_up = await here.post("/clients/sign-outs/langson", {"go": "give-up", "reason": "it is closed"})
            assert given_up.status == 303
            assert "they are back" in await here.text("/clients/sign-outs")
        assert await states(kept) == {"d1": "given-up", "d2": "given-up", "d3": "waiting"}
    reasons = [entry.reason for entry in desk.store.trail.entries() if "sign-outs:" in entry.subject]
    assert reasons == ["they are back", "it is closed"]


async def test_what_nobody_waits_for_cannot_be_moved(base: URL, desk: Desk) -> None:
    async with store(desk), at(base, "trung.uong") as centre:
        assert (await centre.post("/clients/sign-outs/langson", {"go": "again", "reason": "x"})).status == 404
        assert "Không có tin đăng xuất nào đang chờ" in await centre.text("/clients/sign-outs")


async def test_a_store_that_is_down_takes_no_page_with_it(base: URL, desk: Desk) -> None:
    async with at(base, "trung.uong") as centre:
        async with asyncio.timeout(60):
            assert "Kho phiên đăng nhập không trả lời" in await centre.text("/clients/sign-outs")
            answer = await centre.post("/clients/sign-outs/langson", {"go": "again", "reason": "x"})
        assert answer.status == 503
        assert (await centre.get("/clients")).status == 200
    assert not [entry for entry in desk.store.trail.entries() if "sign-outs:" in entry.subject]
