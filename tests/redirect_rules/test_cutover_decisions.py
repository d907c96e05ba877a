"""Deciding ahead of a closing: rehearsals, pilots, and paths that are kept alive through it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from redirect_rules.answers import Forward
from redirect_rules.decision import Decision, Visit, decide, rehearse
from redirect_rules.model import JOINED, LEFT, Action, ClientClass, Life, Phase, Pilot, Schedule, Switch
from redirect_rules.snapshot import Snapshot
from tests.redirect_rules.test_decision import HOST, OFFICE, World, day, rule

ANNOUNCED, CLOSES = day(2026, 6, 27) + timedelta(hours=18), day(2026, 7, 1)
BEFORE, DURING = day(2026, 6, 1), day(2026, 6, 28)
PILOT = Pilot(ANNOUNCED, share=100, word="dung-thu")
RULES = (
    rule('paths = ["/tin"]', 'action = "notice"', 'to = ["home"]', number=1)
    + rule('paths = ["/thanh-toan"]', 'action = "pass"', number=2)
    + rule('paths = ["/cam", "/api/cam"]', 'action = "refuse"', number=3)
    + rule('paths = ["/moi"]', 'action = "notice"', 'to = ["home"]', "valid_from = 2026-07-01T00:00:00+07:00", number=4)
    + rule('paths = ["/api/cu"]', 'action = "gone"', number=5)
)


def world(packs: Packs, **changes: object) -> World:
    own = {"schedule": Schedule(ANNOUNCED, CLOSES), "life": Life.LIVING, **changes}
    return World(packs, RULES, own)


# what passes now       would become            known to a rule of that day
REHEARSALS = [
    ("/tin",            Action.NOTICE,          True),
    ("/khong-ai-biet",  Action.NOTICE,          False),
    ("/cam",            Action.REFUSE,          True),
    ("/moi",            Action.NOTICE,          True),  # the rule begins with the closing
    ("/api/cu",         Action.GONE,            True),
    ("/thanh-toan",     None,                   None),  # passes then too
    ("/%zz",            None,                   None),
]  # fmt: skip


@pytest.mark.parametrize(("target", "outcome", "mapped"), REHEARSALS)
@pytest.mark.parametrize("now", [BEFORE, DURING])
def test_what_is_ahead_is_decided_by_the_rules_of_that_day(
    packs: Packs, target: str, outcome: Action | None, *, mapped: bool | None, now: datetime
) -> None:
    ahead = rehearse(Visit(HOST, target), world(packs).snapshot, now)
    assert (ahead.outcome if ahead else None) == outcome
    assert (ahead.mapped if ahead else None) == mapped


def test_a_rehearsal_is_the_decision_at_the_closing(packs: Packs) -> None:
    snapshot = world(packs).snapshot
    for client in ClientClass:
        for target in ("/tin", "/khong-ai-biet", "/cam", "/moi", "/x.css", "/thanh-toan"):
            visit = Visit(HOST, target, client=client)
            then = decide(visit, snapshot, CLOSES)
            assert isinstance(then, Decision)
            ahead = rehearse(visit, snapshot, DURING)
            if isinstance(then.answer, Forward):
                assert ahead is None
            else:
                assert ahead is not None
                assert (ahead.answer, ahead.way, ahead.rule) == (then.answer, then.way, then.rule)


def test_nothing_is_ahead_of_what_is_closed_or_gone_or_somebody_elses(packs: Packs) -> None:
    assert rehearse(Visit(HOST, "/tin"), world(packs).snapshot, CLOSES) is None
    assert rehearse(Visit(HOST, "/tin"), world(packs, life=Life.GONE).snapshot, DURING) is None
    assert rehearse(Visit("evil.example", "/tin"), world(packs).snapshot, DURING) is None
    assert rehearse(Visit(HOST, "/tin"), world(packs, scope=(("p",),)).snapshot, DURING) is None
    assert rehearse(Visit(OFFICE, "/tin2"), world(packs).snapshot, DURING) is None


def test_where_no_day_is_known_the_notice_is_rehearsed(packs: Packs) -> None:
    ahead = rehearse(Visit(HOST, "/tin"), world(packs, schedule=Schedule()).snapshot, DURING)
    assert ahead is not None
    assert (ahead.phase, ahead.outcome) == (Phase.NOTICE, Action.NOTICE)


@given(target=st.text(max_size=40), method=st.sampled_from(["GET", "POST", "X"]), client=st.sampled_from(ClientClass))
@settings(max_examples=50, deadline=None)
def test_a_rehearsal_never_raises_for_anything_a_visitor_can_send(
    packs: Packs, target: str, method: str, client: ClientClass
) -> None:
    rehearse(Visit(HOST, f"/{target}", method, client), _SNAPSHOTS.setdefault("one", world(packs).snapshot), DURING)


_SNAPSHOTS: dict[str, Snapshot] = {}


# target            ticket    phase                outcome           pilot
PILOTED = [
    ("/tin",        None,     Phase.ANNOUNCED,     Action.PASS,      False),
    ("/tin",        99,       Phase.NOTICE,        Action.NOTICE,    True),
    ("/tin",        100,      Phase.ANNOUNCED,     Action.PASS,      False),
    ("/tin",        JOINED,   Phase.NOTICE,        Action.NOTICE,    True),
    ("/tin",        LEFT,     Phase.ANNOUNCED,     Action.PASS,      False),
    ("/thanh-toan", JOINED,   Phase.NOTICE,        Action.PASS,      True),
    ("/moi",        JOINED,   Phase.NOTICE,        Action.NOTICE,    True),  # no rule knows it yet
]  # fmt: skip


@pytest.mark.parametrize(("target", "ticket", "phase", "outcome", "pilot"), PILOTED)
def test_who_is_in_a_pilot_meets_the_closing_before_it_comes(
    packs: Packs, target: str, ticket: int | None, phase: Phase, outcome: Action, *, pilot: bool
) -> None:
    snapshot = world(packs, schedule=Schedule(ANNOUNCED, CLOSES, pilot=PILOT)).snapshot
    decision = decide(Visit(HOST, target, ticket=ticket), snapshot, DURING)
    assert isinstance(decision, Decision)
    assert (decision.phase, decision.outcome, decision.pilot) == (phase, outcome, pilot)
    before = decide(Visit(HOST, target, ticket=ticket), snapshot, BEFORE)
    after = decide(Visit(HOST, target, ticket=ticket), snapshot, CLOSES)
    assert isinstance(before, Decision)
    assert isinstance(after, Decision)
    assert (before.pilot, after.pilot) == (False, False)


def test_nothing_of_a_pilot_lasts(packs: Packs) -> None:
    """A crawler's redirect is for ever; that of a tester who says he is one is not."""
    snapshot = world(packs, schedule=Schedule(ANNOUNCED, CLOSES, pilot=PILOT)).snapshot
    visit = Visit(HOST, "/tin", client=ClientClass.CLI)
    settled, tried = decide(visit, snapshot, CLOSES), decide(replace(visit, ticket=JOINED), snapshot, DURING)
    assert isinstance(settled, Decision)
    assert isinstance(tried, Decision)
    assert (settled.permanent, tried.permanent) == (True, False)


