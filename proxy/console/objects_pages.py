"""Portals, destinations, families and lookups: what rules stand on, each as its own few lines of TOML.

What is typed is checked by the form that the files of conf/ have; whether the whole draft holds together is told by the
analysis before anything is published.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from proxy.console.calls import Answer, Call, GoTo, Handler, Mistake, NotFound, Route, Show
from proxy.console.health import Health
from proxy.console.hits_pages import health_of
from proxy.console.rule_forms import toml_of
from proxy.console.views import Wrong
from proxy.passing.policy import PORTALS_OWN
from proxy.upstream_routes import load_upstreams
from redirect_rules.bodies import body_of
from redirect_rules.objects import NEW, Kind, Ref, Revision, State, Stored
from redirect_rules.packs import DestinationRow
from redirect_rules.parsing import FamilyRow
from redirect_rules.portals import PortalRow
from redirect_rules.rights import Deed
from redirect_rules.schedules import ScheduleRow, instant
from redirect_rules.sources import Problems


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of object."""

    path: str  # "/portals"; its texts are `objects.PATH.…`
    kind: Kind
    row: type[BaseModel] | None  # None: a lookup, whose lines are checked here
    name: str  # the key that names it
    deed: Deed


SORTS: Final = (
    Sort("portals", Kind.PORTAL, PortalRow, "id", Deed.EDIT_PORTALS),
    Sort("destinations", Kind.DESTINATION, DestinationRow, "name", Deed.EDIT),
    Sort("families", Kind.FAMILY, FamilyRow, "family", Deed.EDIT),
    Sort("lookups", Kind.LOOKUP, None, "name", Deed.EDIT),
)


@dataclass(frozen=True, slots=True)
class ObjectList:
    """All of a sort."""

    sort: str
    lines: Sequence[tuple[str, str, str, bool]]  # link, name, summary, on
    may_edit: bool


@dataclass(frozen=True, slots=True)
class ObjectForm:
    """One of them."""

    sort: str
    link: str
    name: str
    scope: str
    text: str
    version: int
    is_new: bool
    may_edit: bool
    history: Sequence[Revision] = ()
    is_portal: bool = False  # one that is there: it has a schedule, sentences and a system behind it
    health: Health = field(default_factory=Health)
    behind: Sequence[str] = ()  # names of the upstreams of a portal
    reason: str = ""
    wrong: Wrong = ()


def _list(sort: Sort) -> Handler:
    def show_list(call: Call) -> Answer:
        with call.desk.store.reading() as workspace:
            stored = list(workspace.objects(sort.kind))
        lines = [(_link(sort, one.ref), _shown_name(one.ref), _summary(one), one.state is State.ON) for one in stored]
        return Show("objects.html", ObjectList(sort.path, lines, call.person.may_somewhere(sort.deed)))

    return show_list


def _shown_name(ref: Ref) -> str:
    return f"{ref.scope.partition(':')[2]}/{ref.id}" if ref.scope else ref.id


def _summary(stored: Stored) -> str:
    body = stored.body
    match stored.ref.kind:
        case Kind.PORTAL:
            return ", ".join(body.get("hosts", ())[:2])
        case Kind.DESTINATION:
            return str(body["forms"][0]["url"])
        case Kind.FAMILY:
            return str(body.get("title", ""))
        case Kind.LOOKUP:
            return f"{len(body.get('entries', {})):,}"
    return ""


def _link(sort: Sort, ref: Ref) -> str:
    return f"/{sort.path}/{ref.scope.partition(':')[2] or '-'}/{ref.id}"


def _one(sort: Sort) -> Handler:
    def show_one(call: Call) -> Answer:
        return Show("object.html", _form(call, sort, _ref(sort, call)))

    return show_one


def _ref(sort: Sort, call: Call) -> Ref:
    owner = call.matched["owner"]
    return Ref(sort.kind, "" if owner == "-" else f"portal:{owner}", call.matched["id"])


