"""An upstream's public keys (RFC 7517): read with suspicion, chosen without guessing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from joserfc.jwk import Key

from sso import json_objects, jws

MOST_KEYS: Final = 32
SHORTEST_MODULUS: Final = 342  # letters: 2,048 bits (RFC 7518 §3.3)

_SORTS: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class BadKeySet(ValueError):
    """The set must not be used."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys that may have signed."""

    keys: tuple[Key, ...] = ()

    def find(self, algorithm: str, kid: object) -> Key | None:
        """The key of this id, or the only one that fits.  Two that fit and no id: none, we do not try them out."""
        fitting = [key for key in self.keys if _fits(key, algorithm)]
        if kid is not None:
            return next((key for key in fitting if key.get("kid") == kid), None)
        return fitting[0] if len(fitting) == 1 else None


def read(body: bytes) -> KeySet:
    """The usable keys.  Raises BadKeySet for what is no set, or one with secrets, private parts or one id for two.

    Keys of sorts that we do not know, weak ones and those for encryption are passed over (RFC 7517 §5).
    """
    try:
        listed = json_objects.read(body).get("keys")
    except json_objects.NotAnObject as error:
        raise BadKeySet(str(error)) from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise BadKeySet("no list of keys, or too long a one")
    described = [each for each in listed if isinstance(each, dict)]
    # Whoever publishes a secret is not in order, and a symmetric key would let everybody sign who can read it.
    if any(each.get("kty") == "oct" or "d" in each for each in described):
        raise BadKeySet("a key that should be nobody else's")
    ids = [str(each["kid"]) for each in described if "kid" in each]
    if len(set(ids)) != len(ids):
        raise BadKeySet("two keys of one id")
    keys = tuple(key for each in described for key in _usable(each))
    if not keys:
        raise BadKeySet("no key that could sign")
    return KeySet(keys)


def _usable(described: Mapping[str, object]) -> Iterator[Key]:
    if described.get("use", "sig") != "sig":
        return
    if described.get("kty") == "RSA" and len(str(described.get("n", ""))) < SHORTEST_MODULUS:
        return  # joserfc would warn on standard error, at every sign-in
    # Without x5u, x5c and the like: nothing is fetched or trusted because a key says so.
    kept = {name: value for name, value in described.items() if name in _KEPT}
    try:
        yield jws.public_key(kept)
    except jws.BadToken:
        return


_KEPT: Final = frozenset({"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"})


def _fits(key: Key, algorithm: str) -> bool:
    return key.key_type == _SORTS.get(algorithm) and key.get("alg") in {None, algorithm}
