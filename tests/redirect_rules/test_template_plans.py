"""What is worked out for a rule once, and what has to be looked at for each page."""

from dataclasses import replace

import pytest

from redirect_rules.destinations import Destination, UrlForm
from redirect_rules.matching import Entry
from redirect_rules.model import Action, Argument, Condition, Goal, QueryCapture, Rule
from redirect_rules.parsing import parse_template
from redirect_rules.snapshot import Snapshot
from redirect_rules.template_plans import MISFIT, NEVER, LeftAlone, Plan, Planner, Reasoned, Straight, manner_of
from tests.conftest import AUTUMN

SEARCH = "https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword="
LIST = "https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach"
HOME = "https://dichvucong.gov.vn/"
BIRTH = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7"


def search(**argument: str) -> Goal:
    return Goal("procedure-search", (Argument("keyword", **argument),))


def code(**argument: str) -> Goal:
    return Goal("procedure", (Argument("code", **argument),))


@pytest.fixture
def planner(snapshot: Snapshot) -> Planner:
    lookups = {("langson", "procedure"): {"7": "1.001193"}}
    return Planner(replace(snapshot, lookups=lookups), AUTUMN)


def plan_of(planner: Planner, template: str, *goals: Goal, action: Action = Action.NOTICE, **more: object) -> Plan:
    rule = Rule("f/r", (parse_template(template),), action, goals, **more)  # type: ignore[arg-type]
    return planner.plan(Entry.of(rule, rule.templates[0], 0))


# template, goals                                          the kind of plan    a path       where it leads
PLANS = [
    ("/{w:word}", [code(capture="w")], Reasoned, ("1.001193",), BIRTH),
    ("/{w:word}", [code(capture="w")], Reasoned, ("1.999999",), "keyword=1.999999"),
    ("/a/{n:number}",   [search(capture="n")],             Straight,           ("a", "5"),  SEARCH + "5"),
    ("/a/{n:number}",   [search(capture="n")],             Straight,           ("a", "x"),  None),
    ("/{w:word}/{n:number}", [search(capture="w")],        Straight,           ("a", "5"),  SEARCH + "a"),
    ("/{w:word}",       [search(text="a b")],              Straight,           ("x",),      SEARCH + "a%20b"),
    ("/a",              [],                                Straight,           ("a",),      HOME),
    ("/a",              [Goal("procedure-list")],          Straight,           ("a",),      LIST),
    ("/a",              [search(capture="n"), Goal("procedure-list")], Straight, ("a",),    LIST),  # only a query has an n
    ("/a",              [code(text="1.001193")],           Reasoned,           ("a",),      BIRTH),
    ("/a/{c:procedure}", [code(capture="c")],              Reasoned,           ("a", "1.001193.000.00.00.H37"), BIRTH),
    ("/a/{n:number}",   [code(capture="n", lookup="procedure"), Goal("procedure-list")], Reasoned, ("a", "7"), BIRTH),
    ("/a/{n:number}",   [code(capture="n", lookup="procedure"), Goal("procedure-list")], Reasoned, ("a", "8"), LIST),
    ("/a/{n:number}",   [code(capture="n", lookup="procedure")], Reasoned,     ("a", "8"),  HOME),
    ("/{t:text}",       [search(capture="t")],             Reasoned,           ("x" * 201,), SEARCH + "x" * 200),
    ("/x-{n:number}",   [search(capture="n")],             Reasoned,           ("x-5",),    SEARCH + "5"),
    ("/a",              [Goal("", url=HOME + "xyz")],      Straight,           ("a",),      HOME + "xyz"),
    ("/a",              [Goal("", url=HOME + "p/home")],   Straight,           ("a",),      HOME),  # where this edge answers
    ("/a",              [Goal("", url="https://example.org/")], Straight,      ("a",),      HOME),  # no allowed host
]  # fmt: skip


@pytest.mark.parametrize(("template", "goals", "kind", "path", "leads"), PLANS)
def test_as_much_as_can_be_is_worked_out_for_all_pages(
    planner: Planner, template: str, goals: list[Goal], kind: type[Plan], path: tuple[str, ...], leads: str | None
) -> None:
    plan = plan_of(planner, template, *goals)
    assert type(plan) is kind
    way = plan.way(path, "langson")
    assert way is not None
    if leads is None:
        assert way is MISFIT
    else:
        assert way[0].rule == "f/r"
        assert way[1] == leads or (leads not in {HOME, LIST} and leads in way[1])


