"""HAProxy's files; that HAProxy answers as we do is in real_servers."""

from redirect_rules.exchange.exports.haproxy import FOLDER, FRONTEND, export
from redirect_rules.exchange.exports.rules import ExportedRule, Kind

H, T = "h.vn", "https://h.vn/b"


def files(*rules: ExportedRule) -> dict[str, str]:
    return {file.name: file.text for file in export(rules).files}


def test_an_exact_address_is_one_line_of_a_map() -> None:
    found = files(ExportedRule(H, "/a%20b", 301, T), ExportedRule(H, "/", 410))
    assert found["exact-0.map"] == "h.vn/a%20b 301 https://h.vn/b\nh.vn 410\n"
    assert f"map_str({FOLDER}/exact-0.map)" in found[FRONTEND]


def test_what_asks_for_most_is_asked_first() -> None:
    found = files(ExportedRule(H, "/a", 301, T), ExportedRule(H, "/a", 302, T, (("p.x", "1"), ("q", "a b"))))
    assert found["exact-0.map"] == "h.vn/a?1&a%20b 302 https://h.vn/b\n"
    assert found["exact-1.map"] == "h.vn/a 301 https://h.vn/b\n"
    assert found["parameter-0.map"] == "(?i)(?:^|&)p[.]x=([^&]*) \\1\n"


def test_case_counts_where_the_portal_says_so() -> None:
    found = files(ExportedRule(H, "/A", 301, T, fold_case=False))
    assert "var(txn.edge_cased),map_str" in found[FRONTEND]


def test_templates_are_tried_in_their_order() -> None:
    found = files(
        ExportedRule(H, "/a", 301, T, kind=Kind.PREFIX),
        ExportedRule(H, "/a/{n:number}", 301, T + "?n={n}", kind=Kind.TEMPLATE, fold_case=False),
    )
    assert found["patterns.map"] == (
        "^h[.]vn/a/([0-9]{1,18})$ 301 https://h.vn/b?n=\\1\n(?i)^h[.]vn/a(?:/.*)?$ 301 https://h.vn/b\n"
    )
