"""What is found for a plain path is what `decide` finds, or nothing is: whatever the rules, whatever the path."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.matching import TemplateIndex, significant_names, ties
from redirect_rules.model import Action, Argument, ClientClass, Condition, Goal, QueryCapture, Rule
from redirect_rules.parsing import parse_template
from redirect_rules.plain_ways import PlainWays
from redirect_rules.regexes import Expression, RegexSet
from redirect_rules.snapshot import PortalIndex, Snapshot
from redirect_rules.template_plans import UNKNOWN, PlainWay, manner_of
from tests.conftest import AUTUMN

HOST = "dichvucong.langson.gov.vn"
OTHER_HOST = "dichvucong.khanhhoa.gov.vn"
TABLE = {("langson", "procedure"): {"7": "1.001193", "8": "1.999999", "ab": "C08 x"}}


def snapshot_of(
    snapshot: Snapshot, own: Sequence[Rule], *families: Sequence[Rule], listed: Iterable[ExactRule] = ()
) -> Snapshot:
    """The shipped snapshot with these rules on two portals: the second has another's table, and none of its own."""
    rules = (*own, *(rule for pack in families for rule in pack))
    shared = TemplateIndex(families, fold_case=True)
    index = PortalIndex(
        own=TemplateIndex([own], fold_case=True),
        families=shared,
        expressions=RegexSet([Expression(rule.regex, rule) for rule in rules if rule.regex], fold_case=True),
        rules=rules,
        significant=significant_names(rules),
    )
    bare = replace(index, own=TemplateIndex([], fold_case=True), expressions=RegexSet([], fold_case=True))
    indexes = {**snapshot.indexes, "langson": index, "khanhhoa": bare}
    return replace(snapshot, indexes=indexes, exact=DictIndex(listed), lookups=TABLE)


def found(ways: PlainWays, snapshot: Snapshot, path: str, host: str = HOST) -> PlainWay | None:
    portal = snapshot.portals[host]
    key = canonical_key(host, path, fold_case=portal.fold_case)
    return ways.of(portal).find(key.path, key.segments, key.folded)


def decided(snapshot: Snapshot, path: str, host: str = HOST) -> Decision:
    # A form that is posted: on a portal that lives on, whatever no rule closes passes without a way.
    decision = decide(Visit(host, path, "GET", ClientClass.BOT), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision


def agrees(way: PlainWay | None, decision: Decision) -> bool:
    """Whether the way that was found, if any was, is that of the decision."""
    if way is None:
        return True
    lead, target = way
    rule, known = decision.rule, decision.way
    if known is None or known.place is not None or known.candidates:
        return False
    if rule is None:
        return way is UNKNOWN
    manner = manner_of(rule.action.value, takes_place=known.takes_place)
    return (lead.rule, lead.destination, target, lead.manner) == (rule.id, known.destination, known.target, manner)


# ── the shipped rules ─────────────────────────────────────────────────────────────────────────────────────────────

SHIPPED = [
    # an address, and whether it is found here
    ("/vi/procedure/detail/629d0123456789abcdef0123", True),
    ("/VI/Procedure/Detail/629D0123456789ABCDEF0123", True),
    ("/vi/procedure/detail/629d0123456789abcdef012", True),  # by another rule
    ("/vi/thu-tuc-hanh-chinh/1.001193.000.00.00.H37", True),
    ("/khong/ai/biet/gi", True),
    ("/vi/nps/apply", False),  # it passes
    ("/khong/ai/biet/trang.html", True),
]


@pytest.mark.parametrize(("path", "here"), SHIPPED)
def test_of_the_shipped_rules_most_ways_are_plain(snapshot: Snapshot, path: str, here: bool) -> None:  # noqa: FBT001
    way = found(PlainWays(snapshot, AUTUMN), snapshot, path)
    assert (way is not None) is here
    assert agrees(way, decided(snapshot, path))


_WORDS = ["vi", "en", "thu-tuc-hanh-chinh", "chi-tiet", "procedure", "detail", "nop-ho-so", "web", "guest", "tin-tuc"]
_VALUES = ["1.001193", "1.001193.000.00.00.H37", "C08_XPHCDB", "629d0123456789abcdef0123", "000.00.53.H48-220921-0099"]
_SEGMENTS = st.one_of(
    st.sampled_from([*_WORDS, *_VALUES, "0", "00004", "trang.html", "payverify.cpx", "A-Z_a~z"]),
    st.from_regex(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,8}", fullmatch=True),
)
_PATHS = st.lists(_SEGMENTS, min_size=1, max_size=6).map(lambda segments: "/" + "/".join(segments))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_PATHS, st.sampled_from([HOST, OTHER_HOST, "dichvucong.angiang.gov.vn", "dichvucong.hochiminhcity.gov.vn"]))
def test_whatever_is_found_by_the_shipped_rules_is_what_decide_finds(snapshot: Snapshot, path: str, host: str) -> None:
    decision = decided(snapshot, path, host)
    if decision.key.path != path.lower():
        return  # an index file: not as canonicalisation leaves it
    assert agrees(found(PlainWays(snapshot, AUTUMN), snapshot, path, host), decision)