# rules that look at more than the path                          a path that they know    one that they do not
LEFT = [
    ("/a/{w:word}", Action.PASS, (),                              ("a", "x"),              None),
    ("/a/{n:number}", Action.REFUSE, (),                          ("a", "5"),              ("a", "x")),
    ("/a/{n:number}", Action.ASK, (Goal("home"),),                ("a", "5"),              ("a", "x")),
    ("/a/{old_commune:commune}", Action.NOTICE, (Goal("home"),),  ("a", "00004"),          ("a", "4")),
    ("/a/{rest:path}", Action.NOTICE, (search(capture="rest"),),  ("a", "x"),              None),
    ("/a/{w:word}", Action.NOTICE, (Goal("archive"),),            ("a", "x"),              None),
    ("/a/{w:word}", Action.NOTICE, (Goal("", url=HOME + "{w}"),), ("a", "x"),              None),
]  # fmt: skip


@pytest.mark.parametrize(("template", "action", "goals", "known", "unknown"), LEFT)
def test_what_depends_on_more_than_the_path_is_left_to_decide(
    planner: Planner,
    template: str,
    action: Action,
    goals: tuple[Goal, ...],
    known: tuple[str, ...],
    unknown: tuple[str, ...] | None,
) -> None:
    plan = plan_of(planner, template, *goals, action=action)
    assert type(plan) is LeftAlone
    assert plan.way(known, "langson") is None
    assert unknown is None or plan.way(unknown, "langson") is MISFIT


def test_an_address_with_little_room_is_filled_by_who_cuts_what_is_too_long(planner: Planner) -> None:
    for fixed, kind in ((1_000, Straight), (1_700, Reasoned)):
        form = UrlForm(f"https://dichvucong.gov.vn/tim?x={'y' * fixed}&keyword={{keyword}}")
        destinations = planner.snapshot.destinations
        named = {**destinations.by_name, "procedure-search": Destination("procedure-search", (form,))}
        snapshot = replace(planner.snapshot, destinations=replace(destinations, by_name=named))
        plan = plan_of(Planner(snapshot, AUTUMN), "/{w:word}", search(capture="w"))
        assert type(plan) is kind
        way = plan.way(("z" * 400,), "langson")
        assert way is not None
        assert way[1] == snapshot.destinations.build("procedure-search", {"keyword": "z" * 400}, now=AUTUMN)


def test_a_table_is_that_of_the_portal(planner: Planner) -> None:
    plan = plan_of(planner, "/a/{n:number}", code(capture="n", lookup="procedure"), Goal("procedure-list"))
    assert [(way or MISFIT)[1] for way in (plan.way(("a", "7"), "langson"), plan.way(("a", "7"), "khanhhoa"))] == [
        BIRTH,
        LIST,
    ]


def test_a_rule_that_asks_for_a_parameter_knows_no_plain_page(planner: Planner) -> None:
    assert plan_of(planner, "/a", conditions=(Condition("q", "1"),)) is NEVER
    assert plan_of(planner, "/a", valid_until=AUTUMN) is NEVER
    assert plan_of(planner, "/a", captures=(QueryCapture("n", "number", ("n",)),)) is not NEVER
    assert NEVER.way(("a",), "langson") is MISFIT


def test_a_commune_makes_another_manner(planner: Planner) -> None:
    with_id, without = (
        plan_of(planner, "/a", code(text=text)).way(("a",), "langson") for text in ("1.001193", "1.999999")
    )
    assert with_id is not None
    assert without is not None
    assert with_id[0].manner == manner_of("notice", takes_place=True) != manner_of("notice", takes_place=False)
    assert without[0].manner == manner_of("notice", takes_place=False)


def test_ways_of_one_rule_to_one_page_have_one_lead(planner: Planner) -> None:
    plan = plan_of(planner, "/a/{n:number}", search(capture="n"))
    one, other = plan.way(("a", "1"), "langson"), plan.way(("a", "2"), "langson")
    assert one is not None
    assert other is not None
    assert one[0] is other[0]