def _form(call: Call, sort: Sort, ref: Ref, *, text: str | None = None, wrong: Wrong = ()) -> ObjectForm:
    with call.desk.store.reading() as workspace:
        stored = workspace.get(ref)
        history = workspace.history(ref)[::-1] if stored else []
    is_new = ref.id == "new" and stored is None
    if stored is None and not is_new:
        raise NotFound(ref.id)
    body = stored.body if stored else {}
    is_portal = sort.kind is Kind.PORTAL and stored is not None
    return ObjectForm(
        sort=sort.path,
        link=_link(sort, ref),
        name="" if is_new else _shown_name(ref),
        scope=ref.scope,
        text=_as_text(sort, body) if text is None else text,
        version=stored.version if stored else NEW,
        is_new=is_new,
        may_edit=call.person.may_somewhere(sort.deed) if is_new else call.office.may_write(ref),
        history=history,
        is_portal=is_portal,
        health=health_of(call) if is_portal else Health(),
        behind=_behind(call, ref.id) if is_portal else (),
        reason=call.form.get("reason"),
        wrong=wrong,
    )


def _as_text(sort: Sort, body: Mapping[str, Any]) -> str:
    if sort.kind is Kind.LOOKUP:
        return "\n".join(f"{old},{code}" for old, code in body.get("entries", {}).items())
    return "\n".join(f"{name} = {toml_of(value)}" for name, value in body.items())


def _behind(call: Call, portal_id: str) -> Sequence[str]:
    """The upstreams that take what a portal lets through, as the configuration names them."""
    portals = call.desk.published().snapshot.all_portals
    portal = next((one for one in portals if one.id == portal_id), None)
    try:
        routes = load_upstreams(call.desk.settings, None).row.route
    except Problems:
        routes = []
    names = [route.upstream for route in routes if route.portal == portal_id]
    own = [f"{PORTALS_OWN}{portal_id}"] if portal is not None and portal.upstream else []
    return list(dict.fromkeys([*names, *own]))


def _save(sort: Sort) -> Handler:
    def save(call: Call) -> Answer:
        ref, text, reason = _ref(sort, call), call.form.raw("text"), call.form.get("reason")
        is_new = ref.id == "new"
        try:
            if not reason:
                _wrong("reason", "required")
            body = _body(sort, text)
            if is_new:
                ref = Ref(sort.kind, ref.scope, str(body.get(sort.name) or call.form.get("name")))
                if not ref.id:
                    _wrong("text", f"{sort.name}: required")
            elif sort.kind is not Kind.LOOKUP and body[sort.name] != ref.id:
                _wrong("text", f"{sort.name}: {ref.id!r}")
        except Mistake as mistake:
            return Show("object.html", _form(call, sort, _ref(sort, call), text=text, wrong=mistake.wrong), 422)
        seen = NEW if is_new else call.form.number("version", 0, least=0, most=10**8)
        call.office.put(ref, body, call.change(reason), seen_version=seen)
        return GoTo(_link(sort, ref), "saved")

    return save


def _wrong(name: str, text: str) -> None:
    raise Mistake((name, text))


def _body(sort: Sort, text: str) -> dict[str, Any]:
    if sort.row is None:
        return {"entries": _entries(text)}
    try:
        row = sort.row.model_validate(_plain(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise Mistake(("text", str(error))) from None
    except ValidationError as error:
        found = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False)]
        raise Mistake(*(("text", f"{place}: {say}") for place, say in found)) from None
    if isinstance(row, PortalRow):
        schedules = [row.schedule, *(own.schedule for own in row.paths)]
        for disorder in (one.disorder() for one in schedules if isinstance(one, ScheduleRow)):
            if disorder:
                _wrong("text", disorder)
    return body_of(row)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case datetime() | date():
            return instant(value).isoformat()
    return value


def _entries(text: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        old, comma, code = line.partition(",")
        if not comma or not old.strip() or not code.strip():
            _wrong("text", f"{number}: {line[:60]}: id,code")
        if entries.setdefault(old.strip(), code.strip()) != code.strip():
            _wrong("text", f"{number}: {old.strip()}: {entries[old.strip()]} / {code.strip()}")
    return entries


ROUTES: Final = (
    *(Route("GET", f"/{sort.path}", _list(sort)) for sort in SORTS),
    *(Route("GET", f"/{sort.path}/{{owner}}/{{id}}", _one(sort)) for sort in SORTS),
    *(Route("POST", f"/{sort.path}/{{owner}}/{{id}}", _save(sort), sort.deed) for sort in SORTS),
)
