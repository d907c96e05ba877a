"""Attacks on sessions, signing out, the store and our own calls, by their numbers in the list of the security review.

2 redirect variants at signing out · 8 session fixation · 9 cookie tossing · 11 concurrent redemptions · 32 server-side
request forgery · 34 X-Forwarded-For against limits · 40, 41 signing others out · 42 leaks · 55 a store that dies
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import RawTestServer
from aiohttp.web import BaseRequest, Response, StreamResponse
from yarl import URL

from proxy.limiting import Limiter
from proxy.login.reception import Reception
from proxy.logout_deliveries import LogoutWorker
from proxy.outbound_addresses import GuardedResolver
from proxy.pages import Pages
from proxy.passing.forwarded import Trust
from sso import clients, egress
from sso.limits import LIMITS, RATES, with_most
from sso.model import LogoutDelivery
from sso.sources import ConfidentialDocument, Mistakes
from sso.store import Store
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from tests.sign_in_peers.issuer import SECRET, Answer, Browser, Desk, basic, client, issuing
from tests.sso.conftest import PATIENT_SECONDS

HERE = "https://alpha.example/out"


async def signed_in(desk: Desk, name: str = "alpha") -> tuple[Browser, Any]:
    browser = desk.browser()
    told = await desk.sign_in(browser, name)
    return browser, (await desk.exchange(told["code"], name)).json()


async def is_signed_in(desk: Desk, browser: Browser) -> bool:
    return "code" in (await desk.authorize(browser, prompt="none")).told()


# 2: the address after signing out

VARIANTS = [
    "https://alpha.example/out/../x",
    "https://alpha.example/out/",
    "https://alpha.example/OUT",
    "https://alpha.example/out?x=2",
    "https://alpha.example/out#x",
    "https://alpha.example/out%2f..",
    "https://alpha.example:443/out",
    "https://alpha.example.evil.example/out",
    "https://alpha.example@evil.example/out",
    "https://evil.example\\@alpha.example/out",
    "https://xn--alph-8na.example/out",
    "http://alpha.example/out",
    "//alpha.example/out",
    "/out",
    "https:/alpha.example/out",
    " https://alpha.example/out",
    "https://alpha.example/out%09",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://beta.example/out",
]


@pytest.mark.parametrize("uri", VARIANTS)
async def test_2_after_signing_out_only_a_registered_address_is_followed(desk: Desk, uri: str) -> None:
    browser, body = await signed_in(desk)
    for way in ({"id_token_hint": body["id_token"]}, {"client_id": "alpha"}):
        answer = await browser.post("/logout", {**way, "post_logout_redirect_uri": uri})
        assert answer.status == 400
        assert not answer.location
        assert uri not in answer.text
    assert await is_signed_in(desk, browser)


async def test_2_a_line_end_in_the_address_or_state_reaches_no_header(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    for extra in ({"post_logout_redirect_uri": f"{HERE}\r\nX: y"}, {"state": "a\r\nX: y"}):
        answer = await browser.post("/logout", {"id_token_hint": body["id_token"], **extra})
        assert answer.status == 400
        assert "X" not in answer.headers


# 8: fixation


async def test_8_the_id_of_a_session_changes_at_sign_in_and_at_step_up(desk: Desk) -> None:
    browser = desk.browser()
    browser.cookies["sign-in"] = "the attacker's choice"
    desk.home.person = replace(desk.home.person, level=1)
    await desk.sign_in(browser)
    first = browser.cookies["sign-in"]
    assert first != "the attacker's choice"
    stale = desk.browser()
    stale.cookies["sign-in"] = first
    desk.home.person = replace(desk.home.person, level=2)
    answer = await desk.authorize(browser, "eta")  # wants level two
    assert answer.status == 200
    onward = await browser.post("/step-up", {**answer.form(), "answer": "allow"})
    await desk.come_back(browser, onward)
    assert browser.cookies["sign-in"] != first
    assert await is_signed_in(desk, browser)
    assert not await is_signed_in(desk, stale)


# 9: cookie tossing


@pytest.mark.parametrize("header", ["sign-in={0}; sign-in=tossed", "sign-in=tossed; sign-in={0}", "SIGN-IN={0}"])
async def test_9_of_two_session_cookies_neither_is_believed(desk: Desk, header: str) -> None:
    browser, _ = await signed_in(desk)
    cookie = header.format(browser.cookies["sign-in"])
    answer = await desk.ask("GET", f"/authorize?{urlencode(desk.request(prompt='none'))}", {"Cookie": cookie})
    assert answer.told()["error"] == "login_required"


async def test_9_over_https_only_a_cookie_that_no_neighbour_can_set_counts(state: Store, pages: Pages) -> None:
    async with issuing(state, pages, issuer="https://signin.example") as desk:
        browser = desk.browser()
        await desk.sign_in(browser)
        value = browser.cookies["__Host-sign-in"]
        for name in ("sign-in", "__Secure-sign-in", "__host-sign-in"):
            target = f"/authorize?{urlencode(desk.request(prompt='none'))}"
            assert (await desk.ask("GET", target, {"Cookie": f"{name}={value}"})).told()["error"] == "login_required"


# 11: on the store of another machine, too (each store by itself: tests/sso/stores/test_store.py)


async def test_11_of_twenty_redemptions_by_two_nodes_one_gets_tokens(
    store_url: str, state: Store, pages: Pages
) -> None:
    prefix = state._prefix.strip("{}:")  # type: ignore[attr-defined]
    other = open_store(store_url, person_key=b"k" * 32, timeout_seconds=PATIENT_SECONDS, namespace=prefix)
    async with issuing(state, pages) as one, issuing(other, pages) as two:
        told = await one.sign_in()
        answers = await asyncio.gather(*((one, two)[i % 2].exchange(told["code"]) for i in range(20)))
        assert sorted(answer.status for answer in answers) == [200] + [400] * 19
        (won,) = (answer.json() for answer in answers if answer.status == 200)
        assert (await one.userinfo(won["access_token"])).status == 401
    await other.close()


# 32: our own calls

REGISTERED = (
    "backchannel_logout_uri",
    "jwks_uri",
    "redirect_uris",
    "post_logout_redirect_uris",
    "frontchannel_logout_uri",
)
INSIDE = [
    *("127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[fd00::1]", "[64:ff9b::7f00:1]", "[fe80::1]"),
]


@pytest.mark.parametrize("key", REGISTERED)
def test_32_no_registered_address_may_be_inside(key: str) -> None:
    for host in INSIDE:
        uri = f"'https://{host}/x'"
        rows = {
            "redirect_uris": "['https://a.example/cb']",
            key: f"[{uri}]" if key.endswith("s") else uri,
        }
        text = "id = 'a'\nsector = 'a'\nname = { vi = 'A' }\nauthentication = 'none'\n"
        text += "".join(f"{name} = {value}\n" for name, value in rows.items())
        with pytest.raises(Mistakes, match=key):
            clients.parse(ConfidentialDocument("a.toml", text))


class Rebinding(AbstractResolver):
    """A name server that says something else each time."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None: ...


