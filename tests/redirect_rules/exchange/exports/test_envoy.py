"""Envoy's route configuration."""

import json
from typing import Any

from redirect_rules.exchange.exports.envoy import export
from redirect_rules.exchange.exports.rules import ExportedRule, Kind

H, T = "h.vn", "https://t.vn/b?c=d"


def routes(*rules: ExportedRule) -> list[dict[str, Any]]:
    (file,) = export(rules).files
    (host,) = json.loads(file.text)["virtual_hosts"]
    assert host["domains"] == ["h.vn", "h.vn:*"]
    found: list[dict[str, Any]] = host["routes"]
    return found


def test_an_exact_address_is_two_routes_with_and_without_a_final_slash() -> None:
    one, other = routes(ExportedRule(H, "/a", 301, T))
    assert one == {
        "match": {"path": "/a", "case_sensitive": False},
        "redirect": {
            "scheme_redirect": "https",
            "host_redirect": "t.vn",
            "path_redirect": "/b?c=d",
            "response_code": "MOVED_PERMANENTLY",
            "strip_query": True,
        },
    }
    assert other["match"]["path"] == "/a/"


def test_what_asks_for_most_is_asked_first() -> None:
    found = routes(ExportedRule(H, "/", 302, T), ExportedRule(H, "/", 301, T, (("q", "a b"),)))
    assert found[0]["match"]["query_parameters"] == [{"name": "q", "string_match": {"exact": "a b"}}]
    assert found[1]["redirect"]["response_code"] == "FOUND"


def test_gone_is_answered_directly() -> None:
    assert routes(ExportedRule(H, "/a", 410))[0]["direct_response"] == {"status": 410}


def test_a_template_is_an_expression_and_its_captures_stand_in_the_path() -> None:
    (route,) = routes(ExportedRule(H, "/a/{n:number}", 308, "https://t.vn/x/{n}", kind=Kind.TEMPLATE))
    assert route["match"] == {"safe_regex": {"regex": "(?i)/a/([0-9]{1,18})/?"}}
    assert route["redirect"]["regex_rewrite"] == {
        "pattern": {"regex": "^(?i)/a/([0-9]{1,18})/?$"},
        "substitution": "/x/\\1",
    }


def test_a_prefix_is_an_expression_too() -> None:
    (route,) = routes(ExportedRule(H, "/a", 301, T, kind=Kind.PREFIX, fold_case=False))
    assert route["match"] == {"safe_regex": {"regex": "/a(?:/.*)?/?"}}


def test_a_capture_in_the_query_is_left_out_with_the_reason() -> None:
    result = export([ExportedRule(H, "/{n:number}", 301, T + "&n={n}", kind=Kind.TEMPLATE)])
    assert "path of a target only" in result.left_out[0].why
