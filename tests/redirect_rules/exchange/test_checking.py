"""What the cells of a line make of its rule."""

from collections.abc import Callable

import pytest

from redirect_rules.exchange.checking import id_of
from redirect_rules.exchange.rows import ImportedRow, ImportProblem
from redirect_rules.model import Action
from redirect_rules.parsing import RuleRow

Read = Callable[..., list[ImportedRow | ImportProblem]]
HOME = "https://dichvucong.gov.vn/"
ARCHIVE = "https://vpcp.dichvucong.gov.vn/x"

# columns, cells                                                   rule, without what follows from the address
RULES = [
    ("old_url,new_url", f"/a,{HOME}", {"action": "notice", "to": ["home"]}),
    ("old_url,new_url,action", f"/a,{HOME},redirect", {"action": "redirect", "to": ["home"]}),
    ("old_url,new_url,status", f"/a,{HOME},301", {"action": "notice", "to": ["home"]}),
    ("old_url,new_url,code", f"/a,{HOME},302", {"action": "notice", "to": ["home"]}),
    ("old_url,status", "/a,410", {"action": "gone"}),
    ("old_url,new_url,action", f"/a,{HOME},gone", {"action": "gone", "to": ["home"]}),
    ("old_url,action", "/a,pass", {"action": "pass"}),
    ("old_url,destination", "/a,help", {"action": "notice", "to": ["help"]}),
    ("old_url,destination,code", "/a,procedure,1.001193.000.00.00.H37", {"action": "notice", "to": [{"destination": "procedure", "code": "1.001193"}, "procedure-list"]}),
    ("old_url,code", "/a,1.001193", {"action": "notice", "to": [{"destination": "procedure", "code": "1.001193"}, "procedure-list"]}),
    ("old_url,keyword", "/a,khai  sinh", {"action": "notice", "to": [{"destination": "procedure-search", "keyword": "khai sinh"}, "procedure-list"]}),
    ("old_url,new_url,note,owner,legal_basis,tags", f"/a,{HOME}, x ,y,z,t|u", {"action": "notice", "to": ["home"], "note": " x ", "owner": "y", "legal_basis": "z", "tags": ["t", "u"]}),
    ("old_url,new_url,valid_from,valid_until", f"/a,{HOME},01/07/2025,2026-01-01T00:00Z", {"action": "notice", "to": ["home"], "valid_from": "2025-07-01T00:00:00+07:00", "valid_until": "2026-01-01T00:00:00+00:00"}),
    ("old_url,new_url,id,when", f"/a,{HOME},my-id,vneid=1; keyword", {"action": "notice", "to": ["home"], "id": "my-id", "when": ["vneid=1", "keyword"]}),
    ("old_url;destination;when;query", '/a;"[{""destination"":""procedure-search"",""keyword"":""{k}""},""home""]";"[""a""]";"{""k"":{""type"":""text"",""from"":[""q""]}}"', {"action": "notice", "to": [{"destination": "procedure-search", "keyword": "{k}"}, "home"], "when": ["a"], "query": {"k": {"type": "text", "from": ["q"]}}}),
    ("old_url;destination", f'/a;"[{{""url"":""{ARCHIVE}""}}]"', {"action": "notice", "to": [{"url": ARCHIVE}]}),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "cells", "rule"), RULES)
def test_a_line_makes_a_rule(columns: str, cells: str, rule: dict[str, object], read: Read) -> None:
    (row,) = read(f"{columns}\n{cells}")
    assert isinstance(row, ImportedRow), row
    assert row.rule == {"id": id_of("langson/a"), "exact": ["/a"]} | rule
    assert row.exact == "/a"
    RuleRow.model_validate(row.rule)


