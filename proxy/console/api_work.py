"""Work that takes longer than a call, for programs: begun by one operation, asked about by another."""

from typing import Any, Final, cast
from uuid import uuid4

from proxy.console.api_models import WorkModel
from proxy.console.api_operations import Endpoint
from proxy.console.calls import Call, NotFound
from proxy.console.work import wanted as work_wanted
from redirect_rules.rights import Deed


def begin(call: Call, kind: str, title: str, *, upload: bytes | None = None, **parameters: Any) -> WorkModel:
    """Begin a piece of work."""
    request = work_wanted(kind, title, call.person.actor, call.now, uuid4().hex[:12], **parameters)
    call.desk.workshop.begin(request, upload=upload)
    return _work(call, request.id)


def get_work(call: Call, _: None) -> WorkModel:
    """How far work is."""
    return _work(call, call.matched["id"])


def _work(call: Call, id_: str) -> WorkModel:
    request = call.desk.workshop.request(id_)
    if request is None:
        raise NotFound(id_)
    status = call.desk.workshop.status(id_)
    return WorkModel(
        id=id_,
        kind=request.kind,
        title=request.title,
        actor=request.actor,
        begun_at=request.begun_at,
        state=cast("Any", status.state),
        stage=status.stage,
        done=status.done,
        error=status.error,
        result=call.desk.workshop.result(id_) if status.state == "done" else {},
    )


ENDPOINTS: Final = (Endpoint("GET", "/jobs/{id}", "Work under way", Deed.SEE, get_work, WorkModel),)
