"""Systems that people sign in for, for programs: asked for by one, agreed to by another, as on the pages.

No answer holds a secret but the one that made it, and that answer is kept for nobody.
"""

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from proxy.console import api_sign_in_models as m
from proxy.console import client_register_pages, clientele, sign_in_health, sign_in_store
from proxy.console.api_models import Model
from proxy.console.api_operations import CSV, Endpoint
from proxy.console.calls import Call, Download, Fields, Mistake, NotFound
from proxy.console.clientele import Entry
from proxy.console.clients_pages import entry_of, fits, province_names
from proxy.console.codes_pages import LONGEST, Happened, happened
from proxy.console.sign_in_store import Queue
from proxy.sign_in_codes import Meaning, meaning, meanings
from redirect_rules.enrolment import Enrolment, Record
from redirect_rules.objects import Revision, Stored
from redirect_rules.publications import WrongState
from redirect_rules.rights import CENTRE, Deed
from sso.client_folder import without_defaults
from sso.clients import secret_digest

_DIGESTS: Final = "secret_digests"
_CENTRAL: Final = ("sector", "aliases")
"""Keys that join systems: what they hold decides who can put together what two provinces know."""
_IN_WORDS: Final = {
    "client-taken": "another province has a system of this id",
    "client-portals-foreign": "no portals, or not of this province: name those that lie in it",
    "client-unknown": "there is no such service to sign in at",
    "client-sector-foreign": "a system of another province has this sector: only the centre lets them share it",
}


def _shown(record: Record | None) -> dict[str, Any] | None:
    """A record without what tells anything of its secrets."""
    return None if record is None else {key: value for key, value in record.items() if key != _DIGESTS}


def _count(record: Record | None) -> int:
    return len((record or {}).get(_DIGESTS, ()))


def _client(entry: Entry) -> m.ClientModel:
    return m.ClientModel(
        id=entry.id,
        province=entry.province,
        state=cast("Any", entry.state),
        version=entry.version,
        record=_shown(entry.record),
        secrets=_count(entry.record),
        wanted=_shown(entry.wanted),
        wanted_secrets=_count(entry.wanted),
        asked_by=entry.asked_by,
        asked_at=entry.asked_at,
        since=entry.since,
        in_force=entry.in_force,
    )


def list_clients(call: Call, query: m.ClientsQuery) -> m.ClientsModel:
    """Clients that fit."""
    asked = query.model_dump()
    return m.ClientsModel(items=[_client(one) for one in clientele.everybody(call.desk) if fits(one, asked)])


def get_client(call: Call, _: None) -> m.ClientModel:
    """One client."""
    return _client(entry_of(call))


def get_client_history(call: Call, _: None) -> m.ClientHistoryModel:
    """What was done with a client."""
    with call.desk.store.reading() as workspace:
        revisions = workspace.history(entry_of(call).ref)
    return m.ClientHistoryModel(items=[_step(one) for one in revisions[::-1]])


def _step(revision: Revision) -> m.ClientStepModel:
    enrolment = Enrolment.of(revision.body or {})
    return m.ClientStepModel(
        version=revision.version,
        at=revision.at,
        actor=revision.actor,
        reason=revision.reason,
        did=enrolment.did,
        record=_shown(enrolment.wanted if enrolment.did == "asked" else enrolment.serving),
    )


# What is asked for


def ask_for_client(call: Call, body: m.ClientBody) -> m.FreshClientModel:
    """Want a client as a record says."""
    there = clientele.one(call.desk, call.matched["id"])
    entry = there or Entry(call.matched["id"], _province(call, body))
    call.must(Deed.EDIT_CLIENTS, entry.province)
    if there is not None and body.province not in {None, entry.province}:
        raise Mistake(("province", "a system stays where it is: leave it out"))
    record, secret = _record(call, entry, body.record), ""
    _must_be_sound(call, entry, record)
    if clientele.by_secret(record) and not record.get(_DIGESTS):
        secret = secrets.token_urlsafe(32)
        record[_DIGESTS] = [secret_digest(secret)]
    return _fresh(_asked(call, entry, record, body), secret)


def _province(call: Call, body: m.ClientBody) -> str:
    if body.province is None:
        raise Mistake(("province", "say where the new system lies; empty: in no province"))
    if body.province != CENTRE and body.province not in province_names(call):
        raise Mistake(("province", f"{body.province}: no province of today"))
    return body.province


