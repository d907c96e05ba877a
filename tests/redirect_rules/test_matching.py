"""Which template wins, and that the tuple space agrees with trying them one by one."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.matching import TemplateIndex, rank_of, significant_names, ties
from redirect_rules.model import HO_CHI_MINH, Action, Condition, Hole, Literal, QueryCapture, Rule
from redirect_rules.parsing import parse_portal_rules, parse_template
from redirect_rules.sources import Document

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)


def rule(*paths: str, name: str = "", when: Sequence[str] = (), exact: bool = False, **more: object) -> Rule:
    conditions = tuple(Condition(part.partition("=")[0], part.partition("=")[2] or None) for part in when)
    templates = tuple(parse_template(path) for path in paths)
    return Rule(name or paths[0], templates, Action.PASS, conditions=conditions, exact=exact, **more)  # type: ignore[arg-type]


def winner(rules: Sequence[Rule], target: str, *others: Sequence[Rule]) -> str | None:
    index = TemplateIndex([rules, *others], fold_case=True)
    match = index.best(canonical_key("h", target), NOW)
    return match.rule.id if match else None


# templates (any order)                                  target           winner
WINNERS = [
    (["/{a:word}", "/vi"], "/vi", "/vi"),
    (["/{a:word}", "/{a:language}"], "/vi", "/{a:language}"),
    (["/{a:word}", "/dvc-{a:word}.html"], "/dvc-x.html", "/dvc-{a:word}.html"),
    (["/dvc-{a:word}.html", "/dvc-x.html"], "/dvc-x.html", "/dvc-x.html"),
    (["/{rest:path}", "/{a:word}"], "/x", "/{a:word}"),
    (["/{rest:path}", "/x/{rest:path}"], "/x/y/z", "/x/{rest:path}"),
    (["/x/{rest:path}", "/x"], "/x", "/x"),
    (["/x/{rest:path}"], "/x", "/x/{rest:path}"),
    (["/x/{rest:path}"], "/xy", None),
    (["/a/{b:word}", "/{a:word}/b"], "/a/b", "/a/{b:word}"),
    (["/{a:hex24}"], "/629dae4edb4662230f940e11", "/{a:hex24}"),
    (["/{a:hex24}"], "/629dae4edb4662230f940e1z", None),
    (["/Portaldvc/Home"], "/portalDVC/home/", "/Portaldvc/Home"),
    (["/portaldvc/Home/default.aspx"], "/portaldvc/home", "/portaldvc/Home/default.aspx"),
    (["/{a:word}payverify.cpx"], "/xpayverify.cpx", "/{a:word}payverify.cpx"),
    (["/{a:word}payverify.cpx"], "/payverify.cpx", None),
    (["/"], "/", "/"),
    (["/"], "/x", None),
]  # fmt: skip


@pytest.mark.parametrize(("templates", "target", "wins"), WINNERS)
def test_the_more_specific_template_wins_in_any_order(templates: list[str], target: str, wins: str | None) -> None:
    rules = [rule(template) for template in templates]
    assert winner(rules, target) == wins
    assert winner(rules[::-1], target) == wins


def test_an_exact_rule_wins_over_every_template() -> None:
    assert winner([rule("/x", name="template"), rule("/x", name="exact", exact=True)], "/x") == "exact"


def test_a_condition_wins_over_none_and_must_hold() -> None:
    rules = [rule("/x", name="plain"), rule("/x", name="flagged", when=["vneid=1", "vnconnect=1"])]
    assert winner(rules, "/x?VNeID=1") == "flagged"
    assert winner(rules, "/x?vnconnect=1") == "flagged"
    assert winner(rules, "/x?vneid=0") == "plain"
    assert winner(rules, "/x") == "plain"


def test_a_condition_may_end_in_a_star() -> None:
    rules = [rule("/x", name="portlet", when=["p_p_id=thutuc_*"])]
    assert winner(rules, "/x?p_p_id=thutuc_WAR_a") == "portlet"
    assert winner(rules, "/x?p_p_id=other") is None


def test_the_family_named_first_wins_whatever_is_more_specific() -> None:
    assert winner([rule("/{a:word}", name="first")], "/x", [rule("/x", name="second")]) == "first"


def test_a_rule_out_of_force_is_passed_over() -> None:
    ended = rule("/x", name="ended", valid_until=NOW)
    assert winner([ended, rule("/{a:word}", name="still")], "/x") == "still"


def test_captures_are_taken_from_the_spelling_as_sent() -> None:
    codes = QueryCapture("code", "procedure", ("ma", "matthc"))
    words = QueryCapture("keyword", "text", ("_*_ten",))
    templates = (parse_template("/V/{id:word}/{rest:path}"),)
    index = TemplateIndex([[Rule("r", templates, Action.PASS, captures=(codes, words))]], fold_case=True)
    key = canonical_key("h", "/v/AbC/x/Y?MA=no&maTTHC=1.001193.000.00.00.H01&_p_ten=Khai+sinh")
    match = index.best(key, NOW)
    assert match is not None
    assert match.captured == {"id": "AbC", "rest": "x/Y", "code": "1.001193", "keyword": "Khai sinh"}
    assert significant_names([match.rule]) == {"ma", "matthc", "_*_ten"}


# two rules of one pack                                             tied?
TIES = [
    (rule("/x", name="a"), rule("/x", name="b"), True),
    (rule("/{a:word}", name="a"), rule("/{b:word}", name="b"), True),
    (rule("/{a:word}", name="a"), rule("/{b:number}", name="b"), False),
    (rule("/x", name="a"), rule("/x", name="b", when=["q=1"]), False),
    (rule("/x", name="a", when=["p=1"]), rule("/x", name="b", when=["q=1"]), True),
    (rule("/x", name="a", valid_until=NOW), rule("/x", name="b", valid_from=NOW), False),
    (rule("/x", name="a"), rule("/X", name="b"), True),
]


@pytest.mark.parametrize(("one", "other", "tied"), TIES)
def test_where_only_the_order_could_decide_it_is_an_error(one: Rule, other: Rule, *, tied: bool) -> None:
    assert bool(list(ties([one, other]))) is tied


_WORDS = st.sampled_from(["a", "b", "vi", "12", "x.html", "dvc-1.html"])
_PARTS = st.sampled_from(
    ["a", "b", "vi", "12", "{w:word}", "{n:number}", "{l:language}", "{w:word}.html", "dvc-{w:word}.html"]
)
_TEMPLATES = st.builds(
    lambda parts, tail: "/" + "/".join([*parts, *(["{rest:path}"] if tail else [])]),
    st.lists(_PARTS, max_size=3),
    st.booleans(),
)


def by_trying_each(rules: Sequence[Rule], target: str) -> str | None:
    """The slow way, for comparison: every template against every segment."""
    key = canonical_key("h", target)
    found: list[tuple[tuple[int, ...], str]] = []
    for one in rules:
        (template,) = one.templates
        length = len(template.segments)
        if len(key.folded) != length and not (template.tail and len(key.folded) > length):
            continue
        if all(
            segment.text == text if isinstance(segment, Literal) else _hole_fits(one, i, target)
            for i, (segment, text) in enumerate(zip(template.segments, key.folded, strict=False))
        ):
            found.append((rank_of(one, template), one.id))
    return max(found)[1] if found else None


def _hole_fits(one: Rule, i: int, target: str) -> bool:
    hole = one.templates[0].segments[i]
    assert isinstance(hole, Hole)
    template = parse_template(f"/{hole.prefix}{{{hole.name}:{hole.type}}}{hole.suffix}")
    lone = Rule("lone", (template,), Action.PASS)
    key = canonical_key("h", target)
    return bool(TemplateIndex([[lone]], fold_case=True).best(canonical_key("h", "/" + key.segments[i]), NOW))


@given(st.lists(_TEMPLATES, min_size=1, max_size=8, unique=True), st.lists(_WORDS, max_size=4))
def test_one_probe_for_each_shape_finds_what_trying_every_rule_finds(templates: list[str], words: list[str]) -> None:
    rules = [rule(template) for template in templates]
    if list(ties(rules)):
        return
    target = "/" + "/".join(words)
    assert winner(rules, target) == by_trying_each(rules, target)


def test_the_probes_grow_with_the_shapes_not_with_the_rules() -> None:
    index = TemplateIndex([[rule(f"/a{i}/{{id:number}}") for i in range(1_000)]], fold_case=True)
    assert index.shapes == 1
    assert index.weight == 4
    (match,) = index.candidates(canonical_key("h", "/a7/5"), NOW)
    assert (match.rule.id, match.captured) == ("/a7/{id:number}", {"id": "5"})


# templates                                              shapes   weight   why
WEIGHTS = [
    ([],                                                 0,       0,       "nothing to try"),
    (["/a", "/b", "/c/d"],                               2,       6,       "a probe for each shape, and the one that is there"),
    (["/a", "/a/{x:word}", "/a/{rest:path}", "/b"],      1,       8,       "all that begin alike"),
    (["/{x:word}-1.html", "/{x:word}-2.html"],           1,       7,       "no probe tells holes apart"),
    (["/a/{x:word}", "/{x:word}/a"],                     2,       8,       "two shapes"),
]  # fmt: skip


@pytest.mark.parametrize(("templates", "shapes", "weight", "why"), WEIGHTS, ids=[why for *_, why in WEIGHTS])
def test_what_a_look_up_can_cost_is_known_beforehand(templates: list[str], shapes: int, weight: int, why: str) -> None:
    index = TemplateIndex([[rule(template) for template in templates]], fold_case=True)
    assert (index.shapes, index.weight) == (shapes, weight)


def test_what_asks_for_more_weighs_more() -> None:
    """All may be tried, but of the best alone the captures are read."""
    heavy = QueryCapture("code", "procedure", ("ma", "_*_ma"))
    rules = [rule("/a", name="one", when=["x=1"], captures=(heavy,)), rule("/a", name="two", captures=(heavy,))]
    plain = TemplateIndex([[rule("/a", name="one"), rule("/a", name="two")]], fold_case=True)
    asking = TemplateIndex([rules], fold_case=True)
    assert plain.weight == plain.weight_of_best < asking.weight_of_best < asking.weight


def test_of_very_many_values_the_first_are_tried() -> None:
    code = QueryCapture("code", "procedure", ("ma",))
    index = TemplateIndex([[rule("/x", captures=(code,))]], fold_case=True)
    for wrong, captured in ((15, {"code": "1.001193"}), (16, {})):
        key = canonical_key("h", "/x?" + "ma=no&" * wrong + "ma=1.001193")
        match = index.best(key, NOW)
        assert match is not None
        assert match.captured == captured


# type         a value of a thousand characters, and of one more
LONG = [
    ("number",    "1" * 18,              "1" * 1_001,        False),
    ("procedure", "1.001193" + "." * 992, "1.001193" + "." * 993, False),
    ("word",      "a" * 1_000,           "a" * 1_001,        True),
    ("text",      "a" * 1_000,           "a" * 1_001,        True),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "fits", "longer", "known"), LONG)
def test_a_value_longer_than_any_is_none(type_name: str, fits: str, longer: str, *, known: bool) -> None:
    index = TemplateIndex([[rule(f"/{{x:{type_name}}}")]], fold_case=True)
    assert index.best(canonical_key("h", f"/{fits}"), NOW) is not None
    assert (index.best(canonical_key("h", f"/{longer}"), NOW) is not None) is known


def test_what_is_exact_in_any_family_wins_over_every_template() -> None:
    assert winner([rule("/{a:word}", name="first")], "/x", [rule("/x", name="second", exact=True)]) == "second"


# ── addresses that ask for parameters ─────────────────────────────────────────────────────────────────────────────

ASKING = [
    # rules, and the query                                   who decides
    (["/x?a=1", "/x"], "a=1", "/x?a=1"),
    (["/x?a=1", "/x"], "A=1&z=2", "/x?a=1"),
    (["/x?a=1", "/x"], "a=2", "/x"),
    (["/x?a=1"], "", None),
    (["/x?a=1&b=2", "/x?a=1"], "b=2&a=1", "/x?a=1&b=2"),
    (["/x?a=1", "/x?b=2"], "b=2&a=1", "/x?a=1"),
    (["/x?a=1"], "a=1&a=2", "/x?a=1"),
    (["/x?a=2"], "a=1&a=2", "/x?a=2"),
    (["/x?a=1&b=2"], "a=1&b=1&a=2&b=2", None),
]


@pytest.mark.parametrize(("addresses", "query", "winner"), ASKING)
def test_of_addresses_with_parameters_the_one_that_asks_for_most_decides_in_every_index(
    addresses: list[str], query: str, winner: str | None
) -> None:
    rows = "".join(f'[[rule]]\nid = "r{i}"\nexact = ["{text}"]\naction = "gone"\n' for i, text in enumerate(addresses))
    _, rules = parse_portal_rules(Document("l.toml", f'portal = "l"\n{rows}'), destinations=())
    key = canonical_key("h", f"/x?{query}")
    best = TemplateIndex([rules], fold_case=True).best(key, NOW)
    assert (best.template.text if best else None) == winner
    listed = DictIndex(
        ExactRule("l", "/x", rule.templates[0].asks, rule.action, rule.templates[0].text) for rule in rules
    )
    found = listed.find("l", key.path, key.pairs, NOW)
    assert (found.id if found else None) == winner
