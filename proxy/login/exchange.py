"""What programs ask for: tokens for a code, who a token is about, whether it is good, and that it be no more."""

from typing import Final

from proxy.login.broker import Broker
from proxy.login.calls import FORM, Call
from sso import claims, dpop, introspection, refusals, tokens, userinfo
from sso.effects import Effect, Json, Text
from sso.model import Client, Grant, digest
from sso.parameters import Parameters
from sso.refusals import Refusal
from sso.store import Redeemed, Replayed, Rotated
from sso.tokens import CodeExchange, RefreshExchange
from sso.vocabulary import Claim


async def token(broker: Broker, call: Call) -> Effect:
    """POST /token (RFC 6749 §4.1.3 and §6)."""
    client, parameters = await broker.client_of(call)
    try:
        exchange = tokens.asked(parameters, client)
        jkt = await _proven_key(broker, call, client)
        if isinstance(exchange, CodeExchange):
            issued = await _for_code(broker, call, client, exchange, jkt)
        else:
            issued = await _for_refresh(broker, call, client, exchange, jkt)
    except Refusal as refusal:
        broker.record("token.refused", call, client=client, cause=refusal.cause)
        raise
    broker.record("token.issued", call, client=client)
    return Json(200, issued.body)


async def _proven_key(broker: Broker, call: Call, client: Client) -> str | None:
    """The key that the sender holds, where it shows one (RFC 9449 §5)."""
    proof = call.header("dpop")
    jkt = None
    if proof is not None:
        key = dpop.prove(proof, method="POST", uri=f"{broker.issuer}/token", now=broker.now())
        await broker.once("dpop", key.jti)
        jkt = key.jkt
    tokens.check_bound(client, jkt)
    return jkt


async def _for_code(
    broker: Broker, call: Call, client: Client, exchange: CodeExchange, jkt: str | None
) -> tokens.Issued:
    if broker.limiter is not None and broker.limiter.locked("code", client.id, call.peer, broker.now()):
        raise Refusal(refusals.CLIENT_LOCKED)
    # Used up first, checked afterwards: a code that was shown to the wrong party is worth nothing any more.
    redeemed = await broker.store.redeem(exchange.code, client.id, access="", token=None, refresh=None)
    if isinstance(redeemed, Replayed):
        broker.record("code.replayed", call, client=client, cause=refusals.CODE)
    if not isinstance(redeemed, Redeemed):
        if broker.limiter is not None:
            await broker.limiter.failed("code", client.id, call.peer, broker.now())
        raise Refusal(refusals.CODE)
    grant = redeemed.grant
    tokens.check_code(exchange, grant, jkt)
    grant = tokens.bound(grant, client, jkt)
    issued = _issue(broker, client, grant, jkt)
    # Where the code came a second time meanwhile, nothing is kept: who was first is answered, and holds tokens that are
    # dead at birth, as they would be had the second come a moment later (RFC 6749 §4.1.2).
    await broker.store.keep_tokens(
        grant,
        access=issued.access,
        token=issued.token,
        refresh=issued.refresh,
        refresh_seconds=client.lifetimes.refresh_token,
    )
    return issued


async def _for_refresh(
    broker: Broker, call: Call, client: Client, exchange: RefreshExchange, jkt: str | None
) -> tokens.Issued:
    grant = await broker.store.refresh_grant(exchange.token, now=broker.now(), grace=client.lifetimes.refresh_grace)
    issued = None
    if grant is not None:
        tokens.check_refresh(exchange, grant, client, jkt)
        issued = _issue(broker, client, grant, jkt, exchange.scopes)
    # Also for a token that is not in force: this is what finds out that it was used before.
    rotated = await broker.store.rotate(
        exchange.token,
        client.id,
        successor=issued.refresh or "" if issued is not None else "",
        access=issued.access if issued is not None else "",
        now=broker.now(),
        seconds=client.lifetimes.refresh_token,
        grace=client.lifetimes.refresh_grace,
        token=issued.token if issued is not None else None,
    )
    if isinstance(rotated, Replayed):
        broker.record("refresh.replayed", call, client=client, cause=refusals.REFRESH_TOKEN)
    if not isinstance(rotated, Rotated) or issued is None:
        raise Refusal(refusals.REFRESH_TOKEN)
    return issued


def _issue(
    broker: Broker, client: Client, grant: Grant, jkt: str | None, scopes: frozenset[str] | None = None
) -> tokens.Issued:
    told = claims.told(
        grant.identity, client, ("openid",), grant.id_token_claims, salts=broker.signer.salts, now=broker.now()
    )
    return tokens.issue(
        grant,
        client,
        told=told,
        issuer=broker.issuer,
        signer=broker.signer,
        now=broker.now(),
        secrets=broker.secrets,
        jkt=jkt,
        scopes=scopes,
    )


async def userinfo_answer(broker: Broker, call: Call) -> Effect:
    """GET and POST /userinfo (OIDC Core §5.3)."""
    body = Parameters.of(call.form() if call.content_type == FORM else "").single()
    shown = userinfo.shown_token(call.header("authorization"), Parameters.of(call.query), body)
    now, jkt = broker.now(), None
    if (proof := call.header("dpop")) is not None and shown.scheme == "DPoP":
        uri = f"{broker.issuer}/userinfo"
        key = dpop.prove(
            proof, method=call.method, uri=uri, now=now, access_token=shown.value, cause=refusals.TOKEN_DPOP
        )
        await broker.once("dpop", key.jti, cause=refusals.TOKEN_DPOP)
        jkt = key.jkt
    kept = userinfo.check(await broker.store.access_token(digest(shown.value)), shown, jkt, now)
    client = broker.clients.get(kept.client)
    if client is None:
        raise Refusal(refusals.TOKEN)
    told = claims.told(
        kept.identity, client, kept.scopes, kept.claims & frozenset(Claim), salts=broker.signer.salts, now=now
    )
    return userinfo.answer(told, client, issuer=broker.issuer, signer=broker.signer, now=now)


async def introspect(broker: Broker, call: Call) -> Effect:
    """POST /introspect (RFC 7662)."""
    client, parameters = await broker.client_of(call)
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
    client, parameters = await broker.client_of(call)
    await broker.store.revoke_token(introspection.token_asked(parameters), client.id)
    return Text(200)


ROUTES: Final = {
    ("POST", "/token"): token,
    ("GET", "/userinfo"): userinfo_answer,
    ("POST", "/userinfo"): userinfo_answer,
    ("POST", "/introspect"): introspect,
    ("POST", "/revoke"): revoke,
}
