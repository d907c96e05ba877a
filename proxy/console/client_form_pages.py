"""A new client, or another shape of one, in five steps that an engineer of a province understands."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.console import clientele, clients_pages
from proxy.console.calls import Answer, Call, Route, Show
from proxy.console.client_forms import (
    ATTRIBUTES,
    CALLED,
    CHOICES,
    FORMATS,
    LINES,
    STEPS,
    Difference,
    Typed,
    differences,
    in_words,
    reached,
    record_of,
    shown,
    step_of,
    typed_in,
    until,
)
from proxy.console.client_snippets import Snippet, snippets
from proxy.console.clientele import Entry
from proxy.console.clients_pages import entry_of, province_names
from proxy.console.views import Wrong
from redirect_rules.enrolment import Record
from redirect_rules.objects import NEW
from redirect_rules.publications import WrongState
from redirect_rules.rights import CENTRE, EVERYWHERE, Deed, Province
from sso.clients import secret_digest

CENTRE_CODE: Final = "centre"
"""How a form calls what lies in no province."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line of what was typed, judged."""

    value: str
    wrong: str  # a key under `mistake.` or a sentence; "": good


@dataclass(frozen=True, slots=True)
class ClientForm:
    """One step."""

    step: str
    steps: Sequence[str]
    typed: Typed
    hidden: Sequence[tuple[str, str]]
    entry: Entry | None
    version: int
    provinces: Sequence[tuple[str, str]]  # in which the person may add one
    portals: Sequence[tuple[str, str]]
    formats: Sequence[str]
    attributes: Sequence[str]
    choices: Mapping[str, Sequence[str]]
    upstreams: Sequence[str]
    says: Mapping[str, Sequence[Said]]  # of fields with addresses
    differences: Sequence[Difference]
    snippets: Sequence[Snippet]
    alone: bool  # whether nobody else has to agree
    central: bool  # whether the person may do what reaches beyond a province
    wrong: Wrong = ()

    def speaks(self, *formats: str) -> bool:
        """Whether one of these formats was chosen."""
        return any(self.typed.has("formats", one) for one in formats)


def show_new(call: Call) -> Answer:
    """The first step of a new client."""
    provinces = _provinces(call)
    call.must(Deed.EDIT_CLIENTS, *([] if provinces else [CENTRE]))
    typed = shown({}, provinces[0][0] if provinces else CENTRE_CODE)
    return Show("client_form.html", _form(call, None, typed, STEPS[0], {}))


def show_edit(call: Call) -> Answer:
    """The first step of a client that there is; another one where the address says so."""
    entry = entry_of(call)
    call.must(Deed.EDIT_CLIENTS, entry.province)
    step = call.query.get("step")
    typed = shown(entry.latest, entry.province or CENTRE_CODE)
    return Show("client_form.html", _form(call, entry, typed, step if step in STEPS else STEPS[0], entry.latest))


def go_new(call: Call) -> Answer:
    """On to another step, or sent."""
    return _go(call, None)


def go_edit(call: Call) -> Answer:
    """On to another step, or sent."""
    return _go(call, entry_of(call))


def _go(call: Call, entry: Entry | None) -> Answer:
    typed = typed_in(call.form)
    if entry is not None:  # neither can be changed, whatever a form says
        fixed = {"id": (entry.id,), "province": (entry.province or CENTRE_CODE,)}
        typed = Typed({**typed.values, **fixed})
    province = _province(typed)
    if entry is None and province not in {_code(code) for code, _ in _provinces(call)}:
        call.must(Deed.EDIT_CLIENTS, province)  # raises, unless the code is nobody's
        return _again(call, entry, typed, STEPS[0], (("province", "required"),))
    call.must(Deed.EDIT_CLIENTS, province)
    base: Record = entry.latest if entry is not None else {}
    step, go = call.form.get("step"), call.form.get("go")
    step = step if step in STEPS else STEPS[0]
    record = record_of(typed, base)
    if not call.person.may(Deed.EDIT_CLIENTS, CENTRE):
        record["sector"] = base.get("sector") or typed.one("id")
    wrong = _wrong(call, entry, typed, province, record)
    if go == "ask":
        return _asked(call, entry, typed, province, record, wrong)
    if go == "check":
        return Show("client_form.html", _form(call, entry, typed, step, base, until(step, wrong)))
    here = until(step, wrong)
    goal = reached(step, go)
    if here and STEPS.index(goal) > STEPS.index(step):
        return _again(call, entry, typed, step, here)
    return Show("client_form.html", _form(call, entry, typed, goal, base))


