"""A rule being written: checked while it is typed, tried on sample addresses, and kept in the draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from proxy.console.calls import Answer, Call, GoTo, Mistake, Route, Show
from proxy.console.explain_pages import drafted, rule_link
from proxy.console.rule_forms import RuleForm, parsed_rule
from proxy.console.rule_pages import lines_of
from proxy.console.rules_pages import destinations, is_family, owners, rule_id, stored_rule
from proxy.console.views import Wrong
from redirect_rules.explaining import Explanation, Question, explain
from redirect_rules.objects import Kind, Ref, State
from redirect_rules.rights import Deed
from redirect_rules.sources import Problems
from redirect_rules.trials import trial_of


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found of a form that nobody has sent yet."""

    wrong: Wrong = ()
    samples: Sequence[tuple[Explanation, Explanation]] = ()  # by the draft as it stands, and with the rule as typed


@dataclass(frozen=True, slots=True)
class Editor:
    """A rule being written."""

    form: RuleForm
    is_new: bool
    owners: Sequence[tuple[str, str]]
    destinations: Sequence[str]
    wrong: Wrong = ()
    tried: Tried | None = None


def show_new(call: Call) -> Answer:
    """An empty form; with an address in the link, one that is filled in for it."""
    form = RuleForm(owner=call.query.get("owner"), samples=call.query.get("url"), addresses=call.query.get("address"))
    if url := call.query.get("url"):
        packs = call.desk.published()
        suffixes = call.desk.settings.preview.host_suffixes
        found = explain(url, Question(call.now), packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers)
        if found["portal"] is not None and found["key"] is not None:
            path = "/" + found["key"].partition("/")[2]
            form = replace(form, owner=found["portal"], addresses=path, id=_id_for(path), leads="home")
    return Show("rule_edit.html", Editor(form, True, owners(call), destinations(call)))


def _id_for(path: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in path.partition("?")[0])
    return "-".join(part for part in words.casefold().split("-") if part)[:60] or "home-page"


def show_edit(call: Call) -> Answer:
    """The form of a rule."""
    stored = stored_rule(call)
    form = RuleForm.of(
        stored.ref.scope.partition(":")[2], stored.body, version=stored.version, off=stored.state is State.OFF
    )
    return Show("rule_edit.html", Editor(form, False, owners(call), destinations(call)))


# Trying


def try_new(call: Call) -> Answer:
    """What is wrong with a new rule as typed, and what it would do."""
    return _try(call, RuleForm.read(call.form), is_new=True)


def try_changed(call: Call) -> Answer:
    """The same for a rule that is there."""
    return _try(call, _of_stored(call), is_new=False)


def _try(call: Call, form: RuleForm, *, is_new: bool) -> Answer:
    """Nothing is written; a reason is not asked for yet."""
    tried = Tried()
    try:
        body = _body(call, replace(form, reason=form.reason or "-"))
    except Mistake as mistake:
        tried = Tried(mistake.wrong)
    else:
        tried = _tried(call, form, body)
    return Show("rule_edit.html", Editor(form, is_new, owners(call), destinations(call), tried=tried))


def _tried(call: Call, form: RuleForm, body: Mapping[str, Any]) -> Tried:
    if not (urls := lines_of(form.samples)):
        return Tried()
    packs, wrong = drafted(call)
    if packs is None:
        return Tried(tuple(("samples", said) for _, said in wrong))
    scope = f"{'family' if is_family(call, form.owner) else 'portal'}:{form.owner}"
    try:
        trial = trial_of(packs, scope, parsed_rule(body, scope, destinations(call)))
    except Problems as problems:
        return Tried(tuple(("addresses", one.text) for one in problems.problems))
    suffixes, asked = call.desk.settings.preview.host_suffixes, Question(call.now)
    before, after = (
        [explain(url, asked, snapshot, suffixes=suffixes, crawlers=packs.crawlers) for url in urls]
        for snapshot in (packs.snapshot, trial)
    )
    return Tried(samples=list(zip(before, after, strict=True)))


# Keeping


def save_new(call: Call) -> Answer:
    """Keep a new rule in the draft."""
    return _save(call, RuleForm.read(call.form), is_new=True)


def save(call: Call) -> Answer:
    """Keep a rule that was changed."""
    return _save(call, _of_stored(call), is_new=False)


def _of_stored(call: Call) -> RuleForm:
    stored = stored_rule(call)
    return replace(RuleForm.read(call.form), owner=stored.ref.scope.partition(":")[2], id=stored.ref.id)


def _save(call: Call, form: RuleForm, *, is_new: bool) -> Answer:
    try:
        body = _body(call, form)
    except Mistake as mistake:
        view = Editor(form, is_new, owners(call), destinations(call), mistake.wrong)
        return Show("rule_edit.html", view, 422)
    ref = Ref(Kind.RULE, f"{'family' if is_family(call, form.owner) else 'portal'}:{form.owner}", form.id)
    state = State.OFF if form.off else State.ON
    call.office.put(ref, body, call.change(form.reason), seen_version=0 if is_new else form.version, state=state)
    samples = f"?{urlencode({'samples': form.samples})}" if form.samples else ""
    return GoTo(rule_link(rule_id(ref)) + samples, "rule-saved", {"rule": rule_id(ref)})


def _body(call: Call, form: RuleForm) -> dict[str, Any]:
    """The rule as it will be kept.  Raises Mistake."""
    family = is_family(call, form.owner)
    portal = next((one for one in call.desk.published().snapshot.all_portals if one.id == form.owner), None)
    if not family and portal is None:
        raise Mistake(("owner", "required"))
    hosts = portal.all_hosts if portal is not None and not family else ()
    return form.body(is_family=family, hosts=hosts, destinations=destinations(call))


ROUTES: Final = (
    Route("GET", "/rules/new", show_new, Deed.EDIT),
    Route("POST", "/rules/new", save_new, Deed.EDIT),
    Route("POST", "/rules/new/try", try_new, Deed.EDIT),
    Route("GET", "/rules/{owner}/{id}/edit", show_edit, Deed.EDIT),
    Route("POST", "/rules/{owner}/{id}/edit", save, Deed.EDIT),
    Route("POST", "/rules/{owner}/{id}/try", try_changed, Deed.EDIT),
)
