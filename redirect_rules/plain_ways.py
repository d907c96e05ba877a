"""Where plain addresses lead: what `decide` finds by templates for a path without a query, in a tenth of its time.

The precedence is that of `Snapshot.candidates`.  What is not plain beyond doubt is left to `decide`: a path that an
exact rule knows, or a rule that passes or refuses, or perhaps an expression.
"""

from collections.abc import Sequence
from datetime import datetime

from redirect_rules.exact import PINNED, ExactIndex
from redirect_rules.matching import Entry, TemplateIndex
from redirect_rules.model import Portal
from redirect_rules.snapshot import Snapshot
from redirect_rules.template_plans import MISFIT, NEVER, UNKNOWN, PlainWay, Plan, Planner


class PlainWays:
    """Those of a snapshot, between two instants of it."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        """At `now` (aware), and until the next of `Snapshot.instants`."""
        self._snapshot = snapshot
        self._now = now
        self._planner = Planner(snapshot, now)
        self._portals: dict[str, PortalWays] = {}
        self._planned: dict[int, Planned] = {}

    def of(self, portal: Portal) -> "PortalWays":
        """Those of one portal, for who comes to no back office and has chosen no commune."""
        found = self._portals.get(portal.id)
        if found is None:
            snapshot, index = self._snapshot, self._snapshot.indexes[portal.id]
            found = self._portals[portal.id] = PortalWays(
                portal.id,
                snapshot.exact if len(snapshot.exact) else None,
                self._planned_of(index.own, pins=True),
                self._planned_of(index.families, pins=False),
                now=self._now,
                expressions=len(index.expressions) > 0,
            )
        return found

    def _planned_of(self, index: TemplateIndex, *, pins: bool) -> "Planned":
        # Portals of one product share an index, and what was worked out about it.
        found = self._planned.get(id(index))
        if found is None:
            found = self._planned[id(index)] = Planned(index, self._planner, pins=pins)
        return found


class Planned:
    """An index of templates, with the plans of those that were asked for."""

    __slots__ = ("_alike", "_pins", "_planner", "_plans", "_space", "index")

    def __init__(self, index: TemplateIndex, planner: Planner, *, pins: bool) -> None:
        """`pins`: whether a rule that passes or refuses comes before all others, wherever it stands among them."""
        self.index = index
        self._space = index.space
        self._planner = planner
        self._pins = pins
        self._plans: dict[int, Plan] = {}  # by `Entry.place`
        self._alike: dict[int, tuple[Plan, ...]] = {}  # by the identity of what the index holds for as long as it lives

    def way(self, segments: tuple[str, ...], folded: tuple[str, ...], portal: str) -> PlainWay | None:
        """The way by the first template that knows the path; as `Plan.way` says it."""
        entries = self._space.under(folded)
        plans = self._alike.get(id(entries))
        if plans is None:
            if not entries:
                return MISFIT
            plans = self._plans_of(entries)
        for plan in plans:
            way = plan.way(segments, portal)
            if way is not MISFIT:
                return way
        return MISFIT

    def _plans_of(self, entries: Sequence[Entry]) -> tuple[Plan, ...]:
        plans = list[Plan]()
        for entry in entries:
            plan = self._plans.get(entry.place)
            if plan is None:
                plan = self._plans[entry.place] = self._planner.plan(entry)
            if plan is not NEVER:
                plans.append(plan)
                if self._pins and entry.rule.action in PINNED:
                    plans.insert(0, plan)
        if isinstance(entries, tuple):  # what was put together for one path is gone after it
            self._alike[id(entries)] = tuple(plans)
        return tuple(plans)


class PortalWays:
    """The plain ways of one portal."""

    __slots__ = ("_exact", "_expressions", "_families", "_now", "_own", "_portal")

    def __init__(
        self,
        portal: str,
        exact: ExactIndex | None,
        own: Planned,
        families: Planned,
        *,
        now: datetime,
        expressions: bool,
    ) -> None:
        """Of the portal with an id.

        exact        the exact rules of all portals; None: there are none
        expressions  whether the portal has any
        """
        self._portal = portal
        self._exact = exact
        self._own = own if len(own.index) else None
        self._families = families
        self._now = now
        self._expressions = expressions

    def find(self, path: str, segments: tuple[str, ...], folded: tuple[str, ...]) -> PlainWay | None:
        """The way of a plain path of at most `LONGEST_PATH` characters; None where `decide` has to be asked.

        path  as `Key.path`; segments and folded as those of the key
        """
        portal, own = self._portal, self._own
        if self._exact is not None and self._exact.candidates(portal, path, (), self._now):
            return None
        if own is not None:
            way = own.way(segments, folded, portal)
            if way is not MISFIT:
                # What is exact in a family stands before the portal's own templates.
                return None if self._families.index.has_exactly(folded) else way
        way = self._families.way(segments, folded, portal)
        if way is not MISFIT:
            return way
        return None if self._expressions else UNKNOWN