# ── any rules ─────────────────────────────────────────────────────────────────────────────────────────────────────

_TEMPLATES = [
    "/a", "/a/b", "/{w:word}", "/a/{n:number}", "/{w:word}/{n:number}", "/a/{c:procedure}", "/a/x-{n:number}.html",
    "/a/{t:text}", "/{l:language}/a", "/{w:word}/{h:hex24}", "/a/{old_commune:commune}", "/a/{rest:path}", "/{rest:path}",
]  # fmt: skip
_GOALS = [
    Goal("home"),
    Goal("procedure-list"),
    Goal("procedure-search", (Argument("keyword", capture="n"),)),
    Goal("procedure-search", (Argument("keyword", capture="w"),)),
    Goal("procedure-search", (Argument("keyword", capture="t"),)),
    Goal("procedure-search", (Argument("keyword", text="a b"),)),
    Goal("procedure-search", (Argument("keyword", capture="rest"),)),
    Goal("procedure", (Argument("code", capture="c"),)),
    Goal("procedure", (Argument("code", capture="n", lookup="procedure"),)),
    Goal("procedure", (Argument("code", capture="w", lookup="procedure"),)),
    Goal("procedure", (Argument("code", text="1.001193"),)),
    Goal("archive"),
    Goal("", url="https://dichvucong.gov.vn/x"),
    Goal("", url="https://vpcp.dichvucong.gov.vn{old_path}"),
    Goal("", url="https://dichvucong.gov.vn/p/home"),  # this edge answers there: the guard turns it away
]


@st.composite
def rules(draw: st.DrawFn, whose: str) -> list[Rule]:
    """A pack of rules that no publication would refuse."""
    made: list[Rule] = []
    for number, path in enumerate(draw(st.lists(st.sampled_from(_TEMPLATES), max_size=5, unique=True))):
        action = draw(st.sampled_from([Action.NOTICE] * 4 + [Action.REDIRECT, Action.ASK, Action.GONE, Action.PASS]))
        conditions = draw(st.sampled_from([(), (), (), (Condition("q", None),)]))
        captures = draw(st.sampled_from([(), (QueryCapture("w", "text", ("ma",)),)]))
        since = draw(st.sampled_from([None, None, AUTUMN - timedelta(days=1), AUTUMN + timedelta(days=1)]))
        template = parse_template(path)
        exact = "{" not in path and draw(st.booleans())
        rule = Rule(
            f"{whose}/r{number}",
            (template,),
            action,
            tuple(draw(st.lists(st.sampled_from(_GOALS), max_size=3))),
            conditions=conditions,
            captures=captures,
            exact=exact,
            valid_from=since,
        )
        if not list(ties([*made, rule])):
            made.append(rule)
    return made