def test_an_emergency_switch_ends_a_pilot(packs: Packs) -> None:
    made = world(packs, schedule=Schedule(ANNOUNCED, CLOSES, pilot=PILOT))
    snapshot = replace(made.snapshot, switches={made.portal.id: Switch.PASS})
    decision = decide(Visit(HOST, "/tin", ticket=JOINED), snapshot, DURING)
    assert isinstance(decision, Decision)
    assert decision.outcome is Action.PASS


KEPT = [
    # target         outcome after the closing, of a portal that keeps /api and /robots.txt
    ("/api",         Action.PASS),
    ("/API/v1/x",    Action.PASS),
    ("/api/cu",      Action.PASS),
    ("/api/cam",     Action.REFUSE),
    ("/apiary",      Action.NOTICE),
    ("/robots.txt",  Action.PASS),
    ("/tin",         Action.NOTICE),
]  # fmt: skip


@pytest.mark.parametrize(("target", "outcome"), KEPT)
def test_a_path_that_is_kept_passes_on_unless_a_rule_refuses_it(packs: Packs, target: str, outcome: Action) -> None:
    made = world(packs, keeps=(("api",), ("robots.txt",)))
    assert made.decide(target, at=CLOSES).outcome is outcome
    gone = world(packs, keeps=(("api",),), life=Life.GONE)
    assert gone.decide("/api", at=CLOSES).outcome is not Action.PASS, "there is nothing left to pass to"


def test_what_is_kept_is_not_ahead(packs: Packs) -> None:
    assert rehearse(Visit(HOST, "/api/x"), world(packs, keeps=(("api",),)).snapshot, DURING) is None
