"""Pages of the console's lists over a million rules: every filter, sort and deep page, on both databases."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from sqlalchemy import select, update

from bench.consoles import Officer, console
from bench.figures import Figure, Row, Skipped, Target, below
from bench.postgres import postgres
from bench.rulesets import Site, old_address
from bench.workshop import MILLION, Workshop
from proxy.clock import utc_now
from redirect_rules.audit import Entry, Link, chained, utc_text
from redirect_rules.hits import Hit
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.objects import Change, Kind, Put, Ref, State
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.stores.database import Database
from redirect_rules.stores.rows import Rows
from redirect_rules.stores.tables import AUDIT, WORKSPACE

ABOUT = (
    "A million rules of 34 portals in ten imports, most of them alike, some of them rare: one in 1,000 bears a tag, "
    "one in 10,000 an owner, one in 20,000 is off, one in 50 has expired, 2 % are gone; 140,000 rows of hits. A page "
    "of the console's list is asked for as a browser does, with its count and the visits of each rule; the time is "
    "until its last octet. A deep page begins at nine tenths of what its filter finds. Then the trail, with a million "
    "entries more."
)
_TARGET: Final = 300.0
_IMPORTS: Final = 10
_HITS_A_DAY: Final = 5_000
_DAYS: Final = 28
_AT_ONCE: Final = 10_000
_BEGUN: Final = datetime(2024, 1, 1, tzinfo=UTC)


def run(shop: Workshop) -> Iterator[Row]:
    """Each database in turn."""
    target = below(_TARGET) if shop.extent.rules >= MILLION else None
    yield from _measured(shop, "SQLite", {}, target)
    try:
        with postgres() as database:
            yield from _measured(shop, "PostgreSQL", {"DVC_EDGE__STATE__DATABASE": database.url}, target)
    except FileNotFoundError as error:
        yield Skipped("PostgreSQL", str(error))


def _measured(shop: Workshop, name: str, environ: dict[str, str], target: Target | None) -> Iterator[Row]:
    with console(shop.place("console"), shop.place("state"), environ) as officer:
        shop.told(f"{name}: writing {shop.extent.rules:,} rules")
        _fill(officer, shop)
        for what, path in _pages(officer, shop):
            officer.page(path)  # once before, as somebody who is at work already
            seconds = tuple(officer.page(path) * 1_000 for _ in range(shop.extent.rounds))
            yield Figure(f"{name}: {what}: median", seconds, "ms", target)
        shop.told(f"{name}: writing {shop.extent.rules:,} entries of the trail")
        _write_trail(officer, shop.extent.rules)
        for what, path in _trail_pages(shop.extent.rules).items():
            officer.page(path)
            seconds = tuple(officer.page(path) * 1_000 for _ in range(shop.extent.rounds))
            yield Figure(f"{name}: trail: {what}: median", seconds, "ms", target)
        exported = officer.page(f"/audit.csv?after={shop.extent.rules // 2}")
        yield Figure(f"{name}: trail: a file of 100,000 entries", (exported,), "s")
        begun = time.perf_counter()
        officer.done(officer.call("POST", "/audit/verification"))
        taken = time.perf_counter() - begun
        yield Figure(f"{name}: trail: verified in the background, with all that it wrote", (taken,), "s")


def _write_trail(officer: Officer, count: int) -> None:
    """Entries as many years make them, chained to those that are there."""
    database = Database(officer.desk.state.database)
    with contextlib.closing(database), database.writing() as connection:
        row = connection.execute(select(WORKSPACE)).one()
        last = Link(row.audit_number, row.audit_hash)
        with Rows(connection) as rows:
            for first in range(0, count, _AT_ONCE):
                some = []
                for number in range(first, min(first + _AT_ONCE, count)):
                    one = chained(_entry(number, last.number + 1), last)
                    last = one.link
                    some.append((*astuple(one.entry), one.previous, one.hash))
                rows.send(AUDIT, some)
        connection.execute(update(WORKSPACE).values(audit_number=last.number, audit_hash=last.hash))


def _entry(number: int, place: int) -> Entry:
    action = "undo" if number % 5_000 == 1 else "put"
    reason = "một lý do hiếm" if number % 300_000 == 7 else f"người dân hỏi, phiếu {number}"
    at = utc_text(_BEGUN + timedelta(minutes=number))
    return Entry(place, at, f"can.bo.{number % 40:02}", action, f"rule portal:langson/{_id(number)}", reason)


def _trail_pages(count: int) -> dict[str, str]:
    middle = (_BEGUN + timedelta(minutes=count // 2)).date()
    return {
        "the newest": "/audit",
        "a person": "/audit?actor=can.bo.17",
        "a rare action": "/audit?action=undo",
        "a person and an action that never go together": "/audit?actor=can.bo.17&action=undo",
        "a word that many have": "/audit?" + urlencode({"word": "PHIẾU"}),
        "a word that few have": "/audit?" + urlencode({"word": "một lý do hiếm"}),
        "a day": f"/audit?since={middle}&until={middle}",
        "from years ago on": f"/audit?until={_BEGUN.date() + timedelta(days=3)}",
        "deep": f"/audit?before={count // 10}",
    }


def _fill(officer: Officer, shop: Workshop) -> None:
    each = shop.extent.rules // _IMPORTS
    for part in range(_IMPORTS):
        change = Change("bench", "an import", utc_now(), f"part-{part}")
        officer.desk.store.apply(
            (_rule(number, shop.sites) for number in range(part * each, (part + 1) * each)), change
        )
    today = utc_now().astimezone(HO_CHI_MINH).date()
    for back in range(_DAYS):
        day = today - timedelta(days=back)
        officer.desk.hits.add(day, {_hit(number * 7 + back, shop.sites, day): 3 for number in range(_HITS_A_DAY)})


def _hit(number: int, sites: Sequence[Site], day: date) -> Hit:
    one = old_address(number % 100_000, sites)
    return Hit(
        one.site.portal,
        f"{one.site.host}{one.path}",
        "redirect",
        "navigation",
        f"{one.site.portal}/{_id(number % 100_000)}",
    )


def _id(number: int) -> str:
    return f"r-{number * 7_919 % 1_000_003:07}"  # in no order


def _rule(number: int, sites: Sequence[Site]) -> Put:
    one = old_address(number, sites)
    goal: Any = {"url": one.target} if number % 2 else "procedure-list" if number % 4 else "home"
    body: dict[str, Any] = {"id": _id(number), "exact": [one.path], "action": "redirect" if number % 3 else "notice"}
    body["to"] = [goal]
    if number % 50 == 7:
        body |= {"action": "gone", "to": []}
    if number % 1_000 == 1:
        body["tags"] = ["kiem-tra"]
    if number % 10_000 == 2:
        body["owner"] = "an.nguyen"
    if number % 50 == 3:
        body["valid_until"] = "2026-01-01T00:00:00+07:00"
    return Put(
        Ref(Kind.RULE, f"portal:{one.site.portal}", body["id"]),
        body,
        state=State.OFF if number % 20_000 == 5 else State.ON,
    )


def _pages(officer: Officer, shop: Workshop) -> Iterator[tuple[str, str]]:
    """What is measured: its name, and the address of the page."""
    portal = shop.sites[3].portal
    prefix = old_address(shop.extent.rules // 2, shop.sites).path[:24]
    wanted: dict[str, dict[str, str]] = {
        "everything": {},
        "a portal": {"owner": portal},
        "an address, with its host": {"q": old_address(17, shop.sites).url},
        "the beginning of an address, all have it": {"q": "/vi"},
        "the beginning of an address, few have it": {"q": prefix},
        "the beginning of an address, of a portal": {"q": "/vi/procedure", "owner": portal},
        "an action": {"action": "notice"},
        "a rare action": {"action": "gone"},
        "an action that none has": {"action": "ask"},
        "a destination": {"destination": "home"},
        "a tag": {"tag": "kiem-tra"},
        "an owner": {"owned_by": "an.nguyen"},
        "off": {"state": "off"},
        "on": {"state": "on"},
        "expired": {"kind": "expired"},
        "never hit": {"kind": "never"},
        "an action, of a portal": {"action": "gone", "owner": portal},
        "a destination with an action that never go together": {"action": "gone", "destination": "home"},
        "expired, of a portal, with a tag": {"kind": "expired", "owner": portal, "tag": "kiem-tra"},
    }
    for what, pairs in wanted.items():
        yield what, f"/rules?{urlencode(pairs)}"
    deep = {
        "everything": RuleFilter(),
        "an action": RuleFilter(action="notice"),
        "a rare action": RuleFilter(action="gone"),
        "a destination": RuleFilter(destination="home"),
        "on": RuleFilter(state=State.ON),
        "expired": RuleFilter(ends_before=utc_now()),
        "the beginning of an address, all have it": RuleFilter(key_prefix="/vi"),
    }
    for what, rule_filter in deep.items():
        yield f"{what}: deep", f"/rules?{urlencode({**wanted[what], 'after': _late(officer, rule_filter)})}"
    yield "API: changed last", "/api/v1/rules?order=changed&limit=50"
    yield "API: changed last, an action", "/api/v1/rules?order=changed&limit=50&action=notice"
    yield "API: changed last, a portal", f"/api/v1/rules?order=changed&limit=50&owner={quote(portal)}"


def _late(officer: Officer, rule_filter: RuleFilter) -> str:
    """The mark of a rule at nine tenths of a list."""
    with officer.desk.store.reading() as workspace:
        skipped = workspace.count(rule_filter) * 9 // 10
        last = None
        for _ in range(0, skipped, 20_000):
            found = workspace.find(rule_filter, after=last, limit=20_000)
            if not found:
                break
            last = found[-1].ref
    return f"{last.scope}|{last.id}" if last is not None else ""
