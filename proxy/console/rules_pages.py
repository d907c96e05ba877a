"""Rules: find them by what officers know of them; and what pages about rules have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from proxy.console.calls import Answer, Call, NotFound, Route, Show
from proxy.console.explain_pages import rule_link
from proxy.console.rule_forms import lead_text, parsed_rule
from proxy.console.spoken import heard
from redirect_rules.canonical import BadHost
from redirect_rules.explaining import Question, visit_to
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.rights import Deed
from redirect_rules.rule_lists import Mark, Order, RuleFilter
from redirect_rules.sources import Problems
from redirect_rules.specimens import specimen
from redirect_rules.stores.columns import path_key
from redirect_rules.stores.hits import Span
from redirect_rules.stores.listing import order_of

ON_A_PAGE: Final = 50
DAYS: Final = 28
MOST_COUNTED: Final = 10_000
"""Rules that are counted one by one; of what a filter tells by itself the number is exact, however large."""
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
    findings: tuple[tuple[str, str], ...] = ()  # severity, what the analysis has to say


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the last analysis of the draft found."""

    job: str  # the page of the work; "": the draft was never analysed
    current: bool  # nobody has changed the draft since
    findings: Mapping[str, tuple[tuple[str, str], ...]]  # by rule: severity and words


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
    kind: str = ""  # "never", "expired", or "conflict": the last analysis has something to say of it

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
    analysis: Analysis | None = None  # None: it was not asked for
    order: str = ""  # "changed": what was changed last comes first; "": by owner and id
    orders: Sequence[tuple[str, str]] = ()  # name, link; none where the filter has an order of its own
    most: int = MOST_COUNTED  # one more than it: there are more


# The list


def show_list(call: Call) -> Answer:
    """Rules that fit the filters, by owner and id, or what was changed last first."""
    wanted = wanted_of(call)
    rule_filter, say = filter_of(call, wanted)
    after = Mark.read(call.query.get("after"))
    order = Order.CHANGED if call.query.get("order") == Order.CHANGED else Order.NAME
    analysis = last_analysis(call) if wanted.kind == "conflict" else None
    if analysis is not None:
        found, last = _found_by(call, analysis, wanted, after.ref if after else None)
        count = None
    else:
        found, last = _page(call, wanted, rule_filter, after, order)
        with call.desk.store.reading() as workspace:
            count = None if wanted.kind == "never" else workspace.count(rule_filter, most=MOST_COUNTED)
    visits = visits_of(call, found)
    said = analysis.findings if analysis is not None else {}
    view = RuleList(
        wanted=wanted,
        lines=[replace(line_of(stored, visits), findings=said.get(rule_id(stored.ref), ())) for stored in found],
        count=count,
        owners=owners(call),
        destinations=destinations(call),
        later=call.link(after=Mark.of(last).text) if last is not None else "",
        say=say,
        may_edit=call.person.may_somewhere(Deed.EDIT),
        analysis=analysis,
        order=order.value if order is Order.CHANGED else "",
        orders=_orders(call) if analysis is None and order_of(rule_filter, order) is order else (),
    )
    return Show("rules.html", view)


def _orders(call: Call) -> list[tuple[str, str]]:
    """Each order with its link, which begins at the first page."""
    return [
        (order.value, call.link(order=value, after=""))
        for order, value in ((Order.NAME, ""), (Order.CHANGED, "changed"))
    ]


def last_analysis(call: Call) -> Analysis:
    """The findings of the last check that ended; they are of the draft as it stood then."""
    shop = call.desk.workshop
    done = (one for one in shop.all() if one.kind == "check" and shop.status(one.id).state == "done")
    if (request := next(done, None)) is None:
        return Analysis("", False, {})
    result = shop.result(request.id)
    findings: dict[str, list[tuple[str, str]]] = {}
    for one in result.get("findings", ()):
        if one["rule"]:
            findings.setdefault(one["rule"], []).append((one["severity"], heard(one)))
    with call.desk.store.reading() as workspace:
        current = workspace.revision == result.get("revision")
    return Analysis(f"/jobs/{request.id}", current, {rule: tuple(said) for rule, said in findings.items()})


