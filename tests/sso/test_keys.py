"""Keys: their lives, their signatures, and how they lie in a file."""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jose import jwt as python_jose

from sso import keys
from sso.jws import BadToken
from sso.keys import ALGORITHMS, KEEP_SECONDS, OVERLAP_SECONDS, Algorithm, KeyRing, KeysRefused, Signer, Unsealable
from tests.sso.specimens import NOW

ISSUER = "https://dangnhap.example"
CLAIMS = {"iss": ISSUER, "aud": "langson", "sub": "s", "exp": NOW + 300, "iat": NOW, "name": "Nguyễn Văn An"}


def counted() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: base64.urlsafe_b64encode(hashlib.sha256(str(next(numbers)).encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return keys.new_ring(NOW, counted())


@pytest.fixture(scope="module")
def signer(ring: KeyRing) -> Signer:
    return Signer(ring)


def states(ring: KeyRing, algorithm: Algorithm = "ES256") -> list[str]:
    return sorted(key.state for key in ring.keys if key.algorithm == algorithm)


# Their lives


def test_the_first_ring_signs_with_both_algorithms_and_has_their_successors_published(ring: KeyRing) -> None:
    assert states(ring, "ES256") == states(ring, "RS256") == ["current", "next"]
    assert [salt.version for salt in ring.salts] == [1]
    assert len({ring.sealing, ring.person, ring.salts[0].secret}) == 3
    assert all(len(secret) == 32 for secret in (ring.sealing, ring.person, ring.salts[0].secret))


def test_no_name_of_a_key_looks_like_an_option() -> None:
    names = [keys.signing_key("ES256", "next", NOW).kid for _ in range(400)]
    assert [name for name in names if name.startswith("-")] == []
    assert len(set(names)) == 400


def test_a_rotation_waits_until_clients_know_the_next_key(ring: KeyRing) -> None:
    with pytest.raises(KeysRefused, match="rotate in 60 minutes"):
        keys.rotated(ring, "ES256", NOW)
    with pytest.raises(KeysRefused, match="in 1 minutes"):
        keys.rotated(ring, "ES256", NOW + OVERLAP_SECONDS - 1)
    assert states(keys.rotated(ring, "ES256", NOW, at_once=True)) == ["current", "next", "retired"]


def test_what_was_signed_before_a_rotation_is_good_until_its_key_is_gone(ring: KeyRing) -> None:
    token = Signer(ring).sign(CLAIMS, typ="JWT")
    at = NOW + OVERLAP_SECONDS
    turned = keys.rotated(ring, "ES256", at)
    assert turned.of("ES256", "current") == replace(_of(ring, "next"), state="current", current_since=at)
    assert Signer(turned).verify(token, typ="JWT", issuer=ISSUER, now=None)["sub"] == "s"
    kept = keys.without_expired(turned, at + KEEP_SECONDS - 1)
    assert Signer(kept).verify(token, typ="JWT", issuer=ISSUER, now=None)
    gone = keys.without_expired(turned, at + KEEP_SECONDS)
    assert states(gone) == ["current", "next"]
    with pytest.raises(BadToken, match="kid"):
        Signer(gone).verify(token, typ="JWT", issuer=ISSUER, now=None)


def _of(ring: KeyRing, state: keys.State) -> keys.SigningKey:
    found = ring.of("ES256", state)
    assert found
    return found


def test_the_other_algorithm_is_not_touched_by_a_rotation(ring: KeyRing) -> None:
    turned = keys.rotated(ring, "ES256", NOW + OVERLAP_SECONDS)
    assert turned.of("RS256", "current") == ring.of("RS256", "current")


def test_one_next_key_is_enough(ring: KeyRing) -> None:
    with pytest.raises(KeysRefused, match="rotate first"):
        keys.generated(ring, "ES256", NOW)
    without = keys.retired(ring, _of(ring, "next").kid, NOW)
    with pytest.raises(KeysRefused, match="generate one"):
        keys.rotated(without, "ES256", NOW)
    assert states(keys.generated(without, "ES256", NOW)) == ["current", "next"]


def test_a_key_that_signs_cannot_be_taken_away_nor_one_whose_tokens_live(ring: KeyRing) -> None:
    with pytest.raises(KeysRefused, match="rotate first"):
        keys.retired(ring, _of(ring, "current").kid, NOW)
    turned = keys.rotated(ring, "ES256", NOW, at_once=True)
    old = _of(ring, "current").kid
    with pytest.raises(KeysRefused, match="wait a day"):
        keys.retired(turned, old, NOW + 60)
    assert states(keys.retired(turned, old[:8], NOW + 60, at_once=True)) == ["current", "next"]
    with pytest.raises(KeysRefused, match="no such key"):
        keys.retired(turned, "nothing", NOW)


def test_a_new_salt_leaves_the_old_ones(ring: KeyRing) -> None:
    salted = keys.salted(ring, NOW + 1, counted())
    assert [salt.version for salt in salted.salts] == [1, 2]
    assert salted.salts[0] == ring.salts[0]


# Their signatures


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_library_finds_the_signature_good(signer: Signer, algorithm: Algorithm) -> None:
    token = signer.sign(CLAIMS, typ="JWT", alg=algorithm)
    header = python_jose.get_unverified_header(token)
    assert header == {"alg": algorithm, "kid": signer.key(algorithm).kid, "typ": "JWT"}
    listed = signer.jwks()["keys"]
    assert isinstance(listed, list)
    (public,) = [key for key in listed if key["kid"] == header["kid"]]
    said = python_jose.decode(token, public, algorithms=[algorithm], audience="langson", options={"verify_exp": False})
    assert said == CLAIMS


def test_what_is_published_is_public_and_named_by_its_thumbprint(signer: Signer) -> None:
    listed = signer.jwks()["keys"]
    assert isinstance(listed, list)
    assert len(listed) == 4
    assert not [key for key in listed if key.keys() & {"d", "p", "q", "dp", "dq", "qi"}]
    for key in listed:
        needed = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[key["kty"]]  # RFC 7638 §3.2
        canonical = json.dumps({name: key[name] for name in needed}, separators=(",", ":"), sort_keys=True)
        made = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
        assert key["kid"] == made
        assert key["use"] == "sig"


@pytest.mark.parametrize(
    ("changes", "asked", "reason"),
    [
        ({}, {"typ": "at+jwt"}, "typ"),
        ({}, {"issuer": "https://evil.example"}, "iss"),
        ({}, {"audience": "hanoi"}, "aud"),
        ({"aud": None}, {"audience": "langson"}, "aud"),
        ({"exp": NOW - 60}, {}, "expired"),
        ({"exp": None}, {}, "times"),
        ({"iat": NOW + 600}, {}, "not yet valid"),
    ],
)
def test_a_token_of_ours_is_not_good_for_everything(
    signer: Signer, changes: dict[str, object], asked: dict[str, str], reason: str
) -> None:
    token = signer.sign(CLAIMS | changes, typ="JWT")
    with pytest.raises(BadToken, match=reason):
        signer.verify(token, **({"typ": "JWT", "issuer": ISSUER, "now": NOW} | asked))  # type: ignore[arg-type]


def test_an_expired_hint_is_still_ours(signer: Signer) -> None:
    token = signer.sign(CLAIMS | {"exp": NOW - 86_000}, typ="JWT")
    assert signer.verify(token, typ="JWT", issuer=ISSUER, audience="langson", now=None)["sub"] == "s"


def test_a_strangers_signature_is_not_ours(signer: Signer, ring: KeyRing) -> None:
    stranger = replace(ring, keys=tuple(_forged(key) for key in ring.keys))
    with pytest.raises(BadToken, match="signature"):
        signer.verify(Signer(stranger).sign(CLAIMS, typ="JWT"), typ="JWT", issuer=ISSUER, now=NOW)


def _forged(key: keys.SigningKey) -> keys.SigningKey:
    """A stranger's key under the name of ours."""
    if key.algorithm == "RS256":
        return key
    return replace(key, private_key=keys.fresh_private_key("ES256"))


# At rest


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_what_is_sealed_opens_for_its_purpose_only(text: str, purpose: str, other: str) -> None:
    sealed = keys.sealed(text.encode(), b"k" * 32, purpose)
    assert keys.unsealed(sealed, b"k" * 32, purpose).decode() == text
    for key, said in ((b"l" * 32, purpose), (b"k" * 32, other + purpose)):
        with pytest.raises(Unsealable):
            keys.unsealed(sealed, key, said)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_what_was_not_sealed_does_not_open(text: str) -> None:
    with pytest.raises(Unsealable):
        keys.unsealed(text, b"k" * 32, "p")


def test_a_ring_comes_back_from_its_file_and_nothing_secret_stands_in_it(ring: KeyRing) -> None:
    text = keys.written(ring, b"m" * 32)
    back = keys.ring_of(text, b"m" * 32)
    assert (back.salts, back.sealing, back.person) == (ring.salts, ring.sealing, ring.person)
    assert Signer(back).jwks() == Signer(ring).jwks()
    assert keys.listing(back.keys, NOW) == keys.listing(ring.keys, NOW)
    for secret in ("PRIVATE", ring.sealing.hex(), base64.b64encode(ring.sealing).decode()[:20]):
        assert secret not in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-30],
        lambda text: text.replace('"ES256"', '"RS256"', 1)[:50],
        lambda text: "[]",
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"sealing": "', '"sealing": "AA'),
    ],
)
def test_a_damaged_file_is_refused(ring: KeyRing, damage: Callable[[str], str]) -> None:
    text = keys.written(ring, b"m" * 32)
    with pytest.raises(Unsealable):
        keys.ring_of(damage(text), b"m" * 32)
    with pytest.raises(Unsealable):
        keys.ring_of(text, b"n" * 32)


def test_nothing_secret_stands_in_what_a_traceback_shows(ring: KeyRing) -> None:
    shown = repr(ring)
    assert "secret=" not in shown
    assert "private_key=" not in shown
