"""A portal's schedule: when it is announced, closed and retired, and what that does to ten addresses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from proxy.console.calls import Answer, Call, GoTo, NotFound, Route, Show
from proxy.console.explain_pages import drafted
from proxy.console.hits_pages import span_of
from proxy.console.views import Wrong
from redirect_rules.bodies import body_of
from redirect_rules.model import HO_CHI_MINH, Portal
from redirect_rules.objects import Kind, Ref, Stored
from redirect_rules.portals import PortalRow
from redirect_rules.rights import Deed
from redirect_rules.schedules import ScheduleRow, instant
from redirect_rules.specimens import specimen
from redirect_rules.stores.hits import Span
from redirect_rules.trials import trial_with
from redirect_rules.turning_points import TurningPoint, known_urls, turning_points

INSTANTS: Final = ("announced_at", "notice_at", "direct_at", "retired_at")
MOST_URLS: Final = 10


@dataclass(frozen=True, slots=True)
class ScheduleForm:
    """What stands in the fields."""

    own: bool  # of this portal; otherwise as all portals of its kind
    instants: Mapping[str, str]  # as a browser's field for a date and a time has them: "2027-01-01T00:00"
    probation_days: str

    @classmethod
    def of(cls, row: ScheduleRow | None, common: ScheduleRow) -> "ScheduleForm":
        """The form of a schedule that is kept; of a portal without one, what it has in common."""
        shown = row or common
        texts = {name: _field_text(getattr(shown, name)) for name in INSTANTS}
        return cls(row is not None, texts, str(shown.probation_days))

    @classmethod
    def read(cls, call: Call) -> "ScheduleForm":
        """What somebody typed."""
        form = call.form
        return cls(form.get("own") == "yes", {name: form.get(name) for name in INSTANTS}, form.get("probation_days"))

    def row(self, before: ScheduleRow | None) -> tuple[ScheduleRow | None, Wrong]:
        """The schedule, with the pilot that was there; or what is wrong with the fields."""
        if not self.own:
            return None, ()
        values: dict[str, Any] = {"pilot": before.pilot if before else None}
        wrong: list[tuple[str, str]] = []
        for name, text in self.instants.items():
            try:
                values[name] = instant(text) if text else None
            except ValueError:
                wrong.append((name, "instant"))
        days = self.probation_days
        if not (days.isascii() and days.isdecimal() and int(days) <= 3_650):
            wrong.append(("probation_days", "days"))
        if wrong:
            return None, tuple(wrong)
        try:
            row = ScheduleRow(**values, probation_days=int(days))
        except ValidationError as error:
            return None, tuple((str(one["loc"][0]), one["msg"]) for one in error.errors(include_url=False))
        return row, (("announced_at", "order"),) if row.disorder() else ()


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """The page."""

    id: str
    name: str
    form: ScheduleForm
    common: Sequence[tuple[str, datetime]]  # what portals of its kind have in common
    paths: Sequence[str]  # that keep their own time
    urls: Sequence[str]
    points: Sequence[TurningPoint]
    is_trial: bool  # the points are of what is typed, not of what is kept
    version: int
    may_edit: bool
    reason: str = ""
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """What the schedule says, and what happens by it."""
    stored = _stored(call)
    form = ScheduleForm.of(_row(stored), _common(call, stored))
    return Show("schedule.html", _page(call, stored, form, _row(stored)))


def try_it(call: Call) -> Answer:
    """What would happen by what is typed.  Nothing is written."""
    stored, form = _stored(call), ScheduleForm.read(call)
    row, wrong = form.row(_row(stored))
    return Show("schedule.html", _page(call, stored, form, row, wrong=wrong, is_trial=True))


def save(call: Call) -> Answer:
    """Keep it in the draft."""
    stored, form, reason = _stored(call), ScheduleForm.read(call), call.form.get("reason")
    row, wrong = form.row(_row(stored))
    if not reason:
        wrong = (*wrong, ("reason", "required"))
    if wrong:
        return Show("schedule.html", _page(call, stored, form, row, wrong=wrong, is_trial=True), 422)
    portal = PortalRow.model_validate_json(stored.text).model_copy(update={"schedule": row})
    seen = call.form.number("version", 0, least=0, most=10**8)
    call.office.put(stored.ref, body_of(portal), call.change(reason), seen_version=seen)
    return GoTo(f"/portals/-/{stored.ref.id}/schedule", "saved")


def _stored(call: Call) -> Stored:
    with call.desk.store.reading() as workspace:
        stored = workspace.get(Ref(Kind.PORTAL, "", call.matched["id"]))
    if stored is None:
        raise NotFound(call.matched["id"])
    return stored


def _row(stored: Stored) -> ScheduleRow | None:
    return PortalRow.model_validate_json(stored.text).schedule


def _common(call: Call, stored: Stored) -> ScheduleRow:
    with call.desk.store.reading() as workspace:
        defaults = workspace.get(Ref(Kind.DEFAULTS, "", stored.body["kind"]))
    found = defaults.body.get("schedule") if defaults is not None else None
    return ScheduleRow.model_validate(found) if found else ScheduleRow()


def _page(
    call: Call,
    stored: Stored,
    form: ScheduleForm,
    row: ScheduleRow | None,
    *,
    wrong: Wrong = (),
    is_trial: bool = False,
) -> SchedulePage:
    common = _common(call, stored)
    urls: Sequence[str] = ()
    points: Sequence[TurningPoint] = ()
    packs, broken = drafted(call)
    portals = packs.snapshot.all_portals if packs is not None else ()
    portal = next((one for one in portals if one.id == stored.ref.id), None)
    if packs is not None and portal is not None and not wrong:
        urls = known_urls(portal, _paths(call, portal), most=MOST_URLS)
        trial = replace(portal, schedule=(row or common).schedule())
        points = turning_points(trial_with(packs, trial), trial, urls, crawlers=packs.crawlers)
    return SchedulePage(
        id=stored.ref.id,
        name=stored.body["name"].get(call.language) or stored.body["name"].get("vi") or stored.ref.id,
        form=form,
        common=[(name, at) for name in INSTANTS if (at := getattr(common, name)) is not None],
        paths=[one["prefix"] for one in stored.body.get("paths", ())],
        urls=urls,
        points=points,
        is_trial=is_trial,
        version=stored.version,
        may_edit=call.office.may_write(stored.ref),
        reason=call.form.get("reason"),
        wrong=(*wrong, *(("draft", said) for _, said in broken)),
    )


def _paths(call: Call, portal: Portal) -> Iterator[str]:
    """What people really ask for; and where nobody was counted yet, what the rules know."""
    span: Span = span_of(call, 28, portal.id)
    for mapped in (True, False):
        for page in call.desk.hits.pages(span, mapped=mapped, most=MOST_URLS):
            host, slash, path = page.key.partition("?")[0].partition("/")
            if slash and host in portal.hosts and not {"#", "…"} & set(path):
                yield f"/{path}"
    for rule in call.desk.published().snapshot.rules_of(portal):
        for template in rule.templates[:1]:
            yield specimen(portal.hosts[0], rule, template, fold_case=portal.fold_case).path


def _field_text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(HO_CHI_MINH).strftime("%Y-%m-%dT%H:%M")


ROUTES: Final = (
    Route("GET", "/portals/-/{id}/schedule", show),
    Route("POST", "/portals/-/{id}/schedule", save, Deed.EDIT_PORTALS),
    Route("POST", "/portals/-/{id}/schedule/try", try_it, Deed.EDIT_PORTALS),
)
