"""Sign-outs that systems have yet to hear of: how many, since when, what went wrong; tried at once, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from proxy.console import clientele, sign_in_store
from proxy.console.calls import Answer, Call, GoTo, NotFound, Route, Show
from proxy.console.sign_in_store import Queue, Step, StoreDown
from proxy.console.views import Wrong
from redirect_rules.objects import NEW, Kind, Ref, Revision
from redirect_rules.rights import CENTRE, Deed

LATE_SECONDS: Final = 3_600
"""What waits longer than that, somebody should look after."""
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class QueueRow:
    """What one client has yet to hear."""

    queue: Queue
    name: str
    oldest: datetime | None
    next_at: datetime | None
    late: bool
    may: bool


@dataclass(frozen=True, slots=True)
class SignOuts:
    """The page."""

    rows: Sequence[QueueRow] = ()
    down: str = ""  # why the store cannot be asked: a key under `store-down.`
    history: Sequence[Revision] = ()
    wrong: Wrong = ()
    reason: str = ""


def show(call: Call) -> Answer:
    """What waits, by client."""
    return Show("client_sign_outs.html", _view(call))


def _view(call: Call, *, reason: str = "", wrong: Wrong = ()) -> SignOuts:
    with call.desk.store.reading() as workspace:
        done = [one.ref for one in workspace.objects(Kind.SIGN_IN) if one.ref.id.startswith("sign-outs:")]
        history = sorted(
            (revision for ref in done for revision in workspace.history(ref)), key=lambda one: one.version, reverse=True
        )[:_SHOWN]
    try:
        queues = sign_in_store.queues(call.desk)
    except StoreDown as down:
        return SignOuts(down=str(down), history=history, wrong=wrong, reason=reason)
    entries = {entry.id: entry for entry in clientele.everybody(call.desk)}
    now = call.now.timestamp()
    rows = []
    for queue in queues:
        entry = entries.get(queue.client)
        province = entry.province if entry is not None else CENTRE
        rows.append(
            QueueRow(
                queue,
                entry.name if entry is not None else queue.client,
                _at(queue.oldest),
                _at(queue.next_at),
                late=queue.oldest is not None and now - queue.oldest > LATE_SECONDS,
                may=call.person.may(Deed.EDIT_CLIENTS, province),
            )
        )
    return SignOuts(rows, history=history, wrong=wrong, reason=reason)


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def move(call: Call) -> Answer:
    """Try everything that waits for a client at once, or give it up: whichever of the two buttons was pressed."""
    client, go = call.matched["id"], call.form.get("go")
    entry = clientele.one(call.desk, client)
    province = entry.province if entry is not None else CENTRE
    call.must(Deed.EDIT_CLIENTS, province)
    if go not in {"again", "give-up"}:
        raise NotFound(go)
    step: Step = "again" if go == "again" else "give-up"
    reason = call.form.get("reason")
    if not reason:
        return Show("client_sign_outs.html", _view(call, wrong=((f"reason-{client}", "required"),)), 422)
    ref = Ref(Kind.SIGN_IN, province, f"sign-outs:{client}")
    try:
        if client not in {queue.client for queue in sign_in_store.queues(call.desk)}:
            raise NotFound(client)
        with call.desk.store.reading() as workspace:
            there = workspace.get(ref)
        # Written down first: nothing is done without a trace.
        body = {"did": step, "client": client}
        call.office.put(ref, body, call.change(reason), seen_version=there.version if there else NEW)
        count = sign_in_store.moved(call.desk, client, step, int(call.now.timestamp()))
    except StoreDown as down:
        return Show("client_sign_outs.html", SignOuts(down=str(down)), 503)
    notice = "sign-outs-again" if step == "again" else "sign-outs-given-up"
    return GoTo("/clients/sign-outs", notice, {"count": str(count)})


ROUTES: Final = (
    Route("GET", "/clients/sign-outs", show),
    Route("POST", "/clients/sign-outs/{id}", move, Deed.EDIT_CLIENTS),
)
