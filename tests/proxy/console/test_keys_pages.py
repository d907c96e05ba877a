# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""Keys turned and taken away by hand: by whom it may be, with a reason, and never unseen."""

from yarl import URL

from proxy.console.desk import Desk
from proxy.login.opening import keys_folder
from redirect_rules.objects import Kind
from sso.keys import OVERLAP_SECONDS
from tests.proxy.console.conftest import at, hire
from tests.proxy.console.signing_in import NOW, desk, ring, ring_folder  # noqa: F401 - a fixture

ROTATE = {"algorithm": "ES256", "reason": "once in a quarter"}


def kid(desk: Desk, state: str) -> str:
    return next(key.kid for key in ring(desk).keys if key.algorithm == "ES256" and key.state == state)


async def test_keys_are_shown_with_their_age_and_who_uses_them(base: URL, desk: Desk) -> None:
    ring_folder(desk).ensure(NOW - 100 * 86_400)
    async with at(base, "xem") as viewer:
        page = await viewer.text("/clients/keys")
    assert kid(desk, "current") in page
    assert "đến hạn" in page, "a hundred days are more than a quarter"
    assert '<td class="n">100</td>' in page
    assert "Hệ thống một cửa tỉnh Khánh Hòa" in page.partition("RS256</dt>")[2].partition("<dt>")[0]
    assert "<form" not in page.partition("<main")[2], "a viewer turns nothing"


async def test_a_key_is_turned_with_a_reason_that_stays(base: URL, desk: Desk) -> None:
    ring_folder(desk).ensure(NOW - OVERLAP_SECONDS)
    before, coming = kid(desk, "current"), kid(desk, "next")
    async with at(base, "trung.uong") as centre:
        assert (await centre.post("/clients/keys/rotate", {"algorithm": "ES256"})).status == 422
        assert kid(desk, "current") == before, "not without a reason"
        assert (await centre.post("/clients/keys/rotate", ROTATE)).status == 303
        assert (kid(desk, "current"), kid(desk, "retired")) == (coming, before)
        page = await centre.text("/clients/keys")
        assert "once in a quarter" in page
        early = await centre.post("/clients/keys/retire", {"kid": before, "reason": "tidy"})
        assert early.status == 409
        assert "Còn quá sớm" in await early.text()
        known = {"kid": before, "reason": "it has become known", "at-once": "yes"}
        assert (await centre.post("/clients/keys/retire", known)).status == 303
    assert before not in {key.kid for key in ring(desk).keys}
    trail = [entry.reason for entry in desk.store.trail.entries() if entry.subject.startswith(Kind.SIGN_IN)]
    assert trail == ["once in a quarter", "it has become known"], "what was refused is not in it"


async def test_a_key_that_nobody_can_have_fetched_waits(base: URL, desk: Desk) -> None:
    ring_folder(desk).ensure(NOW - OVERLAP_SECONDS + 60)
    before = kid(desk, "current")
    async with at(base, "trung.uong") as centre:
        answer = await centre.post("/clients/keys/rotate", ROTATE)
        assert answer.status == 409
        assert "once in a quarter" in await answer.text(), "what was typed is still there"
        assert kid(desk, "current") == before
        assert (await centre.post("/clients/keys/rotate", {**ROTATE, "algorithm": "none"})).status == 409
        assert (
            await centre.post("/clients/keys/retire", {"kid": before, "reason": "x", "at-once": "yes"})
        ).status == 409
    assert kid(desk, "current") == before


async def test_only_the_centres_administrator_touches_them(base: URL, desk: Desk) -> None:
    ring_folder(desk).ensure(NOW - OVERLAP_SECONDS)
    before = kid(desk, "current")
    hire(desk, {"quan.tri.ls": [{"role": "administrator", "province": "20"}]})
    for actor in ("quan.tri.ls", "phe.duyet", "van.hanh", "kiem.toan", "xem", "bien.tap"):
        async with at(base, actor) as browser:
            assert (await browser.post("/clients/keys/rotate", ROTATE)).status == 403, actor
            assert (await browser.post("/clients/keys/retire", {"kid": before, "reason": "x"})).status == 403, actor
    assert kid(desk, "current") == before


async def test_without_keys_the_page_says_so_and_makes_none(base: URL, desk: Desk) -> None:
    async with at(base, "trung.uong") as centre:
        assert "Chưa có khóa" in await centre.text("/clients/keys")
        assert (await centre.post("/clients/keys/rotate", ROTATE)).status == 503
    assert not (keys_folder(desk.settings) / "keys.json").exists()
