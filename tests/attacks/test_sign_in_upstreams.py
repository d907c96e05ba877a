"""Attacks on the way between the broker and those that know people.  Each test: what is tried, and [what must happen]."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from proxy.login.calls import _cookies
from sso.callback import open_session
from sso.upstreams.aiohttp_fetch import AiohttpFetch
from sso.upstreams.directory import Upstreams
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.upstreams.fetch import FetchFailed
from sso.upstreams.freshness import FRESH_SECONDS
from sso.vocabulary import Claim, ErrorCode, Level
from tests.sso.upstreams.provider import (
    ISSUER,
    NOW,
    Behaviour,
    Provider,
    Sign,
    running,
    signing_in,
    upstream_of,
)


@pytest_asyncio.fixture
async def sign() -> AsyncIterator[Sign]:
    async with signing_in() as made:
        yield made


async def fault_of(attempt: Any) -> Fault:
    with pytest.raises(UpstreamRefused) as refused:
        await attempt
    return refused.value.fault


# 4: mix-up


@pytest_asyncio.fixture
async def two() -> AsyncIterator[tuple[Sign, Provider, Provider]]:
    """An honest upstream and one that was taken over; the person chose the latter, which plays the former."""
    async with running(Provider()) as honest, running(Provider()) as captured:
        upstreams = {
            "honest": upstream_of(honest, id="honest"),
            "captured": upstream_of(captured, id="captured"),
        }
        fetch = AiohttpFetch(frozenset({"127.0.0.1"}))
        yield Sign(captured, Upstreams(upstreams, fetch, issuer=ISSUER)), honest, captured
        await fetch.close()


async def test_4_an_answer_with_the_issuer_of_another_is_refused_before_any_token_call(
    two: tuple[Sign, Provider, Provider],
) -> None:
    sign, honest, captured = two
    attempt, uri, browser = await sign.leaves("captured")
    back = honest.authorize(uri)  # the captured one has sent the browser on to the honest one
    assert await fault_of(sign.arrives(attempt, back, browser, at="captured")) is Fault.ISSUER_MISMATCH
    assert honest.asked["/token"] == captured.asked["/token"] == 0


async def test_4_an_answer_at_the_address_of_another_is_refused_before_any_token_call(
    two: tuple[Sign, Provider, Provider],
) -> None:
    sign, honest, captured = two
    attempt, uri, browser = await sign.leaves("captured")
    back = honest.authorize(uri)
    assert await fault_of(sign.arrives(attempt, back, browser, at="honest")) is Fault.WRONG_UPSTREAM
    assert honest.asked["/token"] == captured.asked["/token"] == 0


async def test_4_an_answer_without_an_issuer_is_refused_where_one_is_promised(sign: Sign) -> None:
    taken_out = Behaviour(callback=lambda back: back.pop("iss"))
    assert await fault_of(sign.signs_in(taken_out)) is Fault.ISSUER_MISMATCH
    assert sign.provider.asked["/token"] == 0


# 5: code injection


async def test_5_a_stolen_code_in_my_own_answer_fails_by_pkce(sign: Sign) -> None:
    _, victims_uri, _ = await sign.leaves()
    stolen = sign.provider.authorize(victims_uri)["code"]
    attempt, uri, browser = await sign.leaves()
    back = sign.provider.authorize(uri) | {"code": stolen}
    assert await fault_of(sign.arrives(attempt, back, browser)) is Fault.TOKEN_ANSWER


async def test_5_a_stolen_code_fails_by_the_nonce_where_there_is_no_pkce() -> None:
    async with signing_in(pkce=False) as sign:
        _, victims_uri, _ = await sign.leaves()
        stolen = sign.provider.authorize(victims_uri)["code"]
        attempt, uri, browser = await sign.leaves()
        back = sign.provider.authorize(uri) | {"code": stolen}
        assert await fault_of(sign.arrives(attempt, back, browser)) is Fault.NONCE


# 6: login CSRF


@pytest.mark.parametrize("cookie", [None, "", "the-attackers-own"])
async def test_6_an_answer_in_a_browser_that_began_nothing_is_refused_with_400(sign: Sign, cookie: str | None) -> None:
    attempt, uri, _ = await sign.leaves()
    with pytest.raises(UpstreamRefused) as refused:
        await sign.arrives(attempt, sign.provider.authorize(uri), cookie)
    assert (refused.value.fault, refused.value.cause.status, refused.value.page_only) == (
        Fault.BROWSER_CHANGED,
        400,
        True,
    )
    assert sign.provider.asked["/token"] == 0


# 9: cookie tossing


@pytest.mark.parametrize(
    "headers",
    [
        ["__Host-sign-in-browser=mine; __Host-sign-in-browser=tossed"],
        ["__Host-sign-in-browser=mine", "__Host-sign-in-browser=tossed"],
        ["sign-in-browser=tossed"],
        ["__host-sign-in-browser=tossed"],
    ],
)
def test_9_of_two_cookies_of_one_name_neither_is_believed(headers: list[str]) -> None:
    assert "browser" not in _cookies(headers, secure=True)


# 23, 24: poison


def answering(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, body=body, headers=headers)


POISON: dict[str, Callable[[], web.StreamResponse]] = {
    "HTML": answering(b"<html>", headers={"Content-Type": "text/html"}),
    "10 MB": answering(b" " * 10_000_000),
    "a gzip bomb": answering(
        gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
    ),
    "500": answering(b"", 500),
    "duplicate names": answering(b'{"keys": [], "keys": [], "issuer": "a", "issuer": "b"}'),
    "an oct key": answering(b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "ec-1"}]}'),
    "a redirect to the house": answering(b"", 302, {"Location": "http://169.254.169.254/"}),
    "deep": answering(b'{"keys":' * 20_000),
}


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration"])
async def test_23_24_poisoned_keys_and_metadata_leave_the_old_ones_in_force(sign: Sign, path: str, poison: str) -> None:
    await sign.signs_in()
    sign.now += FRESH_SECONDS
    current = Behaviour(claims=lambda claims: claims.update(iat=sign.now, exp=sign.now + 300, auth_time=sign.now))
    identified = await sign.signs_in(replace(current, raw={path: POISON[poison]}))
    assert identified.identity.subject == "account-1"
    assert sign.provider.asked[path] == 2


async def test_23_slow_keys_leave_the_old_ones_in_force() -> None:
    async with signing_in(seconds=2) as sign:
        await sign.signs_in()
        sign.now += FRESH_SECONDS
        party = sign.upstreams._parties["vneid"]
        metadata = await party.metadata(sign.now)
        sign.provider.behaviour = Behaviour(pause_seconds=30)
        keys = await party.keys(sign.now)
        assert [key.kid for key in keys.keys] == ["ec-1"]
        assert metadata.issuer == sign.provider.origin


async def test_24_metadata_that_send_secrets_elsewhere_are_refused(sign: Sign) -> None:
    def elsewhere(document: dict[str, Any]) -> None:
        document["token_endpoint"] = "https://evil.example/token"

    with pytest.raises(UpstreamUnavailable):
        await sign.signs_in(Behaviour(discovery=elsewhere))
    assert sign.provider.asked["/token"] == 0


async def test_24_metadata_of_another_issuer_are_refused(sign: Sign) -> None:
    with pytest.raises(UpstreamUnavailable):
        await sign.signs_in(Behaviour(discovery=lambda document: document.update(issuer="https://evil.example")))


# 32: SSRF

ADDRESSES = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fd00::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://0.0.0.0/",
]


@pytest.mark.parametrize("uri", ADDRESSES)
async def test_32_no_spelling_of_an_address_in_the_house_is_asked(uri: str) -> None:
    fetch = AiohttpFetch()
    try:
        with pytest.raises(FetchFailed, match="an address that is not asked"):
            await fetch.get(uri)
    finally:
        await fetch.close()


class Rebinding(AbstractResolver):
    """A name server that says what it likes."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=self.address, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None: ...


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3"])
async def test_32_a_name_that_leads_into_the_house_is_not_followed(sign: Sign, address: str) -> None:
    fetch = AiohttpFetch()
    connector: Any = fetch._session.connector
    connector._resolver._inner = Rebinding(address)
    port = sign.provider.origin.rpartition(":")[2]
    try:
        with pytest.raises(FetchFailed):
            await fetch.get(f"http://rebinding.example:{port}/jwks")
    finally:
        await fetch.close()
    assert sign.provider.asked["/jwks"] == 0


