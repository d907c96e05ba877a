"""Rules: find them, see one with its history, write it, take it back, change many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from proxy.console.calls import Answer, Call, GoTo, Mistake, NotFound, Route, Show
from proxy.console.explain_pages import rule_link
from proxy.console.rule_forms import RuleForm, lead_text
from proxy.console.views import Wrong
from redirect_rules.canonical import BadHost
from redirect_rules.explaining import Explanation, Question, explain, visit_to
from redirect_rules.model import HO_CHI_MINH, Portal
from redirect_rules.rights import Deed
from redirect_rules.store import Kind, Ref, Revision, RuleFilter, State, Stored
from redirect_rules.stores.columns import path_key
from redirect_rules.stores.hits import Span

ON_A_PAGE: Final = 50
DAYS: Final = 28
_MOST_SAMPLES: Final = 20
_LOOKED_THROUGH: Final = 20  # pages of rules that are searched for those nobody needed


@dataclass(frozen=True, slots=True)
class Line:
    """A rule in a list."""

    link: str
    owner: str
    id: str
    match: str
    more: int  # addresses besides the first
    action: str
    leads: str
    on: bool
    until: str
    tags: tuple[str, ...]
    visits: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters, as they stand in the address."""

    q: str = ""
    owner: str = ""
    action: str = ""
    destination: str = ""
    tag: str = ""
    owned_by: str = ""
    state: str = ""
    kind: str = ""  # "never" or "expired"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Those that are set, for links and forms."""
        names = ("q", "owner", "action", "destination", "tag", "owned_by", "state", "kind")
        return tuple((name, value) for name in names if (value := getattr(self, name)))


@dataclass(frozen=True, slots=True)
class RuleList:
    """The page."""

    wanted: Wanted
    lines: Sequence[Line]
    count: int | None  # None: not counted, the filter looks at hits
    owners: Sequence[tuple[str, str]]
    destinations: Sequence[str]
    later: str
    days: int = DAYS
    say: str = ""  # what the search text was understood as
    may_edit: bool = False


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
    days: int = DAYS


@dataclass(frozen=True, slots=True)
class Editor:
    """A rule being written."""

    form: RuleForm
    is_new: bool
    owners: Sequence[tuple[str, str]]
    destinations: Sequence[str]
    wrong: Wrong = ()


# The list


def show_list(call: Call) -> Answer:
    """Rules that fit the filters, by owner and id."""
    wanted = wanted_of(call)
    rule_filter, say = filter_of(call, wanted)
    after = marked(call.query.get("after"))
    with call.desk.store.reading() as workspace:
        found, last = _page(call, wanted, rule_filter, after)
        count = None if wanted.kind == "never" else workspace.count(rule_filter)
    visits = _visits(call, found)
    view = RuleList(
        wanted=wanted,
        lines=[line_of(stored, visits) for stored in found],
        count=count,
        owners=owners(call),
        destinations=destinations(call),
        later=call.link(after=mark_of(last)) if last is not None else "",
        say=say,
        may_edit=call.person.may_somewhere(Deed.EDIT),
    )
    return Show("rules.html", view)


def wanted_of(call: Call) -> Wanted:
    """The filters of a link, or those that a form carries on."""
    fields = call.query if not call.form.pairs else call.form
    return Wanted(
        q=fields.get("q"),
        owner=fields.get("owner"),
        action=fields.get("action"),
        destination=fields.get("destination"),
        tag=fields.get("tag"),
        owned_by=fields.get("owned_by"),
        state=fields.get("state"),
        kind=fields.get("kind"),
    )


def filter_of(call: Call, wanted: Wanted) -> tuple[RuleFilter, str]:
    """What the store is asked, and what the search text was understood as."""
    scope = scope_of(call, wanted.owner) if wanted.owner else None
    key = prefix = None
    text, say = wanted.q, ""
    if text.startswith("/"):
        prefix = path_key(text.rstrip("*")).casefold()
        say = prefix + "…"
    elif text:
        suffixes = call.desk.settings.preview.host_suffixes
        packs = call.desk.published()
        try:
            visit = visit_to(text, Question(call.now), suffixes=suffixes, crawlers=packs.crawlers)
        except BadHost:
            prefix = say = "/" + text.casefold()
        else:
            portal = packs.snapshot.portals.get(visit.host)
            key = path_key(visit.raw_target).casefold() if portal else None
            prefix = None if portal else "/" + text.casefold()
            scope = f"portal:{portal.id}" if portal else scope
            say = f"{visit.host}{key}" if portal else prefix or ""
    expired = call.now if wanted.kind == "expired" else None
    state = State(wanted.state) if wanted.state in {State.ON.value, State.OFF.value} else None
    return (
        RuleFilter(
            scope=scope,
            key=key,
            key_prefix=prefix,
            action=wanted.action or None,
            destination=wanted.destination or None,
            owner=wanted.owned_by or None,
            tag=wanted.tag or None,
            state=state,
            ends_before=expired,
        ),
        say,
    )