@pytest.mark.parametrize("answers", [("127.0.0.1",), ("169.254.169.254",), ("8.8.8.8", "127.0.0.1")])
async def test_32_a_name_that_leads_into_the_house_is_not_called(desk: Desk, answers: tuple[str, ...]) -> None:
    reached: list[str] = []

    async def take(request: BaseRequest) -> StreamResponse:
        reached.append(request.path)
        return Response()

    server = RawTestServer(take)
    await server.start_server()
    resolver = GuardedResolver(())
    resolver._inner = Rebinding(*answers)  # type: ignore[assignment]
    if len(answers) > 1:
        await resolver.resolve("rebinding.example")  # the check of a careless program, a moment before
    uri = f"http://rebinding.example:{server.port}/out"
    clients_there = {"c": client("c", backchannel_logout_uri=uri)}
    await desk.store.enqueue([LogoutDelivery("d", "c", uri, "sid", "sub", desk.clock.now, next_at=desk.clock.now)])
    worker = LogoutWorker(
        desk.store,
        clients_there,
        issuer=desk.broker.issuer,
        signer=desk.broker.current_signer,
        clock=desk.clock,
        secrets=desk.broker.secrets,
    )
    async with ClientSession(connector=TCPConnector(resolver=resolver), cookie_jar=DummyCookieJar()) as http:
        assert await worker.deliver_due(http) == 1
    await server.close()
    assert reached == []
    assert (await desk.store.deliveries("c"))["c"][0].last_error == "address refused"


# 34: X-Forwarded-For


