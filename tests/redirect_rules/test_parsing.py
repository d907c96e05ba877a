"""Packs as people write them: what is read, and what is said of mistakes."""

import pytest

from redirect_rules.model import Action, Argument, Condition, Goal, Hole, Literal
from redirect_rules.parsing import parse_family, parse_lookup, parse_portal_rules, parse_template
from redirect_rules.sources import Document, Problems

NAMES = ("home", "procedure", "procedure-list", "procedure-search")

GOOD = """\
family = "f"
version = 2
[[rule]]
id = "detail"
paths = ["/{lang:language}/chi-tiet/{id:hex24}"]
when = ["vneid=1", "keyword"]
query.code = { type = "procedure", from = ["MaTTHC", "ma"] }
action = "notice"
to = [{ destination = "procedure", code = "{id|procedure}" }, { destination = "procedure", code = "{code}" }, "home"]
legal_basis = "Nghị định 118/2025/NĐ-CP"
"""


def test_a_rule_is_read_whole() -> None:
    family = parse_family(Document("f.toml", GOOD), destinations=NAMES)
    (rule,) = family.rules
    assert (family.name, family.version, rule.id, rule.action) == ("f", 2, "f/detail", Action.NOTICE)
    assert rule.source == "f.toml:3"
    assert rule.conditions == (Condition("vneid", "1"), Condition("keyword", None))
    assert rule.captures[0].sources == ("matthc", "ma")
    assert rule.goals == (
        Goal("procedure", (Argument("code", "id", "procedure"),)),
        Goal("procedure", (Argument("code", "code"),)),
        Goal("home"),
    )


def test_a_template_knows_literals_holes_and_a_tail() -> None:
    template = parse_template("/p/dvc-{name:word}.html/{rest:path}")
    assert template.segments == (Literal("p"), Hole("name", "word", "dvc-", ".html"))
    assert template.tail == "rest"


