"""Keys of an upstream: public ones, each under a name of its own, chosen without trying."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from sso.upstreams.key_sets import MOST_KEYS, BadKeySet, KeySet, read

EC = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER = ECKey.generate_key("P-256", {"kid": "other"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})


def public(*keys: ECKey | RSAKey, **more: Any) -> list[dict[str, Any]]:
    return [{**key.as_dict(private=False), **more} for key in keys]


def load(keys: list[dict[str, Any]]) -> KeySet:
    return read(json.dumps({"keys": keys}).encode())


def test_a_key_is_found_by_its_id_and_its_sort() -> None:
    keys = load(public(EC, RSA))
    found = keys.find("ES256", "ec")
    assert found is not None
    assert found.kid == "ec"
    assert keys.find("RS256", "ec") is None
    assert keys.find("ES256", "never") is None


def test_without_an_id_the_only_one_that_fits_is_taken_and_of_two_none() -> None:
    assert load(public(EC, RSA)).find("ES256", None) is not None
    assert load(public(EC, OTHER)).find("ES256", None) is None


def test_a_key_is_for_the_algorithm_that_it_names() -> None:
    assert load(public(RSA, alg="PS256")).find("RS256", "rsa") is None


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "", "ES256K"])
def test_no_key_is_for_an_algorithm_without_two_keys(algorithm: str) -> None:
    assert load(public(EC, RSA)).find(algorithm, None) is None


SECRET = OctKey.generate_key(256).as_dict(private=True)
REFUSED: dict[str, bytes] = {
    "HTML": b"<html>moved</html>",
    "nothing": b"",
    "no list": b'{"keys": {}}',
    "no keys": b'{"keys": []}',
    "a symmetric key": json.dumps({"keys": [*public(EC), dict(SECRET)]}).encode(),
    "a private key": json.dumps({"keys": [EC.as_dict(private=True)]}).encode(),
    "two of one id": json.dumps({"keys": public(EC, OTHER, kid="same")}).encode(),
    "only for encryption": json.dumps({"keys": public(RSA, use="enc")}).encode(),
    "only sorts from the future": b'{"keys": [{"kty": "ML-DSA", "kid": "x"}]}',
    "a point off the curve": json.dumps({"keys": public(EC, y=EC.as_dict(private=False)["x"])}).encode(),
    "too many": json.dumps({"keys": public(EC) * (MOST_KEYS + 1)}).encode(),
    "too large": json.dumps({"keys": public(EC, x5c=["A" * 10_000_000])}).encode(),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_set_that_is_not_in_order_is_refused(what: str) -> None:
    with pytest.raises(BadKeySet):
        read(REFUSED[what])


def test_a_weak_key_is_passed_over() -> None:
    weak = {**public(RSA)[0], "n": public(RSA)[0]["n"][:171], "kid": "weak"}  # 1,024 bits
    assert [key.kid for key in load([weak, *public(EC)]).keys] == ["ec"]


def test_a_sort_from_the_future_is_passed_over() -> None:
    assert len(load([{"kty": "ML-DSA", "kid": "x"}, *public(EC)]).keys) == 1
