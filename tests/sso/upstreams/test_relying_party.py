"""One upstream over its days: fresh and stale metadata, many visitors at once, a provider that is down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from sso.sources import ConfidentialDocument
from sso.upstreams.breaker import FAILURES, FIRST_PAUSE
from sso.upstreams.configuration import parse
from sso.upstreams.discovery import Metadata
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.upstreams.freshness import FRESH_SECONDS, RETRY_SECONDS
from sso.upstreams.presets import PRESETS
from sso.vocabulary import Claim, Level
from tests.sso.upstreams.provider import NOW, REQUEST, SECRET, Behaviour, Sign, signing_in

CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/jwks"


@pytest_asyncio.fixture
async def sign() -> AsyncIterator[Sign]:
    async with signing_in() as made:
        yield made


def answering(
    status: int = 200, body: bytes = b"", content_type: str = "application/json"
) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, body=body, content_type=content_type)


async def test_many_at_once_cause_one_request_for_metadata_and_one_for_keys(sign: Sign) -> None:
    await asyncio.gather(*(sign.signs_in() for _ in range(20)))
    assert (sign.provider.asked[CONFIGURATION], sign.provider.asked[KEYS]) == (1, 1)
    assert sign.provider.asked["/token"] == 20


async def test_metadata_and_keys_are_asked_for_again_after_an_hour(sign: Sign) -> None:
    await sign.signs_in()
    sign.now += FRESH_SECONDS
    with pytest.raises(UpstreamRefused):  # the provider's clock stands still: its token is an hour old
        await sign.signs_in()
    assert (sign.provider.asked[CONFIGURATION], sign.provider.asked[KEYS]) == (2, 2)


POISON = {
    "HTML": answering(body=b"<html>Sign in to the hotel's network</html>", content_type="text/html"),
    "ten megabytes": answering(body=b'{"keys": [' + b" " * 10_000_000),
    "500": answering(500),
    "404": answering(404),
    "a redirect": lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "an empty object": answering(body=b"{}"),
    "a symmetric key": answering(body=b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "ec-1"}]}'),
}


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
async def test_the_last_good_ones_are_kept_while_newer_are_poison(sign: Sign, path: str, poison: str) -> None:
    await sign.signs_in()
    sign.now += FRESH_SECONDS
    current = Behaviour(claims=lambda claims: claims.update(iat=sign.now, exp=sign.now + 300, auth_time=sign.now))
    identified = await sign.signs_in(replace(current, raw={path: POISON[poison]}))
    assert identified.identity.subject == "account-1"
    assert sign.provider.asked[path] == 2
    await sign.signs_in(replace(current, raw={path: POISON[poison]}))
    assert sign.provider.asked[path] == 2  # not at every sign-in
    sign.now += RETRY_SECONDS
    await sign.signs_in(current)
    assert sign.provider.asked[path] == 3


@pytest.mark.parametrize("poison", POISON)
async def test_without_a_good_one_the_upstream_is_unavailable(sign: Sign, poison: str) -> None:
    with pytest.raises(UpstreamUnavailable) as unavailable:
        await sign.signs_in(Behaviour(raw={CONFIGURATION: POISON[poison]}))
    assert unavailable.value.retry_after


async def test_a_provider_that_is_slow_is_not_waited_for() -> None:
    async with signing_in(seconds=0.3) as sign:
        attempt, uri, browser = await sign.leaves()
        back = sign.provider.authorize(uri)
        sign.provider.behaviour = Behaviour(pause_seconds=30)
        with pytest.raises(UpstreamUnavailable):
            await sign.arrives(attempt, back, browser)


async def test_a_provider_that_fails_is_left_alone_and_comes_back(sign: Sign) -> None:
    broken = Behaviour(raw={"/token": answering(503)})
    for _ in range(FAILURES):
        with pytest.raises(UpstreamUnavailable):
            await sign.signs_in(broken)
    asked = sign.provider.asked["/token"]
    with pytest.raises(UpstreamUnavailable) as unavailable:  # at once, before anybody is sent away
        await sign.leaves()
    assert (unavailable.value.retry_after or 0) >= FIRST_PAUSE
    assert sign.provider.asked["/token"] == asked
    sign.now += FIRST_PAUSE
    await sign.signs_in()
    await sign.signs_in()


async def test_a_wrong_answer_is_no_failure_of_the_line(sign: Sign) -> None:
    for _ in range(2 * FAILURES):
        with pytest.raises(UpstreamRefused):
            await sign.signs_in(Behaviour(claims=lambda claims: claims.update(iss="https://evil.example")))
    await sign.leaves()


async def test_a_lower_level_than_needed_is_refused_and_enough_is_enough(sign: Sign) -> None:
    def lower(told: dict[str, object]) -> None:
        told["accountLevel"] = "1"

    with pytest.raises(UpstreamRefused) as refused:
        await sign.signs_in(Behaviour(claims=lower, userinfo=lower))
    assert refused.value.fault is Fault.LEVEL
    identified = await sign.signs_in(Behaviour(claims=lower, userinfo=lower), level=Level.ONE)
    assert identified.identity.level is Level.ONE


async def test_what_was_signed_counts_more_than_what_was_only_said(sign: Sign) -> None:
    def claims_more(told: dict[str, object]) -> None:
        told["accountLevel"] = "2"

    def signed_less(claims: dict[str, object]) -> None:
        claims["accountLevel"] = "1"

    identified = await sign.signs_in(Behaviour(claims=signed_less, userinfo=claims_more), level=Level.ONE)
    assert identified.identity.level is Level.ONE


async def test_max_age_is_held_to_by_us(sign: Sign) -> None:
    old = Behaviour(claims=lambda claims: claims.update(auth_time=NOW - 600))
    with pytest.raises(UpstreamRefused) as refused:
        await sign.signs_in(old, purpose=replace(REQUEST, max_age=60))
    assert refused.value.fault is Fault.AUTHENTICATION_AGE
    await sign.signs_in(old, purpose=replace(REQUEST, max_age=3_600))
    with pytest.raises(UpstreamRefused) as refused:
        await sign.signs_in(
            Behaviour(claims=lambda claims: claims.pop("auth_time")), purpose=replace(REQUEST, max_age=60)
        )
    assert refused.value.fault is Fault.AUTHENTICATION_AGE


def vnconnect(sign: Sign) -> Behaviour:
    def words(told: dict[str, object]) -> None:
        told.clear()
        told |= {
            "sub": "s",
            "TechID": "tech-1",
            "LoaiTaiKhoan": "2",
            "HoVaTen": "Công ty Ví Dụ",
            "MaSoThue": "0100000001",
            "NgayThangNamSinh": "19540902",
            "loAs": "LoA2",
            "userProfileUri": "https://x.example/?token=bearer",
            "logoutUri": "https://x.example/?token=bearer",
        }

    return Behaviour(
        userinfo=words, tokens=lambda tokens: tokens.pop("id_token"), callback=lambda back: back.pop("iss")
    )


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_vnconnect_style_provider_tells_everything_by_userinfo(method: str) -> None:
    async with signing_in(id="vneid") as sign:
        text = f"""
