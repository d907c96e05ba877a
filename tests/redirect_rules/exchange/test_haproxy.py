"""Map files: a key, white space, a value."""

import pytest

from redirect_rules.exchange.haproxy import wishes
from redirect_rules.exchange.rows import ImportProblem

T = "https://h.vn/b"

# line                            old, new, status; or the beginning of what is said
READ = [
    (f"/a {T}", f"/a {T} {{}}"),
    (f"  /a\t \t{T}  ", f"/a {T} {{}}"),
    (f"h.vn/a 301 {T}", f"h.vn/a {T} {{'status': '301'}}"),
    ("/a 410", "/a  {'status': '410'}"),
    ("# comment", None),
    ("   ", None),
    ("/a", "an entry has a key and a value"),
    ("/a 301", "an entry has a key and a value"),
    (f"^/a {T}", "a key is an address here, no expression"),
    (f"*.h.vn {T}", "a key is an address here, no expression"),
    ("/a\x00 b", "the line holds a NUL"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), READ)
def test_an_entry_is_read(line: str, expected: str | None) -> None:
    found = list(wishes("x", [line]))
    said = [wish.say if isinstance(wish, ImportProblem) else f"{wish.old} {wish.new} {wish.cells}" for wish in found]
    assert [text[: len(expected or "")] for text in said] == ([] if expected is None else [expected])