def _page(call: Call, wanted: Wanted, rule_filter: RuleFilter, after: Ref | None) -> tuple[list[Stored], Ref | None]:
    """A page of rules, and the last one where there are more."""
    with call.desk.store.reading() as workspace:
        if wanted.kind != "never":
            found = workspace.find(rule_filter, after=after, limit=ON_A_PAGE + 1)
            return found[:ON_A_PAGE], found[ON_A_PAGE - 1].ref if len(found) > ON_A_PAGE else None
        unneeded: list[Stored] = []
        for _ in range(_LOOKED_THROUGH):
            found = workspace.find(rule_filter, after=after, limit=4 * ON_A_PAGE)
            visits = _visits(call, found)
            for stored in found:
                if not visits.get(rule_id(stored.ref)):
                    unneeded.append(stored)
                if len(unneeded) == ON_A_PAGE:
                    return unneeded, stored.ref
            if len(found) < 4 * ON_A_PAGE:
                return unneeded, None
            after = found[-1].ref
        return unneeded, after


def _visits(call: Call, found: Sequence[Stored]) -> Mapping[str, int]:
    span = Span.until(call.now.astimezone(HO_CHI_MINH).date(), DAYS)
    return call.desk.hits.visits_of(span, [rule_id(stored.ref) for stored in found])


def line_of(stored: Stored, visits: Mapping[str, int]) -> Line:
    """A rule as lists show it."""
    body = stored.body
    addresses = [*body.get("paths", ()), *body.get("exact", ())] or [body.get("regex", "")]
    owner = stored.ref.scope.partition(":")[2]
    return Line(
        link=rule_link(rule_id(stored.ref)),
        owner=owner,
        id=stored.ref.id,
        match=addresses[0],
        more=len(addresses) - 1,
        action=body["action"],
        leads=lead_text(body["to"][0]) if body.get("to") else "",
        on=stored.state is State.ON,
        until=body.get("valid_until") or "",
        tags=tuple(body.get("tags", ())),
        visits=visits.get(rule_id(stored.ref), 0),
    )


def rule_id(ref: Ref) -> str:
    """A rule as decisions and hits name it: "langson/news"."""
    return f"{ref.scope.partition(':')[2]}/{ref.id}"


def mark_of(ref: Ref) -> str:
    """Where a page ended, for a link to the next one."""
    return f"{ref.scope}|{ref.id}"


def marked(text: str) -> Ref | None:
    """The same, read back."""
    scope, bar, id_ = text.partition("|")
    return Ref(Kind.RULE, scope, id_) if bar else None


def owners(call: Call) -> list[tuple[str, str]]:
    """Who rules can belong to: portals, then families, with what people call them."""
    packs = call.desk.published()
    portals = sorted((portal.id, portal.names.get(call.language) or portal.id) for portal in packs.snapshot.all_portals)
    with call.desk.store.reading() as workspace:
        families = [stored.ref.id for stored in workspace.objects(Kind.FAMILY)]
    return [*portals, *((name, name) for name in families)]


def destinations(call: Call) -> list[str]:
    """The names of the destinations in the draft."""
    with call.desk.store.reading() as workspace:
        return [stored.ref.id for stored in workspace.objects(Kind.DESTINATION) if stored.state is State.ON]


def is_family(call: Call, owner: str) -> bool:
    """Whether rules of this owner are a family's."""
    with call.desk.store.reading() as workspace:
        return workspace.get(Ref(Kind.FAMILY, "", owner)) is not None


def scope_of(call: Call, owner: str) -> str:
    """The scope of an owner's rules."""
    return f"{'family' if is_family(call, owner) else 'portal'}:{owner}"


# One rule


def show_one(call: Call) -> Answer:
    """A rule: what it says, how often it was needed, who changed it, and what becomes of sample addresses."""
    stored = stored_rule(call)
    form = RuleForm.of(stored.ref.scope.partition(":")[2], stored.body, version=stored.version, off=_off(stored))
    with call.desk.store.reading() as workspace:
        history = workspace.history(stored.ref)
    sampled = call.query.get("samples")
    view = OneRule(
        link=rule_link(rule_id(stored.ref)),
        owner=form.owner,
        form=form,
        text=stored.text,
        on=stored.state is State.ON,
        version=stored.version,
        history=history[::-1],
        visits=_visits(call, [stored]).get(rule_id(stored.ref), 0),
        samples=_sampled(call, sampled),
        sampled=sampled,
        may_edit=call.desk.office(call.person).may_write(stored.ref),
    )
    return Show("rule.html", view)


