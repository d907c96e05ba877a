"""nginx's files; that nginx answers as we do is in real_servers."""

from redirect_rules.exchange.exports.nginx import MAPS, SERVER, export
from redirect_rules.exchange.exports.rules import ExportedRule, Kind

H, T = "h.vn", "https://h.vn/b"


def maps(*rules: ExportedRule) -> str:
    files = {file.name: file.text for file in export(rules).files}
    assert set(files) == {MAPS, SERVER}
    return files[MAPS]


def test_an_exact_address_is_one_line_of_a_map() -> None:
    assert '    "h.vn/a" "301 https://h.vn/b";\n' in maps(ExportedRule(H, "/a", 301, T))


def test_the_root_has_no_path() -> None:
    assert '    "h.vn" "302 https://h.vn/b";\n' in maps(ExportedRule(H, "/", 302, T))


def test_a_value_stands_in_every_usual_spelling() -> None:
    text = maps(ExportedRule(H, "/a", 301, T, (("q", "khai sinh"),)))
    assert '"h.vn/a?khai+sinh"' in text
    assert '"h.vn/a?khai%20sinh"' in text


def test_words_cannot_leave_their_quotes() -> None:
    text = maps(ExportedRule(H, "/a%22%5C%3Bb", 301, T + ";$x"))
    assert r'"h.vn/a\"\\;b" "301 https://h.vn/b;${edge_dollar}x";' in text


def test_tables_are_large_enough_for_their_longest_key() -> None:
    text = maps(ExportedRule(H, "/" + "a" * 500, 301, T), *(ExportedRule(H, f"/{i}", 301, T) for i in range(5_000)))
    assert "map_hash_max_size 10002;\nmap_hash_bucket_size 1024;\n" in text


def test_two_rules_that_differ_by_case_only_are_told() -> None:
    one, other = (ExportedRule(H, "/a", 301, T + end, (("q", value),)) for end, value in (("1", "x"), ("2", "X")))
    result = export([one, other, one])
    assert [left_out.rule for left_out in result.left_out] == [other]


def test_groups_of_a_template_have_names_of_their_own() -> None:
    text = maps(ExportedRule(H, "/{a:number}-x/{b:hex24}", 301, T + "/{b}/{a}", kind=Kind.TEMPLATE))
    assert "(?<edge_c0_0>[0-9]{1,18})-x/(?<edge_c0_1>[0-9a-fA-F]{24})" in text
    assert "${edge_c0_1}/${edge_c0_0}" in text


def test_case_counts_where_the_portal_says_so() -> None:
    assert '"~^h\\\\.vn/A(?:/.*)?$"' in maps(ExportedRule(H, "/A", 301, T, kind=Kind.PREFIX, fold_case=False))