# columns, cells                                     said
PROBLEMS = [
    ("old_url,new_url", "/a,", "the new address is missing"),
    ("old_url,new_url,action", f"/a,{HOME},pass", "a line that says pass leads nowhere"),
    ("old_url,new_url,destination", f"/a,{HOME},help", "keep one of them"),
    ("old_url,new_url,code", f"/a,{HOME},1.001193", "code and keyword belong to a destination"),
    ("old_url,code", "/a,12", "is no procedure code: write 1.001193"),
    ("old_url,keyword", "/a,{x}", "no braces"),
    ("old_url,destination", "/a,hlep", "there is no destination 'hlep'"),
    ("old_url,destination", "/a,[", "is no JSON"),
    ("old_url;destination", '/a;"[5]"', "is not of its form"),
    ("old_url;destination", '/a;"[""hlep""]"', "there is no destination"),
    ("old_url;destination", '/a;"[{""url"":""https://example.com/""}]"', "allowed hosts are"),
    ("old_url,new_url,id", f"/a,{HOME},My Id", "is no id"),
    ("old_url,new_url,valid_from", f"/a,{HOME},mai", "is no day"),
    ("old_url,new_url,valid_from,valid_until", f"/a,{HOME},2026-01-01,2025-01-01", "put them in order"),
    ("old_url;new_url;query", f'/a;{HOME};"{{""k"":5}}"', "is not of its form"),
    ("old_url,new_url,preserve_query_string", f"/a,{HOME},TRUE", "the visit's query is not carried over"),
    ("old_url,new_url,include_subdomains", f"/a,{HOME},TRUE", "one line for each host"),
    ("old_url,new_url", "/a,https://vpcp.dichvucong.gov.vn/{x}", "nothing captures x"),
    ("old_url,new_url", "~^/(a)(b$,https://vpcp.dichvucong.gov.vn/", "bounded time"),
    ("old_url,new_url", "~^/([^/]+)$,https://vpcp.dichvucong.gov.vn/$2", "$2 is no group"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "cells", "say"), PROBLEMS)
def test_a_line_that_makes_none_says_what_to_write(columns: str, cells: str, say: str, read: Read) -> None:
    (problem,) = read(f"{columns}\n{cells}")
    assert isinstance(problem, ImportProblem), problem
    assert say in problem.say
    assert problem.line == 2


def test_a_query_stands_beside_the_rule(read: Read) -> None:
    (row,) = read(f"old_url,new_url\n/A?B=2&a=X%20y,{HOME}")
    assert isinstance(row, ImportedRow)
    assert (row.exact, row.query_equals) == ("/a", (("a", "X y"), ("b", "2")))
    assert row.rule["exact"] == ["/a"]


def test_an_expression_stands_beside_the_rule(read: Read) -> None:
    (row,) = read(f"old_url,new_url\n~^/(?:a|b)/(\\d+)$,{ARCHIVE}?id=$1")
    assert isinstance(row, ImportedRow)
    assert row.regex == r"(?i)^/(?:a|b)/(\d+)$"
    assert "exact" not in row.rule
    assert "paths" not in row.rule
    assert row.rule["to"] == [{"url": f"{ARCHIVE}?id={{keyword}}", "keyword": "{first}"}, "home"]


def test_a_group_that_may_span_segments_is_no_value(read: Read) -> None:
    (problem,) = read(f"old_url,new_url\n~^/(?:a|b)(.*)$,{ARCHIVE}/$1")
    assert isinstance(problem, ImportProblem)
    assert "one value of an address" in problem.say


def test_a_capture_may_be_a_procedures_code(read: Read) -> None:
    listed = "https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach"
    form = "showAdvanced=false&formalityType=STANDARD&limit=10&activeKey=STANDARD"
    (row,) = read(f"old_url,new_url\n/tt/{{c:procedure}},{listed}?keyword={{c}}&{form}")
    assert isinstance(row, ImportedRow)
    assert row.rule["to"] == [{"destination": "procedure", "code": "{c}"}, "procedure-list"]


def test_half_a_letter_is_refused(read: Read) -> None:
    (problem,) = read('[{"source_url": "/a\\ud800", "target_url": "https://dichvucong.gov.vn/"}]')
    assert isinstance(problem, ImportProblem)
    assert "half of a letter" in problem.say


def test_templates_capture(read: Read) -> None:
    (row,) = read("old_url,new_url\n/tt/{k:word},https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword={k}")
    assert isinstance(row, ImportedRow)
    assert row.rule["paths"] == ["/tt/{k:word}"]
    assert row.rule["to"] == [{"destination": "procedure-search", "keyword": "{k}"}, "procedure-list"]


def test_the_default_action_may_be_another(read: Read) -> None:
    (row,) = read(f"old_url,new_url\n/a,{HOME}", action=Action.REDIRECT)
    assert isinstance(row, ImportedRow)
    assert row.rule["action"] == "redirect"


def test_the_id_of_an_address_is_always_the_same() -> None:
    assert id_of("langson/a") == id_of("langson/a") != id_of("langson/b")
