"""What the API does: the same functions as the pages, from a model to a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from proxy.console import api_models as m
from proxy.console.calls import Call, Fields, Mistake, NotFound
from proxy.console.hits_pages import span_of, unmapped_pages
from proxy.console.rule_forms import flaws_of
from proxy.console.rules_pages import Wanted, destinations, filter_of, is_family, mark_of, marked, scope_of, stored_rule
from proxy.console.work import wanted as work_wanted
from redirect_rules import activation
from redirect_rules.bodies import body_of
from redirect_rules.explaining import Question, explain
from redirect_rules.parsing import RuleRow
from redirect_rules.publications import Published, Review
from redirect_rules.rights import Deed
from redirect_rules.store import Kind, Ref, State, Stored

Input = TypeVar("Input", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation."""

    method: str
    path: str
    summary: str
    deed: Deed
    handler: Callable[[Call, Any], BaseModel]
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200


def do_explain(call: Call, body: m.ExplainBody) -> m.ExplanationModel:
    """What becomes of an address."""
    packs = call.desk.drafted() if body.draft else call.desk.published()
    suffixes = call.desk.settings.preview.host_suffixes
    question = Question(body.at or call.now)
    found = explain(body.url, question, packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers)
    return m.ExplanationModel(**found)


def list_rules(call: Call, query: m.RuleQuery) -> m.RulePage:
    """Rules that fit."""
    wanted = Wanted(
        q=query.q,
        owner=query.owner,
        action=query.action.value if query.action else "",
        destination=query.destination,
        tag=query.tag,
        state=query.state or "",
    )
    rule_filter, _ = filter_of(call, wanted)
    with call.desk.store.reading() as workspace:
        found = workspace.find(rule_filter, after=marked(query.after), limit=query.limit + 1)
    more = len(found) > query.limit
    items = [_rule(stored) for stored in found[: query.limit]]
    return m.RulePage(items=items, next=mark_of(found[query.limit - 1].ref) if more else None)


def _rule(stored: Stored) -> m.RuleModel:
    return m.RuleModel(
        owner=stored.ref.scope.partition(":")[2],
        id=stored.ref.id,
        version=stored.version,
        state=cast("Any", stored.state.value),
        rule=stored.body,
    )


def get_rule(call: Call, _: None) -> m.RuleModel:
    """One rule."""
    return _rule(stored_rule(call))


def put_rule(call: Call, body: m.RuleBody) -> m.RuleModel:
    """Keep a rule in the draft."""
    owner, id_ = call.matched["owner"], call.matched["id"]
    family = is_family(call, owner)
    if not family and owner not in call.desk.provinces():
        raise NotFound(owner)
    row = {**body.rule, "id": id_}
    wrong = tuple(flaws_of(row, owner, is_family=family, destinations=destinations(call)))
    if wrong:
        raise Mistake(*wrong)
    kept = body_of(RuleRow.model_validate(row))
    ref = Ref(Kind.RULE, scope_of(call, owner), id_)
    state = State(body.state)
    return _rule(call.office.put(ref, kept, call.change(body.reason), seen_version=body.seen_version, state=state))


def delete_rule(call: Call, body: m.RemoveBody) -> m.Nothing:
    """Take a rule out of the draft."""
    call.office.remove(stored_rule(call).ref, call.change(body.reason), seen_version=body.seen_version)
    return m.Nothing()


def begin_import(call: Call, body: m.ImportBody) -> m.WorkModel:
    """Import, or look at what each line would do."""
    return _begin(
        call,
        "import",
        body.name,
        upload=body.text.encode(),
        portal=body.portal,
        mode=body.mode.value,
        action=body.action.value,
        reason=body.reason,
        dry_run=body.dry_run,
    )


def begin_check(call: Call, _: None) -> m.WorkModel:
    """Analyse the draft."""
    return _begin(call, "check", "draft")


def begin_effect(call: Call, body: m.EffectBody) -> m.WorkModel:
    """What the draft would change."""
    return _begin(call, "effect", f"{body.days} d", days=body.days)


def begin_publication(call: Call, body: m.PublishBody) -> m.WorkModel:
    """Make the draft the number that serves."""
    for province in sorted(call.office.touched()):
        call.must(Deed.PUBLISH, province)
    at = body.at.isoformat() if body.at else None
    return _begin(call, "publish", body.message, message=body.message, at=at, review=body.review)


