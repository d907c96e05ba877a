"""What sign-in signs, seals and names people with: keys of two algorithms, in three states, and salts.

    next ──rotated──▶ current ──▶ retired ──KEEP_SECONDS──▶ gone

All three are published (`jwks`): a client fetches the next key before anything is signed with it, and can still verify
what the last one signed.  A key's `kid` is the thumbprint of its public half (RFC 7638), so that no name ever stands
for two keys.  Nothing here reads a file, a clock or the environment; what is sealed uses AES-SIV (RFC 5297), which has
no nonce that could be used twice.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from joserfc import jwk
from joserfc import jws as joserfc_jws

from sso import json_objects, jws
from sso.jws import BadToken

Algorithm: TypeAlias = Literal["ES256", "RS256"]
State: TypeAlias = Literal["next", "current", "retired"]
PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

ALGORITHMS: Final[tuple[Algorithm, ...]] = ("ES256", "RS256")
OVERLAP_SECONDS: Final = 3_600
"""How long a key has been published before it signs: longer than anybody may keep our key set."""
KEEP_SECONDS: Final = 86_400
"""How long a key that signs no more stays published: longer than a session, whose ID token may come back as a hint."""
_FORMAT: Final = 1
_FIRST: Final = b"\1"  # nothing cannot be encrypted


class KeysRefused(Exception):
    """What was asked for would break what clients rely on; the text says what to do instead."""


class Unsealable(ValueError):
    """What was sealed has another key, or was changed."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key."""

    kid: str
    algorithm: Algorithm
    state: State
    private_key: PrivateKey = field(repr=False)
    created_at: int = 0
    current_since: int | None = None
    retired_at: int | None = None


@dataclass(frozen=True, slots=True)
class Salt:
    """What pairwise names are made with.  A version is never changed or taken away: the names would change."""

    version: int
    secret: bytes = field(repr=False)
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All of it."""

    keys: tuple[SigningKey, ...]
    salts: tuple[Salt, ...]
    sealing: bytes = field(repr=False)  # of what comes back to us: form fields, an upstream's ID token
    person: bytes = field(repr=False)  # of references to people in audit events

    def of(self, algorithm: Algorithm, state: State) -> SigningKey | None:
        """The newest key of this algorithm in this state."""
        found = [key for key in self.keys if key.algorithm == algorithm and key.state == state]
        return max(found, key=lambda key: key.created_at, default=None)


# Life of keys


def fresh_private_key(algorithm: Algorithm) -> PrivateKey:
    """A new one: P-256, or RSA of 2,048 bits."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def signing_key(algorithm: Algorithm, state: State, now: int, private_key: PrivateKey | None = None) -> SigningKey:
    """A key that comes into being now.  Unless it was given, its `kid` does not begin with a hyphen.

    An operator types it, and a command takes what begins so for one of its options.
    """
    made = private_key or fresh_private_key(algorithm)
    kid = _joserfc_key(made).thumbprint()
    while private_key is None and kid.startswith("-"):
        made = fresh_private_key(algorithm)
        kid = _joserfc_key(made).thumbprint()
    return SigningKey(kid, algorithm, state, made, now, now if state == "current" else None)


def new_ring(now: int, secrets: Callable[[], str]) -> KeyRing:
    """The first keys: of each algorithm one that signs and one that will."""
    keys = [signing_key(algorithm, state, now) for algorithm in ALGORITHMS for state in ("current", "next")]
    return KeyRing(tuple(keys), (Salt(1, _octets(secrets()), now),), _octets(secrets()), _octets(secrets()))


def generated(ring: KeyRing, algorithm: Algorithm, now: int) -> KeyRing:
    """With a key that is published from now on and signs after a rotation.  Raises KeysRefused."""
    if ring.of(algorithm, "next"):
        raise KeysRefused(f"there is a next {algorithm} key already: rotate first")
    return replace(ring, keys=(*ring.keys, signing_key(algorithm, "next", now)))


def rotated(ring: KeyRing, algorithm: Algorithm, now: int, *, at_once: bool = False) -> KeyRing:
    """The next key signs, the current one retires, and a new next one is published.  Raises KeysRefused.

    at_once  although clients may not have fetched it yet: for a key that has become known
    """
    coming = ring.of(algorithm, "next")
    if coming is None:
        raise KeysRefused(f"there is no next {algorithm} key: generate one, and rotate when it has been published")
    wait = coming.created_at + OVERLAP_SECONDS - now
    if wait > 0 and not at_once:
        raise KeysRefused(
            f"the next {algorithm} key is published for too short a time: rotate in {-(-wait // 60)} minutes,"
            " or --at-once if the current one has become known (sign-ins fail at clients until they fetch our keys)"
        )
    keys = [_moved(key, algorithm, coming, now) for key in ring.keys]
    return replace(ring, keys=(*keys, signing_key(algorithm, "next", now)))


