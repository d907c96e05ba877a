"""The gate: who has signed in is passed on with a signed identity, who has not goes and signs in, nothing else opens."""

import pytest
from prometheus_client import CollectorRegistry

from sso.vocabulary import Level
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import BINH
from tests.sign_in_peers.portals import FORM, OTHER, PORTAL, Standing, Visitor, gate_over, with_client

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP

XHR = {
    "Accept": "application/json",
    "X-Requested-With": "XMLHttpRequest",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
}


async def signed_in(edge: Standing) -> Visitor:
    visitor = edge.visitor()
    page = await visitor.go(edge.address(f"{FORM}&vneid=1"))
    assert page.status == 200
    edge.told.clear()
    visitor.seen.clear()
    return visitor


# Deep links


async def test_a_deep_link_opens_the_form_with_one_dialog(edge: Standing) -> None:
    visitor = edge.visitor()
    page = await visitor.go(edge.address(f"{FORM}&vneid=1"))
    assert (page.status, visitor.dialogs) == (200, 1)
    assert page.address == edge.address(FORM)


async def test_the_form_s_address_has_lost_its_flag_and_nothing_else(edge: Standing) -> None:
    await edge.visitor().go(edge.address("/nop-ho-so?MaTTHC=1.001193&vneid=1&MaCoQuanThucHien=H55.242&x=%C3%A9%2f"))
    (told,) = edge.told
    assert told.target == "/nop-ho-so?MaTTHC=1.001193&MaCoQuanThucHien=H55.242&x=%C3%A9%2f"


async def test_a_second_deep_link_opens_without_any_dialog(edge: Standing) -> None:
    visitor = await signed_in(edge)
    visitor.dialogs = 0
    page = await visitor.go(edge.address("/nop-ho-so?MaTTHC=2.000001&vnconnect=1"))
    assert (page.status, visitor.dialogs) == (200, 0)
    assert not any("signin.localhost" in address for address in visitor.seen)


async def test_at_another_province_there_is_no_second_dialog(edge: Standing) -> None:
    visitor = await signed_in(edge)
    visitor.dialogs = 0
    page = await visitor.go(edge.address(f"{FORM}&vneid=1", OTHER))
    assert (page.status, visitor.dialogs) == (200, 0)
    assert edge.verified(edge.told[-1], "langson")["aud"] == "langson"


async def test_an_old_bookmark_of_a_form_shows_the_notice_and_a_signed_in_visitor_s_link_opens(edge: Standing) -> None:
    bookmark = edge.address("/nop-ho-so?MaTTHC=1.001193")
    assert "Portal-Identity" not in (await edge.visitor().go(bookmark)).text
    assert edge.told == []
    visitor = await signed_in(edge)
    assert (await visitor.go(bookmark)).status == 200
    assert len(edge.told) == 1
    # And it was not remembered for anybody else.
    assert "<html" in (await edge.visitor().go(bookmark)).text
    assert len(edge.told) == 1


# What the system behind is told


async def test_the_system_is_told_once_who_asks(edge: Standing) -> None:
    visitor = await signed_in(edge)
    await visitor.ask(edge.address(FORM))
    claims = edge.verified(edge.told[-1])
    assert claims["name"] == "Nguyễn Văn An"
    assert claims["acr"] == Level.TWO.acr
    assert set(claims) >= {"sub", "auth_time", "citizen_id", "jti", "sid"}


async def test_each_request_has_an_assertion_of_its_own(edge: Standing) -> None:
    visitor = await signed_in(edge)
    for _ in range(3):
        await visitor.ask(edge.address(FORM))
    assert len({edge.verified(told)["jti"] for told in edge.told}) == 3


async def test_a_province_is_told_what_its_record_allows_and_another_name(edge: Standing) -> None:
    visitor = await signed_in(edge)
    await visitor.go(edge.address(FORM))
    here = edge.verified(edge.told[-1])
    await visitor.go(edge.address(f"{FORM}&vneid=1", OTHER))
    there = edge.verified(edge.told[-1], "langson")
    assert "citizen_id" in here
    assert "citizen_id" not in there
    assert here["sub"] != there["sub"]


async def test_our_cookies_stay_here_and_the_system_s_own_go_on(edge: Standing) -> None:
    visitor = await signed_in(edge)
    visitor.cookies[f"{PORTAL}.localhost:{edge.port}"] |= {"JSESSIONID": "abc", "sign-in-way-x": "y.z"}
    await visitor.ask(edge.address(FORM))
    assert edge.told[-1].values("Cookie") == ["JSESSIONID=abc"]


