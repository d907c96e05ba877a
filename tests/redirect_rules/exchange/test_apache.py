"""Apache's directives of mod_alias and the plain ones of mod_rewrite."""

import pytest

from redirect_rules.exchange.apache import wishes
from redirect_rules.exchange.rows import ImportProblem, Wish

T = "https://h.vn/b"


def read(text: str) -> list[str]:
    def words(found: Wish | ImportProblem) -> str:
        if isinstance(found, ImportProblem):
            return f"{found.line}: {found.say}"
        more = [*found.hosts, *found.cells.values(), *(["NC"] if found.ignore_case else [])]
        return " ".join([str(found.line), found.kind, found.old, found.new, *more])

    return [words(found) for found in wishes("x", text.split("\n"))]


# configuration                                            wishes, or the beginning of what is said
READ = [
    (f"Redirect /a {T}", [f"1 below /a {T} 302"]),
    (f"redirect 301 /a {T}", [f"1 below /a {T} 301"]),
    (f"Redirect permanent /a {T}", [f"1 below /a {T} 301"]),
    (f"Redirect seeother /a {T}", [f"1 below /a {T} 303"]),
    ("Redirect gone /a", ["1 below /a  410"]),
    ("Redirect 403 /a", ["1 below /a  403"]),
    (f"RedirectPermanent /a {T}", [f"1 below /a {T} 301"]),
    (f"RedirectTemp /a {T}", [f"1 below /a {T} 302"]),
    (f'Redirect "/a b" "{T}"', [f"1 below /a b {T} 302"]),
    ("Redirect /a https://h.vn/x/a", ["1 below /a https://h.vn/x{old_path} 302"]),
    ("Redirect /a/ https://h.vn/a/", ["1 below /a/ https://h.vn{old_path} 302"]),
    (f"RedirectMatch 301 ^/(x|y)$ {T}/$1", [f"1 regex ~^/(x|y)$ {T}/$1 301"]),
    ("RedirectMatch gone ^/a", ["1 regex ~^/a  410"]),
    (f"Redirect /a \\\n  {T}", [f"1 below /a {T} 302"]),
    (f"# x\n\nRedirect /a {T}", [f"3 below /a {T} 302"]),
    (f"<VirtualHost *:80>\nServerName a.vn\nServerAlias b.vn http://c.vn\nRedirect /a {T}\n</VirtualHost>\nRedirect /c {T}", [f"4 below /a {T} a.vn b.vn c.vn 302", f"6 below /c {T} 302"]),
    (f"RewriteRule ^/a$ {T} [R=301,L]", [f"1 regex ~^/a$ {T} 301"]),
    (f"RewriteRule ^a$ {T} [R,NC]", [f"1 regex ~^/a$ {T} 302 NC"]),
    (f"RewriteRule ^/?a$ {T} [R=permanent]", [f"1 regex ~^/a$ {T} 301"]),
    (f"RewriteRule ^/a$ {T}", [f"1 regex ~^/a$ {T} 302"]),
    ("RewriteRule ^/a$ - [G]", ["1 regex ~^/a$  410"]),
    ("RewriteRule ^/a$ - [F]", ["1 regex ~^/a$  403"]),
    ("RewriteRule ^/a$ https://h.vn%{REQUEST_URI} [R]", ["1 regex ~^/a$ https://h.vn{old_path} 302"]),
    ("RewriteRule ^/a$ https://%{HTTP_HOST}/b [R]", ["1: %{HTTP_HOST} is not known here"]),
    ("RewriteRule ^/a$ /b [L]", ["1: an inner rewrite moves nobody"]),
    ("RewriteRule ^/a$", ["1: RewriteRule has an expression"]),
    (f"RewriteCond %{{HTTPS}} off\nRewriteRule ^/a$ {T} [R]\nRewriteRule ^/b$ {T} [R]", ["2: RewriteCond is not read", f"3 regex ~^/b$ {T} 302"]),
    ("RewriteMap m txt:x", ["1: the table stands in another file"]),
    ("Include x", ["1: the included file is not here"]),
    ("LuaHookFixups x y", ["1: programs are not read"]),
    ("<If true>", ["1: a condition is not read"]),
    ("Redirect /a", ["1: redirect has a path and a new address"]),
    ("Redirect", ["1: redirect has a path and a new address"]),
    ("DocumentRoot /var/www", []),
    (f"Redirect /a {T}\x00", ["1: the line holds a NUL"]),
    (f"Redirect /a {T}\\", [f"1 below /a {T} 302"]),
    ("\\\n" * 3, []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_configuration_is_read_as_apache_reads_it(text: str, expected: list[str]) -> None:
    assert [line[: len(start)] for line, start in zip(read(text), expected, strict=True)] == expected