def retired(ring: KeyRing, kid: str, now: int, *, at_once: bool = False) -> KeyRing:
    """Without a key: a next one, or a retired one whose time has come; `at_once` a retired one sooner.

    Raises KeysRefused.
    """
    for key in ring.keys:
        if key.kid == kid or (len(kid) >= 6 and key.kid.startswith(kid)):
            if key.state == "current":
                raise KeysRefused("this key signs: rotate first, then retire it")
            if key.state == "retired" and not _outlived(key, now) and not at_once:
                raise KeysRefused("what it has signed may still be in use: wait a day, or --at-once")
            return replace(ring, keys=tuple(other for other in ring.keys if other != key))
    raise KeysRefused("no such key: dvc-edge keys list shows them")


def without_expired(ring: KeyRing, now: int) -> KeyRing:
    """Without the retired keys that nobody needs any more."""
    return replace(ring, keys=tuple(key for key in ring.keys if not _outlived(key, now)))


def salted(ring: KeyRing, now: int, secrets: Callable[[], str]) -> KeyRing:
    """With a new salt: clients that are told so (`salt_version`) get new names for everybody."""
    version = max(salt.version for salt in ring.salts) + 1
    return replace(ring, salts=(*ring.salts, Salt(version, _octets(secrets()), now)))


def _moved(key: SigningKey, algorithm: Algorithm, coming: SigningKey, now: int) -> SigningKey:
    if key is coming:
        return replace(key, state="current", current_since=now)
    if key.algorithm == algorithm and key.state == "current":
        return replace(key, state="retired", retired_at=now)
    return key


def _outlived(key: SigningKey, now: int) -> bool:
    return key.state == "retired" and (key.retired_at or 0) + KEEP_SECONDS <= now


# Use


