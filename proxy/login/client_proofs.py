"""Who speaks at an endpoint for programs, and with which key: client authentication and DPoP over HTTP.

Keys that a client publishes may have changed a moment ago: a signature by a key that we do not know has us look once
more, and not again for a while (`proxy.client_key_sets`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from joserfc.jwk import KeySet

from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import client_authentication, dpop, dpop_nonces, refusals
from sso.client_authentication import Presented, Proven
from sso.discovery import PATHS
from sso.dpop import ProvenKey
from sso.model import Client
from sso.parameters import Parameters
from sso.refusals import Cause, Refusal

T = TypeVar("T")

_RATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        PATHS["pushed_authorization_request_endpoint"]: "par",
        PATHS["introspection_endpoint"]: "introspection",
    }
)
_ASSERTED_AT: Final = (
    "token_endpoint",
    "pushed_authorization_request_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
)
_UNKNOWN_KEY: Final = "kid"  # what `sso.jws` says then


async def client_of(broker: Broker, call: Call) -> tuple[Client, Parameters]:
    """Who speaks, proven, and what is said.  Raises Refusal."""
    parameters = call.form_parameters()
    shown = client_authentication.presented(parameters, call.header("authorization"))
    # Whoever makes up names is one and the same: else each of them would be a counter of its own.
    known = broker.clients.get(shown.client_id)
    counted = known.id if known is not None else ""
    broker.hold_off("client-secret", counted, call)
    broker.admit(_RATES.get(call.path, "token"), counted, call)
    try:
        proven = await _proven(broker, shown)
        if proven.jti is not None:
            await broker.once("assertion", proven.jti, proven.remember_seconds, refusals.CLIENT)
    except Refusal as refusal:
        broker.record("client.refused", call, client=known, cause=refusal.cause)
        await broker.failed("client-secret", counted, call)
        raise
    return proven.client, parameters


async def _proven(broker: Broker, shown: Presented) -> Proven:
    client = broker.clients.get(shown.client_id)

    def prove(keys: KeySet | None) -> Proven:
        return client_authentication.prove(
            shown,
            client,
            keys,
            issuer=broker.issuer,
            endpoints=[broker.issuer + PATHS[name] for name in _ASSERTED_AT],
            now=broker.now(),
        )

    if client is None or shown.method != "private_key_jwt":
        return prove(None)
    return await with_keys(broker, client, prove)


async def with_keys(broker: Broker, client: Client, read: Callable[[KeySet | None], T]) -> T:
    """What is read with a client's public keys; once more with newer ones where the key is not among them."""
    keys = await broker.client_keys.of(client, broker.now())
    try:
        return read(keys)
    except Refusal as refusal:
        if refusal.detail != _UNKNOWN_KEY or client.jwks_uri is None:
            raise
        newer = await broker.client_keys.of(client, broker.now(), other_than=keys)
        if newer is keys:
            raise
    return read(newer)


# DPoP


def shown_key(
    broker: Broker, call: Call, path: str, *, access_token: str | None = None, cause: Cause = refusals.DPOP
) -> ProvenKey | None:
    """The key that the sender of a request to `path` holds, where it shows one (RFC 9449 §5).  Raises Refusal."""
    proof = call.header("dpop")
    if proof is None:
        return None
    uri = broker.issuer + path
    return dpop.prove(proof, method=call.method, uri=uri, now=broker.now(), access_token=access_token, cause=cause)


async def take_key(
    broker: Broker,
    client: Client,
    key: ProvenKey | None,
    *,
    cause: Cause = refusals.DPOP,
    without_nonce: Cause = refusals.USE_NONCE,
) -> str | None:
    """Hold a proof to what the client's record asks, and use it up: the key's thumbprint.  Raises Refusal."""
    if key is None:
        return None
    if client.dpop_nonce_required:
        now, secret = broker.now(), broker.signer.ring.sealing
        if not dpop_nonces.is_good(key.nonce, now, key=secret):
            raise Refusal(without_nonce, headers=next_nonce(broker, client))
    await broker.once("dpop", key.jti, cause=cause)
    return key.jkt


def next_nonce(broker: Broker, client: Client) -> dict[str, str]:
    """The header that says which nonce to use from now on (RFC 9449 §8.2); none for a client without."""
    if not client.dpop_nonce_required:
        return {}
    return {dpop_nonces.HEADER: dpop_nonces.nonce_at(broker.now(), key=broker.signer.ring.sealing)}
