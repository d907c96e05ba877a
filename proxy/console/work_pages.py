"""Long work: begun on one page, looked at on its own, whoever comes back to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from proxy.console.calls import Answer, Call, GoTo, NotFound, Route, Show
from proxy.console.work import Request, Status, wanted
from redirect_rules.rights import Deed

AGAIN_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work."""

    request: Request
    status: Status
    result: Mapping[str, Any]
    again: int  # seconds after which to look again; 0: it has ended
    may_stop: bool


@dataclass(frozen=True, slots=True)
class Pieces:
    """All that are kept."""

    pieces: Sequence[tuple[Request, Status]]


def begin(call: Call, kind: str, title: str, *, upload: bytes | None = None, **parameters: Any) -> GoTo:
    """Begin a piece, and go to its page."""
    request = wanted(kind, title, call.person.actor, call.now, uuid4().hex[:12], **parameters)
    return GoTo(f"/jobs/{call.desk.workshop.begin(request, upload=upload)}")


def show(call: Call) -> Answer:
    """How far a piece is, or what came of it."""
    request = _request(call)
    status = call.desk.workshop.status(request.id)
    view = Piece(
        request,
        status,
        call.desk.workshop.result(request.id) if status.state == "done" else {},
        0 if status.ended else AGAIN_SECONDS,
        may_stop=not status.ended and _may_stop(call, request),
    )
    return Show("work.html", view)


def show_all(call: Call) -> Answer:
    """The last pieces."""
    shop = call.desk.workshop
    return Show("works.html", Pieces([(request, shop.status(request.id)) for request in shop.all()]))


def stop(call: Call) -> Answer:
    """Break a piece off."""
    request = _request(call)
    if not _may_stop(call, request):
        call.must(Deed.EDIT_PEOPLE)
    call.desk.workshop.stop(request.id)
    return GoTo(f"/jobs/{request.id}", "stopped")


def _request(call: Call) -> Request:
    request = call.desk.workshop.request(call.matched["id"])
    if request is None:
        raise NotFound(call.matched["id"])
    return request


def _may_stop(call: Call, request: Request) -> bool:
    return request.actor == call.person.actor or call.person.may(Deed.EDIT_PEOPLE, "")


ROUTES: Final = (
    Route("GET", "/jobs", show_all),
    Route("GET", "/jobs/{id}", show),
    Route("POST", "/jobs/{id}/stop", stop),
)