class Signer:
    """Signs, and knows its own signatures again.  Built once for a ring: reading a key costs more than signing."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.salts: Mapping[int, Salt] = {salt.version: salt for salt in ring.salts}
        self.person_key = ring.person
        self._current = {algorithm: self.key(algorithm) for algorithm in ALGORITHMS}
        self._signing = {name: _joserfc_key(key.private_key) for name, key in self._current.items()}
        self._registries = {name: joserfc_jws.JWSRegistry(algorithms=[name]) for name in ALGORITHMS}
        published = [_public(key) for key in ring.keys]
        self._jwks: dict[str, object] = {"keys": published}
        self._sealing = AESSIV(_derived(ring.sealing))  # deriving it costs more than sealing
        self._verifying = jws.key_set(self._jwks)

    def key(self, algorithm: Algorithm) -> SigningKey:
        """The key that signs.  Raises KeysRefused where a ring has none."""
        found = self.ring.of(algorithm, "current")
        if found is None:
            raise KeysRefused(f"no {algorithm} key signs: generate one and rotate")
        return found

    def sign(self, claims: Mapping[str, object], *, typ: str, alg: Algorithm = "ES256") -> str:
        """A compact JWS with just `alg`, `kid` and `typ` in its header."""
        header = {"alg": alg, "kid": self._current[alg].kid, "typ": typ}
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        return joserfc_jws.serialize_compact(header, payload, self._signing[alg], registry=self._registries[alg])

    def verify(
        self, token: str, *, typ: str, issuer: str, audience: str | None = None, now: int | None
    ) -> dict[str, Any]:
        """What a token of ours says.  Raises BadToken.

        typ   that it was signed with: no kind of token stands in for another
        now   None: it may have expired (an id_token_hint, OIDC Core §3.1.2.1)
        """
        claims = dict(jws.read(token, self._verifying, algorithms=ALGORITHMS, types={typ.lower()}).claims)
        if claims.get("iss") != issuer:
            raise BadToken("iss")
        if audience is not None and audience not in _audiences(claims):
            raise BadToken("aud")
        if now is not None:
            jws.check_times(claims, now)
        return claims

    def jwks(self) -> dict[str, object]:
        """The public halves of all keys (RFC 7517)."""
        return self._jwks

    def seal(self, text: str, *, purpose: str) -> str:
        """What only we can read, for this purpose only: url-safe letters."""
        return _letters(self._sealing.encrypt(_FIRST + text.encode(), [purpose.encode()]))

    def unseal(self, text: str, *, purpose: str) -> str:
        """It again.  Raises Unsealable."""
        return unsealed(text, self.ring.sealing, purpose).decode()


def _audiences(claims: Mapping[str, Any]) -> list[object]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _joserfc_key(private_key: PrivateKey) -> jwk.Key:
    pem = _pem(private_key)
    return jwk.import_key(pem, "EC" if isinstance(private_key, ec.EllipticCurvePrivateKey) else "RSA")


def _public(key: SigningKey) -> dict[str, object]:
    public = _joserfc_key(key.private_key).as_dict(private=False)
    return {**public, "kid": key.kid, "alg": key.algorithm, "use": "sig"}


# At rest


def sealed(octets: bytes, key: bytes, purpose: str) -> str:
    """Encrypted and authenticated (RFC 5297), for one purpose; the same text is sealed the same."""
    return _letters(AESSIV(_derived(key)).encrypt(_FIRST + octets, [purpose.encode()]))


def unsealed(text: str, key: bytes, purpose: str) -> bytes:
    """It again.  Raises Unsealable."""
    try:
        return AESSIV(_derived(key)).decrypt(_octets(text), [purpose.encode()]).removeprefix(_FIRST)
    except (InvalidTag, ValueError, binascii.Error):
        raise Unsealable("another key, or changed") from None


def written(ring: KeyRing, master: bytes) -> str:
    """A ring as it lies in a file: what is secret is sealed with the master key, each under its own name."""
    document = {
        "format": _FORMAT,
        "keys": [
            {
                "kid": key.kid,
                "algorithm": key.algorithm,
                "state": key.state,
                "created_at": key.created_at,
                "current_since": key.current_since,
                "retired_at": key.retired_at,
                "sealed": sealed(_pem(key.private_key), master, f"key {key.kid}"),
            }
            for key in ring.keys
        ],
        "salts": [
            {
                "version": salt.version,
                "created_at": salt.created_at,
                "sealed": sealed(salt.secret, master, f"salt {salt.version}"),
            }
            for salt in ring.salts
        ],
        "sealing": sealed(ring.sealing, master, "sealing"),
        "person": sealed(ring.person, master, "person"),
    }
    return json.dumps(document, indent=1) + "\n"


def ring_of(text: str, master: bytes) -> KeyRing:
    """A ring from its file.  Raises Unsealable, also for a file that is none."""
    try:
        document: Any = json_objects.read(text)
        if document["format"] != _FORMAT:
            raise Unsealable(f"written by a newer program: format {document['format']}")
        return KeyRing(
            keys=tuple(_read_key(entry, master) for entry in document["keys"]),
            salts=tuple(
                Salt(
                    entry["version"], unsealed(entry["sealed"], master, f"salt {entry['version']}"), entry["created_at"]
                )
                for entry in document["salts"]
            ),
            sealing=unsealed(document["sealing"], master, "sealing"),
            person=unsealed(document["person"], master, "person"),
        )
    except (KeyError, TypeError, AttributeError, json_objects.NotAnObject):
        raise Unsealable("not a file of keys") from None


def _read_key(entry: Any, master: bytes) -> SigningKey:
    private_key = load_pem_private_key(unsealed(entry["sealed"], master, f"key {entry['kid']}"), password=None)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Unsealable("neither an elliptic curve nor RSA")
    return SigningKey(
        kid=entry["kid"],
        algorithm=entry["algorithm"],
        state=entry["state"],
        private_key=private_key,
        created_at=entry["created_at"],
        current_since=entry["current_since"],
        retired_at=entry["retired_at"],
    )


def listing(keys: Iterable[SigningKey], now: int) -> list[dict[str, object]]:
    """Keys for people and programs: nothing secret, and from when each may go on."""
    return [
        {
            "kid": key.kid,
            "algorithm": key.algorithm,
            "state": key.state,
            "created_at": key.created_at,
            "current_since": key.current_since,
            "retired_at": key.retired_at,
            "may_sign_from": key.created_at + OVERLAP_SECONDS if key.state == "next" else None,
            "gone_from": (key.retired_at or now) + KEEP_SECONDS if key.state == "retired" else None,
        }
        for key in keys
    ]


def _pem(private_key: PrivateKey) -> bytes:
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), length=64, salt=None, info=b"dvc-edge sign-in").derive(key)


def _letters(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(letters: str) -> bytes:
    return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
