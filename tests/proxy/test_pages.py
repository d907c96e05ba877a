"""Pages: what is typed stays text, what is allowed is what is there, and operators may change words and faces."""

import dataclasses
import gzip
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from proxy.pages import Pages, PagesError
from proxy.sign_in_views import SignInView
from proxy.views import Gone, Notice, NotSent, Trouble, View
from tests.browser.samples import GONE, LANG_SON, NOTICES, SAMPLES, notice
from tests.proxy.test_layouts import hashed
from tests.proxy.test_overrides import PNG, SVG, laid_out

PAGES = Pages()
BOTH = ("vi", "en")


def html(view: View, language: str = "vi", pages: Pages = PAGES) -> str:
    return pages.render(view, language).html.decode()


class Structure(HTMLParser):
    """The elements of a page with the names of their attributes, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":  # stands wherever an address may wrap
            self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.addresses += [str(value) for name, value in attrs if name in {"href", "src", "action", "formaction"}]


# ── what is typed stays text ──────────────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)></style></title>--></textarea>{{7*7}}{% x %}${1}&amp;\x00"
)
ADDRESSES = {
    "target",
    "link",
    "sign_in_link",
    "here",
    "stay_link",
    "forget_link",
    "front_link",
    "leave_link",
    "dossier_lookup",
    # Of sign-in: where forms go, frames, and ways back.
    "action",
    "uri",
    "frames",
    "back",
    "back_link",
    "continue_to",
    "continue_link",
    "return_link",
}
DECIDED = {"kind", "reason", "told"}  # one of a few words; mypy keeps it so


def variants(value: Any, name: str, put: str) -> Iterator[Any]:
    """The value with one text in it exchanged, for each text in it."""
    match value:
        case str() if name not in DECIDED:
            yield exchanged(value, name, put)
        case tuple():
            for at, item in enumerate(value):
                inner = "link" if name == "language_links" and at == 2 else name
                if name == "claims" and isinstance(item, str) and (at == 0 or value[0] == "account_type"):
                    inner = "kind"  # the name of a claim, and the one value that is a word of ours
                yield from ((*value[:at], changed, *value[at + 1 :]) for changed in variants(item, inner, put))
        case Mapping():
            for key, item in value.items():
                yield from ({**value, key: changed} for changed in variants(item, name, put))
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                changes = variants(getattr(value, field.name), field.name, put)
                yield from (dataclasses.replace(value, **{field.name: changed}) for changed in changes)


def exchanged(text: str, name: str, put: str) -> str:
    """An address stays one, as those who make views promise; anything else may be whatever is typed."""
    if text.startswith("https://"):
        return text + put
    return "/" + put if name in ADDRESSES else put


@pytest.mark.parametrize("name", SAMPLES)
def test_no_value_of_any_view_adds_an_element_or_an_attribute(name: str) -> None:
    pairs = zip(variants(SAMPLES[name], "", "x"), variants(SAMPLES[name], "", HOSTILE), strict=True)
    for harmless, hostile in pairs:
        structure = Structure(html(hostile))
        assert structure.elements == Structure(PAGES.plain(harmless, "vi").html.decode()).elements
        # Pages of sign-in lead to what clients have registered as well.
        registered = ("https://",) if isinstance(harmless, SignInView) else ()
        assert all(
            address.startswith(("https://dichvucong.gov.vn", "https://vpcp.", "/", "tel:", "data:", *registered))
            for address in structure.addresses
        )


@pytest.mark.parametrize("target", ["javascript:alert(1)", "http://dichvucong.gov.vn/", "//evil.example"])
def test_a_target_that_is_not_https_makes_no_page(target: str) -> None:
    views: list[Any] = [NOTICES["notice"], GONE, SAMPLES["framed"], SAMPLES["not-sent"], SAMPLES["trouble-internal"]]
    for view in views:
        with pytest.raises(ValueError, match="must not become a link"):
            html(dataclasses.replace(view, target=target))


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_link_leads_to_ourselves_or_to_a_destination(name: str, language: str) -> None:
    view = SAMPLES[name]
    known = {getattr(view, name, "") for name in ("target", "dossier_lookup", "back", "continue_to", "action")}
    known |= {*getattr(view, "frames", ())}
    outside = {
        address
        for address in Structure(html(view, language)).addresses
        if not address.startswith(("/", "tel:", "data:"))
    }
    assert outside <= known


# ── what is allowed is what is there ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_policy_names_exactly_the_scripts_and_styles_of_the_page(name: str, language: str) -> None:
    page = PAGES.render(SAMPLES[name], language)
    policy = dict(directive.split(" ", 1) for directive in page.csp.split("; "))
    text = page.html.decode()
    assert policy["style-src"].split() == [
        hashed(style) for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    ]
    scripts = [hashed(script) for script in re.findall(r"<script>(.*?)</script>", text, re.DOTALL)]
    assert policy["script-src"].split() == (scripts or ["'none'"])
    assert not re.search(r"\s(style|on[a-z]+)=", re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL))
    assert "http-equiv" not in text


@pytest.mark.parametrize("language", BOTH)
def test_every_page_arrives_in_the_first_round_trip(language: str) -> None:
    sizes = {name: len(gzip.compress(PAGES.render(view, language).html, 6)) for name, view in SAMPLES.items()}
    assert max(sizes.values()) <= 9_728, sizes


def test_with_the_largest_logo_it_still_does(tmp_path: Path) -> None:
    noise = bytes((i * i * 7919 + i * 31) >> 5 & 255 for i in range(3_900))
    pages = Pages(laid_out(tmp_path, {"logo.png": PNG + noise}))
    assert max(len(gzip.compress(pages.render(view, "vi").html, 6)) for view in SAMPLES.values()) <= 14_336


# ── what pages say ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_speaks_its_language() -> None:
    assert '<html lang="vi">' in html(GONE)
    assert '<html lang="en">' in html(GONE, "en")
    assert '<html lang="vi">' in html(GONE, "xx"), "a language there is no file for"


def test_other_languages_are_offered_each_in_its_own() -> None:
    assert '<a href="/gone?_lang=en" lang="en" hreflang="en">English</a>' in html(GONE)
    assert '<a href="/gone?_lang=vi" lang="vi" hreflang="vi">Tiếng Việt</a>' in html(GONE, "en")


# view                                          language   what it must say
SAID: list[tuple[View, str, str]] = [
    (NOTICES["notice"], "vi", "Cổng Dịch vụ công tỉnh Lạng Sơn đã ngừng hoạt động từ ngày 1/7/2025"),
    (NOTICES["notice"], "en", "The public service portal of Lạng Sơn province closed on 1 July 2025"),
    (NOTICES["notice-ministry"], "vi", "Bộ Nông nghiệp và Môi trường đã ngừng hoạt động từ ngày 1/2/2026"),
    (NOTICES["notice-national"], "vi", "Trang này của Cổng Dịch vụ công quốc gia đã đổi địa chỉ"),
    (NOTICES["notice-national"], "vi", "Trang tương ứng trên Cổng Dịch vụ công quốc gia"),
    (NOTICES["notice-merged"], "vi", "Tỉnh Hà Giang nay thuộc tỉnh Tuyên Quang."),
    (NOTICES["notice-merged"], "en", "Tỉnh Hà Giang is now part of Tỉnh Tuyên Quang."),
    (NOTICES["notice-procedure"], "vi", "Thủ tục hành chính mã số 1.001193"),
    (NOTICES["notice-named"], "vi", "Đăng ký kết hôn có yếu tố nước ngoài (mã\u00a0số\u00a02.000806)"),
    (NOTICES["notice-unmapped"], "vi", "Chúng tôi chưa tìm được trang tương ứng"),
    (NOTICES["notice-dossier"], "vi", "000.00.53.H48-220921-0099"),
    (NOTICES["notice-stayed"], "vi", '<p id="still">Trang này không tự chuyển.'),
    (NOTICES["notice-ask"], "vi", "Xin chọn đúng địa phương của quý vị"),
    (NOTICES["notice-chosen"], "vi", "Địa phương: Phường Ba Đình, thành phố Hà Nội"),
    (NOTICES["notice-not-carried"], "vi", "Trang sắp mở không nhận sẵn địa phương"),
    (SAMPLES["results"], "vi", "Còn 3 địa phương khác cùng tên"),
    (SAMPLES["not-sent"], "vi", "Hồ sơ CHƯA được gửi"),
    (SAMPLES["not-sent"], "vi", "giay-chung-sinh.pdf"),
    (SAMPLES["not-sent-unreadable"], "vi", "Chúng tôi không đọc được nội dung"),
    (SAMPLES["trouble-no-upstream"], "vi", "Xin thử lại sau khoảng 5 phút."),
    (SAMPLES["trouble-soon"], "vi", "Xin thử lại sau khoảng 1 phút."),
    (SAMPLES["trouble-internal"], "vi", "K7QF-2M9D"),
    (SAMPLES["framed"], "vi", 'target="_top"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("view", "language", "said"), SAID, ids=lambda value: value[:40] if isinstance(value, str) else ""
)
def test_a_page_says_what_it_must(view: View, language: str, said: str) -> None:
    assert said in html(view, language)


def test_only_a_merged_province_is_said_to_be_one() -> None:
    assert "nay thuộc" not in html(NOTICES["notice"])


def test_a_question_has_no_countdown() -> None:
    asking = dataclasses.replace(NOTICES["notice-ask"], seconds=30)
    assert '"seconds":null' in html(asking)


def test_every_hotline_can_be_called() -> None:
    for name, view in SAMPLES.items():
        assert name == "framed" or '<a href="tel:18001096">18001096</a>' in html(view), name


def test_a_portal_without_a_name_in_a_language_uses_its_vietnamese_name_or_its_host() -> None:
    facts = dataclasses.replace(LANG_SON, names={"vi": "Cổng X"})
    assert "Cổng X closed on" in html(dataclasses.replace(GONE, portal=facts), "en")
    facts = dataclasses.replace(LANG_SON, names={})
    assert "dichvucong.langson.gov.vn closed on" in html(dataclasses.replace(GONE, portal=facts), "en")


# ── what operators change ─────────────────────────────────────────────────────────────────────────────────────────


def test_texts_hotline_and_logo_for_all_and_for_one(tmp_path: Path) -> None:
    pages = Pages(
        laid_out(
            tmp_path,
            {
                "messages.vi.toml": '[timer]\nnow = "Đi tiếp"\nstop = "Khoan"',
                "page.toml": 'hotline = "1022"',
                "lang-son/messages.vi.toml": '[timer]\nstop = "Chờ đã"',
                "lang-son/page.toml": 'hotline = "0205 3812345"',
                "lang-son/logo.svg": SVG,
            },
        ),
        portals=["lang-son"],
    )
    own = html(notice("x"), pages=pages)
    assert ">Đi tiếp</a>" in own
    assert ">Chờ đã</button>" in own
    assert '<a href="tel:02053812345">0205 3812345</a>' in own
    assert '<img src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22' in own
    other = html(notice("x", portal=dataclasses.replace(LANG_SON, id="ha-giang")), pages=pages)
    assert ">Khoan</button>" in other
    assert "tel:1022" in other
    assert "data:image/svg" not in other


def test_a_message_file_adds_a_language_that_borrows_what_it_lacks(tmp_path: Path) -> None:
    pages = Pages(laid_out(tmp_path, {"messages.tyz.toml": '[language]\nname = "Tày"\n[gone]\ntitle = "Bấu mì"'}))
    assert pages.languages() == ("vi", "en", "tyz")
    assert pages.language_name("tyz") == "Tày"
    assert pages.choose_language("tyz") == "tyz"
    page = html(GONE, "tyz", pages)
    assert "<h1>Bấu mì</h1>" in page
    assert "Nothing you have filed is lost." in page, "English where there is no Tày"


def test_a_template_for_one_portal(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "templates/gone.html": "{{ t('gone.title') }}",
        "lang-son/templates/gone.html": "{{ portal_name }}!",
    }
    pages = Pages(laid_out(tmp_path, files))
    assert html(GONE, pages=pages) == "Cổng Dịch vụ công tỉnh Lạng Sơn!"
    assert (
        html(dataclasses.replace(GONE, portal=dataclasses.replace(LANG_SON, id="x")), pages=pages)
        == "Trang này không còn nữa"
    )
    assert "<!doctype html>" in html(NOTICES["notice"], pages=pages)


def test_all_mistakes_are_told_at_once_each_with_file_and_key(tmp_path: Path) -> None:
    laid_out(
        tmp_path,
        {
            "messages.vi.toml": '[timer]\nnoww = "x"\nstop = "{seconds}"',
            "messages.tyz.toml": '[gone]\ntitle = "x"',
            "lang-son/messages.km.toml": '[gone]\ntitle = "x"',
            "lang-son/templates/gone.html": "{% if %}",
            "templates/gone.html": "{{ nobody }}",
            "logo.gif": "x",
        },
    )
    with pytest.raises(PagesError) as caught:
        Pages(tmp_path, portals=["lang-son"])
    told = [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]
    assert [re.sub(r"(: [^:]{0,40}).*", r"\1", line) for line in sorted(told)] == [
        "lang-son/messages.km.toml: a new language is for all portals",
        "lang-son/templates/gone.html:1: Expected an expression, got 'end of stat",
        "logo.gif: nothing reads this; expected messages.<l",
        "messages.tyz.toml: language.name",
        "messages.vi.toml: timer.noww",
        "messages.vi.toml: timer.stop",
        "templates/gone.html: nobody",
    ]


# ── sentences that were published for one portal ─────────────────────────────────────────────────────────────────────


def with_texts(view: Any, texts: dict[str, dict[str, str]]) -> Any:
    return dataclasses.replace(view, portal=dataclasses.replace(view.portal, texts=texts))


def test_a_portal_says_in_its_own_words_what_was_published_for_it() -> None:
    own = with_texts(GONE, {"vi": {"gone.title": "Trang <này> đã chuyển"}})
    page = html(own)
    assert "Trang &lt;này&gt; đã chuyển" in page
    assert "Trang này không còn nữa" not in page
    assert "Trang này không còn nữa" in html(GONE), "nobody else does"


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("gone.title", "Trang đã chuyển", ""),
        ("gone.titel", "Trang", "no page asks for this key; did you mean gone.title?"),
        ("gone.title", "Trang {nobody}", "{nobody} is not known here"),
        ("gone.title", "Trang {", "write {{ and }} for braces"),
    ],
)
def test_a_sentence_that_cannot_be_said_is_complained_of_and_the_shipped_one_is_said(
    key: str, text: str, said: str
) -> None:
    pages = Pages()
    complaint = pages.complaint(key, text)
    assert said in complaint
    assert bool(said) is bool(complaint)
    if said:
        assert "Trang này không còn nữa" in html(with_texts(GONE, {"vi": {key: text}}), pages=pages)


def test_a_published_sentence_wins_over_the_operators_file(tmp_path: Path) -> None:
    files = {"lang-son/messages.vi.toml": '[gone]\ntitle = "Từ tệp"'}
    pages = Pages(laid_out(tmp_path, files))
    assert "Từ tệp" in html(GONE, pages=pages)
    assert "Đã công bố" in html(with_texts(GONE, {"vi": {"gone.title": "Đã công bố"}}), pages=pages)
    assert pages.shipped("vi", "lang-son").raw("gone.title") == "Từ tệp"
    assert pages.shipped("vi").raw("gone.title") == "Trang này không còn nữa"


# ── one rendering for all pages of a form ─────────────────────────────────────────────────────────────────────────────

HOME = "https://dichvucong.gov.vn/"
LOOKING = {
    "compares": "{% if view.target == 'https://dichvucong.gov.vn/a' %}A{% else %}not A{% endif %}",
    "counts": "{{ view.target|length }}",
    "cuts": "{{ view.target[8:] }}{{ view.here.upper() }}",
    "captures and compares": "{% set x %}{{ view.target }}{% endset %}{{ 'A' if x == 'https://dichvucong.gov.vn/a' else x }}",
    "loops": "{% for letter in view.target %}{{ letter }}-{% endfor %}",
    "asks in a macro": "{% macro m(x) %}{{ x is string }}{{ x|upper }}{% endmacro %}{{ m(view.target) }}",
    "asks for the pairs": "{% for name, value in view.here_query %}{{ name }}={{ value }}{% endfor %}",
    "strokes, as before": "{% set code = qr(view.target) %}{% if code %}{{ code.size }}{{ code.path }}{% endif %}",
    "says": "{{ view.target }} {{ view.target|address|list }}",
}


@pytest.mark.parametrize("does", LOOKING)
def test_an_operators_template_may_do_with_a_value_what_it_likes(tmp_path: Path, does: str) -> None:
    pages = Pages(
        laid_out(tmp_path, {"templates/notice.html": f"<main>{LOOKING[does]}</main>" + "<p>Xin chào</p>" * 300})
    )
    for target in (f"{HOME}b", f"{HOME}a", f"{HOME}tra-cuu?x='\"<&", HOME + "c" * 400, f"{HOME}a"):
        view = notice("x", target=target, here=f"/{target[-1]}", here_query=(("q", target[-3:]),))
        for _ in range(2):
            assert pages.render(view, "vi").html == pages.plain(view, "vi").html
        made = pages.at_once(view, "vi")
        assert made is None or made.html == pages.plain(view, "vi").html


def test_a_page_is_made_at_once_where_one_of_its_form_was_made_before() -> None:
    pages = Pages()
    first, second = notice("x", target=f"{HOME}first"), notice("y", target=f"{HOME}other")
    assert pages.at_once(first, "vi") is None
    pages.render(first, "vi")
    made = pages.at_once(second, "vi")
    assert made is not None
    assert made == pages.render(second, "vi")
    assert pages.at_once(second, "en") is None
    assert pages.at_once(notice("y", here="/" + "x" * 5_000), "vi") is None, "it would take too long"
    assert pages.at_once(notice("y", target=HOME + "x" * 400), "vi") is None, "it has no code"
    assert pages.at_once(SAMPLES["not-sent"], "vi") is None


def test_a_first_page_that_is_unlike_the_others_does_not_decide_how_they_are_made() -> None:
    pages = Pages()
    unlike = notice("x", target=HOME + "x" * 400)  # of which there is no code
    assert pages.render(unlike, "vi").html == pages.plain(unlike, "vi").html
    pages.render(notice("x"), "vi")
    assert pages.at_once(notice("x"), "vi") is not None
    assert pages.render(unlike, "vi").html == pages.plain(unlike, "vi").html


def test_an_address_that_must_not_become_a_link_makes_no_page_of_a_known_form_either() -> None:
    pages = Pages()
    pages.render(notice("x"), "vi")
    for make in (pages.render, pages.at_once):
        with pytest.raises(ValueError, match="must not become a link"):
            make(notice("x", target="javascript:".ljust(len(HOME), "x")), "vi")


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_checks_of_templates_and_messages_find_nothing() -> None:
    script = Path(__file__).parent.parent / "check_templates.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_templates_come_from_the_installed_package() -> None:
    assert importlib.util.find_spec("templates") is not None


def test_each_page_has_one_heading_a_title_and_landmarks() -> None:
    for name, view in SAMPLES.items():
        page = html(view)
        assert page.count("<h1") == page.count("<main") == page.count("<title>") == 1, name
        assert name == "framed" or page.count("<header") == 1


def test_samples_cover_every_view() -> None:
    assert {type(view) for view in SAMPLES.values()} >= {Notice, NotSent, Gone, Trouble}