def _begin(call: Call, kind: str, title: str, *, upload: bytes | None = None, **parameters: Any) -> m.WorkModel:
    request = work_wanted(kind, title, call.person.actor, call.now, uuid4().hex[:12], **parameters)
    call.desk.workshop.begin(request, upload=upload)
    return _work(call, request.id)


def get_work(call: Call, _: None) -> m.WorkModel:
    """How far work is."""
    return _work(call, call.matched["id"])


def _work(call: Call, id_: str) -> m.WorkModel:
    request = call.desk.workshop.request(id_)
    if request is None:
        raise NotFound(id_)
    status = call.desk.workshop.status(id_)
    return m.WorkModel(
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
    return _review(call.office.approve(_number(call), call.change(body.reason)))


def decline(call: Call, body: m.ReasonBody) -> m.ReviewModel:
    """Say no, or withdraw."""
    return _review(call.office.decline(_number(call), call.change(body.reason)))


def roll_back(call: Call, body: m.ReasonBody) -> m.PublishedModel:
    """Let an earlier number serve."""
    return _published(call.office.roll_back(_number(call), call.change(body.reason)))


def turn_switch(call: Call, body: m.SwitchBody) -> m.Nothing:
    """Turn a portal's emergency switch."""
    portal = call.matched["portal"]
    if portal not in call.desk.provinces():
        raise NotFound(portal)
    call.office.overrule(portal, body.position, call.change(body.reason))
    return m.Nothing()


def get_hits(call: Call, query: m.HitsQuery) -> m.HitsModel:
    """What was counted."""
    span = span_of(call, query.days, query.portal)
    coverage = [
        m.CoverageModel(day=one.day.isoformat(), portal=one.portal, pages=one.pages, mapped=one.mapped)
        for one in call.desk.hits.coverage(span)
    ]
    pages = unmapped_pages(call, span, most=query.limit)
    return m.HitsModel(coverage=coverage, unmapped=[m.PageModel(**page._asdict()) for page in pages])


def get_audit(call: Call, query: m.AuditQuery) -> m.AuditPage:
    """Who changed what, and why."""
    found = list(call.desk.store.trail.entries(after=query.after, limit=query.limit))
    items = [
        m.EntryModel(
            number=one.number,
            at=one.at,
            actor=one.actor,
            action=one.action,
            subject=one.subject,
            reason=one.reason,
            batch=one.batch,
            count=one.count,
        )
        for one in found
    ]
    return m.AuditPage(items=items, next=found[-1].number if len(found) == query.limit else None)


def _number(call: Call) -> int:
    text = call.matched["number"]
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise NotFound(text)
    return int(text)


_SEE, _EDIT = Deed.SEE, Deed.EDIT
ENDPOINTS: Final = (
    Endpoint("POST", "/explain", "Explain an old address", _SEE, do_explain, m.ExplanationModel, body=m.ExplainBody),
    Endpoint("GET", "/rules", "List rules of the draft", _SEE, list_rules, m.RulePage, query=m.RuleQuery),
    Endpoint("GET", "/rules/{owner}/{id}", "A rule", _SEE, get_rule, m.RuleModel),
    Endpoint("PUT", "/rules/{owner}/{id}", "Keep a rule", _EDIT, put_rule, m.RuleModel, body=m.RuleBody),
    Endpoint("DELETE", "/rules/{owner}/{id}", "Remove a rule", _EDIT, delete_rule, m.Nothing, body=m.RemoveBody),
    Endpoint(
        "POST", "/imports", "Import old addresses", _EDIT, begin_import, m.WorkModel, body=m.ImportBody, status=202
    ),
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
    Endpoint("GET", "/jobs/{id}", "Work under way", _SEE, get_work, m.WorkModel),
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
    Endpoint("GET", "/hits", "What was counted", _SEE, get_hits, m.HitsModel, query=m.HitsQuery),
    Endpoint("GET", "/audit", "The audit trail", Deed.SEE_TRAIL, get_audit, m.AuditPage, query=m.AuditQuery),
)
"""Under /api/v1."""


def read(model: type[Input], value: object) -> Input:
    """Check what came.  Raises Mistake."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [(".".join(map(str, one["loc"])) or "body", one["msg"]) for one in error.errors(include_url=False)]
        raise Mistake(*found) from None


def read_query(model: type[Input], fields: Fields) -> Input:
    """Check a query; of a name given twice nobody knows which is meant.  Raises Mistake."""
    names = [name for name, _ in fields.pairs]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise Mistake(*((name, "given twice") for name in doubled))
    return read(model, dict(fields.pairs))