def _record(call: Call, entry: Entry, given: Record) -> dict[str, Any]:
    """What was sent, with what nobody sends: the secrets that there are."""
    try:
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # half a letter, or a number that is none
        raise Mistake(("record", f"this cannot be kept: {error}")) from None
    if _DIGESTS in given:
        raise Mistake((f"record.{_DIGESTS}", "leave it out: the console makes secrets, and those there are stay"))
    if given.get("id", entry.id) != entry.id:
        raise Mistake(("record.id", f"it is {entry.id!r} in the address: give the same, or leave it out"))
    base = entry.latest
    record = without_defaults({"sector": base.get("sector") or entry.id, **given, "id": entry.id})
    if not call.person.may(Deed.EDIT_CLIENTS, CENTRE):
        customary = {"sector": entry.id, **base}
        if wrong := [key for key in _CENTRAL if record.get(key) != customary.get(key)]:
            raise Mistake(*((f"record.{key}", "leave it as it is: only the centre changes it") for key in wrong))
    if clientele.by_secret(record) and base.get(_DIGESTS):
        record[_DIGESTS] = [*base[_DIGESTS]]
    return record


def _must_be_sound(call: Call, entry: Entry, record: Record) -> None:
    """Raise Mistake for a record that may not serve, as far as the world is today."""
    found = clientele.objections(call.desk, call.person, entry.province, record)
    if found:
        raise Mistake(*((f"record.{key}", _IN_WORDS.get(text, text)) for key, text in found))


def _asked(call: Call, entry: Entry, record: Record, body: m.StepBody | m.ClientBody) -> m.ClientModel:
    stored = call.office.ask_for_client(entry.ref, record, call.change(body.reason), seen_version=body.seen_version)
    if Enrolment.of(stored.body).wanted is None:  # a new name alone
        _put_into_force(call, stored)
    return _client(clientele.one(call.desk, entry.id) or entry)


def _fresh(client: m.ClientModel, secret: str) -> m.FreshClientModel:
    return m.FreshClientModel(**client.model_dump(), secret=secret or None)


def _put_into_force(call: Call, stored: Stored) -> None:
    with suppress(OSError):  # what was agreed on stays so; `in_force` tells that the file has yet to be written
        clientele.put_into_force(call.desk, stored.ref)


def _wish(call: Call, body: m.StepBody, made: Callable[[Entry], dict[str, Any]]) -> m.ClientModel:
    """What is wanted of a client that there is."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    record = made(entry)
    _must_be_sound(call, entry, record)
    return _asked(call, entry, record, body)


def resume_client(call: Call, body: m.StepBody) -> m.ClientModel:
    """Ask that a client come back into service."""

    def again(entry: Entry) -> dict[str, Any]:
        if not entry.suspended:
            raise WrongState("it was not taken out of service")
        return dict(entry.record or {})

    return _wish(call, body, again)


def restore_client(call: Call, body: m.EarlierBody) -> m.ClientModel:
    """Ask that a client be again as it was, but for its secrets and keys."""

    def earlier(entry: Entry) -> dict[str, Any]:
        record = clientele.as_it_was(call.desk, entry, body.version)
        if record is None:
            raise NotFound(str(body.version))
        return record

    return _wish(call, body, earlier)


def exchange_secret(call: Call, body: m.SecretBody) -> m.FreshClientModel:
    """Ask for a second secret; or that only the newest stay."""
    secret = "" if body.only_newest else secrets.token_urlsafe(32)

    def exchanged(entry: Entry) -> dict[str, Any]:
        if not clientele.by_secret(entry.latest):
            raise WrongState("it proves who it is by keys: it has no secret")
        if not secret:
            return clientele.with_newest_secret(entry.latest)
        return clientele.with_another_secret(entry.latest, secret_digest(secret))

    return _fresh(_wish(call, body, exchanged), secret)


# What is answered


def _answered(call: Call, step: Callable[[Entry], Stored]) -> m.ClientModel:
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    _put_into_force(call, step(entry))
    return _client(clientele.one(call.desk, entry.id) or entry)


def agree_to_client(call: Call, body: m.StepBody) -> m.ClientModel:
    """Say yes to what somebody else wants."""

    def agree(entry: Entry) -> Stored:
        if entry.wanted is not None:  # the world may have changed since it was asked for
            _must_be_sound(call, entry, entry.wanted)
        return call.office.agree_to_client(entry.ref, call.change(body.reason), seen_version=body.seen_version)

    return _answered(call, agree)


def decline_client(call: Call, body: m.StepBody) -> m.ClientModel:
    """Say no, or withdraw one's own wish."""
    change = call.change(body.reason)
    return _answered(call, lambda entry: call.office.decline_client(entry.ref, change, seen_version=body.seen_version))


def suspend_client(call: Call, body: m.StepBody) -> m.ClientModel:
    """Take a client out of service at once."""
    change = call.change(body.reason)
    return _answered(
        call,
        lambda entry: call.office.suspend_client(
            entry.ref, change, seen_version=body.seen_version, record=entry.record
        ),
    )


def write_out_client(call: Call, _: None) -> m.ClientModel:
    """Write down for the edge once more what was agreed on."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    with suppress(OSError):
        clientele.put_into_force(call.desk, entry.ref)
    return _client(clientele.one(call.desk, entry.id) or entry)


# What they are told, what they have yet to hear, what people read out


def _filtered(call: Call, query: m.ReleasesQuery) -> Call:
    """The page's own question: its register is asked for by the same filters."""
    return replace(call, query=Fields([(name, value) for name, value in query.model_dump().items() if value]))