def stored_rule(call: Call) -> Stored:
    """The rule that the address names.  Raises NotFound."""
    owner, id_ = call.matched["owner"], call.matched["id"]
    with call.desk.store.reading() as workspace:
        for scope in (f"portal:{owner}", f"family:{owner}"):
            if (stored := workspace.get(Ref(Kind.RULE, scope, id_))) is not None:
                return stored
    raise NotFound(id_)


def _off(stored: Stored) -> bool:
    return stored.state is State.OFF


def _sampled(call: Call, text: str) -> Sequence[Explanation]:
    """What becomes of some addresses under the draft."""
    urls = [line.strip() for line in text.splitlines() if line.strip()][:_MOST_SAMPLES]
    if not urls:
        return ()
    packs, suffixes = call.desk.drafted(), call.desk.settings.preview.host_suffixes
    return [
        explain(url, Question(call.now), packs.snapshot, suffixes=suffixes, crawlers=packs.crawlers) for url in urls
    ]


def show_new(call: Call) -> Answer:
    """An empty form; with an address in the link, one that is filled in for it."""
    form = RuleForm(owner=call.query.get("owner"), samples=call.query.get("url"), addresses=call.query.get("address"))
    if url := call.query.get("url"):
        packs = call.desk.published()
        with_host = explain(
            url,
            Question(call.now),
            packs.snapshot,
            suffixes=call.desk.settings.preview.host_suffixes,
            crawlers=packs.crawlers,
        )
        if with_host["portal"] is not None and with_host["key"] is not None:
            path = "/" + with_host["key"].partition("/")[2]
            form = replace(form, owner=with_host["portal"], addresses=path, id=_id_for(path), leads="home")
    return Show("rule_edit.html", Editor(form, True, owners(call), destinations(call)))


def _id_for(path: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in path.partition("?")[0])
    return "-".join(part for part in words.casefold().split("-") if part)[:60] or "home-page"


def show_edit(call: Call) -> Answer:
    """The form of a rule."""
    stored = stored_rule(call)
    form = RuleForm.of(stored.ref.scope.partition(":")[2], stored.body, version=stored.version, off=_off(stored))
    return Show("rule_edit.html", Editor(form, False, owners(call), destinations(call)))


def save_new(call: Call) -> Answer:
    """Keep a new rule in the draft."""
    return _save(call, RuleForm.read(call.form), is_new=True)


def save(call: Call) -> Answer:
    """Keep a rule that was changed."""
    stored = stored_rule(call)
    form = replace(RuleForm.read(call.form), owner=stored.ref.scope.partition(":")[2], id=stored.ref.id)
    return _save(call, form, is_new=False)


def _save(call: Call, form: RuleForm, *, is_new: bool) -> Answer:
    family = is_family(call, form.owner)
    portal = next((one for one in call.desk.published().snapshot.all_portals if one.id == form.owner), None)
    named = destinations(call)
    try:
        hosts = _hosts(portal, is_family=family)
        body = form.body(is_family=family, hosts=hosts, destinations=named)
    except Mistake as mistake:
        view = Editor(form, is_new, owners(call), named, mistake.wrong)
        return Show("rule_edit.html", view, 422)
    ref = Ref(Kind.RULE, f"{'family' if family else 'portal'}:{form.owner}", form.id)
    state = State.OFF if form.off else State.ON
    office = call.desk.office(call.person)
    office.put(ref, body, call.change(form.reason), seen_version=0 if is_new else form.version, state=state)
    samples = f"?{urlencode({'samples': form.samples})}" if form.samples else ""
    return GoTo(rule_link(rule_id(ref)) + samples, "rule-saved", {"rule": rule_id(ref)})


def _hosts(portal: Portal | None, *, is_family: bool) -> tuple[str, ...]:
    if is_family:
        return ()
    if portal is None:
        raise Mistake(("owner", "required"))
    return portal.all_hosts


def remove(call: Call) -> Answer:
    """Take a rule out of the draft."""
    stored = stored_rule(call)
    if not (reason := call.form.get("reason")):
        return GoTo(rule_link(rule_id(stored.ref)), "reason-missing")
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.desk.office(call.person).remove(stored.ref, call.change(reason), seen_version=seen)
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
    call.desk.office(call.person).restore(ref, version, call.change(reason), seen_version=seen)
    return GoTo(back, "rule-restored", {"rule": rule_id(ref)})


ROUTES: Final = (
    Route("GET", "/rules", show_list),
    Route("GET", "/rules/new", show_new, Deed.EDIT),
    Route("POST", "/rules/new", save_new, Deed.EDIT),
    Route("GET", "/rules/{owner}/{id}", show_one),
    Route("GET", "/rules/{owner}/{id}/edit", show_edit, Deed.EDIT),
    Route("POST", "/rules/{owner}/{id}/edit", save, Deed.EDIT),
    Route("POST", "/rules/{owner}/{id}/remove", remove, Deed.EDIT),
    Route("POST", "/rules/{owner}/{id}/restore", restore, Deed.EDIT),
)
