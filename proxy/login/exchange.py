"""What programs ask for: tokens for a code, who a token is about, whether it is good, and that it be no more."""

import dataclasses
from typing import Final

from proxy.login import client_proofs
from proxy.login.broker import Broker
from proxy.login.calls import FORM, Call
from sso import claims, introspection, refusals, tokens, userinfo
from sso.discovery import PATHS
from sso.effects import Effect, Json, Text
from sso.model import Client, Grant, digest
from sso.parameters import Parameters
from sso.refusals import Refusal
from sso.store import Redeemed, Replayed, Rotated, Unfit
from sso.tokens import CodeExchange, RefreshExchange
from sso.vocabulary import Claim


async def token(broker: Broker, call: Call) -> Effect:
    """POST /token (RFC 6749 §4.1.3 and §6)."""
    client, parameters = await client_proofs.client_of(broker, call)
    try:
        exchange = tokens.asked(parameters, client)
        shown = client_proofs.shown_key(broker, call, PATHS["token_endpoint"])
        jkt = await client_proofs.take_key(broker, client, shown)
        tokens.check_bound(client, jkt)
        if isinstance(exchange, CodeExchange):
            issued = await _for_code(broker, call, client, exchange, jkt)
        else:
            issued = await _for_refresh(broker, call, client, exchange, jkt)
    except Refusal as refusal:
        broker.record("token.refused", call, client=client, cause=refusal.cause)
        raise
    broker.record("token.issued", call, client=client)
    return Json(200, issued, client_proofs.next_nonce(broker, client))


async def _for_code(
    broker: Broker, call: Call, client: Client, exchange: CodeExchange, jkt: str | None
) -> dict[str, object]:
    broker.hold_off_guesser("code", client, call)
    fresh = tokens.fresh(client, now=broker.now(), secrets=broker.secrets, jkt=jkt)
    # One step of the store: whoever comes with the code a second time finds it used, and what it gave revoked.
    redeemed = await broker.store.redeem(
        exchange.code,
        client.id,
        shown=tokens.shown(exchange, client, jkt),
        access=fresh.access,
        terms=fresh.terms,
        refresh=fresh.refresh,
        refresh_seconds=client.lifetimes.refresh_token,
    )
    match redeemed:
        case Redeemed(grant):
            return _answer(broker, client, grant, fresh)
        case Unfit(grant):
            tokens.check_code(exchange, grant, jkt)  # says what does not fit
        case Replayed():
            broker.record("code.replayed", call, client=client, cause=refusals.CODE)
    await broker.guessed("code", client, call)
    raise Refusal(refusals.CODE)


async def _for_refresh(
    broker: Broker, call: Call, client: Client, exchange: RefreshExchange, jkt: str | None
) -> dict[str, object]:
    grant = await broker.store.refresh_grant(exchange.token, now=broker.now(), grace=client.lifetimes.refresh_grace)
    fresh = None
    if grant is not None:
        tokens.check_refresh(exchange, grant, client, jkt)
        fresh = tokens.fresh(client, now=broker.now(), secrets=broker.secrets, jkt=jkt, scopes=exchange.scopes)
    # Also for a token that is not in force: this is what finds out that it was used before.
    rotated = await broker.store.rotate(
        exchange.token,
        client.id,
        successor=fresh.refresh or "" if fresh is not None else "",
        access=fresh.access if fresh is not None else "",
        now=broker.now(),
        seconds=client.lifetimes.refresh_token,
        grace=client.lifetimes.refresh_grace,
        terms=fresh.terms if fresh is not None else None,
    )
    if isinstance(rotated, Replayed):
        broker.record("refresh.replayed", call, client=client, cause=refusals.REFRESH_TOKEN)
    if not isinstance(rotated, Rotated) or fresh is None:
        raise Refusal(refusals.REFRESH_TOKEN)
    return _answer(broker, client, rotated.grant, fresh)


def _answer(broker: Broker, client: Client, grant: Grant, fresh: tokens.Fresh) -> dict[str, object]:
    told = claims.told(
        grant.identity, client, ("openid",), grant.id_token_claims, salts=broker.signer.salts, now=broker.now()
    )
    return tokens.answer(grant, client, fresh, told=told, issuer=broker.issuer, signer=broker.signer)


async def userinfo_answer(broker: Broker, call: Call) -> Effect:
    """GET and POST /userinfo (OIDC Core §5.3)."""
    broker.admit("userinfo", "", call)
    body = Parameters.of(call.form() if call.content_type == FORM else "").single()
    shown = userinfo.shown_token(call.header("authorization"), Parameters.of(call.query), body)
    key = None
    if shown.scheme == "DPoP":
        key = client_proofs.shown_key(
            broker, call, PATHS["userinfo_endpoint"], access_token=shown.value, cause=refusals.TOKEN_DPOP
        )
    found = await broker.store.access_token(digest(shown.value))
    client = broker.clients.get(found.client) if found is not None else None
    if found is None or client is None:
        raise Refusal(refusals.TOKEN)
    jkt = await client_proofs.take_key(
        broker, client, key, cause=refusals.TOKEN_DPOP, without_nonce=refusals.TOKEN_NONCE
    )
    kept = userinfo.check(found, shown, jkt, broker.now())
    told = claims.told(
        kept.identity, client, kept.scopes, kept.claims & frozenset(Claim), salts=broker.signer.salts, now=broker.now()
    )
    answer = userinfo.answer(told, client, issuer=broker.issuer, signer=broker.signer, now=broker.now())
    return dataclasses.replace(answer, headers={**answer.headers, **client_proofs.next_nonce(broker, client)})


async def introspect(broker: Broker, call: Call) -> Effect:
    """POST /introspect (RFC 7662)."""
    client, parameters = await client_proofs.client_of(broker, call)
    if client.authentication == "none":
        raise Refusal(refusals.CLIENT)
    asked, now = introspection.token_asked(parameters), broker.now()
    if (kept := await broker.store.access_token(asked)) is not None:
        subject = broker.subject(kept.identity, client)
        told = introspection.of_access_token(kept, client, subject=subject, issuer=broker.issuer, now=now)
    else:
        grant = await broker.store.refresh_grant(asked)
        subject = broker.subject(grant.identity, client) if grant is not None else ""
        told = introspection.of_refresh_token(grant, client, subject=subject, issuer=broker.issuer)
    return Json(200, told or introspection.INACTIVE)


async def revoke(broker: Broker, call: Call) -> Effect:
    """POST /revoke (RFC 7009 §2.2: 200 for whatever is not in force afterwards, also what never was)."""
    client, parameters = await client_proofs.client_of(broker, call)
    await broker.store.revoke_token(introspection.token_asked(parameters), client.id)
    return Text(200)


ROUTES: Final = {
    ("POST", "/token"): token,
    ("GET", "/userinfo"): userinfo_answer,
    ("POST", "/userinfo"): userinfo_answer,
    ("POST", "/introspect"): introspect,
    ("POST", "/revoke"): revoke,
}
