"""Officers and their tokens, for programs: what the pages of people do, but for how somebody signs in."""

import secrets
from datetime import timedelta
from typing import Any, Final

from proxy.console import api_register_models as m
from proxy.console.api_models import Nothing, RemoveBody
from proxy.console.api_operations import Endpoint, must_be_at_browser
from proxy.console.calls import Call, Mistake, NotFound
from redirect_rules.objects import Kind, Ref, Stored
from redirect_rules.people import Token, digest_of
from redirect_rules.rights import CENTRE, EVERYWHERE, Deed

_LONGEST_NAME: Final = 100


def _person(stored: Stored) -> m.PersonModel:
    body: dict[str, Any] = stored.body
    grants = [m.GrantModel.model_validate(one) for one in body.get("grants", ())]
    return m.PersonModel(actor=stored.ref.id, version=stored.version, name=body.get("name", ""), grants=grants)


def _stored(call: Call) -> Stored:
    with call.desk.store.reading() as workspace:
        stored = workspace.get(Ref(Kind.PERSON, "", call.matched["actor"]))
    if stored is None:
        raise NotFound(call.matched["actor"])
    return stored


def list_people(call: Call, _: None) -> m.PeoplePage:
    """Everybody with their roles."""
    with call.desk.store.reading() as workspace:
        return m.PeoplePage(items=[_person(one) for one in workspace.objects(Kind.PERSON)])


def get_person(call: Call, _: None) -> m.PersonModel:
    """One officer."""
    return _person(_stored(call))


def put_person(call: Call, body: m.PersonBody) -> m.PersonModel:
    """Keep somebody's roles."""
    actor = call.matched["actor"]
    if not actor.isprintable() or actor != actor.strip() or "/" in actor or len(actor) > _LONGEST_NAME:
        raise Mistake(("actor", f"a short name without blanks around it and without /, at most {_LONGEST_NAME}"))
    known = {EVERYWHERE, *(unit.code for unit in call.desk.published().book.localities.new_provinces())}
    if strange := sorted({grant.province for grant in body.grants} - known):
        raise Mistake(("grants", f"{', '.join(strange)}: no province of today; * is everywhere"))
    grants = [
        {"role": grant.role.value} | ({} if grant.province == EVERYWHERE else {"province": grant.province})
        for grant in body.grants
    ]
    kept = {"name": body.name or actor, "grants": grants}
    change = call.change(body.reason)
    return _person(call.office.put(Ref(Kind.PERSON, "", actor), kept, change, seen_version=body.seen_version))


def delete_person(call: Call, body: RemoveBody) -> Nothing:
    """Take all of somebody's roles away, with everything that they sign in with."""
    stored = _stored(call)
    call.office.remove(stored.ref, call.change(body.reason), seen_version=body.seen_version)
    call.desk.people.forget(stored.ref.id, now=call.now)
    return Nothing()


# Tokens


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "actor": token.actor,
        "name": token.name,
        "deeds": sorted(token.deeds),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_on": token.used_on,
        "revoked_at": token.revoked_at,
    }


def _theirs(call: Call) -> list[Token]:
    """One's own; for an administrator everybody's."""
    everybodys = call.person.may(Deed.EDIT_PEOPLE, CENTRE)
    return list(call.desk.people.tokens(None if everybodys else call.person.actor))


def list_tokens(call: Call, _: None) -> m.TokensModel:
    """Tokens, never their secrets."""
    return m.TokensModel(items=[m.TokenModel(**_token(one)) for one in _theirs(call)])


def make_token(call: Call, body: m.TokenBody) -> m.FreshTokenModel:
    """A new token; only somebody at a browser makes one."""
    must_be_at_browser(call)
    deeds = frozenset(body.deeds)
    if Deed.EDIT_PEOPLE in deeds:
        raise Mistake(("deeds", "no token makes administrators: leave edit-people out"))
    if strange := sorted(deed for deed in deeds if not call.person.may_somewhere(deed)):
        raise Mistake(("deeds", f"{', '.join(strange)}: no role of yours gives this"))
    secret = f"dvc_{secrets.token_urlsafe(32)}"
    ends = call.now + timedelta(days=body.days)
    token = Token(secrets.token_hex(6), call.person.actor, body.name, digest_of(secret), deeds, call.now, ends)
    call.desk.people.put_token(token)
    return m.FreshTokenModel(**_token(token), secret=secret)


def revoke_token(call: Call, _: None) -> Nothing:
    """Let a token open nothing any more: also one that finds itself stolen."""
    if call.matched["id"] not in {token.id for token in _theirs(call)}:
        raise NotFound(call.matched["id"])
    call.desk.people.revoke(call.matched["id"], at=call.now)
    return Nothing()


_PEOPLE: Final = Deed.EDIT_PEOPLE
ENDPOINTS: Final = (
    Endpoint("GET", "/people", "Everybody with their roles", _PEOPLE, list_people, m.PeoplePage),
    Endpoint("GET", "/people/{actor}", "An officer", _PEOPLE, get_person, m.PersonModel),
    Endpoint("PUT", "/people/{actor}", "Keep somebody's roles", _PEOPLE, put_person, m.PersonModel, body=m.PersonBody),
    Endpoint("DELETE", "/people/{actor}", "Remove somebody", _PEOPLE, delete_person, Nothing, body=RemoveBody),
    Endpoint("GET", "/tokens", "API tokens", Deed.SEE, list_tokens, m.TokensModel),
    Endpoint(
        "POST",
        "/tokens",
        "Make a token",
        Deed.SEE,
        make_token,
        m.FreshTokenModel,
        body=m.TokenBody,
        status=201,
        secret=True,
    ),
    Endpoint("DELETE", "/tokens/{id}", "Revoke a token", Deed.SEE, revoke_token, Nothing),
)