# a pack                                                                       line  what is said
MISTAKES = [
    ("family = ", 1, "not TOML"),
    ('family = "f"', 0, "version: this key is missing"),
    ('family = "f"\nversion = "1"', 2, "write a whole number"),
    ('family = "f"\nversion = 1\nfamilly = 2', 3, "unknown key"),
    ("[[rule]]\npaths = ['/x']\naction = 'pass'", 3, "id: this key is missing"),
    ("[[rule]]\nid = 'A b'\npaths = ['/x']\naction = 'pass'", 4, "small letters"),
    ("[[rule]]\nid = 'a'\naction = 'pass'", 3, "or `regex`: one of them"),
    ("[[rule]]\nid = 'a'\npaths = ['x']\naction = 'pass'", 5, "begins with /"),
    ("[[rule]]\nid = 'a'\npaths = ['/x?y=1']\naction = 'pass'", 5, "parameters go to"),
    ("[[rule]]\nid = 'a'\npaths = ['/{x}']\naction = 'pass'", 5, "{name:type}"),
    ("[[rule]]\nid = 'a'\npaths = ['/{x:hex25}']\naction = 'pass'", 5, "'hex25' is no type"),
    ("[[rule]]\nid = 'a'\npaths = ['/a/../b']\naction = 'pass'", 5, "dot segments"),
    ("[[rule]]\nid = 'a'\nexact = ['/{x:word}']\naction = 'pass'", 3, "has no {captures}"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\nregex = '^/x'\naction = 'pass'", 5, "or `regex`: one of them"),
    ("[[rule]]\nid = 'a'\nregex = '^/(a'\naction = 'pass'", 5, "is no RE2 expression"),
    ("[[rule]]\nid = 'a'\nregex = '(?<=a)b'\naction = 'pass'", 5, "is no RE2 expression"),
    ("[[rule]]\nid = 'a'\nexact = ['/x?']\naction = 'pass'\n[[rule]]\nid = 'b'\nexact = ['/x?a=']\naction = 'pass'", 9, "write name=value"),
    ("[[rule]]\nid = 'a'\nexact = ['/x?token=1']\naction = 'pass'", 5, "is never looked at"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'notise'", 6, "notice"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'notice'", 3, "where does it lead"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'pass'\nto = ['home']", 7, "leads nowhere"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'notice'\nto = ['hom']", 7, "no destination 'hom'"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'notice'\nto = [{ destination = 'procedure', code = '{id}' }, 'home']", 7, "nothing captures 'id'"),
    ("[[rule]]\nid = 'a'\npaths = ['/{id:word}']\naction = 'notice'\nto = [{ destination = 'procedure', kode = '{id}' }, 'home']", 7, "no destination takes 'kode'"),
    ("[[rule]]\nid = 'a'\npaths = ['/{id:word}']\naction = 'notice'\nto = [{ destination = 'procedure', code = '{id}' }]", 7, "last destination must need nothing"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'notice'\nto = [{ code = 'x' }, 'home']", 7, "name a destination"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\nwhen = ['=1']\naction = 'pass'", 6, "names no parameter"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\nquery.k = { type = 'txt', from = ['k'] }\naction = 'pass'", 6, "'txt' is no type"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'pass'\nvalid_from = 'soon'", 7, "no instant"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'pass'\n[[rule]]\nid = 'a'\npaths = ['/y']\naction = 'pass'", 8, "id of another rule"),
    ("[[rule]]\nid = 'a'\npaths = ['/x']\naction = 'pass'\n[[rule]]\nid = 'b'\npaths = ['/X/']\naction = 'pass'", 7, "known as well by f/a (line 3)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES, ids=[said for _, _, said in MISTAKES])
def test_a_mistake_is_shown_where_it_was_made(text: str, line: int, said: str) -> None:
    whole = text if text.startswith("family") else f'family = "f"\nversion = 1\n{text}'
    with pytest.raises(Problems) as caught:
        parse_family(Document("f.toml", whole), destinations=NAMES)
    found = [problem for problem in caught.value.problems if said in problem.text]
    assert found, str(caught.value)
    assert found[0].line in {line, line + 2} if "[[rule]]" in text else found[0].line == line


def test_all_mistakes_are_reported_at_once() -> None:
    text = "[[rule]]\nid = 'A'\npaths = ['x', '/{y:z}']\naction = 'notice'\nto = ['nowhere']\n"
    with pytest.raises(Problems) as caught:
        parse_family(Document("f.toml", 'family = "f"\nversion = 1\n' + text), destinations=NAMES)
    assert len(caught.value.problems) == 4


def test_a_portals_own_rules_carry_its_name() -> None:
    text = 'portal = "langson"\n[[rule]]\nid = "a"\nexact = ["/x"]\naction = "gone"\n'
    portal, (rule,) = parse_portal_rules(Document("l.toml", text), destinations=NAMES)
    assert (portal, rule.id, rule.exact) == ("langson", "langson/a", True)


def test_an_exact_address_may_ask_for_parameters() -> None:
    text = 'portal = "l"\n[[rule]]\nid = "a"\nexact = ["/x?B=2%20c&a=1", "/y"]\naction = "gone"\n'
    _, (rule,) = parse_portal_rules(Document("l.toml", text), destinations=NAMES)
    assert [template.asks for template in rule.templates] == [(("a", "1"), ("b", "2 c")), ()]
    assert rule.templates[0].segments == (Literal("x"),)


def test_an_expression_brings_its_groups() -> None:
    text = r"""portal = "l"
[[rule]]
id = "a"
regex = '^/xem-(\d+)/(?P<code>[\d.]+)$'
action = "notice"
to = [{ destination = "procedure", code = "{code}" }, { destination = "procedure-search", keyword = "{first}" }, "home"]
"""
    _, (rule,) = parse_portal_rules(Document("l.toml", text), destinations=NAMES)
    assert (rule.regex, rule.templates) == (r"^/xem-(\d+)/(?P<code>[\d.]+)$", ())


def test_a_mistake_in_json_names_the_rule() -> None:
    text = '{"portal": "l", "rule": [{"id": "a", "exact": ["/x"], "action": "notice"}]}'
    with pytest.raises(Problems) as caught:
        parse_portal_rules(Document("rules/l.json", text), destinations=NAMES)
    assert str(caught.value) == 'rules/l.json: a: where does it lead? write a destination, for example to = ["home"]'


def test_a_lookup_table_normalises_its_codes() -> None:
    lookup = parse_lookup("t.csv", "\ufeffid,code\n26360,1.001193.000.00.00.H37\n", portal="langson", name="procedure")
    assert lookup.entries == {"26360": "1.001193"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.csv:1: the first line must be id,code"),
        ("id,code\n1\n", "t.csv:2: write two cells"),
        ("id,code\n1,abc\n", "t.csv:2: 'abc' is no procedure code"),
        ("id,code\n1,1.001193\n1,1.001194\n", "t.csv:3: '1' has another code above"),
    ],
)
def test_mistakes_of_a_table_have_their_line(text: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        parse_lookup("t.csv", text, portal="langson", name="procedure")
    assert said in str(caught.value)