async def test_32_the_clouds_own_address_is_not_asked_even_where_private_ones_are() -> None:
    fetch = AiohttpFetch(frozenset({"169.254.169.254"}))
    try:
        with pytest.raises(FetchFailed):
            await fetch.get("http://169.254.169.254/latest/meta-data/")
    finally:
        await fetch.close()


async def test_32_a_redirect_is_an_answer_and_is_not_followed(sign: Sign) -> None:
    target = f"{sign.provider.origin}/secret"
    sign.provider.behaviour = Behaviour(raw={"/jwks": answering(b"", 302, {"Location": target})})
    fetch = AiohttpFetch(frozenset({"127.0.0.1"}))
    try:
        assert (await fetch.get(f"{sign.provider.origin}/jwks")).status == 302
    finally:
        await fetch.close()
    assert sign.provider.asked["/secret"] == 0


# 47: a lower level


async def test_47_a_lower_level_than_asked_is_refused_as_unmet(sign: Sign) -> None:
    def lower(told: dict[str, Any]) -> None:
        told["accountLevel"] = "1"

    with pytest.raises(UpstreamRefused) as refused:
        await sign.signs_in(Behaviour(claims=lower, userinfo=lower), level=Level.TWO)
    assert refused.value.cause.error is ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS


@pytest.mark.parametrize("told", ["3", "2 ", "two", "", None, True, 2.0, ["2"], {"2": "2"}])
async def test_47_a_level_in_a_spelling_of_its_own_is_not_enough(sign: Sign, told: object) -> None:
    def spelt(values: dict[str, Any]) -> None:
        values["accountLevel"] = told

    if told == "2 ":
        return  # blanks around a word are not a word of its own
    assert await fault_of(sign.signs_in(Behaviour(claims=spelt, userinfo=spelt), level=Level.TWO)) is Fault.LEVEL


