"""The upstream leg, module by module of the OpenID relying-party conformance suite, against a hostile provider.

It mirrors the suite's list of modules and is no certification: each module is one behaviour of the provider, and what
our side makes of it.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.vocabulary import AccountType, Claim, Level
from tests.sso.upstreams.provider import EC, EC_NEXT, NOW, RSA, Behaviour, Sign, b64, signing_in


@pytest_asyncio.fixture
async def sign() -> AsyncIterator[Sign]:
    async with signing_in() as made:
        yield made


def says(**changes: Any) -> Any:
    """A change: these values instead; None takes one away."""

    def change(values: dict[str, Any]) -> None:
        for name, value in changes.items():
            values[name] = value
            if value is None:
                del values[name]

    return change


def forged(token: str) -> str:
    """The last letters of the signature changed."""
    return token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")


def unsigned(token: str) -> str:
    return f"{b64({'alg': 'none'})}.{token.split('.')[1]}."


STRANGER = ECKey.generate_key("P-256", {"kid": "ec-1"})

# module of the suite → what the provider does, and why it is refused
REFUSED: dict[str, tuple[Behaviour, Fault]] = {
    "invalid-iss": (Behaviour(claims=says(iss="https://evil.example")), Fault.ISSUER),
    "missing-iss": (Behaviour(claims=says(iss=None)), Fault.ISSUER),
    "missing-sub": (Behaviour(claims=says(sub=None)), Fault.SUBJECT),
    "empty-sub": (Behaviour(claims=says(sub="")), Fault.SUBJECT),
    "invalid-aud": (Behaviour(claims=says(aud="somebody-else")), Fault.AUDIENCE),
    "missing-aud": (Behaviour(claims=says(aud=None)), Fault.AUDIENCE),
    "aud-of-two": (Behaviour(claims=says(aud=["dvc-edge", "somebody-else"], azp="dvc-edge")), Fault.AUDIENCE),
    "invalid-azp": (Behaviour(claims=says(azp="somebody-else")), Fault.AUDIENCE),
    "missing-iat": (Behaviour(claims=says(iat=None)), Fault.TIME),
    "old-iat": (Behaviour(claims=says(iat=NOW - 600)), Fault.TIME),
    "future-iat": (Behaviour(claims=says(iat=NOW + 600)), Fault.TIME),
    "missing-exp": (Behaviour(claims=says(exp=None)), Fault.TIME),
    "expired": (Behaviour(claims=says(exp=NOW - 600)), Fault.TIME),
    "exp-as-text": (Behaviour(claims=says(exp=str(NOW + 300))), Fault.TIME),
    "nbf-in-the-future": (Behaviour(claims=says(nbf=NOW + 600)), Fault.TIME),
    "kid-absent-multiple-jwks": (Behaviour(header=says(kid=None), published=[EC, EC_NEXT]), Fault.KEY_UNKNOWN),
    "kid-unknown": (Behaviour(header=says(kid="never-heard-of")), Fault.KEY_UNKNOWN),
    "idtoken-sig-none": (Behaviour(signed=unsigned), Fault.ALGORITHM),
    "idtoken-sig-none-shouted": (Behaviour(header=says(alg="NoNe")), Fault.ALGORITHM),
    "idtoken-sig-hs256": (Behaviour(header=says(alg="HS256")), Fault.ALGORITHM),
    "invalid-sig-es256": (Behaviour(signed=forged), Fault.SIGNATURE),
    "invalid-sig-rs256": (Behaviour(key=RSA, published=[RSA], signed=forged), Fault.SIGNATURE),
    "key-of-a-stranger": (Behaviour(key=STRANGER), Fault.SIGNATURE),
    "idtoken-crit": (Behaviour(header=says(crit=["exp"])), Fault.TOKEN_FORM),
    "idtoken-typ-at-jwt": (Behaviour(header=says(typ="at+jwt")), Fault.TOKEN_FORM),
    "idtoken-typ-logout": (Behaviour(header=says(typ="logout+jwt")), Fault.TOKEN_FORM),
    "userinfo-invalid-sub": (Behaviour(userinfo=says(sub="account-2")), Fault.USERINFO),
    "userinfo-missing-sub": (Behaviour(userinfo=says(sub=None)), Fault.USERINFO),
    "nonce-invalid": (Behaviour(claims=says(nonce="another")), Fault.NONCE),
    "nonce-missing": (Behaviour(claims=says(nonce=None)), Fault.NONCE),
    "invalid-at-hash": (Behaviour(claims=says(at_hash="AAAAAAAAAAAAAAAAAAAAAA")), Fault.ACCESS_TOKEN_HASH),
    "missing-id-token": (Behaviour(tokens=says(id_token=None)), Fault.TOKEN_ANSWER),
    "missing-access-token": (Behaviour(tokens=says(access_token=None)), Fault.TOKEN_ANSWER),
    "token-type-unknown": (Behaviour(tokens=says(token_type="mac")), Fault.TOKEN_ANSWER),
    "auth-time-in-the-future": (Behaviour(claims=says(auth_time=NOW + 600)), Fault.AUTHENTICATION_AGE),
}


@pytest.mark.parametrize("module", REFUSED)
async def test_oidcc_client_test(sign: Sign, module: str) -> None:
    behaviour, fault = REFUSED[module]
    with pytest.raises(UpstreamRefused) as refused:
        await sign.signs_in(behaviour)
    assert refused.value.fault is fault
    assert not refused.value.page_only  # it is this person's own attempt: the client is told


# module of the suite → what the provider does, which is all right
ACCEPTED: dict[str, Behaviour] = {
    "plain": Behaviour(),
    "kid-absent-single-jwks": Behaviour(header=says(kid=None)),
    "kid-absent-one-of-each-sort": Behaviour(header=says(kid=None), published=[EC, RSA]),
    "idtoken-sig-rs256": Behaviour(key=RSA, published=[EC, RSA]),
    "idtoken-typ-absent": Behaviour(header=says(typ=None)),
    "aud-in-a-list": Behaviour(claims=says(aud=["dvc-edge"])),
    "no-at-hash": Behaviour(claims=says(at_hash=None)),
    "unknown-claims": Behaviour(claims=says(whatever={"deep": [1, 2]})),
    "skewed-by-half-a-minute": Behaviour(claims=says(iat=NOW + 30, exp=NOW + 330)),
    "userinfo-bearer-header": Behaviour(),
    "bearer-in-small-letters": Behaviour(tokens=says(token_type="bearer")),
}


@pytest.mark.parametrize("module", ACCEPTED)
async def test_oidcc_client_test_that_must_succeed(sign: Sign, module: str) -> None:
    identified = await sign.signs_in(ACCEPTED[module])
    identity = identified.identity
    assert (identity.upstream, identity.subject) == ("vneid", "account-1")
    assert identity.claims == {
        Claim.NAME: "NGUYỄN VĂN AN",
        Claim.BIRTHDATE: "1954-09-02",
        Claim.CITIZEN_ID: "001099000001",
    }
    assert (identity.account, identity.level, identity.auth_time) == (AccountType.CITIZEN, Level.TWO, NOW - 5)
    assert (identity.amr, identified.sid) == (("face", "pin"), "their-session")


async def test_discovery_issuer_mismatch(sign: Sign) -> None:
    with pytest.raises(UpstreamUnavailable):
        await sign.signs_in(Behaviour(discovery=says(issuer="https://evil.example")))
    assert set(sign.provider.asked) == {"/.well-known/openid-configuration"}


async def test_discovery_openid_config(sign: Sign) -> None:
    await sign.signs_in()
    assert sign.provider.asked["/.well-known/openid-configuration"] == 1
    assert sign.provider.asked["/jwks"] == 1


async def test_discovery_jwks_uri_keys_are_kept_for_the_next(sign: Sign) -> None:
    for _ in range(3):
        await sign.signs_in()
    assert sign.provider.asked["/jwks"] == 1


async def test_signing_key_rotation(sign: Sign) -> None:
    """A key that nobody has seen yet: the keys are fetched once more, and once only."""
    await sign.signs_in()
    sign.now += 60
    await sign.signs_in(Behaviour(key=EC_NEXT, published=[EC, EC_NEXT]))
    assert sign.provider.asked["/jwks"] == 2


async def test_signing_key_rotation_just_before_signing(sign: Sign) -> None:
    """The old key is gone from the set when the first token of the new one comes."""
    await sign.signs_in()
    sign.now += 60
    await sign.signs_in(Behaviour(key=EC_NEXT, published=[EC_NEXT]))
    assert sign.provider.asked["/jwks"] == 2


async def test_a_key_that_nobody_has_does_not_make_us_a_hammer(sign: Sign) -> None:
    for _ in range(5):
        with pytest.raises(UpstreamRefused):
            await sign.signs_in(Behaviour(header=says(kid="never-heard-of")))
    assert sign.provider.asked["/jwks"] <= 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"aud": "somebody-else"}, Fault.AUDIENCE),
        ({"iss": "https://evil.example"}, Fault.ISSUER),
        ({"sub": "account-2"}, Fault.USERINFO),
    ],
)
async def test_userinfo_signed(change: dict[str, Any], fault: Fault | None) -> None:
    async with signing_in(userinfo_signed=True) as sign:
        behaviour = Behaviour(userinfo=says(**change), userinfo_key=EC)
        if fault is None:
            assert (await sign.signs_in(behaviour)).identity.claims[Claim.CITIZEN_ID] == "001099000001"
            return
        with pytest.raises(UpstreamRefused) as refused:
            await sign.signs_in(behaviour)
        assert refused.value.fault is fault


async def test_userinfo_signed_by_a_stranger() -> None:
    async with signing_in(userinfo_signed=True) as sign:
        with pytest.raises(UpstreamRefused) as refused:
            await sign.signs_in(Behaviour(userinfo_key=STRANGER))
        assert refused.value.fault is Fault.SIGNATURE


async def test_userinfo_that_should_be_signed_and_is_not() -> None:
    async with signing_in(userinfo_signed=True) as sign:
        with pytest.raises(UpstreamRefused) as refused:
            await sign.signs_in()
        assert refused.value.fault is Fault.USERINFO


LOGOUT: dict[str, Any] = {
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    "nonce": None,
    "jti": "j-1",
}


@pytest.mark.parametrize(
    ("module", "behaviour", "fault"),
    [
        ("alg-none", Behaviour(header=says(typ="logout+jwt", alg="none")), Fault.ALGORITHM),
        ("wrong-aud", Behaviour(header=says(typ="logout+jwt"), claims=says(aud="somebody-else")), Fault.AUDIENCE),
        ("wrong-iss", Behaviour(header=says(typ="logout+jwt"), claims=says(iss="https://evil.example")), Fault.ISSUER),
        ("invalid-sig", Behaviour(header=says(typ="logout+jwt"), signed=forged), Fault.SIGNATURE),
        ("an-id-token", Behaviour(), Fault.TOKEN_FORM),
    ],
)
async def test_backchannel_logout_token(sign: Sign, module: str, behaviour: Behaviour, fault: Fault) -> None:
    """What every token of the upstream must be; that a logout token has its event and no nonce is judged elsewhere."""
    sign.provider.behaviour = behaviour
    with pytest.raises(UpstreamRefused) as refused:
        await sign.upstreams.signed_claims("vneid", sign.provider.id_token(), ("logout+jwt",), NOW)
    assert refused.value.fault is fault


async def test_backchannel_logout_token_that_is_in_order(sign: Sign) -> None:
    sign.provider.behaviour = Behaviour(header=says(typ="logout+jwt"), claims=lambda claims: claims.update(LOGOUT))
    claims = await sign.upstreams.signed_claims("vneid", sign.provider.id_token(), ("logout+jwt",), NOW)
    assert (claims["sid"], claims["jti"]) == ("their-session", "j-1")
