"""People, their roles and how they sign in; one's own account; API tokens."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from proxy.console import passwords
from proxy.console.calls import Answer, Call, GoTo, NotFound, Route, Show
from proxy.console.passwords import WeakPassword
from proxy.console.views import Wrong
from proxy.qr import Qr, qr
from redirect_rules import invitations
from redirect_rules.objects import NEW, Kind, Ref, Stored
from redirect_rules.people import Invitation, Link, Password, Token, digest_of
from redirect_rules.rights import CENTRE, DEEDS, EVERYWHERE, Deed, Role

LONGEST_TOKEN_DAYS: Final = 366
_GRANT_ROWS: Final = 6


@dataclass(frozen=True, slots=True)
class People:
    """Everybody."""

    people: Sequence[tuple[str, str, Sequence[tuple[str, str]], str]]  # actor, name, (role, province) pairs, a way in
    provinces: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PersonForm:
    """Somebody's roles."""

    actor: str
    name: str
    grants: Sequence[tuple[str, str]]
    version: int
    provinces: Sequence[tuple[str, str]]
    is_new: bool
    has_password: bool
    takes_password: bool = True  # whether passwords are good for anything
    by_broker: bool = False  # whether anybody can sign in by the broker
    link: Link | None = None
    invitation: Invitation | None = None
    fresh: str = ""  # the link of a new invitation, shown once
    code: str = ""  # its code
    reason: str = ""
    wrong: Wrong = ()


@dataclass(frozen=True, slots=True)
class Account:
    """One's own page."""

    actor: str
    roles: Sequence[tuple[str, str]]
    has_password: bool
    has_totp: bool
    linked_at: datetime | None = None  # since when the broker knows them
    secret: str = field(default="", repr=False)  # being set up
    code_image: Qr | None = None
    wrong: Wrong = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """API tokens."""

    tokens: Sequence[Token]
    deeds: Sequence[Deed]
    fresh: str = field(default="", repr=False)  # shown once
    everybodys: bool = False
    now: datetime | None = None
    wrong: Wrong = ()


# People


def _provinces(call: Call) -> dict[str, str]:
    units = call.desk.published().book.localities.new_provinces()
    return {unit.code: unit.name for unit in units}


def show_all(call: Call) -> Answer:
    """Everybody with their roles."""
    with call.desk.store.reading() as workspace:
        stored = list(workspace.objects(Kind.PERSON))
    linked = {link.actor for link in call.desk.people.links()}
    invited = {one.actor for one in call.desk.people.invited(now=call.now)}

    def way_in(actor: str) -> str:
        if actor in linked:
            return "linked"
        return "invited" if actor in invited else "none"

    people = [(one.ref.id, one.body.get("name", ""), _grants(one.body), way_in(one.ref.id)) for one in stored]
    return Show("people.html", People(people, _provinces(call)))


def _grants(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["role"], one.get("province", EVERYWHERE)) for one in body.get("grants", ())]


def show_one(call: Call) -> Answer:
    """Somebody's form; of "new" an empty one."""
    actor = call.matched["actor"]
    if actor == "new":
        return Show("person.html", _form(call, None, ""))
    stored = _person(call, actor)
    if stored is None:
        raise NotFound(actor)
    return Show("person.html", _form(call, stored, actor))


def _person(call: Call, actor: str) -> Stored | None:
    with call.desk.store.reading() as workspace:
        return workspace.get(Ref(Kind.PERSON, "", actor))


def _are_passwords_good(call: Call) -> bool:
    """Whether a password signs anybody in, apart from one that was opened for a while."""
    settings = call.desk.settings.console
    if not settings.by_broker or settings.passwords == "keep":
        return True
    return call.desk.people.passwords_closed_at() is None


def _form(call: Call, stored: Stored | None, actor: str) -> PersonForm:
    body = stored.body if stored else {}
    people, settings = call.desk.people, call.desk.settings.console
    return PersonForm(
        actor=actor,
        name=body.get("name", ""),
        grants=[*_grants(body), *[("", "")] * _GRANT_ROWS][:_GRANT_ROWS],
        version=stored.version if stored else NEW,
        provinces=[(EVERYWHERE, "*"), *_provinces(call).items()],
        is_new=stored is None,
        has_password=bool(actor) and people.password(actor) is not None,
        takes_password=_are_passwords_good(call),
        by_broker=settings.by_broker,
        link=next((one for one in people.links() if one.actor == actor), None),
        invitation=next((one for one in people.invited(now=call.now) if one.actor == actor), None),
    )