def _found_by(call: Call, analysis: Analysis, wanted: Wanted, after: Ref | None) -> tuple[list[Stored], Stored | None]:
    """A page of the rules that an analysis speaks of and that fit the other filters."""
    refs = []
    for rule in analysis.findings:
        owner, _, id_ = rule.partition("/")
        refs += [Ref(Kind.RULE, f"{whose}:{owner}", id_) for whose in ("portal", "family")]
    with call.desk.store.reading() as workspace:
        there = workspace.many(refs)
    fitting = [stored for ref, stored in sorted(there.items()) if _fits(stored, wanted)]
    fitting = [stored for stored in fitting if after is None or stored.ref > after]
    page = fitting[:ON_A_PAGE]
    return page, page[-1] if len(fitting) > ON_A_PAGE else None


def _fits(stored: Stored, wanted: Wanted) -> bool:
    """Whether a rule passes the filters that need no index; a search text is looked for in its addresses."""
    body = stored.body
    first = body["to"][0] if body.get("to") else ""
    destination = first if isinstance(first, str) else first.get("destination", "")
    addresses = [*body.get("paths", ()), *body.get("exact", ()), body.get("regex", "")]
    return (
        wanted.owner in {"", stored.ref.scope.partition(":")[2]}
        and wanted.action in {"", body["action"]}
        and wanted.destination in {"", destination}
        and wanted.owned_by in {"", body.get("owner", "")}
        and wanted.state in {"", stored.state.value}
        and (not wanted.tag or wanted.tag in body.get("tags", ()))
        and (not wanted.q or any(wanted.q.casefold() in text.casefold() for text in addresses))
    )


def specimen_url(call: Call, stored: Stored) -> str:
    """An address that a rule knows, on the first portal that it decides for; "": none can be said."""
    whose, _, owner = stored.ref.scope.partition(":")
    portals = call.desk.published().snapshot.all_portals
    portal = next((one for one in portals if one.hosts and (one.id == owner or owner in one.families)), None)
    body = stored.body
    if portal is None or not (body.get("paths") or body.get("exact")):
        return ""
    try:
        rule = parsed_rule(body, f"{whose}:{owner}", destinations(call))
        key = specimen(portal.hosts[0], rule, rule.templates[0], fold_case=portal.fold_case)
    except (Problems, KeyError):
        return ""
    query = f"?{urlencode(key.pairs)}" if key.pairs else ""
    return f"https://{key.host}{key.path}{query}"


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


def _page(
    call: Call, wanted: Wanted, rule_filter: RuleFilter, after: Mark | None, order: Order
) -> tuple[list[Stored], Stored | None]:
    """A page of rules, and the last one that was looked at where there are more."""
    with call.desk.store.reading() as workspace:
        if wanted.kind != "never":
            found = workspace.find(rule_filter, after=after, limit=ON_A_PAGE + 1, order=order)
            return found[:ON_A_PAGE], found[ON_A_PAGE - 1] if len(found) > ON_A_PAGE else None
        unneeded: list[Stored] = []
        last: Stored | None = None
        for _ in range(_LOOKED_THROUGH):
            found = workspace.find(rule_filter, after=after, limit=4 * ON_A_PAGE, order=order)
            visits = visits_of(call, found)
            for stored in found:
                if not visits.get(rule_id(stored.ref)):
                    unneeded.append(stored)
                if len(unneeded) == ON_A_PAGE:
                    return unneeded, stored
            if len(found) < 4 * ON_A_PAGE:
                return unneeded, None
            last = found[-1]
            after = Mark.of(last)
        return unneeded, last


def visits_of(call: Call, found: Sequence[Stored]) -> Mapping[str, int]:
    """How often each of some rules was needed, by its id."""
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


def stored_rule(call: Call) -> Stored:
    """The rule that the address names.  Raises NotFound."""
    owner, id_ = call.matched["owner"], call.matched["id"]
    with call.desk.store.reading() as workspace:
        for scope in (f"portal:{owner}", f"family:{owner}"):
            if (stored := workspace.get(Ref(Kind.RULE, scope, id_))) is not None:
                return stored
    raise NotFound(id_)


ROUTES: Final = (Route("GET", "/rules", show_list),)