async def statuses(desk: Desk, trust: Trust, header: str, target: str = "/token", method: str = "POST") -> list[int]:
    """What twelve requests (with wrong secrets) are answered with, each with another address in a header."""
    reception = Reception(desk.broker, trust=trust, suffixes=("localhost",))

    async def answer(request: BaseRequest) -> StreamResponse:
        return await reception.answer(request, "k7m2-9fxd-3hqp")

    server = RawTestServer(answer)
    await server.start_server()
    found = []
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        for i in range(12):
            headers = {header: f"198.51.100.{i}", "Authorization": basic("alpha", "wrong")}
            data = {"grant_type": "x"} if method == "POST" else None
            uri = URL(str(server.make_url("")).rstrip("/") + target, encoded=True)
            async with http.request(method, uri, data=data, headers=headers, allow_redirects=False) as got:
                found.append(got.status)
    await server.close()
    return found


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
async def test_34_an_address_that_the_sender_made_up_escapes_no_limit(desk: Desk, header: str) -> None:
    desk.broker.limiter = Limiter(desk.store, pepper=b"p")
    found = await statuses(desk, Trust(), header)
    assert found[:10] == [401] * 10
    assert found[-1] == 429


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
@pytest.mark.parametrize(("kind", "target", "method"), [
    ("authorize", "/authorize", "GET"),
    ("userinfo", "/userinfo", "GET"),
    ("token", "/token", "POST"),
    ("par", "/par", "POST"),
    ("introspection", "/introspect", "POST"),
])  # fmt: skip
async def test_34_nor_one_on_how_often_somebody_asks(
    desk: Desk, header: str, kind: str, target: str, method: str
) -> None:
    limits = with_most(LIMITS, {"client-secret": 0})
    desk.broker.limiter = Limiter(desk.store, pepper=b"p", limits=limits, rates=with_most(RATES, {kind: 5}))
    query = f"?{urlencode(desk.request(prompt='none'))}" if target == "/authorize" else ""
    found = await statuses(desk, Trust(), header, target + query, method)
    assert 429 not in found[:5]
    assert found[5:] == [429] * 7
    desk.broker.limiter = Limiter(desk.store, pepper=b"p", limits=limits, rates=with_most(RATES, {kind: 5}))
    trusted = Trust(peers=egress.networks(["127.0.0.0/8"]))
    if header == "X-Forwarded-For":
        assert 429 not in await statuses(desk, trusted, header, target + query, method)


async def test_34_the_word_of_our_own_load_balancer_counts(desk: Desk) -> None:
    desk.broker.limiter = Limiter(desk.store, pepper=b"p")
    trusted = Trust(peers=egress.networks(["127.0.0.0/8"]))
    assert await statuses(desk, trusted, "X-Forwarded-For") == [401] * 12


# 40, 41: signing somebody else out


async def test_41_a_link_alone_signs_nobody_out(desk: Desk) -> None:
    browser, body = await signed_in(desk)
    _, theirs = await signed_in(desk)
    ways: list[dict[str, str]] = [
        {},
        {"client_id": "alpha"},
        {"post_logout_redirect_uri": HERE},
        {"logout_hint": "an@example.vn"},
        {"id_token_hint": theirs["id_token"]},
    ]
    for way in ways:
        for ask in (browser.get(f"/logout?{urlencode(way)}"), browser.post("/logout", way)):
            answer = await ask
            assert answer.status == 200
            assert not answer.location
            assert "/logout/answer" in answer.text
    assert await is_signed_in(desk, browser)
    assert (await desk.userinfo(body["access_token"])).status == 200


async def test_41_no_other_token_of_ours_is_a_hint(desk: Desk) -> None:
    browser, _ = await signed_in(desk)
    told = await desk.sign_in(browser, "beta")
    beta = (await desk.exchange(told["code"], "beta")).json()
    signed_userinfo = (await desk.userinfo(beta["access_token"])).text
    assert signed_userinfo.count(".") == 2
    logout_token = desk.broker.signer.sign({"iss": desk.broker.issuer, "aud": "beta"}, typ="logout+jwt")
    for token in (signed_userinfo, logout_token, beta["access_token"]):
        assert (await browser.post("/logout", {"id_token_hint": token})).status == 400
    assert await is_signed_in(desk, browser)


async def test_40_an_answer_that_was_not_given_on_our_page_is_none(desk: Desk) -> None:
    browser, _ = await signed_in(desk)
    for form in ({"answer": "yes"}, {"answer": "yes", "wish": ""}, {"answer": "yes", "wish": "AAAA"}):
        assert (await browser.post("/logout/answer", form)).status == 400
    attacker, _ = await signed_in(desk)
    page = await attacker.get("/logout")
    assert (await browser.post("/logout/answer", {**page.form(), "answer": "yes"})).status == 400
    assert (await browser.get(f"/logout/answer?{urlencode({**page.form(), 'answer': 'yes'})}")).status == 405
    assert await is_signed_in(desk, browser)


