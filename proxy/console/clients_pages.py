"""Systems that people sign in for: all of them, one with its history, and every step that one or two people take."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from proxy.console import client_trials, clientele, sign_in_health
from proxy.console.calls import Answer, Call, GoTo, NotFound, Route, Show
from proxy.console.client_forms import Difference, differences, in_words, said, told
from proxy.console.client_snippets import Place, Snippet, snippets
from proxy.console.client_trials import Trial
from proxy.console.clientele import Entry
from proxy.console.views import Wrong
from proxy.console.work import wanted
from redirect_rules.enrolment import Enrolment, Record
from redirect_rules.objects import Revision, Stored
from redirect_rules.publications import FourEyes, WrongState
from redirect_rules.rights import CENTRE, Deed, Person, Province
from sso.clients import ClientTable, secret_digest


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A line of the list."""

    entry: Entry
    last_sign_in: datetime | None
    trial: Trial | None


@dataclass(frozen=True, slots=True)
class Clients:
    """The list."""

    rows: Sequence[ClientRow]
    provinces: Sequence[tuple[str, str]]
    names: dict[str, str]  # of provinces
    counts: dict[str, int]  # by state
    asked: dict[str, str]  # filters
    may_add: bool
    on: bool  # whether anybody signs in here


@dataclass(frozen=True, slots=True)
class Fact:
    """A key of a record with what it says."""

    key: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody did with a client."""

    version: int
    at: datetime
    actor: str
    reason: str
    did: str
    changes: Sequence[Difference]
    again: bool  # whether it can be asked for again


@dataclass(frozen=True, slots=True)
class ClientPage:
    """One client."""

    entry: Entry
    province: str
    facts: Sequence[Fact]
    changes: Sequence[Difference]  # what waits for an answer
    history: Sequence[Step]
    snippets: Sequence[Snippet]
    trial: Trial | None
    last_sign_in: datetime | None
    may_edit: bool
    may_agree: bool
    may_try: bool
    link: str = ""  # with which somebody tries it in a browser of their own
    secret: str = ""  # shown once
    reason: str = ""
    wrong: Wrong = ()


def province_names(call: Call) -> dict[str, str]:
    """The provinces of today by their codes."""
    units = call.desk.published().book.localities.new_provinces()
    return {unit.code: unit.name for unit in units}


def entry_of(call: Call) -> Entry:
    """The client that a page is about.  Raises NotFound."""
    entry = clientele.one(call.desk, call.matched["id"])
    if entry is None:
        raise NotFound(call.matched["id"])
    return entry


# All of them


def show_all(call: Call) -> Answer:
    """Every client, as far as the filters let it through."""
    asked = {name: call.query.get(name) for name in ("province", "state", "word")}
    seen = sign_in_health.last_sign_ins(call.desk)
    entries = clientele.everybody(call.desk)
    states = [entry.state for entry in entries]
    rows = [
        ClientRow(entry, seen.get(entry.id), client_trials.last(call.desk, entry.id))
        for entry in entries
        if fits(entry, asked)
    ]
    names = province_names(call)
    view = Clients(
        rows=rows,
        provinces=[*names.items()],
        names=names,
        counts={state: states.count(state) for state in ("serving", "changing", "waiting", "suspended")},
        asked=asked,
        may_add=call.person.may_somewhere(Deed.EDIT_CLIENTS),
        on=bool(call.desk.settings.sso.issuer),
    )
    return Show("clients.html", view)


def fits(entry: Entry, asked: Mapping[str, str]) -> bool:
    """Whether a client passes the filters `province` (or "centre"), `state` and `word`; an empty one lets all by."""
    word = asked["word"].casefold()
    return (
        (not asked["province"] or entry.province == asked["province"].replace("centre", CENTRE))
        and (not asked["state"] or entry.state == asked["state"])
        and (not word or word in f"{entry.id} {entry.name}".casefold())
    )


# One of them


def show_one(call: Call) -> Answer:
    """One client: what it is told, what waits, what happened."""
    return Show("client.html", page_of(call, entry_of(call)))


def page_of(call: Call, entry: Entry, *, secret: str = "", reason: str = "", wrong: Wrong = ()) -> ClientPage:
    """Everything about one client."""
    may_edit = call.person.may(Deed.EDIT_CLIENTS, entry.province)
    names = province_names(call)
    return ClientPage(
        entry=entry,
        province=names.get(entry.province, ""),
        facts=facts(entry.record or entry.latest),
        changes=differences(entry.record, entry.wanted) if entry.wanted is not None else (),
        history=_history(call, entry),
        snippets=_snippets(call, entry),
        trial=client_trials.last(call.desk, entry.id),
        last_sign_in=sign_in_health.last_sign_ins(call.desk).get(entry.id),
        may_edit=may_edit,
        may_agree=may_edit and entry.wanted is not None and not _same(entry.asked_by, call.person),
        may_try=may_edit and client_trials.possible(call.desk) and entry.state in {"serving", "changing"},
        link=client_trials.link(call.desk, entry.id) if may_edit and entry.state in {"serving", "changing"} else "",
        secret=secret,
        reason=reason,
        wrong=wrong,
    )


def _same(actor: str, person: Person) -> bool:
    return actor.strip().casefold() == person.actor.strip().casefold()


def facts(record: Record) -> list[Fact]:
    """What a record says, in the order of the manual."""
    whole = told(record)
    found = [(key, said(key, whole.get(key))) for key in ClientTable.model_fields]
    return [Fact(key, values) for key, values in found if values and key not in {"id", "name"}]


def _history(call: Call, entry: Entry) -> list[Step]:
    with call.desk.store.reading() as workspace:
        revisions = workspace.history(entry.ref)
    steps: list[Step] = []
    before: Revision | None = None
    for revision in revisions:
        steps.append(_step(revision, before))
        before = revision
    return steps[::-1]


def _step(revision: Revision, before: Revision | None) -> Step:
    now = Enrolment.of(revision.body or {})
    then = Enrolment.of(before.body or {}) if before is not None else Enrolment()
    changes = differences(then.serving, now.wanted if now.did == "asked" else now.serving)
    if now.did == "declined":
        changes = []
    came = now.serving is not None and now.serving != then.serving
    return Step(revision.version, revision.at, revision.actor, revision.reason, now.did, tuple(changes), again=came)


def _snippets(call: Call, entry: Entry) -> list[Snippet]:
    portals = {portal.id: portal for portal in call.desk.published().snapshot.all_portals}
    hosts = [portals[name].hosts[0] for name in entry.latest.get("portals", ()) if name in portals]
    issuer = call.desk.settings.sso.issuer or "https://signin.example.vn"
    return snippets({"id": entry.id, **entry.latest}, issuer, [Place(host) for host in hosts])


# Steps


def ask(call: Call, entry: Entry, record: Record, province: Province, reason: str, *, secret: str = "") -> Answer:
    """Want a client as a record says; a secret is shown this once."""
    seen = call.form.number("version", entry.version, least=0, most=10**9)
    stored = call.desk.office(call.person).ask_for_client(entry.ref, record, call.change(reason), seen_version=seen)
    if Enrolment.of(stored.body).wanted is None:  # a new name alone
        clientele.put_into_force(call.desk, stored.ref)
    if secret:
        after = clientele.one(call.desk, entry.id) or entry
        return Show("client.html", page_of(call, after, secret=secret))
    return GoTo(f"/clients/-/{entry.id}", "client-asked" if Enrolment.of(stored.body).wanted else "saved")


def _answered(call: Call, step: Callable[[Entry, int, str], Stored], notice: str) -> Answer:
    """One of the steps that need a reason and change what serves."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    reason = call.form.get("reason")
    if not reason:
        return Show("client.html", page_of(call, entry, wrong=(("reason", "required"),)), 422)
    try:
        stored = step(entry, call.form.number("version", entry.version, least=0, most=10**9), reason)
    except FourEyes:
        return Show("client.html", page_of(call, entry, reason=reason, wrong=(("reason", "client-four-eyes"),)), 409)
    except WrongState:
        return Show("client.html", page_of(call, entry, reason=reason, wrong=(("reason", "client-state"),)), 409)
    clientele.put_into_force(call.desk, stored.ref)
    return GoTo(f"/clients/-/{entry.id}", notice)


