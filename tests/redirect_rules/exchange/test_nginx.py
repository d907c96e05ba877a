"""nginx's words as nginx reads them; what sends people somewhere is read or is a problem."""

import pytest

from redirect_rules.exchange.nginx import wishes
from redirect_rules.exchange.rows import ImportProblem, Wish

T = "https://h.vn/b"


def read(text: str) -> list[str]:
    def words(found: Wish | ImportProblem) -> str:
        if isinstance(found, ImportProblem):
            return f"{found.line}: {found.say}"
        more = [*found.hosts, *found.cells.values(), *(["~*"] if found.ignore_case else [])]
        return " ".join([str(found.line), found.kind, found.old, found.new, *more])

    return [words(found) for found in wishes("x", text.split("\n"))]


# configuration                                            wishes, or the beginning of what is said
READ = [
    (f"map $uri $n {{ /a {T}; }}", [f"1 exact /a {T}"]),
    (f'map $uri $n {{\n"/a b" "{T}";\n\'/c\' {T};}}', [f"2 exact /a b {T}", f"3 exact /c {T}"]),
    (f"map $uri $n {{ # x {{\n default ''; hostnames; volatile;\n /a {T}; # y\n}}", [f"3 exact /a {T}"]),
    (f"map $uri $n {{\n ~^/a/(\\d+)$ {T}/$1;\n ~*^/A$ {T}; }}", [f"2 regex ~^/a/(\\d+)$ {T}/$1", f"3 regex ~^/A$ {T} ~*"]),
    (f'map $uri $n {{ "~^/a{{2}};x$" {T}; }}', [f"1 regex ~^/a{{2}};x$ {T}"]),
    (f"map $uri $n {{ /a\n{T}\n; }}", [f"1 exact /a {T}"]),
    ("map $uri $n { /a $scheme://h.vn/b; }", [f"1 exact /a {T}"]),
    ("map $uri $n { /a https://h.vn$request_uri; }", ["1 exact /a https://h.vn{old_path}"]),
    ("map $uri $n { /a https://h.vn$uri$is_args$args; }", ["1 exact /a https://h.vn{old_path}"]),
    (f"map $uri $n {{ \\default {T}; }}", [f"1 exact default {T}"]),
    (f"map $uri $n {{ default {T}; }}", ["1: a default leads every other address away"]),
    ("map $uri $n { default $other; }", []),
    ("map $uri $n { include x; }", ["1: the included file is not here"]),
    ("map $uri $n { /a; }", ["1: an entry of a map has two words"]),
    ("map $uri $n { /a https://$host/b; }", ["1: $host is not known here"]),
    (f"rewrite ^/a$ {T};", [f"1 regex ~^/a$ {T}"]),
    (f"rewrite ^/a$ {T}? permanent;", [f"1 regex ~^/a$ {T}"]),
    ("rewrite ^/a$ /b redirect;", ["1 regex ~^/a$ /b"]),
    ("rewrite ^/a$ /b last;", ["1: an inner rewrite moves nobody"]),
    ("rewrite ^/a$;", ["1: rewrite has an expression"]),
    (f"server {{ server_name h.vn www.h.vn _; location = /a {{ return 301 {T}; }} }}", [f"1 exact /a {T} h.vn www.h.vn 301"]),
    (f"server {{ server_name a.vn; }}\nlocation /a/ {{ return 302 {T}; }}", [f"2 below /a/ {T} 302"]),
    (f"location ^~ /a {{ return {T}; }}", [f"1 below /a {T} 302"]),
    (f"location ~* ^/a {{ return 301 {T}; }}", [f"1 regex ~^/a {T} 301 ~*"]),
    ("location = /a { return 410; }", ["1 exact /a  410"]),
    ("location = /a { return 404; }", []),
    ("location = /a { return 503; }", ["1: return 503 says nothing here"]),
    ("location @x { return 410; }", ["1 below @x  410"]),
    (f"server {{ return 301 {T}; }}", [f"1 below / {T} 301"]),
    (f"upstream x {{ return 301 {T}; }}", ["1: return stands in a block that is not read"]),
    (f"if ($x) {{\n return 301 {T};\n}}\nrewrite ^/a$ {T};", ["1: a condition is not read", f"4 regex ~^/a$ {T}"]),
    ("content_by_lua_block {\n ngx.say(1)\n}", ["1: a program decides here"]),
    ("rewrite_by_lua_file x.lua;", ["1: a program decides here"]),
    ("js_content f;", ["1: a program decides here"]),
    ("include x;", ["1: the included file is not here"]),
    ("server_name a.vn;", ["1: server_name stands in no block"]),
    ("listen 443 ssl; ssl_certificate x;", []),
    ("map $uri $n {\n/a b", ["2: the file ends before its ; or }"]),
    ("server {\n", ["1: the file ends before its ; or }"]),
    ('rewrite "^/a', ["1: a quotation mark is not closed"]),
    (f"}}\nrewrite ^/a$ {T};", [f"2 regex ~^/a$ {T}"]),
    ("a " * 2_000 + ";", ["1: a directive without an end"]),
    ("a\x00b;", ["1: the line holds a NUL"]),
    ("return;", ["1: return has a status"]),
    ("map $uri $n { default; }", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_configuration_is_read_as_nginx_reads_it(text: str, expected: list[str]) -> None:
    found = read(text)
    assert [line[: len(start)] for line, start in zip(found, expected, strict=False)] == expected, found
    assert len(found) >= len(expected)
    if not expected:
        assert not found