# 42: what is left behind


async def test_42_signing_out_leaves_nothing_that_opens_a_door_or_tells_who(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    broker = desk.broker
    broker.clients = {
        **broker.clients,
        "beta": replace(broker.clients["beta"], backchannel_logout_uri="http://127.0.0.1:1/"),
    }
    browser, body = await signed_in(desk)
    await desk.exchange((await desk.sign_in(browser, "beta"))["code"], "beta")
    cookies = [*browser.cookies.values()]
    page = await browser.get(f"/logout?{urlencode({'client_id': 'alpha', 'state': 'private-state'})}")
    wish = page.form()["wish"]
    await browser.post("/logout", {"id_token_hint": "x.y.z"})
    done = await browser.post("/logout/answer", {**page.form(), "answer": "yes"})
    worker = LogoutWorker(
        desk.store,
        broker.clients,
        issuer=broker.issuer,
        signer=broker.current_signer,
        clock=desk.clock,
        secrets=broker.secrets,
        allowed=egress.networks(["127.0.0.0/8"]),
        audit=desk.audit.append,
    )
    async with ClientSession() as http:
        await worker.deliver_due(http)
    out, err = capfd.readouterr()
    written = "\n".join([caplog.text, out, err, *map(str, desk.audit)])
    secrets = [body["access_token"], body["id_token"], SECRET, *cookies, wish, "private-state"]
    assert not [
        secret for secret in [*secrets, "001054000123", "Nguyễn", "an@example.vn", "account-1"] if secret in written
    ]
    for answer in (page, done):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "001054000123" not in answer.text
        assert "Nguyễn" not in answer.text


async def test_42_what_the_store_keeps_opens_no_door(desk: Desk, state: Any) -> None:
    browser = desk.browser()
    told = await desk.sign_in(browser, scope="openid offline_access")
    body = (await desk.exchange(told["code"])).json()
    kept = []
    for key in await state._plain("KEYS", "*"):
        dump = await state._plain("TYPE", key)
        reading = {"string": ("GET", key), "hash": ("HGETALL", key), "list": ("LRANGE", key, "0", "-1")}.get(dump)
        kept.append(f"{key} {await state._plain(*reading) if reading else ''}")
    written = "\n".join(kept)
    secrets = [told["code"], body["access_token"], body["refresh_token"], body["id_token"], browser.cookies["sign-in"]]
    assert "account-1" in written  # it is looked at the right place
    assert not [secret for secret in secrets if secret in written]
    assert not re.search(r"eyJ[\w-]+\.", written)  # the upstream's ID token is sealed


# 55: a store that dies


@pytest.fixture
async def mortal(tmp_path: Path, pages: Pages) -> AsyncIterator[tuple[Desk, EmbeddedValkey]]:
    valkey = EmbeddedValkey(tmp_path / "store")
    store = open_store(await valkey.start(), timeout_seconds=PATIENT_SECONDS)
    async with issuing(store, pages) as desk:
        yield desk, valkey
    await store.close()
    await valkey.leave()


async def test_55_a_store_that_dies_in_mid_flow_lets_nobody_in_and_takes_no_code_twice(
    mortal: tuple[Desk, EmbeddedValkey],
) -> None:
    desk, valkey = mortal
    browser, body = await signed_in(desk)
    codes = [(await desk.sign_in(browser))["code"] for _ in range(6)]
    used = await desk.exchange(codes[0])
    assert used.status == 200
    left = await desk.authorize(desk.browser())
    assert valkey._process
    valkey._process.kill()
    valkey._process.wait()
    calls: dict[str, Answer] = {
        "token": await desk.exchange(codes[1]),
        "userinfo": await desk.userinfo(body["access_token"]),
        "authorize": await desk.authorize(browser),
        "silent": await desk.authorize(browser, prompt="none"),
        "come back": await desk.browser().get(desk.home.approve(left.location)),
        "sign out": await browser.post("/logout", {"id_token_hint": body["id_token"]}),
    }
    for name, answer in calls.items():
        assert answer.status == 503, name
        assert int(answer.headers["Retry-After"]) > 0, name
        assert not answer.location, name
        assert not answer.set_cookies, name
    await valkey.start()
    again = await asyncio.gather(*(desk.exchange(code) for code in codes for _ in range(2)))
    by_code = [again[i : i + 2] for i in range(0, len(again), 2)]
    assert [answer.status for answer in by_code[0]] == [400, 400]
    assert all(sum(answer.status == 200 for answer in pair) <= 1 for pair in by_code)
    assert await is_signed_in(desk, browser)