def agree(call: Call) -> Answer:
    """Say yes to what somebody else wants."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    # The world may have changed since it was asked for: an upstream is gone, a portal belongs to somebody else.
    if entry.wanted is not None:
        wrong = in_words(clientele.objections(call.desk, call.person, entry.province, entry.wanted))
        if wrong:
            here = tuple(("reason", text) for _, text in wrong)
            return Show("client.html", page_of(call, entry, reason=call.form.get("reason"), wrong=here), 422)
    return _answered(
        call,
        lambda there, seen, reason: call.office.agree_to_client(there.ref, call.change(reason), seen_version=seen),
        "client-agreed",
    )


def decline(call: Call) -> Answer:
    """Say no, or withdraw one's own wish."""
    return _answered(
        call,
        lambda there, seen, reason: call.office.decline_client(there.ref, call.change(reason), seen_version=seen),
        "client-declined",
    )


def suspend(call: Call) -> Answer:
    """Take a client out of service at once."""
    return _answered(
        call,
        lambda there, seen, reason: call.office.suspend_client(
            there.ref, call.change(reason), seen_version=seen, record=there.record
        ),
        "client-suspended",
    )


def _wish(call: Call, record: Callable[[Entry], dict[str, Any]], *, secret: str = "") -> Answer:
    """A wish that comes from a button, not from the form."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    reason = call.form.get("reason")
    wrong: Wrong = () if reason else (("reason", "required"),)
    asked = record(entry)
    wrong = wrong or in_words(clientele.objections(call.desk, call.person, entry.province, asked))
    if wrong:
        return Show("client.html", page_of(call, entry, reason=reason, wrong=wrong), 422)
    try:
        return ask(call, entry, asked, entry.province, reason, secret=secret)
    except WrongState:
        return Show("client.html", page_of(call, entry, reason=reason, wrong=(("reason", "client-same"),)), 409)


def resume(call: Call) -> Answer:
    """Ask that a client come back into service."""
    return _wish(call, lambda entry: dict(entry.record or {}))


def restore(call: Call) -> Answer:
    """Ask that a client be again as it was, but for its secrets and keys."""
    version = call.form.number("to", 0, least=0, most=10**9)

    def earlier(entry: Entry) -> dict[str, Any]:
        record = clientele.as_it_was(call.desk, entry, version)
        if record is None:
            raise NotFound(str(version))
        return record

    return _wish(call, earlier)


def new_secret(call: Call) -> Answer:
    """Ask for another secret beside the one there is; or that only the newest stay."""
    entry = entry_of(call)
    if not clientele.by_secret(entry.latest):
        raise NotFound("secret")
    if call.form.get("only-newest"):
        return _wish(call, lambda there: clientele.with_newest_secret(there.latest))
    secret = secrets.token_urlsafe(32)
    digest = secret_digest(secret)
    return _wish(call, lambda there: clientele.with_another_secret(there.latest, digest), secret=secret)


def write_out(call: Call) -> Answer:
    """Write down for the edge once more what was agreed on."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    clientele.put_into_force(call.desk, entry.ref)
    return GoTo(f"/clients/-/{entry.id}", "saved")


def try_out(call: Call) -> Answer:
    """Let the test person sign in for a client."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    if not client_trials.possible(call.desk):
        raise NotFound(entry.id)
    request = wanted("sign-in", entry.name, call.person.actor, call.now, secrets.token_hex(6), client=entry.id)
    return GoTo(f"/jobs/{call.desk.workshop.begin(request)}")


ROUTES: Final = (
    Route("GET", "/clients", show_all),
    Route("GET", "/clients/-/{id}", show_one),
    Route("POST", "/clients/-/{id}/agree", agree, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/decline", decline, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/suspend", suspend, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/resume", resume, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/restore", restore, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/secret", new_secret, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/write-out", write_out, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/test", try_out, Deed.EDIT_CLIENTS),
)
