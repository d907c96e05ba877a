"""The draft for programs: checked, asked for, approved, published, taken back; and the switches that need no number."""

from typing import Final

from proxy.console import api_models as m
from proxy.console import api_work
from proxy.console.api_operations import Endpoint, number
from proxy.console.calls import Call, NotFound
from redirect_rules import activation
from redirect_rules.publications import Published, Review
from redirect_rules.rights import Deed


def begin_check(call: Call, _: None) -> m.WorkModel:
    """Analyse the draft."""
    return api_work.begin(call, "check", "draft")


def begin_effect(call: Call, body: m.EffectBody) -> m.WorkModel:
    """What the draft would change."""
    return api_work.begin(call, "effect", f"{body.days} d", days=body.days)


def begin_publication(call: Call, body: m.PublishBody) -> m.WorkModel:
    """Make the draft the number that serves."""
    for province in sorted(call.office.touched()):
        call.must(Deed.PUBLISH, province)
    at = body.at.isoformat() if body.at else None
    return api_work.begin(call, "publish", body.message, message=body.message, at=at, review=body.review)


def get_draft(call: Call, _: None) -> m.DraftModel:
    """Where the draft stands."""
    store = call.desk.store
    active = store.publications.active()
    with store.reading() as workspace:
        revision = workspace.revision
    return m.DraftModel(
        revision=revision,
        active=_published(active) if active else None,
        reviews=[_review(one) for one in store.publications.reviews()[:100]],
        history=[_published(one) for one in store.publications.snapshots()[:100]],
        switches=dict(activation.switches(call.desk.state.snapshots)),
    )


def _published(one: Published) -> m.PublishedModel:
    return m.PublishedModel(
        number=one.number,
        message=one.message,
        actor=one.actor,
        approved_by=one.approved_by,
        at=one.at,
        activates_at=one.activates_at,
        state=one.state.value,
        hash=one.hash,
    )


def _review(one: Review) -> m.ReviewModel:
    return m.ReviewModel(
        number=one.number,
        revision=one.revision,
        message=one.message,
        requested_by=one.requested_by,
        requested_at=one.requested_at,
        state=one.state.value,
        decided_by=one.decided_by,
    )


def ask_to_publish(call: Call, body: m.MessageBody) -> m.ReviewModel:
    """Ask that the draft be published."""
    return _review(call.office.request(body.message, call.change(body.message), at=body.at))


def approve(call: Call, body: m.ReasonBody) -> m.ReviewModel:
    """Say yes."""
    return _review(call.office.approve(number(call), call.change(body.reason)))


def decline(call: Call, body: m.ReasonBody) -> m.ReviewModel:
    """Say no, or withdraw."""
    return _review(call.office.decline(number(call), call.change(body.reason)))


def roll_back(call: Call, body: m.ReasonBody) -> m.PublishedModel:
    """Let an earlier number serve."""
    return _published(call.office.roll_back(number(call), call.change(body.reason)))


def turn_switch(call: Call, body: m.SwitchBody) -> m.Nothing:
    """Turn a portal's emergency switch."""
    portal = call.matched["portal"]
    if portal not in call.desk.provinces():
        raise NotFound(portal)
    call.office.overrule(portal, body.position, call.change(body.reason))
    return m.Nothing()


_SEE: Final = Deed.SEE
_EDIT: Final = Deed.EDIT
ENDPOINTS: Final = (
    Endpoint("GET", "/draft", "Where the draft stands", _SEE, get_draft, m.DraftModel),
    Endpoint("POST", "/draft/check", "Analyse the draft", _EDIT, begin_check, m.WorkModel, status=202),
    Endpoint(
        "POST",
        "/draft/effect",
        "What the draft would change",
        _EDIT,
        begin_effect,
        m.WorkModel,
        body=m.EffectBody,
        status=202,
    ),
    Endpoint(
        "POST", "/reviews", "Ask to publish", _EDIT, ask_to_publish, m.ReviewModel, body=m.MessageBody, status=201
    ),
    Endpoint("POST", "/reviews/{number}/approve", "Approve", Deed.APPROVE, approve, m.ReviewModel, body=m.ReasonBody),
    Endpoint(
        "POST", "/reviews/{number}/decline", "Decline or withdraw", _EDIT, decline, m.ReviewModel, body=m.ReasonBody
    ),
    Endpoint(
        "POST",
        "/publications",
        "Publish the draft",
        Deed.PUBLISH,
        begin_publication,
        m.WorkModel,
        body=m.PublishBody,
        status=202,
    ),
    Endpoint(
        "POST",
        "/publications/{number}/rollback",
        "Go back to a number",
        Deed.ROLL_BACK,
        roll_back,
        m.PublishedModel,
        body=m.ReasonBody,
    ),
    Endpoint(
        "PUT", "/switches/{portal}", "Turn an emergency switch", Deed.SWITCH, turn_switch, m.Nothing, body=m.SwitchBody
    ),
)
