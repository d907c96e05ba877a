"""Who speaks at endpoints for programs: keys that were published a moment ago, and nonces for DPoP."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from proxy.client_key_sets import REFETCH_SECONDS, ClientKeys
from proxy.limiting import Limiter
from sso.dpop_nonces import NONCE_SECONDS
from sso.limits import LIMITS, RATES, with_most
from tests.sign_in_peers.issuer import CLIENTS, SECRET, VERIFIER, Answer, Desk, basic, proof, signed

OLD = ECKey.generate_key("P-256", {"kid": "old"})
NEW = ECKey.generate_key("P-256", {"kid": "new"})
KEY = ECKey.generate_key("P-256")


class Publisher:
    """Where zeta publishes its keys."""

    def __init__(self) -> None:
        self.keys = [OLD]
        self.asked = 0

    async def get(self, uri: str) -> dict[str, object]:
        self.asked += 1
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


@pytest.fixture
def publisher(desk: Desk) -> Publisher:
    made = Publisher()
    zeta = replace(CLIENTS["zeta"], jwks=None, jwks_uri="https://zeta.example/jwks")
    desk.broker.clients = {**CLIENTS, "zeta": zeta}
    desk.broker.client_keys = ClientKeys(made.get)
    return made


async def asserted(desk: Desk, key: ECKey) -> Answer:
    return await desk.token("zeta", None, client_assertion=desk.assertion("zeta", key), grant_type="x")


async def test_a_key_that_was_published_a_moment_ago_is_taken(desk: Desk, publisher: Publisher) -> None:
    assert (await asserted(desk, OLD)).status == 400  # who it is was proven; the grant type is none
    desk.clock.now += REFETCH_SECONDS
    publisher.keys = [OLD, NEW]
    assert (await asserted(desk, NEW)).status == 400
    assert publisher.asked == 2


async def test_a_request_object_by_such_a_key_is_taken_too(desk: Desk, publisher: Publisher) -> None:
    await asserted(desk, OLD)
    desk.clock.now += REFETCH_SECONDS
    publisher.keys = [NEW]
    told = {**desk.request("zeta"), "aud": desk.broker.issuer, "iss": "zeta", "exp": desk.clock.now + 60}
    query = urlencode({"client_id": "zeta", "request": signed(told, NEW)})
    answer = await desk.browser().get(f"/authorize?{query}")
    assert answer.location.startswith("https://home.example/authorize?")


async def test_keys_that_nobody_has_published_do_not_make_us_a_hammer(desk: Desk, publisher: Publisher) -> None:
    for _ in range(20):
        assert (await asserted(desk, NEW)).status == 401
    assert publisher.asked == 1


# Nonces (RFC 9449 §8, §9)


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """A desk at which alpha must use nonces."""
    desk.broker.clients = {**CLIENTS, "alpha": replace(CLIENTS["alpha"], dpop_nonce_required=True)}
    return desk


async def exchanged(desk: Desk, code: str, nonce: str | None) -> Answer:
    told: dict[str, Any] = {} if nonce is None else {"nonce": nonce}
    shown = proof(KEY, "POST", f"{desk.broker.issuer}/token", desk.clock.now, **told)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://alpha.example/cb"}
    return await desk.token("alpha", {"DPoP": shown}, **form, code_verifier=VERIFIER)


async def test_a_proof_without_a_nonce_gets_one_and_the_code_stays_good(strict: Desk) -> None:
    code = (await strict.sign_in())["code"]
    first = await exchanged(strict, code, None)
    assert (first.status, first.json()["error"]) == (400, "use_dpop_nonce")
    assert first.headers["Cache-Control"] == "no-store"
    second = await exchanged(strict, code, first.headers["DPoP-Nonce"])
    assert (second.status, second.json()["token_type"]) == (200, "DPoP")


async def test_a_nonce_goes_on_being_good_and_is_followed_by_another(strict: Desk) -> None:
    first = await exchanged(strict, (await strict.sign_in())["code"], "made up")
    nonce = first.headers["DPoP-Nonce"]
    strict.clock.now += NONCE_SECONDS
    second = await exchanged(strict, (await strict.sign_in())["code"], nonce)
    assert second.status == 200
    assert second.headers["DPoP-Nonce"] != nonce
    strict.clock.now += NONCE_SECONDS
    third = await exchanged(strict, (await strict.sign_in())["code"], nonce)
    assert third.json()["error"] == "use_dpop_nonce"


async def test_at_userinfo_the_challenge_is_that_of_a_resource(strict: Desk) -> None:
    nonce = (await exchanged(strict, "x", None)).headers["DPoP-Nonce"]
    body = (await exchanged(strict, (await strict.sign_in())["code"], nonce)).json()
    uri, token = f"{strict.broker.issuer}/userinfo", body["access_token"]

    async def asked(**claims: str) -> Answer:
        shown = proof(KEY, "GET", uri, strict.clock.now, token=token, **claims)
        return await strict.ask("GET", "/userinfo", {"Authorization": f"DPoP {token}", "DPoP": shown})

    refused = await asked()
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith('DPoP realm="userinfo", error="use_dpop_nonce"')
    answer = await asked(nonce=refused.headers["DPoP-Nonce"])
    assert answer.json()["sub"]
    assert answer.headers["DPoP-Nonce"]


async def test_at_par_as_well(strict: Desk) -> None:
    async def pushed(**claims: str) -> Answer:
        shown = proof(KEY, "POST", f"{strict.broker.issuer}/par", strict.clock.now, **claims)
        headers = {"DPoP": shown, "Authorization": basic("alpha", SECRET)}
        return await strict.ask("POST", "/par", headers, urlencode(strict.request()))

    refused = await pushed()
    assert (refused.status, refused.json()["error"]) == (400, "use_dpop_nonce")
    assert (await pushed(nonce=refused.headers["DPoP-Nonce"])).status == 201


async def test_a_client_without_them_hears_nothing_of_nonces(desk: Desk) -> None:
    answer = await exchanged(desk, (await desk.sign_in())["code"], None)
    assert answer.status == 200
    assert "DPoP-Nonce" not in answer.headers


async def test_a_bearer_token_needs_no_nonce(strict: Desk) -> None:
    assert (await strict.exchange((await strict.sign_in())["code"])).status == 200


# Limits


ENDPOINTS = {"/par": "par", "/token": "token", "/introspect": "introspection", "/revoke": "token"}


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_44_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(desk: Desk, path: str) -> None:
    rates = with_most(RATES, {ENDPOINTS[path]: 3})
    desk.broker.limiter = Limiter(desk.store, pepper=b"p", rates=rates)

    async def ask(name: str) -> Answer:
        return await desk.ask("POST", path, {"Authorization": basic(name, SECRET)}, "token=x")

    assert 429 not in {(await ask("alpha")).status for _ in range(3)}
    crowded = await ask("alpha")
    assert (crowded.status, crowded.json()["error"]) == (429, "temporarily_unavailable")
    assert crowded.headers["Retry-After"] == str(RATES["token"].window_seconds)
    assert (await ask("eta")).status != 429
    desk.clock.now += RATES["token"].window_seconds
    assert (await ask("alpha")).status != 429


async def test_44_whoever_makes_up_clients_is_counted_as_one(desk: Desk) -> None:
    desk.broker.limiter = Limiter(desk.store, pepper=b"p")
    names = [f"nobody-{number}" for number in range(LIMITS["client-secret"].most + 2)]
    answers = [
        await desk.ask("POST", "/token", {"Authorization": basic(name, SECRET)}, "grant_type=x") for name in names
    ]
    assert [answer.status for answer in answers] == [401] * (len(names) - 1) + [429]
    assert (await desk.token(grant_type="x")).status == 400  # who is known is let in all the while


async def test_44_a_client_that_can_prove_nothing_is_locked_out_for_wrong_codes(desk: Desk) -> None:
    desk.broker.limiter = Limiter(desk.store, pepper=b"p")
    answers = [await desk.exchange(f"guess-{i}", "epsilon") for i in range(LIMITS["code"].most + 2)]
    assert [answer.status for answer in answers] == [400] * (len(answers) - 1) + [429]
    assert answers[-1].headers["Retry-After"] == str(LIMITS["code"].lock_seconds)


async def test_44_nobody_locks_a_system_out_by_what_they_bring_it(desk: Desk) -> None:
    """Whoever opens its return address with made-up codes makes it ask for them, from its one address."""
    desk.broker.limiter = Limiter(desk.store, pepper=b"p")
    for number in range(2 * LIMITS["code"].most):
        assert (await desk.exchange(f"made-up-{number}")).status == 400
        await desk.userinfo(f"made-up-{number}")
        await desk.ask("POST", "/introspect", {"Authorization": basic("alpha", SECRET)}, f"token=made-up-{number}")
    assert (await desk.tokens())["access_token"]


async def test_44_a_browser_that_asks_without_end_is_shown_when_to_come_again(desk: Desk) -> None:
    desk.broker.limiter = Limiter(desk.store, pepper=b"p", rates=with_most(RATES, {"authorize": 3}))
    assert 429 not in {(await desk.authorize(desk.browser(), prompt="none")).status for _ in range(3)}
    page = await desk.authorize(desk.browser(), prompt="none")
    assert (page.status, page.headers["Retry-After"]) == (429, "60")
    assert "DN-144" in page.text
    assert (await desk.authorize(desk.browser(), "beta", prompt="none")).status == 303
