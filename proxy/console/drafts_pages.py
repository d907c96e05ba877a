"""The draft: what it changes, what that does to people, who agrees, and from when; and the way back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Final

from proxy.console.calls import Answer, Call, GoTo, Route, Show
from proxy.console.explain_pages import rule_link
from proxy.console.rules_pages import rule_id
from proxy.console.views import Wrong
from proxy.console.work import Request, Status
from proxy.console.work_pages import begin
from redirect_rules import activation
from redirect_rules.audit import canonical_json
from redirect_rules.model import Switch
from redirect_rules.objects import Change, Kind, Ref, Stored
from redirect_rules.publications import DraftChanged, FourEyes, Published, Review, ReviewState, WrongState
from redirect_rules.publishing import NumberGone, settle
from redirect_rules.rights import CENTRE, Deed
from redirect_rules.schedules import instant
from redirect_rules.snapshot_file import numbers
from redirect_rules.snapshot_seal import SnapshotRefused

MOST_SHOWN: Final = 200
"""Changed objects that are listed; of more, so many."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that the draft changes."""

    ref: Ref
    link: str
    what: str  # "new", "changed", "removed"
    pieces: tuple[tuple[str, str], ...]  # ("same" | "gone" | "come", text)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The page."""

    revision: int
    active: Published | None
    waiting: Sequence[tuple[int, datetime]]
    differences: Sequence[Difference]
    more: bool  # there are more than are shown
    reviews: Sequence[Review]
    works: Sequence[tuple[Request, Status]]
    history: Sequence[tuple[Published, bool]]  # whether its file is still here
    switches: Mapping[str, Switch]
    portals: Sequence[tuple[str, str]]
    four_eyes: bool
    actor: str
    may_ask: bool
    may_approve: bool
    may_publish: bool
    may_roll_back: bool
    may_switch: bool
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """Everything about the draft and what serves."""
    return Show("drafts.html", _view(call))


def _view(call: Call, wrong: Wrong = ()) -> Drafts:
    desk, store = call.desk, call.desk.store
    settle(store, desk.state.snapshots, Change("console", "its instant has come", call.now))
    active = store.publications.active()
    with store.reading() as workspace:
        revision = workspace.revision
        differences, more = _differences(call, active)
    office = call.office
    touched = office.touched()
    there = set(numbers(desk.state.snapshots))
    reviews = [one for one in store.publications.reviews() if one.state in {ReviewState.OPEN, ReviewState.APPROVED}]
    works = [request for request in desk.workshop.all() if request.kind in {"check", "effect", "publish"}][:5]
    switches: Mapping[str, Switch] = {}
    try:
        switches = activation.switches(desk.state.snapshots)
    except SnapshotRefused:
        wrong = (*wrong, ("portal", "switches-unreadable"))
    portals = desk.published().snapshot.all_portals
    return Drafts(
        revision=revision,
        active=active,
        waiting=[(one.number, one.at) for one in activation.pending(desk.state.snapshots)],
        differences=differences,
        more=more,
        reviews=reviews,
        works=[(request, desk.workshop.status(request.id)) for request in works],
        history=[(one, one.number in there) for one in store.publications.snapshots()[:30]],
        switches=switches,
        portals=sorted((one.id, one.names.get(call.language) or one.id) for one in portals),
        four_eyes=desk.state.four_eyes,
        actor=call.person.actor,
        may_ask=call.person.may_somewhere(Deed.EDIT),
        may_approve=call.person.may_all(Deed.APPROVE, touched),
        may_publish=call.person.may_all(Deed.PUBLISH, touched),
        may_roll_back=call.person.may(Deed.ROLL_BACK, CENTRE),
        may_switch=call.person.may_somewhere(Deed.SWITCH),
        wrong=wrong,
    )


def _differences(call: Call, active: Published | None) -> tuple[list[Difference], bool]:
    if active is None:
        return [], False
    with call.desk.store.reading() as workspace:
        changed = workspace.changed_since(active.revision, most=MOST_SHOWN)
        if changed is None:
            return [], True
        refs = sorted((ref for ref in changed if ref.kind.in_draft), key=str)
        now, before = workspace.many(refs), workspace.as_of(refs, active.revision)
    found = [_difference(ref, before.get(ref), now.get(ref)) for ref in refs]
    return [one for one in found if one is not None], False


def _difference(ref: Ref, before: Stored | None, now: Stored | None) -> Difference | None:
    if before is None and now is None:
        return None
    if before is not None and now is not None and (before.text, before.state) == (now.text, now.state):
        return None
    what = "new" if before is None else "removed" if now is None else "changed"
    link = rule_link(rule_id(ref)) if ref.kind is Kind.RULE and now is not None else ""
    return Difference(ref, link, what, tuple(_pieces(_text(before), _text(now))))


def _text(stored: Stored | None) -> list[str]:
    if stored is None:
        return []
    body: dict[str, Any] = {**stored.body, "state": stored.state.value}
    return [f"{name}: {one if isinstance(one, str) else canonical_json(one)}" for name, one in sorted(body.items())]


