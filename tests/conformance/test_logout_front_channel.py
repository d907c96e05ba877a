"""OpenID Connect Front-Channel Logout, module by module: it mirrors the suite's list, and is no certification."""

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet

from proxy.pages import Pages
from sso.store import Store
from tests.sign_in_peers.issuer import CLIENTS, Desk, client, issuing

FRAMED = {
    "one": client("one", frontchannel_logout_uri="https://one.example/front?x=1"),
    "two": client("two", frontchannel_logout_uri="https://two.example/front", frontchannel_session_required=False),
}


async def test_oidcc_frontchannel_discovery_endpoint_verification(desk: Desk) -> None:
    document = (await desk.ask("GET", "/.well-known/openid-configuration")).json()
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


async def test_oidcc_frontchannel_rp_initiated_logout(state: Store, pages: Pages) -> None:
    async with issuing(state, pages, clients=CLIENTS | FRAMED) as desk:
        browser = desk.browser()
        tokens = {}
        for name in ("one", "two", "alpha"):
            told = await desk.sign_in(browser, name)
            tokens[name] = (await desk.exchange(told["code"], name)).json()["id_token"]
        wish = {"id_token_hint": tokens["one"], "post_logout_redirect_uri": "https://one.example/out", "state": "s"}
        answer = await browser.get(f"/logout?{urlencode(wish)}")
        assert answer.status == 200
        frames = [unescape(uri) for uri in re.findall(r'<iframe[^>]* src="([^"]+)"', answer.text)]
        assert [urlsplit(uri).netloc for uri in frames] == ["one.example", "two.example"]
        keys = KeySet.import_key_set((await desk.ask("GET", "/jwks")).json())
        sid = jwt.decode(tokens["one"], keys, algorithms=["ES256"]).claims["sid"]
        assert parse_qs(urlsplit(frames[0]).query) == {"x": ["1"], "iss": [desk.broker.issuer], "sid": [sid]}
        assert urlsplit(frames[1]).query == ""  # it wants neither
        assert "https://one.example/out?state=s" in unescape(answer.text)
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-src https://one.example https://two.example" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "code" not in (await desk.authorize(browser, prompt="none")).told()