def list_releases(call: Call, query: m.ReleasesQuery) -> m.ReleasesModel:
    """Which client is told what of people, and by what law."""
    found = client_register_pages.releases(_filtered(call, query))
    return m.ReleasesModel(items=[m.ReleaseModel(**asdict(one)) for one in found])


def releases_csv(call: Call, query: m.ReleasesQuery) -> Download:
    """The same as a table."""
    made = client_register_pages.export_table(_filtered(call, query))
    if not isinstance(made, Download):
        raise TypeError("the register gives no file")
    return made


def list_sign_outs(call: Call, _: None) -> m.SignOutsModel:
    """Sign-outs by client, without anything of a person."""
    if not call.desk.settings.sso.issuer:
        return m.SignOutsModel(on=False, items=[])
    return m.SignOutsModel(on=True, items=[_queue(one) for one in sign_in_store.queues(call.desk)])


def _queue(queue: Queue) -> m.SignOutsOfModel:
    return m.SignOutsOfModel(
        client=queue.client,
        waiting=queue.waiting,
        delivered=queue.delivered,
        given_up=queue.given_up,
        oldest=_instant(queue.oldest),
        next_at=_instant(queue.next_at),
        errors=[m.SignOutErrorModel(error=error, count=count) for error, count in queue.errors],
    )


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def list_codes(call: Call, _: None) -> m.CodesModel:
    """Every code that a citizen can read out."""
    return m.CodesModel(items=[_code(one) for one in meanings().values()])


def get_code(call: Call, _: None) -> m.CodeFoundModel:
    """A code, or that of a request."""
    code = call.matched["code"][:LONGEST]
    found = meaning(code)
    events = sign_in_health.events_of(call.desk, found.code if found else code.lower())
    if found is None and not events:
        raise NotFound(code)
    return m.CodeFoundModel(meaning=_code(found) if found else None, events=[_event(happened(one)) for one in events])


def _event(line: Happened) -> m.HappenedModel:
    return m.HappenedModel(**{key: value for key, value in asdict(line).items() if key != "what"})


def _code(one: Meaning) -> m.CodeModel:
    return m.CodeModel(
        code=one.code,
        error=one.error,
        status=one.status,
        description=one.description,
        what=dict(one.what),
        sees=dict(one.sees),
        say=dict(one.say),
    )


_SEE: Final = Deed.SEE
_EDIT: Final = Deed.EDIT_CLIENTS


def _step_of(
    name: str, summary: str, handler: Callable[[Call, Any], m.ClientModel], body: type[m.StepBody] = m.StepBody
) -> Endpoint:
    return Endpoint("POST", f"/clients/{{id}}/{name}", summary, _EDIT, handler, m.ClientModel, body=body)


def _with_secret(
    name: str, summary: str, handler: Callable[[Call, Any], m.FreshClientModel], body: type[Model]
) -> Endpoint:
    path = f"/clients/{{id}}/{name}"
    return Endpoint("POST", path, summary, _EDIT, handler, m.FreshClientModel, body=body, secret=True)


ENDPOINTS: Final = (
    Endpoint("GET", "/clients", "Systems that people sign in for", _SEE, list_clients, m.ClientsModel, m.ClientsQuery),
    Endpoint("GET", "/clients/{id}", "A system that people sign in for", _SEE, get_client, m.ClientModel),
    Endpoint("GET", "/clients/{id}/history", "What was done with it", _SEE, get_client_history, m.ClientHistoryModel),
    _with_secret("requests", "Ask for a system, new or changed", ask_for_client, m.ClientBody),
    _with_secret("secrets", "Ask for a second secret, or the newest alone", exchange_secret, m.SecretBody),
    _step_of("agree", "Agree to what somebody else asked for", agree_to_client),
    _step_of("decline", "Decline or withdraw what was asked for", decline_client),
    _step_of("suspend", "Take it out of service at once", suspend_client),
    _step_of("resume", "Ask that it come back into service", resume_client),
    _step_of("restorations", "Ask that it be as it was", restore_client, m.EarlierBody),
    Endpoint(
        "POST", "/clients/{id}/write-out", "Write its file for the edge again", _EDIT, write_out_client, m.ClientModel
    ),
    Endpoint(
        "GET", "/releases", "What systems are told of people", _SEE, list_releases, m.ReleasesModel, m.ReleasesQuery
    ),
    Endpoint("GET", "/exports/releases.csv", "The same as a file", _SEE, releases_csv, CSV, m.ReleasesQuery),
    Endpoint("GET", "/sign-outs", "Sign-outs that wait", _SEE, list_sign_outs, m.SignOutsModel),
    Endpoint("GET", "/codes", "Codes that citizens read out", _SEE, list_codes, m.CodesModel),
    Endpoint("GET", "/codes/{code}", "What a code means", _SEE, get_code, m.CodeFoundModel),
)
