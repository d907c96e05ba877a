"""Policies, static parts and the guards that templates lean on."""

import base64
import hashlib
import re
from pathlib import Path

import jinja2
import pytest

from proxy import layouts, messages
from proxy.sign_in_views import (
    Allowed,
    ChooseSignIn,
    ConfirmSignOut,
    Consent,
    FormPost,
    FrontChannelSignOut,
    Rehearsal,
    SignedOut,
    SignInTrouble,
    StepUp,
)
from proxy.views import Framed, Gone, LocalityResults, Notice, NotSent, PilotTold, Trouble, View

REFERENCE = messages.read("vi.toml", 'plain = "x"\n[trouble.x]\ntitle = "y"').messages
STATIC = Path(layouts.__file__).parent.parent / "templates" / "static"

# What each sort of page may do besides showing itself.
ALLOWED: dict[type[View], dict[str, str]] = {
    Notice: {"connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'"},
    LocalityResults: {"connect-src": "'none'", "form-action": "'self'", "frame-ancestors": "'none'"},
    NotSent: {"connect-src": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"},
    Gone: {"connect-src": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"},
    Trouble: {"connect-src": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"},
    PilotTold: {"connect-src": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"},
    Framed: {"connect-src": "'none'", "form-action": "'none'", "frame-ancestors": "*"},
    **{
        view: {"connect-src": "'none'", "form-action": "'self'", "frame-ancestors": "'none'"}
        for view in (ChooseSignIn, Consent, StepUp, ConfirmSignOut, Allowed)
    },
    FormPost: {"connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'"},
    **{
        view: {"connect-src": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}
        for view in (FrontChannelSignOut, Rehearsal, SignedOut, SignInTrouble)
    },
}
"""Where forms of sign-in may lead besides, and what it frames, is said by each view itself."""


def test_every_sort_of_page_is_allowed_what_it_needs_and_no_more() -> None:
    made, problems = layouts.load([], REFERENCE)
    assert problems == []
    for view, layout in made.items():
        policy = dict(directive.split(" ", 1) for directive in layout.csp.split("; "))
        assert policy["default-src"] == policy["base-uri"] == "'none'"
        assert policy["img-src"] == "data:"
        assert {name: policy[name] for name in ALLOWED[view]} == ALLOWED[view]
        assert policy["style-src"] == hashed(layout.style)
        assert policy["script-src"] == (" ".join(map(hashed, layout.scripts)) or "'none'")


def hashed(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_old_phones_can_read_the_scripts(path: Path) -> None:
    """ES5: what a parser of 2014 stumbles over.  Comments and strings are taken out first."""
    source = re.sub(r"/\*.*?\*/|'(?:\\.|[^'\\\n])*'", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"=>|`|\.\.\.|\?\.|\?\?|//", source)
    assert not re.search(
        r"\b(let|const|class|async|await|import|export|of|fetch|Promise|includes|startsWith)\b", source
    )
    assert not re.search(r"\b(eval|innerHTML|outerHTML|document\.write|insertAdjacentHTML)\b", source)


def test_static_parts_lose_indentation_and_comments_and_nothing_else() -> None:
    source = "/* one\n   two */\n.a {\n  color: red; /* stays */\n\t/* goes */\n  content: '  /* stays */';\n}\n"
    assert layouts._lean(source) == ".a {\ncolor: red; /* stays */\ncontent: '  /* stays */';\n}"


@pytest.mark.parametrize("inside", ["</script>", "</STYLE >", "<!-- x"])
def test_a_static_part_cannot_end_its_element(tmp_path: Path, inside: str) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "page.css").write_text(inside)
    _, problems = layouts.load([tmp_path], REFERENCE)
    assert problems == ["static/page.css: would end the element that it stands in"]


def test_line_ends_do_not_change_the_hash(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    style = tmp_path / "static" / "page.css"
    style.write_bytes(b"a {\r\n  b: c\r\n}\r\n")
    made, _ = layouts.load([tmp_path], REFERENCE)
    assert made[Gone].style == "a {\nb: c\n}"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("{% if %}", "gone.html:1: Expected an expression, got 'end of statement block'"),
        ("\n{{ nobody }}", "gone.html: nobody: templates are given no such value"),
        ("{{ t('plane') }}", "gone.html: plane: there is no such message"),
        ("{{ t('trouble.' ~ view.reason) }}{{ t('trubble.' ~ x) }}{% set x = 1 %}", "gone.html: trubble.: there is no"),
        ("{{ t(view.x) }}", "gone.html: a template must ask for a message by a key that begins with a constant"),
        ("{% from 'none.html' import piece as p %}{{ p() }}{% for a in [1] %}{{ loop.index }}{% endfor %}", ""),
        ("{{ 'x'|nofilter }}", "gone.html:1: No filter named 'nofilter'."),
    ],
)
def test_a_template_of_the_operators_is_checked_before_anyone_sees_it(
    tmp_path: Path, source: str, complaint: str
) -> None:
    (tmp_path / "gone.html").write_text(source)
    _, problems = layouts.load([tmp_path], REFERENCE)
    assert [problem.removeprefix(f"{tmp_path}/")[: len(complaint)] for problem in problems] == [complaint] * bool(
        complaint
    )


@pytest.mark.parametrize("address", ["https://dichvucong.gov.vn/", "/", "/a?b=c", "/%2F%2Fx"])
def test_links_lead_to_https_or_to_ourselves(address: str) -> None:
    assert layouts._href(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "javascript:alert(1)", "//evil.example", "/\\evil.example", "http://x/", "data:,x", " https://x/", "x"],
)
def test_no_other_address_becomes_a_link(address: str) -> None:
    with pytest.raises(ValueError, match="must not become a link"):
        layouts._href(address)


def test_a_missing_value_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(jinja2.UndefinedError):
        layouts.environment_for().from_string("{{ view }}").render()


def test_a_telephone_number_is_dialled_without_its_spaces() -> None:
    assert layouts._tel("+84 1800-10.96") == "tel:+8418001096"


def test_the_host_stands_out_and_the_rest_may_wrap() -> None:
    assert layouts._address("https://a.vn/b?c") == ("https://", "a.vn", "/b?c")
    assert layouts._breakable("/b?c=<&d") == "<wbr>/b<wbr>?c=&lt;<wbr>&amp;d"


def test_a_unit_inside_a_vietnamese_sentence_begins_small() -> None:
    assert layouts._inside("Tỉnh Lạng Sơn", "vi") == "tỉnh Lạng Sơn"
    assert layouts._inside("Tỉnh Lạng Sơn", "en") == "Tỉnh Lạng Sơn"


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/",
        "/x",
        "http://a.localhost:8080/x",
        "http://localhost/x",
        "http://127.0.0.1:1/",
        "http://[::1]/",
    ],
)
def test_a_link_leads_to_https_to_ourselves_or_to_the_visitors_own_machine(address: str) -> None:
    assert layouts._href(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://a.example/",
        "//a.example",
        "/\\a",
        "javascript:x",
        "http://localhost.example/",
        "http://127.0.0.1.x/",
        "http://x@localhost/",
        "",
    ],
)
def test_a_link_leads_nowhere_else(address: str) -> None:
    with pytest.raises(ValueError, match="must not become a link"):
        layouts._href(address)