def _asked(
    call: Call, entry: Entry | None, typed: Typed, province: Province, record: dict[str, Any], wrong: Wrong
) -> Answer:
    """The wish, complete; a client that proves itself by a secret and has none gets one."""
    reason = typed.one("reason")
    if not reason:
        wrong = (*wrong, ("reason", "required"))
    if wrong:
        return _again(call, entry, typed, STEPS[-1], wrong)
    secret = ""
    if clientele.by_secret(record) and not record.get("secret_digests"):
        secret = secrets.token_urlsafe(32)
        record["secret_digests"] = [secret_digest(secret)]
    there = entry or Entry(str(record["id"]), province)
    try:
        return clients_pages.ask(call, there, record, province, reason, secret=secret)
    except WrongState:
        return _again(call, entry, typed, STEPS[-1], (("reason", "client-same"),))


def _wrong(call: Call, entry: Entry | None, typed: Typed, province: Province, record: Record) -> Wrong:
    found = [*clientele.objections(call.desk, call.person, province, record)]
    if entry is None and clientele.one(call.desk, typed.one("id")) is not None:
        found.append(("id", "client-taken"))
    return in_words(found)


def _again(call: Call, entry: Entry | None, typed: Typed, step: str, wrong: Wrong) -> Answer:
    base = entry.latest if entry is not None else {}
    return Show("client_form.html", _form(call, entry, typed, step, base, wrong), 422)


def _form(call: Call, entry: Entry | None, typed: Typed, step: str, base: Record, wrong: Wrong = ()) -> ClientForm:
    record = record_of(typed, base)
    before = entry.record if entry is not None else None
    changes = differences(before, record) if step == STEPS[-1] else ()
    issuer = call.desk.settings.sso.issuer or "https://signin.example.vn"
    province = _province(typed)
    portals = call.desk.provinces()
    return ClientForm(
        step=step,
        steps=STEPS,
        typed=typed,
        hidden=[*typed.hidden(step)],
        entry=entry,
        version=entry.version if entry is not None else NEW,
        provinces=_provinces(call),
        portals=[
            (portal.id, portal.names.get("vi", portal.id))
            for portal in call.desk.published().snapshot.all_portals
            if portals[portal.id] == province
        ],
        formats=FORMATS,
        attributes=ATTRIBUTES,
        choices=CHOICES,
        upstreams=clientele.upstreams(call.desk),
        says={name: _said(call, record, name, typed) for name in (*LINES, *CALLED)},
        differences=tuple(changes),
        snippets=snippets({"id": "?", **record}, issuer) if step == STEPS[-1] and not wrong else (),
        alone=bool(entry and entry.agreed and entry.state == "serving" and {one.key for one in changes} == {"name"}),
        central=call.person.may(Deed.EDIT_CLIENTS, CENTRE),
        wrong=_with_steps(wrong, step),
    )


def _with_steps(wrong: Iterable[tuple[str, str]], step: str) -> Wrong:
    """Fields of other steps are told at the top of this one: their links lead to the button that goes there."""
    own = {name for name in wrong if step_of(name[0]) == step}
    return tuple((field if (field, text) in own else f"go-{step_of(field)}", text) for field, text in wrong)


def _said(call: Call, record: Record, name: str, typed: Typed) -> list[Said]:
    """Each address that was typed, judged by itself."""
    values = [line.strip() for line in typed.one(name).splitlines() if line.strip()]
    found = []
    for value in values:
        alone = {**record, name: [value] if name in LINES else value}
        words = in_words(pair for pair in clientele.faults(call.desk, alone) if pair[0] == name)
        found.append(Said(value, next((text for field, text in words if field == name), "")))
    return found


def _province(typed: Typed) -> Province:
    return _code(typed.one("province"))


def _code(text: str) -> Province:
    return CENTRE if text == CENTRE_CODE else text


def _provinces(call: Call) -> list[tuple[str, str]]:
    """Where the person may add a client: codes of forms with names; that of the centre is to be named by the page."""
    everywhere = [(CENTRE_CODE, ""), *province_names(call).items()]
    there = call.person.provinces_for(Deed.EDIT_CLIENTS)
    return [pair for pair in everywhere if EVERYWHERE in there or _code(pair[0]) in there]


ROUTES: Final = (
    Route("GET", "/clients/new", show_new, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/new", go_new, Deed.EDIT_CLIENTS),
    Route("GET", "/clients/-/{id}/edit", show_edit, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/-/{id}/edit", go_edit, Deed.EDIT_CLIENTS),
)
