"""Off to an upstream, and how a page's choice is kept."""

from urllib.parse import parse_qs, urlsplit

from proxy.login.departures import reference
from proxy.pages import Pages
from sso.stores.valkey import ValkeyStore
from tests.sign_in_peers.issuer import CLIENTS, HOME, Desk, client, issuing


def test_a_choice_is_good_for_its_page_its_browser_and_its_session() -> None:
    own = reference("consent", "handle", "browser", "session")
    others = {
        reference("choose", "handle", "browser", "session"),
        reference("consent", "another", "browser", "session"),
        reference("consent", "handle", "another", "session"),
        reference("consent", "handle", "browser", "another"),
        reference("consent", "handle", "browser", ""),
    }
    assert len(others) == 5
    assert own not in others


async def test_who_leaves_takes_nothing_along_that_could_be_known_elsewhere(desk: Desk) -> None:
    left = await desk.authorize(desk.browser(), login_hint="001054000123", state="theirs", nonce="theirs")
    asked = parse_qs(urlsplit(left.location).query)
    assert left.location.startswith(HOME)
    assert asked["redirect_uri"] == [f"{desk.broker.issuer}/callback/home"]
    assert "login_hint" not in asked
    assert "theirs" not in left.location
    assert "alpha" not in left.location


async def test_a_client_is_offered_the_upstreams_of_its_record_only(state: ValkeyStore, pages: Pages) -> None:
    own = client("alpha", upstreams=("second",))
    async with issuing(state, pages, upstreams=("home", "second"), clients={**CLIENTS, "alpha": own}) as desk:
        left = await desk.authorize(desk.browser())
        assert "callback%2Fsecond" in left.location
