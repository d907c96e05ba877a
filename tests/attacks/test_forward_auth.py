"""Forward-auth is asked in every crooked way: it opens for a signed-in person on a protected path, else never.

Attacks 36 and, for the gate and for forward-auth, 55: with the store down nothing opens.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from sso.adapters.verify_kit import VerifyKit
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import signer
from tests.sign_in_peers.portals import FORM, PORTAL, Page, Standing, Visitor, standing

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP

SECRET = "/nop-ho-so/1"
OPEN = "/vi/assets/app.js"


async def signed_in(edge: Standing) -> Visitor:
    visitor = edge.visitor()
    assert (await visitor.go(edge.address(f"{FORM}&vneid=1"))).status == 200
    return visitor


def nginx(target: str, method: str = "GET") -> dict[str, str]:
    return {"X-Original-URI": target, "X-Original-Method": method}


async def asked(visitor: Visitor, headers: dict[str, str]) -> Page:
    return await visitor.ask(visitor.standing.address("/_edge/sign-in/check"), headers=headers)


async def test_a_signed_in_person_is_let_through_with_their_assertion(edge: Standing) -> None:
    page = await asked(await signed_in(edge), nginx(SECRET))
    kit = VerifyKit(issuer=edge.desk.broker.issuer, audience="khanhhoa", keys=signer().jwks())
    assert page.status == 200
    assert kit.verified([page.headers["Portal-Identity"]], now=edge.desk.clock.now)["name"] == "Nguyễn Văn An"


async def test_nobody_is_told_to_sign_in_and_where(edge: Standing) -> None:
    page = await asked(edge.visitor(), nginx(SECRET + "?a=1"))
    assert (page.status, page.headers["Portal-Sign-In"]) == (401, f"/_edge/sign-in/begin?to={SECRET}?a=1")


async def test_a_proxy_that_hands_answers_on_gets_a_redirect(edge: Standing) -> None:
    headers = {
        "X-Forwarded-Uri": SECRET,
        "X-Forwarded-Method": "GET",
        "X-Forwarded-Host": f"{PORTAL}.localhost:{edge.port}",
    }
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/forward-auth", headers=headers)
    assert (page.status, page.location) == (303, edge.address(f"/_edge/sign-in/begin?to={SECRET}"))


async def test_a_form_is_never_redirected(edge: Standing) -> None:
    headers = {
        "X-Forwarded-Uri": SECRET,
        "X-Forwarded-Method": "POST",
        "X-Forwarded-Host": f"{PORTAL}.localhost:{edge.port}",
    }
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/forward-auth", headers=headers)
    assert (page.status, page.location) == (401, "")


async def test_at_the_issuer_s_host_the_portal_s_cookie_counts(edge: Standing) -> None:
    visitor = await signed_in(edge)
    kept = visitor.cookies[f"{PORTAL}.localhost:{edge.port}"]
    cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
    host = f"{PORTAL}.localhost:{edge.port}"
    headers = {"X-Forwarded-Uri": SECRET, "X-Forwarded-Method": "GET", "X-Forwarded-Host": host, "Cookie": cookie}
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/forward-auth", headers=headers)
    assert page.status == 200


CROOKED: list[tuple[str, dict[str, str]]] = [
    ("a path that nothing protects", nginx("/tin-tuc")),
    ("an asset", nginx(OPEN)),
    ("dots", nginx(f"/vi/assets/../..{SECRET}")),
    ("dots in escapes", nginx(f"/vi/assets/%2e%2e/%2e%2e{SECRET}")),
    ("dots behind a semicolon", nginx(f"/vi/assets/..;/..;{SECRET}")),
    ("dots escaped twice", nginx(f"/vi/assets/%252e%252e{SECRET}")),
    ("a backslash", nginx("/vi\\..\\nop-ho-so")),
    ("a broken escape", nginx("/nop-ho-so/%zz")),
    ("a control character", nginx("/nop-ho-so/%00")),
    ("nothing at all", {}),
    ("another path beside it", nginx(SECRET) | {"X-Forwarded-Uri": OPEN}),
    ("another path by address", nginx(SECRET) | {"X-Original-URL": "https://x.example/vi"}),
    ("a rewritten path", nginx(SECRET) | {"X-Rewrite-Url": OPEN}),
    ("an underscore", nginx(SECRET) | {"X_Original_URI": OPEN}),
    ("another host", nginx(SECRET) | {"X-Original-Host": "dichvucong.langson.gov.vn"}),
    ("a host of nobody's", nginx(SECRET) | {"X-Forwarded-Host": "evil.example"}),
    ("two methods", nginx(SECRET) | {"X-Forwarded-Method": "POST"}),
]


@pytest.mark.parametrize("headers", [row[1] for row in CROOKED], ids=[row[0] for row in CROOKED])
async def test_a_crooked_question_is_denied_to_whoever_asks(edge: Standing, headers: dict[str, str]) -> None:
    for visitor in (await signed_in(edge), edge.visitor()):
        page = await asked(visitor, headers)
        assert page.status == 403
        assert "Portal-Identity" not in page.headers


SPELLINGS = [
    "/NOP-HO-SO/1",
    "/nop-ho-so;v=1/1",
    "//nop-ho-so/1",
    "/./nop-ho-so",
    "/%6eop-ho-so",
    "/nop-ho-so/",
    "/nop%2Dho%2Dso",
]


@pytest.mark.parametrize("target", SPELLINGS)
async def test_a_protected_path_is_never_open_in_another_spelling(edge: Standing, target: str) -> None:
    assert (await asked(edge.visitor(), nginx(target))).status in {401, 403}


@pytest.mark.parametrize("target", [*SPELLINGS, "/%2Fnop-ho-so/1", "/nop-ho-so%2F1", "/nop-ho-so%5C1", "/nop-ho-so./1"])
async def test_nor_does_it_pass_the_gate_unseen(edge: Standing, target: str) -> None:
    headers = {"Accept": "application/json", "Sec-Fetch-Dest": "empty"}
    page = await edge.visitor().ask(edge.address() + target[1:], headers=headers)
    assert edge.told == []
    assert page.status in {400, 401, 410}  # refused, asked to sign in, or a closed page


async def test_who_is_not_listed_may_not_ask(edge: Standing) -> None:
    visitor = await signed_in(edge)
    peers = edge.gate._paths.peers
    edge.gate._paths = type(edge.gate._paths)(edge.gate._paths.protections, ())
    try:
        assert (await asked(visitor, nginx(SECRET))).status == 403
    finally:
        edge.gate._paths = type(edge.gate._paths)(edge.gate._paths.protections, peers)


# 55: the store goes


@asynccontextmanager
async def losing(folder: Path, packs: Packs, pages: Pages) -> AsyncIterator[tuple[Standing, EmbeddedValkey]]:
    """An edge whose store can be taken away."""
    valkey = EmbeddedValkey(folder / "valkey")
    await asyncio.to_thread(valkey.start_now)
    store = open_store(valkey.url, person_key=b"k" * 32, timeout_seconds=2.0)
    try:
        async with standing(store, packs, pages, folder) as made:
            yield made, valkey
    finally:
        await store.close()
        await asyncio.to_thread(valkey.leave_now)


async def test_with_the_store_down_nothing_opens_and_everybody_is_told_when_to_try_again(
    packs: Packs, pages: Pages, tmp_path: Path
) -> None:
    async with losing(tmp_path, packs, pages) as (edge, valkey):
        visitor = await signed_in(edge)
        assert (await asked(visitor, nginx(SECRET))).status == 200
        await asyncio.to_thread(valkey.leave_now)
        edge.told.clear()
        checked = await asked(visitor, nginx(SECRET))
        page = await visitor.ask(edge.address(SECRET))
        program = await visitor.ask(
            edge.address(SECRET), headers={"Accept": "application/json", "Sec-Fetch-Dest": "empty"}
        )
        shadow = await visitor.ask(edge.address("/vi/dossier/1"), headers={"Sec-Fetch-Dest": "empty"})
    assert [(one.status, one.headers["Retry-After"]) for one in (checked, page, program)] == [(503, "5")] * 3
    assert "CHƯA" in page.text
    assert shadow.status == 200
    assert [told.assertions for told in edge.told] == [[]]