def save(call: Call) -> Answer:
    """Keep somebody's roles."""
    is_new = call.matched["actor"] == "new"
    actor = call.form.get("actor") if is_new else call.matched["actor"]
    grants = [
        (role, province)
        for role, province in zip(call.form.all("role"), call.form.all("province"), strict=False)
        if role
    ]
    known = _provinces(call)
    wrong: list[tuple[str, str]] = []
    if not actor or not actor.isprintable() or actor != actor.strip() or "/" in actor or len(actor) > 100:
        wrong.append(("actor", "actor"))
    if any(role not in set(Role) or province not in {EVERYWHERE, *known} for role, province in grants):
        wrong.append(("role", "required"))
    if not (reason := call.form.get("reason")):
        wrong.append(("reason", "required"))
    password = call.form.raw("password")
    hashed = ""
    if password:
        try:
            hashed = passwords.hash_of(password, actor=actor)
        except WeakPassword as weak:
            wrong.append(("password", str(weak)))
    administrators = {role for role, province in grants if province == EVERYWHERE}
    if actor == call.person.actor and Role.ADMINISTRATOR.value not in administrators:
        wrong.append(("role", "own-role"))
    if wrong:
        form = _form(call, None if is_new else _person(call, actor), actor)
        rows = [*grants, *[("", "")] * _GRANT_ROWS][:_GRANT_ROWS]
        typed = replace(form, name=call.form.get("name"), grants=rows, is_new=is_new, reason=reason, wrong=tuple(wrong))
        return Show("person.html", typed, 422)
    body = {
        "name": call.form.get("name") or actor,
        "grants": [
            {"role": role} if province == EVERYWHERE else {"role": role, "province": province}
            for role, province in grants
        ],
    }
    seen = NEW if is_new else call.form.number("version", 0, least=0, most=10**8)
    call.office.put(Ref(Kind.PERSON, "", actor), body, call.change(reason), seen_version=seen)
    if hashed:
        call.desk.people.keep_password(Password(actor, hashed))
    # With the broker a new person is good for nothing yet: their page has the button that invites them.
    goes_on = is_new and call.desk.settings.console.by_broker
    return GoTo(f"/people/{quote(actor)}" if goes_on else "/people", "person-saved", {"actor": actor})


def remove(call: Call) -> Answer:
    """Take all of somebody's roles, passwords and tokens away."""
    actor, reason = call.matched["actor"], call.form.get("reason")
    if not reason or actor == call.person.actor:
        return GoTo(f"/people/{actor}", "reason-missing")
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.office.remove(Ref(Kind.PERSON, "", actor), call.change(reason), seen_version=seen)
    call.desk.people.forget(actor, now=call.now)
    return GoTo("/people", "person-removed", {"actor": actor})


def invite(call: Call) -> Answer:
    """A link, shown this once, with which somebody's first sign-in by the broker makes them this person."""
    actor, reason = call.matched["actor"], call.form.get("invite-reason")
    stored = _person(call, actor)
    if stored is None or not call.desk.settings.console.by_broker:
        raise NotFound(actor)
    if not reason:
        wrong = (("invite-reason", "required"),)
        return Show("person.html", replace(_form(call, stored, actor), wrong=wrong), 422)
    code = invitations.new_code(secrets.choice)
    invitations.invite(call.person, call.desk.people, actor, code, call.change(reason))
    link = f"{call.desk.settings.console.public}/invitation?{urlencode({'code': code})}"
    return Show("person.html", replace(_form(call, stored, actor), fresh=link, code=code))


def unlink(call: Call) -> Answer:
    """Let the broker open nothing for somebody any more."""
    actor, reason = call.matched["actor"], call.form.get("unlink-reason")
    stored = _person(call, actor)
    if stored is None:
        raise NotFound(actor)
    if not reason:
        wrong = (("unlink-reason", "required"),)
        return Show("person.html", replace(_form(call, stored, actor), wrong=wrong), 422)
    invitations.unlink(call.person, call.desk.people, actor, call.change(reason))
    return GoTo(f"/people/{quote(actor)}", "person-unlinked", {"actor": actor})


# One's own account


def show_account(call: Call) -> Answer:
    """What one may do, and how one signs in."""
    return Show("account.html", _account(call))


def _account(call: Call, wrong: Wrong = ()) -> Account:
    kept = call.desk.people.password(call.person.actor)
    roles = sorted((grant.role.value, grant.province) for grant in call.person.grants)
    link = next((one for one in call.desk.people.links() if one.actor == call.person.actor), None)
    return Account(
        call.person.actor,
        roles,
        kept is not None and (kept.open_until is not None or _are_passwords_good(call)),
        bool(kept and kept.totp),
        link.linked_at if link else None,
        wrong=wrong,
    )