_EXPRESSIONS = st.sampled_from([[], [Rule("own/re", (), Action.NOTICE, (Goal("home"),), regex="^/c")]])
_LISTED = st.sampled_from([[], [ExactRule("langson", "/a/7", (), Action.NOTICE, "langson/l", "home")]])
_SMALL_PATHS = st.lists(
    st.sampled_from(["a", "A", "b", "c", "7", "8", "vi", "ab", "x-7.html", "1.001193", "00004", "0" * 24, "x" * 199]),
    min_size=1,
    max_size=3,
).map(lambda segments: "/" + "/".join(segments))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules("own"), rules("one"), rules("two"), _EXPRESSIONS, _LISTED, st.lists(_SMALL_PATHS, min_size=1, max_size=6))
@example(
    [Rule("own/r", (parse_template("/{w:word}"),), Action.NOTICE, (Goal("home"),))],
    [Rule("one/r", (parse_template("/a"),), Action.NOTICE, (Goal("procedure-list"),), exact=True)],
    [],
    [],
    [],
    ["/a", "/b"],
)
@example(
    [
        Rule("own/r", (parse_template("/a/b"),), Action.NOTICE, (Goal("home"),)),
        Rule("own/p", (parse_template("/a/{rest:path}"),), Action.REFUSE),
    ],
    [],
    [],
    [],
    [],
    ["/a/b", "/b"],
)
def test_whatever_the_rules_what_is_found_is_what_decide_finds(
    snapshot: Snapshot,
    own: list[Rule],
    one: list[Rule],
    two: list[Rule],
    expressions: list[Rule],
    listed: list[ExactRule],
    paths: list[str],
) -> None:
    with_rules = snapshot_of(snapshot, [*own, *expressions], one, two, listed=listed)
    ways = PlainWays(with_rules, AUTUMN)
    for path in paths:
        for host in (HOST, OTHER_HOST, HOST):  # what one portal has worked out must not be told of another
            assert agrees(found(ways, with_rules, path, host), decided(with_rules, path, host)), (path, host)


def test_a_rule_that_begins_later_is_not_followed_before(snapshot: Snapshot) -> None:
    later = AUTUMN + timedelta(days=1)
    rule = Rule("own/r", (parse_template("/a"),), Action.NOTICE, (Goal("home"),), valid_from=later)
    with_rule = snapshot_of(snapshot, [rule])
    assert found(PlainWays(with_rule, AUTUMN), with_rule, "/a") is UNKNOWN
    way = found(PlainWays(with_rule, later), with_rule, "/a")
    assert way is not None
    assert way[0].rule == "own/r"


# own rules                                          asked for   who decides
PRECEDENCE = [
    ([("/a", Action.NOTICE)],                        "/a",       "own/0"),
    ([("/a", Action.NOTICE)],                        "/b",       ""),
    ([("/a", Action.PASS)],                          "/a",       None),
    ([("/{w:word}", Action.REFUSE), ("/a", Action.NOTICE)], "/a", None),
    ([("/{n:number}", Action.REFUSE), ("/a", Action.NOTICE)], "/a", "own/1"),
    ([("/{w:word}", Action.ASK)],                    "/a",       None),
    ([("/{w:word}", Action.ASK)],                    "/a/b",     ""),
]  # fmt: skip


@pytest.mark.parametrize(("own", "path", "whose"), PRECEDENCE)
def test_what_is_not_plain_is_left_to_decide(
    snapshot: Snapshot, own: list[tuple[str, Action]], path: str, whose: str | None
) -> None:
    made = [
        Rule(f"own/{number}", (parse_template(template),), action, (Goal("home"),))
        for number, (template, action) in enumerate(own)
    ]
    with_rules = snapshot_of(snapshot, made)
    way = found(PlainWays(with_rules, AUTUMN), with_rules, path)
    assert (None if way is None else way[0].rule) == whose


def test_what_was_worked_out_for_one_path_is_never_told_of_another(snapshot: Snapshot) -> None:
    """Templates of several shapes are put together for each path anew."""
    own = [
        Rule(f"own/{which}{number}", (parse_template(path.format(number)),), Action.NOTICE, (Goal(goal),))
        for number in range(20)
        for which, path, goal in (("a", "/x{}/{{n:number}}", "procedure-list"), ("b", "/{{w:word}}/y{}", "home"))
    ]
    with_rules = snapshot_of(snapshot, own)
    ways = PlainWays(with_rules, AUTUMN)
    for number in (*range(20), *range(20)):
        for path in (f"/x{number}/y{number}", f"/x{number}/y{(number + 1) % 20}", f"/x{number}/7", f"/z/y{number}"):
            assert agrees(found(ways, with_rules, path), decided(with_rules, path)), path


def test_a_listed_address_is_left_to_who_knows_the_list(snapshot: Snapshot) -> None:
    rule = Rule("own/r", (parse_template("/a/{n:number}"),), Action.NOTICE, (Goal("home"),))
    listed = ExactRule("langson", "/a/7", (), Action.NOTICE, "langson/l", "procedure-list")
    with_rules = snapshot_of(snapshot, [rule], listed=[listed])
    ways = PlainWays(with_rules, AUTUMN)
    assert found(ways, with_rules, "/a/7") is None
    way = found(ways, with_rules, "/a/8")
    assert way is not None
    assert way[0].rule == "own/r"