preset = "vnconnect"
names = {{ vi = "x" }}
issuer = "{sign.provider.origin}"
client_id = "dvc-edge"
secret = "{SECRET}"
userinfo = "{method}"
"""
        upstream = parse(ConfidentialDocument("vneid.toml", text), {}, folder=Path(), development=True)
        origin = sign.provider.origin
        endpoints = Metadata(origin, f"{origin}/authorize", f"{origin}/token", f"{origin}/userinfo")
        party = sign.upstreams._parties["vneid"]
        party.upstream = replace(upstream, endpoints=endpoints)
        identity = (await sign.signs_in(vnconnect(sign), level=Level.TWO)).identity
        assert (identity.subject, identity.level, identity.auth_time) == ("tech-1", Level.TWO, NOW)
        assert identity.claims == {
            Claim.NAME: "Công ty Ví Dụ",
            Claim.TAX_CODE: "0100000001",
            Claim.BIRTHDATE: "1954-09-02",
        }
        assert "bearer" not in repr(identity)
        token_form = next(form for path, _, form in sign.provider.requests if path == "/token")
        assert (token_form["client_secret"], "code_verifier" in token_form) == (SECRET, False)
        with pytest.raises(UpstreamRefused) as refused:  # nobody can say when the person was last seen
            await sign.signs_in(vnconnect(sign), purpose=replace(REQUEST, max_age=60))
        assert refused.value.fault is Fault.AUTHENTICATION_AGE


async def test_a_person_is_sent_to_end_the_upstreams_own_session(sign: Sign) -> None:
    uri = await sign.upstreams.end_session_uri("vneid", id_token="t", back_to="https://us.example/", state="s", now=NOW)
    assert uri is not None
    assert uri.startswith(f"{sign.provider.origin}/logout?id_token_hint=t")
    nowhere = await sign.upstreams.end_session_uri("never", id_token=None, back_to="", state="", now=NOW)
    assert nowhere is None


def test_presets_name_no_claim_that_carries_tokens() -> None:
    assert "userProfileUri" not in repr(PRESETS["vnconnect"]["claims"])
    assert "logoutUri" not in repr(PRESETS["vnconnect"])
