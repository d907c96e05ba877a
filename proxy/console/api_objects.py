"""What rules stand on, for programs: portals, destinations, families, lookups, schedules; places, and readiness."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final, cast

from proxy.console import api_register_models as m
from proxy.console.api_operations import Endpoint
from proxy.console.calls import Call, Mistake, NotFound
from proxy.console.object_bodies import SORTS, Sort, checked_body
from proxy.console.readiness_pages import table_of
from proxy.console.rules_pages import is_family, scope_of
from redirect_rules import activation
from redirect_rules.model import Portal
from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.rights import Deed

_SORT_OF: Final = {sort.one: sort for sort in SORTS}


def _ref(call: Call, sort: Sort) -> Ref:
    if not sort.scoped:
        return Ref(sort.kind, "", call.matched["id"])
    owner = call.matched["owner"]
    if owner not in call.desk.provinces() and not is_family(call, owner):
        raise NotFound(owner)
    return Ref(sort.kind, scope_of(call, owner), call.matched["id"])


def _stored(call: Call, ref: Ref) -> Stored:
    with call.desk.store.reading() as workspace:
        stored = workspace.get(ref)
    if stored is None:
        raise NotFound(ref.id)
    return stored


def _object(stored: Stored) -> m.ObjectModel:
    return m.ObjectModel(
        owner=stored.ref.scope.partition(":")[2],
        id=stored.ref.id,
        version=stored.version,
        state=cast("Any", stored.state.value),
        body=stored.body,
    )


def _named(name: str, say: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The description names an operation as its function is called."""

    def named(handler: Callable[..., Any]) -> Callable[..., Any]:
        handler.__name__, handler.__doc__ = name, say
        return handler

    return named


def _lister(sort: Sort) -> Callable[[Call, m.PageQuery], m.ObjectPage]:
    @_named(f"list_{sort.path}", "Some of a sort.")
    def listed(call: Call, query: m.PageQuery) -> m.ObjectPage:
        scope, _, id_ = query.after.partition("|")
        with call.desk.store.reading() as workspace:
            there = (one for one in workspace.objects(sort.kind) if one.ref[1:] > (scope, id_))
            found = list(islice(there, query.limit + 1))
        lines = [
            m.ObjectLine(
                owner=one.ref.scope.partition(":")[2],
                id=one.ref.id,
                version=one.version,
                state=cast("Any", one.state.value),
            )
            for one in found[: query.limit]
        ]
        last = found[query.limit - 1].ref if len(found) > query.limit else None
        return m.ObjectPage(items=lines, next=None if last is None else f"{last.scope}|{last.id}")

    return listed


def _getter(sort: Sort) -> Callable[[Call, None], m.ObjectModel]:
    @_named(f"get_{sort.one}", "One of a sort.")
    def got(call: Call, _: None) -> m.ObjectModel:
        return _object(_stored(call, _ref(call, sort)))

    return got


def _putter(sort: Sort) -> Callable[[Call, m.ObjectBody], m.ObjectModel]:
    @_named(f"put_{sort.one}", "Keep one in the draft.")
    def put(call: Call, body: m.ObjectBody) -> m.ObjectModel:
        ref = _ref(call, sort)
        kept = checked_body(sort, ref.id, body.body)
        change, state = call.change(body.reason), State(body.state)
        return _object(call.office.put(ref, kept, change, seen_version=body.seen_version, state=state))

    return put


# History, of rules too


def _ref_of(call: Call, kind: str, owner: str, id_: str) -> Ref:
    if kind in {"rule", "lookup"}:
        return Ref(Kind(kind), scope_of(call, owner), id_)
    if owner:
        raise Mistake(("owner", f"a {kind} belongs to nobody: leave it out"))
    return Ref(Kind(kind), "", id_)


def get_history(call: Call, query: m.HistoryQuery) -> m.HistoryModel:
    """Every revision of an object, the newest first."""
    ref = _ref_of(call, query.kind, query.owner, query.id)
    with call.desk.store.reading() as workspace:
        revisions = workspace.history(ref)
    if not revisions:
        raise NotFound(query.id)
    items = [
        m.RevisionModel(
            version=one.version,
            actor=one.actor,
            reason=one.reason,
            at=one.at,
            batch=one.batch,
            state=cast("Any", one.state.value),
            body=None if one.body is None else dict(one.body),
        )
        for one in revisions[::-1]
    ]
    return m.HistoryModel(items=items)


def restore(call: Call, body: m.RestoreBody) -> m.ObjectModel:
    """Write an earlier revision again."""
    ref = _ref_of(call, body.kind, body.owner, body.id)
    change = call.change(body.reason)
    return _object(call.office.restore(ref, body.version, change, seen_version=body.seen_version))


# Schedules and switches


