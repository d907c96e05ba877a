"""Rules for programs: explained, listed, kept, imported and exported, changed many at once and put back."""

from typing import Any, Final, cast

from proxy.console import api_models as m
from proxy.console import api_work
from proxy.console.api_operations import CSV, Endpoint
from proxy.console.bulk_pages import changing, do_change, wrong_change
from proxy.console.calls import Call, Download, Mistake, NotFound
from proxy.console.import_pages import rules_as_csv
from proxy.console.rule_forms import flaws_of
from proxy.console.rules_pages import Wanted, destinations, filter_of, is_family, scope_of, stored_rule
from redirect_rules.bodies import body_of
from redirect_rules.explaining import Question, explain
from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.parsing import RuleRow
from redirect_rules.rights import Deed
from redirect_rules.rule_lists import Mark, Order, RuleFilter


def do_explain(call: Call, body: m.ExplainBody) -> m.ExplanationModel:
    """What becomes of an address."""
    packs = call.desk.drafted() if body.draft else call.desk.published()
    suffixes = call.desk.settings.preview.host_suffixes
    question = Question(body.at or call.now)
    found = explain(body.url, question, packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers)
    return m.ExplanationModel(**found)


def list_rules(call: Call, query: m.RuleQuery) -> m.RulePage:
    """Rules that fit."""
    after = Mark.read(query.after)
    if query.after and after is None:
        raise Mistake(("after", "give what `next` said"))
    with call.desk.store.reading() as workspace:
        found = workspace.find(_filter(call, query), after=after, limit=query.limit + 1, order=Order(query.order))
    more = len(found) > query.limit
    items = [_rule(stored) for stored in found[: query.limit]]
    return m.RulePage(items=items, next=Mark.of(found[query.limit - 1]).text if more else None)


def count_rules(call: Call, query: m.RuleFilterQuery) -> m.CountModel:
    """How many rules fit."""
    with call.desk.store.reading() as workspace:
        return m.CountModel(count=workspace.count(_filter(call, query)))


def _filter(call: Call, query: m.RuleFilterQuery) -> RuleFilter:
    return filter_of(call, _wanted(query))[0]


def _wanted(query: m.RuleFilterQuery) -> Wanted:
    return Wanted(
        q=query.q,
        owner=query.owner,
        action=query.action.value if query.action else "",
        destination=query.destination,
        tag=query.tag,
        owned_by=query.owned_by,
        state=query.state or "",
        kind="expired" if query.expired else "",
    )


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
    return api_work.begin(
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


def change_rules(call: Call, body: m.BulkBody) -> m.BulkModel:
    """Change every rule that fits, or say what would change."""
    wanted = _wanted(body.filter)
    rule_filter, _ = filter_of(call, wanted)
    if wrong := wrong_change(call, rule_filter, body.change, body.value):
        raise Mistake(*wrong)
    if body.dry_run:
        return m.BulkModel(changing=sum(1 for _ in changing(call, rule_filter, body.change, body.value)), batch=None)
    count, batch = do_change(call, rule_filter, body.change, body.value, body.reason)
    return m.BulkModel(changing=count, batch=batch)


def undo_batch(call: Call, body: m.ReasonBody) -> m.WorkModel:
    """Put back what an import, or a change of many rules, did."""
    batch = call.matched["batch"]
    if call.desk.store.trail.of_batch(batch) is None:
        raise NotFound(batch)
    return api_work.begin(call, "undo-batch", batch, batch=batch, reason=body.reason)


def rules_csv(call: Call, query: m.RuleFilterQuery) -> Download:
    """Rules that fit, as the file that can be imported again."""
    return rules_as_csv(call, _filter(call, query))


_SEE: Final = Deed.SEE
_EDIT: Final = Deed.EDIT
ENDPOINTS: Final = (
    Endpoint("POST", "/explain", "Explain an old address", _SEE, do_explain, m.ExplanationModel, body=m.ExplainBody),
    Endpoint("GET", "/rules", "List rules of the draft", _SEE, list_rules, m.RulePage, query=m.RuleQuery),
    Endpoint(
        "GET", "/rules/count", "Count rules of the draft", _SEE, count_rules, m.CountModel, query=m.RuleFilterQuery
    ),
    Endpoint("POST", "/rules/changes", "Change many rules", _EDIT, change_rules, m.BulkModel, body=m.BulkBody),
    Endpoint("GET", "/rules/{owner}/{id}", "A rule", _SEE, get_rule, m.RuleModel),
    Endpoint("PUT", "/rules/{owner}/{id}", "Keep a rule", _EDIT, put_rule, m.RuleModel, body=m.RuleBody),
    Endpoint("DELETE", "/rules/{owner}/{id}", "Remove a rule", _EDIT, delete_rule, m.Nothing, body=m.RemoveBody),
    Endpoint(
        "POST", "/imports", "Import old addresses", _EDIT, begin_import, m.WorkModel, body=m.ImportBody, status=202
    ),
    Endpoint(
        "POST",
        "/batches/{batch}/undo",
        "Put an import or a change of many rules back",
        _EDIT,
        undo_batch,
        m.WorkModel,
        body=m.ReasonBody,
        status=202,
    ),
    Endpoint("GET", "/exports/rules.csv", "Rules as a file", _SEE, rules_csv, CSV, query=m.RuleFilterQuery),
)