def change_password(call: Call) -> Answer:
    """A new password, for whoever knows the old one; everybody else with it is signed out, this browser too."""
    people, actor = call.desk.people, call.person.actor
    kept = people.password(actor)
    verdict = passwords.judge(kept, call.form.raw("old"), now=call.now)
    if not verdict.ok or kept is None:
        if kept is not None:
            people.count_failure(actor, locked_until=verdict.locked_until)
        return Show("account.html", _account(call, (("old", "wrong-password"),)), 422)
    try:
        hashed = passwords.hash_of(call.form.raw("new"), actor=actor)
    except WeakPassword as weak:
        return Show("account.html", _account(call, (("new", str(weak)),)), 422)
    people.keep_password(replace(kept, hash=hashed, failures=0, locked_until=None))
    return GoTo("/sign-in", "password-changed")


def begin_totp(call: Call) -> Answer:
    """A new secret for the telephone; it counts when a code of it has been typed."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    image = qr(passwords.totp_address(secret, call.person.actor))
    return Show("account.html", replace(_account(call), secret=secret, code_image=image))


def keep_totp(call: Call) -> Answer:
    """The code was typed: from now on it is asked for."""
    people, secret = call.desk.people, call.form.get("secret")
    kept = people.password(call.person.actor)
    try:
        step = passwords.totp_agrees(secret, call.form.get("code"), now=call.now)
    except ValueError:
        step = None
    if kept is None or step is None:
        return Show("account.html", _account(call, (("code", "totp-wrong"),)), 422)
    people.keep_password(replace(kept, totp=secret, last_step=step))
    return GoTo("/sign-in", "totp-on")


# Tokens


def show_tokens(call: Call) -> Answer:
    """One's own tokens; for an administrator everybody's."""
    return Show("tokens.html", _tokens(call))


def _tokens(call: Call, *, fresh: str = "", wrong: Wrong = ()) -> Tokens:
    everybodys = call.person.may(Deed.EDIT_PEOPLE, CENTRE)
    found = call.desk.people.tokens(None if everybodys else call.person.actor)
    theirs = {deed for grant in call.person.grants for deed in DEEDS[grant.role]}
    deeds = [deed for deed in Deed if deed in theirs and deed is not Deed.EDIT_PEOPLE]
    return Tokens(found, deeds, fresh, everybodys, call.now, wrong)


def make_token(call: Call) -> Answer:
    """A new token, shown this once."""
    name, days = call.form.get("name"), call.form.number("days", 0, least=0, most=10_000)
    deeds = frozenset(Deed(one) for one in call.form.all("deed") if one in set(Deed)) - {Deed.EDIT_PEOPLE}
    wrong: list[tuple[str, str]] = []
    if not name or len(name) > 100:
        wrong.append(("name", "required"))
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        wrong.append(("days", "token-days"))
    if not deeds:
        wrong.append(("deed", "required"))
    if wrong:
        return Show("tokens.html", _tokens(call, wrong=tuple(wrong)), 422)
    secret = f"dvc_{secrets.token_urlsafe(32)}"
    id_ = secrets.token_hex(6)
    ends = call.now + timedelta(days=days)
    call.desk.people.put_token(Token(id_, call.person.actor, name, digest_of(secret), deeds, call.now, ends))
    return Show("tokens.html", _tokens(call, fresh=secret))


def revoke_token(call: Call) -> Answer:
    """Let a token open nothing any more."""
    everybodys = call.person.may(Deed.EDIT_PEOPLE, CENTRE)
    theirs = {token.id for token in call.desk.people.tokens(None if everybodys else call.person.actor)}
    if call.matched["id"] not in theirs:
        raise NotFound(call.matched["id"])
    call.desk.people.revoke(call.matched["id"], at=call.now)
    return GoTo("/tokens", "token-revoked")


ROUTES: Final = (
    Route("GET", "/people", show_all, Deed.EDIT_PEOPLE),
    Route("GET", "/people/{actor}", show_one, Deed.EDIT_PEOPLE),
    Route("POST", "/people/{actor}", save, Deed.EDIT_PEOPLE),
    Route("POST", "/people/{actor}/remove", remove, Deed.EDIT_PEOPLE),
    Route("POST", "/people/{actor}/invite", invite, Deed.EDIT_PEOPLE),
    Route("POST", "/people/{actor}/unlink", unlink, Deed.EDIT_PEOPLE),
    Route("GET", "/account", show_account),
    Route("POST", "/account/password", change_password),
    Route("POST", "/account/code", begin_totp),
    Route("POST", "/account/code/keep", keep_totp),
    Route("GET", "/tokens", show_tokens),
    Route("POST", "/tokens", make_token),
    Route("POST", "/tokens/{id}/revoke", revoke_token),
)