def _pieces(before: list[str], now: list[str]) -> Iterator[tuple[str, str]]:
    for tag, i, j, k, m in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "same", "\n".join(before[i:j])
        if tag in {"delete", "replace"}:
            yield "gone", "\n".join(before[i:j])
        if tag in {"insert", "replace"}:
            yield "come", "\n".join(now[k:m])


# What is done here


def check(call: Call) -> Answer:
    """Begin an analysis."""
    return begin(call, "check", f"draft {_revision(call)}")


def show_effect(call: Call) -> Answer:
    """Begin a comparison with recorded hits, or with a log that was sent."""
    upload = call.uploads.get("log")
    content = upload.content if upload and upload.content else None
    days = call.form.number("days", 28, most=400)
    title = upload.name if upload and content else f"{days} d"
    return begin(call, "effect", title, upload=content, days=days, host=call.form.get("host"))


def request(call: Call) -> Answer:
    """Ask that the draft be published."""
    message, at, wrong = _message_and_instant(call)
    if wrong:
        return Show("drafts.html", _view(call, wrong), 422)
    review = call.office.request(message, call.change(message), at=at)
    return GoTo("/drafts", "requested", {"review": str(review.number)})


def approve(call: Call) -> Answer:
    """Say yes."""
    number = _number(call)
    try:
        call.office.approve(number, call.change(call.form.get("reason") or f"request {number}"))
    except FourEyes:
        return Show("drafts.html", _view(call, (("reviews", "four-eyes"),)), 409)
    except (DraftChanged, WrongState):
        return Show("drafts.html", _view(call, (("reviews", "draft-changed"),)), 409)
    return GoTo("/drafts", "approved", {"review": str(number)})


def decline(call: Call) -> Answer:
    """Say no, or withdraw."""
    number = _number(call)
    try:
        call.office.decline(number, call.change(call.form.get("reason") or f"request {number}"))
    except WrongState:
        return Show("drafts.html", _view(call, (("reviews", "draft-changed"),)), 409)
    return GoTo("/drafts", "declined", {"review": str(number)})


def publish(call: Call) -> Answer:
    """Begin a publication."""
    message, at, wrong = _message_and_instant(call)
    review = _number(call) or None
    if call.desk.state.four_eyes and review is None:
        wrong = (*wrong, ("message", "needs-approval"))
    if wrong:
        return Show("drafts.html", _view(call, wrong), 422)
    for province in sorted(call.office.touched()):
        call.must(Deed.PUBLISH, province)
    return begin(call, "publish", message, message=message, at=at.isoformat() if at else None, review=review)


def roll_back(call: Call) -> Answer:
    """Let an earlier number serve."""
    number, reason = _number(call), call.form.get("reason")
    if not reason:
        return GoTo("/drafts", "reason-missing")
    try:
        call.office.roll_back(number, call.change(reason))
    except (NumberGone, SnapshotRefused, WrongState):
        return Show("drafts.html", _view(call, (("history", "number-gone"),)), 409)
    return GoTo("/drafts", "rolled-back", {"number": str(number)})


def switch(call: Call) -> Answer:
    """Turn a portal's emergency switch."""
    portal, position, reason = call.form.get("portal"), call.form.get("position"), call.form.get("reason")
    known = {one.id for one in call.desk.published().snapshot.all_portals}
    wrong: list[tuple[str, str]] = []
    if portal not in known:
        wrong.append(("portal", "required"))
    if position not in {"off", *(one.value for one in Switch)}:
        wrong.append(("position", "required"))
    if not reason:
        wrong.append(("switch-reason", "required"))
    if wrong:
        return Show("drafts.html", _view(call, tuple(wrong)), 422)
    call.office.overrule(portal, None if position == "off" else Switch(position), call.change(reason))
    return GoTo("/drafts", "switched", {"portal": portal})


def _number(call: Call) -> int:
    return call.form.number("number", 0, least=0, most=10**8)


def _revision(call: Call) -> int:
    with call.desk.store.reading() as workspace:
        return workspace.revision


def _message_and_instant(call: Call) -> tuple[str, datetime | None, Wrong]:
    message, text = call.form.get("message"), call.form.get("at")
    wrong: list[tuple[str, str]] = [] if message else [("message", "required")]
    at = None
    if text:
        try:
            at = instant(text)
        except ValueError:
            wrong.append(("at", "instant"))
    return message, at, tuple(wrong)


ROUTES: Final = (
    Route("GET", "/drafts", show),
    Route("POST", "/drafts/check", check, Deed.EDIT),
    Route("POST", "/drafts/effect", show_effect, Deed.EDIT),
    Route("POST", "/drafts/request", request, Deed.EDIT),
    Route("POST", "/drafts/approve", approve, Deed.APPROVE),
    Route("POST", "/drafts/decline", decline, Deed.EDIT),
    Route("POST", "/drafts/publish", publish, Deed.PUBLISH),
    Route("POST", "/drafts/roll-back", roll_back, Deed.ROLL_BACK),
    Route("POST", "/drafts/switch", switch, Deed.SWITCH),
)