# 51: unsolicited


async def test_51_an_answer_to_nothing_is_refused_before_anything_is_asked(sign: Sign) -> None:
    _, uri, browser = await sign.leaves()
    asked = sign.provider.asked.copy()
    back = sign.provider.authorize(uri)
    assert await fault_of(sign.arrives(None, back, browser)) is Fault.ATTEMPT_UNKNOWN
    assert {path: count for path, count in sign.provider.asked.items() if path.startswith("/")} == dict(asked)


async def test_51_an_attempt_is_good_for_its_own_state_alone(sign: Sign) -> None:
    attempt, _, browser = await sign.leaves()
    _, other_uri, _ = await sign.leaves()
    back = sign.provider.authorize(other_uri)
    assert await fault_of(sign.arrives(attempt, back, browser)) is Fault.ATTEMPT_UNKNOWN


# 52: account linking


async def test_52_the_same_name_number_and_address_at_another_account_are_another_person(sign: Sign) -> None:
    first = await sign.signs_in()
    session = open_session(first, previous=None, absolute_seconds=60, now=NOW, secrets=sign.secrets).session

    def other_account(told: dict[str, Any]) -> None:
        told["sub"] = "account-2"

    second = await sign.signs_in(Behaviour(claims=other_account, userinfo=other_account))
    assert second.identity.claims[Claim.CITIZEN_ID] == first.identity.claims[Claim.CITIZEN_ID]
    opened = open_session(second, previous=session, absolute_seconds=60, now=NOW, secrets=sign.secrets)
    assert opened.displaced is session
    assert opened.session.handle != session.handle


async def test_nothing_of_one_person_goes_out_with_the_next(sign: Sign) -> None:
    """No cookie that the provider sets comes back to it with somebody else's sign-in."""

    def with_cookie() -> web.Response:
        response = web.json_response(sign.provider.discovery())
        response.set_cookie("person", "first")
        return response

    await sign.signs_in(Behaviour(raw={"/.well-known/openid-configuration": with_cookie}))
    await asyncio.gather(*(sign.signs_in() for _ in range(3)))
    assert not [headers for _, headers, _ in sign.provider.requests if "Cookie" in headers]
