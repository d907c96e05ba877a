"""Cloudflare's lists: both files say the same, and are read back as the same redirects."""

from collections.abc import Callable

from redirect_rules.exchange.exports.cloudflare import export
from redirect_rules.exchange.exports.rules import ExportedRule, Kind
from redirect_rules.exchange.rows import ImportedRow, ImportProblem

Read = Callable[..., list[ImportedRow | ImportProblem]]
H, T = "dichvucong.langson.gov.vn", "https://dichvucong.gov.vn/tra-cuu-ho-so"
RULES = [ExportedRule(H, "/a", 301, T), ExportedRule(H, "/b", 302, T, kind=Kind.PREFIX)]


def test_both_files_are_read_back(read: Read) -> None:
    for file, file_format in zip(export(RULES).files, ("cloudflare", "cloudflare-csv"), strict=True):
        found = [
            row.key if isinstance(row, ImportedRow) else row.say for row in read(file.text, file_format=file_format)
        ]
        assert found == ["langson/a", "langson/b/{rest:path}"]


def test_what_a_list_cannot_say_is_left_out_with_the_reason() -> None:
    rules = [
        ExportedRule(H, "/a", 410),
        ExportedRule(H, "/a", 301, T, (("q", "1"),)),
        ExportedRule(H, "/{n:number}", 301, T, kind=Kind.TEMPLATE),
    ]
    assert [left_out.why for left_out in export(rules).left_out] == [
        "a list redirects only; nothing in it is gone",
        "a source address has no query",
        "a source address has no holes",
    ]