async def test_a_form_that_is_sent_with_a_session_arrives_whole(edge: Standing) -> None:
    visitor = await signed_in(edge)
    page = await visitor.ask(
        edge.address("/vi/nps/apply"),
        method="POST",
        data=b"ho_ten=An",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert page.status == 200
    assert (edge.told[-1].method, edge.told[-1].body) == ("POST", b"ho_ten=An")
    assert edge.verified(edge.told[-1])["name"] == "Nguyễn Văn An"


async def test_a_path_that_is_for_everybody_passes_without_identity(edge: Standing) -> None:
    visitor = await signed_in(edge)
    await visitor.ask(edge.address("/vi/assets/app.js"), headers={"Sec-Fetch-Dest": "script", "Accept": "*/*"})
    assert edge.told[-1].assertions == []


# Without a session


async def test_a_page_without_a_session_goes_to_the_issuer(edge: Standing) -> None:
    page = await edge.visitor().ask(edge.address("/vi/iframe/thong-ke"))
    assert page.status == 303
    assert page.location.startswith(f"{edge.desk.broker.issuer}/portal?entry=")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert edge.told == []


async def test_nothing_of_the_wish_travels_to_the_issuer(edge: Standing) -> None:
    visitor = edge.visitor()
    await visitor.go(edge.address("/vi/nps/apply?MaTTHC=1.001193&soDinhDanh=001054000123&vneid=1"))
    elsewhere = [address for address in visitor.seen if PORTAL not in address]
    assert elsewhere
    assert not any("001054000123" in address or "1.001193" in address for address in elsewhere)


@pytest.mark.parametrize(
    ("headers", "status"),
    [(XHR, 401), ({"Accept": "*/*", "Sec-Fetch-Dest": "script"}, 401), ({"Sec-Purpose": "prefetch"}, 503)],
    ids=["a program", "an asset", "a prefetch"],
)
async def test_who_is_no_page_is_told_and_not_sent_away(edge: Standing, headers: dict[str, str], status: int) -> None:
    page = await edge.visitor().ask(edge.address(FORM + "&vneid=1"), headers=headers)
    assert page.status == status
    assert page.location == ""
    assert edge.told == []


async def test_a_program_reads_where_to_sign_in(edge: Standing) -> None:
    page = await edge.visitor().ask(edge.address("/vi/nps/api/ho-so"), headers=XHR)
    assert page.headers["Content-Type"].startswith("application/problem+json")
    assert page.headers["WWW-Authenticate"] == "Portal-Session"
    assert '"sign_in": "/_edge/sign-in/begin?to=/vi/nps/api/ho-so"' in page.text


async def test_a_form_without_a_session_is_refused_in_words_and_goes_nowhere(edge: Standing) -> None:
    page = await edge.visitor().ask(
        edge.address("/vi/nps/apply"),
        method="POST",
        data=b"ho_ten=An",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert page.status == 401
    assert "CHƯA" in page.text
    assert 'href="/_edge/sign-in/begin?to=/vi/nps/apply"' in page.text
    assert edge.told == []


async def test_a_level_that_is_too_low_is_stepped_up(edge: Standing) -> None:
    edge.desk.home.person = BINH
    visitor = edge.visitor()
    low = await visitor.go(edge.address("/vi/iframe/thong-ke"))
    assert (low.status, visitor.dialogs) == (200, 1)
    assert edge.verified(edge.told[-1])["acr"] == Level.ONE.acr
    refused = await visitor.go(edge.address(f"{FORM}&vneid=1"))  # she has level 1 only
    assert visitor.dialogs == 2
    assert refused.status >= 400
    assert len(edge.told) == 1


# Shadow


async def test_in_shadow_mode_everybody_passes_and_who_is_known_is_told(edge: Standing) -> None:
    address = edge.address("/vi/dossier/1")
    counted = 'dvc_edge_sign_in_gate_total{outcome="shadow-%s",portal="khanhhoa"}'
    before = [edge.counted(counted % word) for word in ("with", "without")]
    assert (await edge.visitor().ask(address, headers=XHR)).status == 200
    assert edge.told[-1].assertions == []
    visitor = await signed_in(edge)
    await visitor.ask(address, headers=XHR)
    assert edge.verified(edge.told[-1])["name"] == "Nguyễn Văn An"
    assert [edge.counted(counted % word) for word in ("with", "without")] == [number + 1 for number in before]


# Ends


async def test_signing_out_at_the_portal_ends_it_there(edge: Standing) -> None:
    visitor = await signed_in(edge)
    left = await visitor.ask(edge.address("/_edge/sign-in/out"))
    assert left.location == f"{edge.desk.broker.issuer}/logout"
    assert (await visitor.ask(edge.address("/vi/nps/x"))).status == 303


async def test_a_session_that_was_ended_anywhere_opens_nothing(edge: Standing) -> None:
    visitor = await signed_in(edge)
    for session in await edge.desk.store.sessions_of("home", "account-1"):
        await edge.desk.store.end(session.id)
    assert (await visitor.ask(edge.address("/vi/nps/x"))).status == 303
    assert edge.told == []


async def test_a_session_ends_at_its_hour(edge: Standing) -> None:
    visitor = await signed_in(edge)
    edge.desk.clock.now += 8 * 3600
    assert (await visitor.ask(edge.address("/vi/nps/x"))).status == 303


async def test_a_client_that_no_longer_takes_the_upstream_asks_again(edge: Standing) -> None:
    visitor = await signed_in(edge)
    edge.desk.broker.clients = with_client(upstreams=("vneid",))
    assert (await visitor.ask(edge.address("/vi/nps/x"))).status == 303


async def test_a_client_without_the_header_is_guarded_but_told_nothing(edge: Standing) -> None:
    visitor = await signed_in(edge)
    edge.desk.broker.clients = with_client(formats=frozenset({"forward-auth"}))
    await visitor.ask(edge.address("/vi/nps/x"))
    assert edge.told[-1].assertions == []


# In production


async def test_over_plain_http_people_are_sent_to_tls_before_they_sign_in(edge: Standing) -> None:
    secure = gate_over(edge.desk, edge.app.packs, CollectorRegistry(), issuer="https://signin.example.vn")
    reception = edge.app.edge._issuer
    edge.app.edge.sign_in_by(reception, secure)
    try:
        page = await edge.visitor().ask(edge.address("/vi/nps/x?a=1"))
        host = f"{PORTAL}.localhost"
        assert page.location == f"https://{host}/_edge/sign-in/begin?to=/vi/nps/x?a=1"
        begun = await edge.visitor().ask(edge.address("/_edge/sign-in/begin?to=/vi/nps/x?a=1"))
        assert begun.location.startswith("https://signin.example.vn/portal?entry=")
        assert begun.headers["Set-Cookie"].startswith("__Host-sign-in-way-")
        assert begun.headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax; Secure")
    finally:
        edge.app.edge.sign_in_by(reception, edge.gate)
