"""What every server can hold, and what none can."""

import pytest
import re2

from redirect_rules.captures import TYPES
from redirect_rules.exchange.exports.rules import (
    EXPRESSIONS,
    ExportedRule,
    Expression,
    Kind,
    decoded,
    expression_of,
    ranked,
    sorted_out,
)

H, T = "h.vn", "https://h.vn/b"


def rule(path: str, target: str = T, kind: Kind = Kind.TEMPLATE, **more: object) -> ExportedRule:
    return ExportedRule(H, path, 301, target, kind=kind, **more)  # type: ignore[arg-type]


# template                              target            expression, or why there is none
EXPRESSED = [
    ("/A/{id:number}", T, "/a/(?:[0-9]{1,18})"),
    ("/a/{id:number}", f"{T}/{{id}}", "/a/([0-9]{1,18})"),
    ("/{c:procedure}", f"{T}/{{c}}", "/([0-9][.][0-9]{6})(?:[.-][0-9A-Za-z.-]*)?"),
    ("/{c:procedure}", T, "/(?:[0-9][.][0-9]{6})(?:[.-][0-9A-Za-z.-]*)?"),
    ("/dvc-{n:word}.html", T, r"/dvc-(?:[^/]+)\.html"),
    ("/a/{rest:path}", T, "/a(?:/.*)?"),
    ("/{rest:path}", T, "(?:/.*)?"),
    ("/a.b", T, r"/a\.b"),
    ("/{n:word}", f"{T}/{{n}}", "a captured word cannot be carried over"),
    ("/a/{rest:path}", f"{T}/{{rest}}", "rest cannot be carried over"),
    ("/a", f"{T}/{{x}}", "x cannot be carried over"),
    ("/{n:wrd}", T, "'/{n:wrd}': 'wrd' is no type"),
]


@pytest.mark.parametrize(("path", "target", "text"), EXPRESSED)
def test_a_template_is_an_expression(path: str, target: str, text: str) -> None:
    found = expression_of(rule(path, target))
    assert (found.text if isinstance(found, Expression) else found[: len(text)]) == text


# type                value                       what is captured
@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("hex24", "629dae4edb4662230f940e11"),
        ("procedure", "1.001193"),
        ("procedure", "1.001193.000.00.00.H37"),
        ("commune", "00007"),
        ("number", "12"),
        ("language", "vi-VN"),
    ],
)
def test_an_expression_captures_what_the_type_reads(type_name: str, value: str) -> None:
    match = re2.fullmatch(EXPRESSIONS[type_name], value)
    assert match[1] == TYPES[type_name].read(value)


# what is wrong                                                                     said
UNFIT = [
    (ExportedRule(H, "/a", 303, T), "status 303 is none of"),
    (ExportedRule(H, "/a", 301), "a redirect has a target"),
    (ExportedRule(H, "/a", 410, T), "a redirect has a target"),
    (ExportedRule(H, "/a", 301, T + "\r\nX: y"), "characters that no header"),
    (ExportedRule(H, "/a", 301, T + '"'), "characters that no header"),
    (ExportedRule(H, "/a", 301, T + " x"), "characters that no header"),
    (ExportedRule(H, "/a", 301, T + "ộ"), "characters that no header"),
    (ExportedRule(H, "/a", 301, T + "{x}"), "nothing fills the holes"),
    (ExportedRule(H, "/a%2Fb", 301, T), "an encoded slash"),
    (ExportedRule(H, "/a%25b", 301, T), "an encoded slash"),
    (ExportedRule(H, "/a%0Ab", 301, T), "an encoded slash"),
    (ExportedRule(H, "/a", 301, T, (("a b", "1"),)), "a parameter is no plain word"),
    (ExportedRule(H, "/a", 301, T, (("a", "1\n"),)), "a parameter is no plain word"),
    (ExportedRule(H, "/a", 301, T, (("a", "1"), ("a", "2"))), "with two values"),
    (rule("/{a:word}", query=(("a", "1"),)), "parameters belong to an exact path"),
    (rule("/{a:word}", T + "/{a}"), "a captured word"),
]  # fmt: skip


@pytest.mark.parametrize(("unfit", "why"), UNFIT)
def test_what_no_server_can_say_is_left_out_with_its_reason(unfit: ExportedRule, why: str) -> None:
    fit, (left_out,) = sorted_out([unfit])
    assert not fit
    assert left_out.rule is unfit
    assert why in left_out.why


def test_the_more_specific_comes_first() -> None:
    rules = [rule("/a", kind=Kind.PREFIX), rule("/{x:word}/b"), rule("/a/{x:number}"), rule("/a/{x:word}")]
    assert [found.path for found in ranked(rules)] == ["/a/{x:number}", "/a/{x:word}", "/a", "/{x:word}/b"]


@pytest.mark.parametrize(("path", "text"), [("/", ""), ("/a%20b", "/a b"), ("/tra-c%E1%BB%A9u", "/tra-cứu")])
def test_a_path_as_servers_see_it(path: str, text: str) -> None:
    assert decoded(path) == text