def list_schedules(call: Call, query: m.ScheduleQuery) -> m.SchedulesModel:
    """What every portal is going through."""
    packs = call.desk.drafted() if query.draft else call.desk.published()
    at = query.at or call.now

    def told(portal: Portal) -> m.ScheduleModel:
        instants = sorted(set(portal.schedule.instants))
        changes = [m.PhaseModel(at=one, phase=portal.schedule.phase_at(one).value) for one in instants]
        return m.ScheduleModel(portal=portal.id, phase=portal.schedule.phase_at(at).value, changes=changes)

    return m.SchedulesModel(items=[told(one) for one in sorted(packs.snapshot.all_portals, key=lambda one: one.id)])


def put_schedule(call: Call, body: m.ScheduleBody) -> m.ObjectModel:
    """Keep a portal's schedule in the draft."""
    sort = _SORT_OF["portal"]
    stored = _stored(call, _ref(call, sort))
    kept = checked_body(sort, stored.ref.id, stored.body | {"schedule": body.schedule})
    change = call.change(body.reason)
    put = call.office.put(stored.ref, kept, change, seen_version=body.seen_version, state=stored.state)
    return _object(put)


def list_switches(call: Call, _: None) -> m.SwitchesModel:
    """Portals whose emergency switch is on."""
    found = activation.switches(call.desk.state.snapshots)
    return m.SwitchesModel(switches={portal: position.value for portal, position in found.items()})


# Places


def find_localities(call: Call, query: m.LocalityQuery) -> m.LocalitiesModel:
    """Places as people write them, and what they are today."""
    localities = call.desk.published().book.localities
    items = [
        m.LocalityModel(
            code=str(match.locality.code),
            name=match.locality.name,
            confidence=match.locality.confidence.value,
            now=[f"{one.name}, {one.province}" for one in localities.successors(match.locality)],
        )
        for match in localities.search(query.q, limit=query.limit)
    ]
    return m.LocalitiesModel(items=items)


def list_disputed(call: Call, _: None) -> m.DisputesModel:
    """Old communes whose successor the sources do not agree on."""
    items = [
        m.DisputedModel(
            code=unit.code,
            name=f"{unit.name}, {unit.district}, {unit.province}",
            now=[f"{one.name}, {one.province}" for one in unit.now],
        )
        for unit in call.desk.published().book.localities.disputed()
    ]
    return m.DisputesModel(items=items)


def get_readiness(call: Call, _: None) -> m.ReadinessPage:
    """The table of the provinces."""
    items = [
        m.ReadinessModel(
            code=row.code,
            name=row.name,
            done=row.done,
            cells={name: m.CellModel(state=one.state, by=one.by, say=one.say) for name, one in row.cells.items()},
        )
        for row in table_of(call)
    ]
    return m.ReadinessPage(items=items)


def _path(sort: Sort, *, one: bool) -> str:
    return f"/{sort.path}" + ("/{owner}" * sort.scoped + "/{id}" if one else "")


_SEE: Final = Deed.SEE
ENDPOINTS: Final = (
    *(
        endpoint
        for sort in SORTS
        for endpoint in (
            Endpoint(
                "GET",
                _path(sort, one=False),
                f"List {sort.path} of the draft",
                _SEE,
                _lister(sort),
                m.ObjectPage,
                query=m.PageQuery,
            ),
            Endpoint("GET", _path(sort, one=True), f"A {sort.one}", _SEE, _getter(sort), m.ObjectModel),
            Endpoint(
                "PUT",
                _path(sort, one=True),
                f"Keep a {sort.one}",
                sort.deed,
                _putter(sort),
                m.ObjectModel,
                body=m.ObjectBody,
            ),
        )
    ),
    Endpoint("GET", "/history", "Who changed an object", _SEE, get_history, m.HistoryModel, query=m.HistoryQuery),
    Endpoint(
        "POST", "/restorations", "Write an earlier revision again", _SEE, restore, m.ObjectModel, body=m.RestoreBody
    ),
    Endpoint(
        "GET",
        "/schedules",
        "What portals are going through",
        _SEE,
        list_schedules,
        m.SchedulesModel,
        query=m.ScheduleQuery,
    ),
    Endpoint(
        "PUT",
        "/schedules/{id}",
        "Keep a portal's schedule",
        Deed.EDIT_PORTALS,
        put_schedule,
        m.ObjectModel,
        body=m.ScheduleBody,
    ),
    Endpoint("GET", "/switches", "Emergency switches that are on", _SEE, list_switches, m.SwitchesModel),
    Endpoint("GET", "/localities", "Find a place", _SEE, find_localities, m.LocalitiesModel, query=m.LocalityQuery),
    Endpoint("GET", "/localities/disputed", "Communes in dispute", _SEE, list_disputed, m.DisputesModel),
    Endpoint("GET", "/readiness", "The table of the provinces", _SEE, get_readiness, m.ReadinessPage),
)
