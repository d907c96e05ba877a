"""What a client is told, and under which name."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import claims
from sso.keys import Salt
from sso.model import Client, Identity, SubjectAlias
from sso.vocabulary import SCOPES, AccountType, Claim, Level
from tests.sso.specimens import IDENTITY, NOW

SALTS: Mapping[int, Salt] = {1: Salt(1, b"one" * 11), 2: Salt(2, b"two" * 11)}
LANG_SON = Client("langson", {"vi": "Lạng Sơn"}, "langson", attributes=frozenset({Claim.NAME, Claim.CITIZEN_ID}))

identities = st.builds(
    Identity,
    upstream=st.sampled_from(["vneid", "vnconnect"]),
    subject=st.text(min_size=1),
    account=st.sampled_from(AccountType),
    level=st.sampled_from(Level),
    claims=st.dictionaries(st.sampled_from([claim for claim in Claim if claim is not Claim.ACCOUNT_TYPE]), st.text()),
    auth_time=st.integers(0, NOW),
    amr=st.tuples(st.just("pwd")) | st.just(()),
)
clients = st.builds(
    Client,
    id=st.just("c"),
    name=st.just({"vi": "c"}),
    sector=st.text(min_size=1),
    attributes=st.frozensets(st.sampled_from(Claim)),
    salt_version=st.sampled_from([1, 2]),
)
asked_scopes = st.frozensets(st.sampled_from([*SCOPES, "unknown"]))
asked_claims = st.frozensets(st.sampled_from(Claim))


@settings(max_examples=60, deadline=None)
@given(identities, clients, asked_scopes, asked_claims)
def test_nothing_is_told_that_was_not_asked_for_allowed_and_known(
    identity: Identity, client: Client, scopes: frozenset[str], asked: frozenset[Claim]
) -> None:
    told = claims.released(identity, client, scopes, asked)
    by_scope = set().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))
    for name in told:
        claim = Claim(name)
        assert claim in by_scope | asked
        assert claim in client.attributes or claim is Claim.ACCOUNT_TYPE
        assert claim in identity.claims or claim is Claim.ACCOUNT_TYPE
    assert "" not in told.values()


@settings(max_examples=60, deadline=None)
@given(identities, clients, asked_scopes, asked_claims)
def test_all_formats_are_made_of_one_answer(
    identity: Identity, client: Client, scopes: frozenset[str], asked: frozenset[Claim]
) -> None:
    # However scopes and claims are ordered or repeated, and on whichever node it is asked.
    one = claims.told(identity, client, sorted(scopes), sorted(asked), salts=SALTS, now=NOW)
    two = claims.told(identity, client, [*scopes, *scopes], [*asked, *asked], salts=dict(SALTS), now=NOW)
    assert list(one.items()) == list(two.items())
    assert claims.released(identity, client, scopes, asked).items() <= one.items()
    assert identity.subject not in {one["sub"], one.get("previous_sub")}


@settings(max_examples=60, deadline=None)
@given(identities, identities, st.text(min_size=1), st.text(min_size=1))
def test_two_accounts_or_two_sectors_never_share_a_name(one: Identity, two: Identity, here: str, there: str) -> None:
    first = claims.pairwise_sub(one.upstream, one.subject, here, SALTS[1])
    second = claims.pairwise_sub(two.upstream, two.subject, there, SALTS[1])
    same = (one.upstream, one.subject, here) == (two.upstream, two.subject, there)
    assert (first == second) is same


def test_a_name_does_not_depend_on_civil_status_or_level() -> None:
    married = replace(IDENTITY, claims={Claim.NAME: "Trần An"}, level=Level.ONE, auth_time=1)
    assert claims.subject_for(married, LANG_SON, SALTS) == claims.subject_for(IDENTITY, LANG_SON, SALTS)


def test_a_name_is_the_same_for_ever() -> None:
    # Changing this line means that every person becomes a stranger everywhere.
    assert claims.subject_for(IDENTITY, LANG_SON, SALTS) == "LaAtKsHiRI__apSDwl3wiF4Aig4EUdzvOC7geePdlfY"


def test_parts_cannot_be_moved_from_one_field_into_the_next() -> None:
    assert claims.pairwise_sub("ab", "c", "d", SALTS[1]) != claims.pairwise_sub("a", "bc", "d", SALTS[1])


@pytest.mark.parametrize(
    ("now", "known"), [(NOW - 1, False), (NOW, True), (NOW + 99, True), (NOW + 100, False)], ids=str
)
def test_a_successor_is_told_the_old_name_while_the_record_says_so(now: int, *, known: bool) -> None:
    merged = replace(LANG_SON, aliases=(SubjectAlias("ninhthuan", NOW, NOW + 100),))
    told = claims.told(IDENTITY, merged, {"openid"}, salts=SALTS, now=now)
    old = claims.pairwise_sub("vneid", IDENTITY.subject, "ninhthuan", SALTS[1])
    assert told.get("previous_sub") == ([old] if known else None)
    assert told["sub"] == claims.subject_for(IDENTITY, LANG_SON, SALTS)


def test_a_client_that_moves_to_another_salt_is_told_the_name_of_before() -> None:
    moved = replace(LANG_SON, salt_version=2, aliases=(SubjectAlias("langson", NOW, None, 1),))
    told = claims.told(IDENTITY, moved, {"openid"}, salts=SALTS, now=NOW)
    assert told["previous_sub"] == [claims.subject_for(IDENTITY, LANG_SON, SALTS)]
    assert told["sub"] not in told["previous_sub"]


def test_an_address_is_an_object_as_openid_connect_wants_it() -> None:
    client = replace(LANG_SON, attributes=frozenset({Claim.ADDRESS}))
    assert claims.released(IDENTITY, client, {"address"}) == {"address": {"formatted": "12 Tràng Tiền, Hà Nội"}}


def test_a_reference_leads_back_to_nobody_without_the_houses_key() -> None:
    reference = claims.person_reference("vneid", IDENTITY.subject, b"k" * 32)
    assert len(reference) == claims.REFERENCE_LETTERS
    assert reference != claims.person_reference("vneid", IDENTITY.subject, b"l" * 32)
    assert reference != claims.person_reference("vnconnect", IDENTITY.subject, b"k" * 32)
