"""The simulated providers: they walk like those they stand for, and stumble as they are told."""

import pytest

from proxy.simulation.faults import FAULTS
from proxy.simulation.people import PEOPLE
from sso.refusals import Refusal
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.vocabulary import AccountType, Claim, Level
from tests.proxy.simulation.conftest import Visit

WHO = {
    ("vneid", "an"): (AccountType.CITIZEN, Level.TWO, {Claim.NAME, Claim.BIRTHDATE, Claim.CITIZEN_ID}),
    ("vneid", "binh"): (AccountType.CITIZEN, Level.ONE, {Claim.NAME, Claim.BIRTHDATE, Claim.CITIZEN_ID}),
    ("vneid", "cuong"): (AccountType.ORGANISATION, Level.TWO, {Claim.NAME}),
    ("vneid", "dung"): (AccountType.CITIZEN, Level.TWO, {Claim.NAME, Claim.BIRTHDATE}),
    ("vnconnect", "an"): (
        AccountType.CITIZEN,
        Level.TWO,
        {Claim.NAME, Claim.BIRTHDATE, Claim.CITIZEN_ID, Claim.OLD_ID_NUMBER, Claim.EMAIL},
    ),
    ("vnconnect", "cuong"): (AccountType.ORGANISATION, Level.TWO, {Claim.NAME, Claim.TAX_CODE, Claim.ENTERPRISE_CODE}),
}


async def test_each_test_person_signs_in_with_one_dialog(visit: Visit) -> None:
    found = {}
    for upstream, person in WHO:
        before = visit.simulation.providers[upstream].dialogs
        identity = (await visit.signs_in(upstream, person)).identity
        assert visit.simulation.providers[upstream].dialogs == before + 1
        found[upstream, person] = (identity.account, identity.level, set(identity.claims))
        assert identity.claims[Claim.NAME] == PEOPLE[person].name
    assert found == WHO


async def test_somebody_reaches_the_second_level_only_when_it_is_asked_for(visit: Visit) -> None:
    assert (await visit.signs_in("vneid", "giang")).identity.level is Level.ONE
    assert (await visit.signs_in("vneid", "giang", level=Level.TWO)).identity.level is Level.TWO


async def test_what_carries_tokens_is_dropped_at_the_edge(visit: Visit) -> None:
    identified = await visit.signs_in("vnconnect", "an")
    assert "bearer-demonstration" not in repr(identified)
    assert identified.identity.subject == "tech-an"


REFUSED: dict[str, object] = {
    "denied": Fault.DENIED,
    "no-issuer": Fault.ISSUER_MISMATCH,
    "other-issuer": Fault.ISSUER_MISMATCH,
    "other-state": Fault.ATTEMPT_UNKNOWN,
    "token-issuer": Fault.ISSUER,
    "audience": Fault.AUDIENCE,
    "subject": Fault.SUBJECT,
    "nonce": Fault.NONCE,
    "expired": Fault.TIME,
    "access-token-hash": Fault.ACCESS_TOKEN_HASH,
    "unsigned": Fault.ALGORITHM,
    "signature": Fault.SIGNATURE,
    "unknown-key": Fault.KEY_UNKNOWN,
    "userinfo": Fault.USERINFO,
    "lower-level": Fault.LEVEL,
    "token-answer": Fault.TOKEN_ANSWER,
    "broken": UpstreamUnavailable,
}


async def test_each_fault_of_vneid_is_refused_for_its_own_reason(visit: Visit) -> None:
    found: dict[str, object] = {}
    for fault in FAULTS:
        if fault == "none":
            continue
        with pytest.raises(Refusal) as refused:
            await visit.signs_in("vneid", "an", fault=fault, level=Level.TWO)
        found[fault] = refused.value.fault if isinstance(refused.value, UpstreamRefused) else type(refused.value)
    # The level stands in the signed token as well as in userinfo; "userinfo" tells of another person.
    assert found == REFUSED


async def test_a_person_of_level_one_does_not_reach_level_two(visit: Visit) -> None:
    for upstream in ("vneid", "vnconnect"):
        with pytest.raises(UpstreamRefused) as refused:
            await visit.signs_in(upstream, "binh", level=Level.TWO)
        assert refused.value.fault is Fault.LEVEL


async def test_a_return_address_that_is_not_the_brokers_is_refused(visit: Visit) -> None:
    port = visit.simulation.port
    uri = f"http://vneid.localhost:{port}/authorize?client_id=dvc-edge&redirect_uri=https://evil.example/&state=s"
    async with visit.browser.get(uri, allow_redirects=False) as answer:
        assert answer.status == 400
