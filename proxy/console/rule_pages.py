"""One rule: what it says, how often it was needed, who changed it and why, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from proxy.console.calls import Answer, Call, GoTo, Route, Show
from proxy.console.explain_pages import drafted, rule_link
from proxy.console.rule_forms import RuleForm
from proxy.console.rules_pages import DAYS, rule_id, scope_of, specimen_url, stored_rule, visits_of
from proxy.console.views import Wrong
from redirect_rules.explaining import Explanation, Question, explain
from redirect_rules.objects import Kind, Ref, Revision, State
from redirect_rules.rights import Deed

MOST_SAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class OneRule:
    """A rule with everything that is known of it."""

    link: str
    owner: str
    form: RuleForm
    text: str
    on: bool
    version: int
    history: Sequence[Revision]
    visits: int
    samples: Sequence[Explanation]
    sampled: str
    may_edit: bool
    preview_link: str  # what it does beside what serves; "": nobody can say an address that it knows
    days: int = DAYS
    wrong: Wrong = ()


def show_one(call: Call) -> Answer:
    """A rule, and what becomes of sample addresses by the draft."""
    stored = stored_rule(call)
    owner = stored.ref.scope.partition(":")[2]
    form = RuleForm.of(owner, stored.body, version=stored.version, off=stored.state is State.OFF)
    with call.desk.store.reading() as workspace:
        history = workspace.history(stored.ref)
    sampled = call.query.get("samples")
    samples, wrong = _sampled(call, sampled)
    first = next(iter(lines_of(sampled)), "") or specimen_url(call, stored)
    view = OneRule(
        link=rule_link(rule_id(stored.ref)),
        owner=owner,
        form=form,
        text=stored.text,
        on=stored.state is State.ON,
        version=stored.version,
        history=history[::-1],
        visits=visits_of(call, [stored]).get(rule_id(stored.ref), 0),
        samples=samples,
        sampled=sampled,
        may_edit=call.office.may_write(stored.ref),
        preview_link=f"/preview?{urlencode({'url': first})}" if first else "",
        wrong=wrong,
    )
    return Show("rule.html", view)


def lines_of(text: str) -> list[str]:
    """Addresses that somebody typed, one on a line; as many as are looked at."""
    return [line.strip() for line in text.splitlines() if line.strip()][:MOST_SAMPLES]


def _sampled(call: Call, text: str) -> tuple[Sequence[Explanation], Wrong]:
    """What becomes of some addresses by the draft."""
    if not (urls := lines_of(text)):
        return (), ()
    packs, wrong = drafted(call)
    if packs is None:
        return (), tuple(("samples", said) for _, said in wrong)
    suffixes = call.desk.settings.preview.host_suffixes
    asked = Question(call.now)
    return [explain(url, asked, packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers) for url in urls], ()


def remove(call: Call) -> Answer:
    """Take a rule out of the draft."""
    stored = stored_rule(call)
    if not (reason := call.form.get("reason")):
        return GoTo(rule_link(rule_id(stored.ref)), "reason-missing")
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.office.remove(stored.ref, call.change(reason), seen_version=seen)
    return GoTo("/rules", "rule-removed", {"rule": rule_id(stored.ref)})


def restore(call: Call) -> Answer:
    """Write an earlier revision again, of a rule that was removed as well."""
    owner, id_ = call.matched["owner"], call.matched["id"]
    ref = Ref(Kind.RULE, scope_of(call, owner), id_)
    back = rule_link(rule_id(ref))
    if not (reason := call.form.get("reason")):
        return GoTo(back, "reason-missing")
    with call.desk.store.reading() as workspace:
        there = workspace.get(ref)
    version = call.form.number("to", 0, least=0, most=10**8)
    seen = there.version if there else 0
    call.office.restore(ref, version, call.change(reason), seen_version=seen)
    return GoTo(back, "rule-restored", {"rule": rule_id(ref)})


ROUTES: Final = (
    Route("GET", "/rules/{owner}/{id}", show_one),
    Route("POST", "/rules/{owner}/{id}/remove", remove, Deed.EDIT),
    Route("POST", "/rules/{owner}/{id}/restore", restore, Deed.EDIT),
)
