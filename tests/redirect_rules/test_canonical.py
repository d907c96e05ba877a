"""Raw target → key, with the reason.  What the key loses is in docs/decisions/0004."""

import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import BadHost, BadTarget, Key, _unescaped, canonical_host, canonical_key, folded

# raw target                                  key                                  why
KEYS = [
    ("/", "h/", "the root stays"),
    ("/vi/", "h/vi", "a trailing slash says nothing"),
    ("//vi///trangchu", "h/vi/trangchu", "nor do repeated ones"),
    ("//evil.com/x", "h/evil.com/x", "a second slash never begins a host"),
    ("/Portaldvc/Home", "h/portaldvc/home", "path case is folded where the portal folds"),
    ("/a%2Fb", "h/a%2Fb", "an encoded slash is no separator: split first, decode then"),
    ("/a%252e", "h/a%252e", "decoded once, never twice"),
    ("/%76i", "h/vi", "one spelling for a letter"),
    ("/tra-c%E1%BB%A9u", "h/tra-c%E1%BB%A9u", "UTF-8 stays UTF-8"),
    ("/tra-cu%CC%9B%CC%81u", "h/tra-c%E1%BB%A9u", "combining marks are composed (NFC)"),
    ("/index.html", "h/", "index files are their folder"),
    ("/portaldvc/Home/Default.ASPX", "h/portaldvc/home", "of every product, in any case"),
    ("/gioi-thieu;jsessionid=0A1B?p=1", "h/gioi-thieu", "a session is nobody's business"),
    ("/x;JSESSIONID=1/y", "h/x/y", "wherever it stands"),
    ("/a/../b", "h/b", "dot segments are resolved in the key"),
    ("/a/%2e%2E/b", "h/b", "encoded ones too (WHATWG URL)"),
    ("/../../x", "h/x", "and never climb above the root"),
    ("/a/..;/b", "h/b", "nor with a servlet parameter"),
    ("/x?utm_source=zalo&ma=1.001193", "h/x?ma=1.001193", "only significant parameters are kept"),
    ("/x?MA=1.001193", "h/x?ma=1.001193", "names without case"),
    ("/x?ma=AbC", "h/x?ma=AbC", "values with it"),
    ("/x?a=1&amp;ma=1.001193", "h/x?ma=1.001193", "a link copied out of HTML source"),
    ("/x?ma=b&keyword=a", "h/x?keyword=a&ma=b", "sorted"),
    ("/x?ma=", "h/x", "an empty value says nothing"),
    ("/x?keyword=a+b%20c", "h/x?keyword=a%20b%20c", "a plus is a space in a query"),
    ("/x?token=abc&keyword=a", "h/x?keyword=a", "what opens doors is never kept"),
    ("/x?_p_WAR_q_tenThuTuc=a", "h/x?_p_war_q_tenthutuc=a", "a portlet's namespace is any portlet's"),
    ("/x?keyword=%C0%C1", "h/x?keyword=%C3%80%C3%81", "what is no UTF-8 was Windows-1258"),
    ("/x#frag", "h/x", "a fragment never belongs to the request"),
]  # fmt: skip
SIGNIFICANT = frozenset({"ma", "keyword", "token", "_*_tenthutuc"})


@pytest.mark.parametrize(("raw", "key", "why"), KEYS, ids=[raw for raw, _, _ in KEYS])
def test_a_target_has_one_key(raw: str, key: str, why: str) -> None:
    assert canonical_key("h", raw).text(SIGNIFICANT) == key, why


@pytest.mark.parametrize(
    "raw",
    ["/a%00b", "/%zz", "/a%", "/a%0d%0ab", "/a\x00", "/?a=%00", "x", "", "/" + "a" * 9_000, "/a" * 65, "/a/.." * 33],
)
def test_what_cannot_be_read_is_refused(raw: str) -> None:
    with pytest.raises(BadTarget):
        canonical_key("h", raw)


@pytest.mark.parametrize(
    "raw", ["/a/../b", "/%2e%2e/b", "/a/..;x/b", "/a%2f..%2fb", "/a\\b", "/a%5cb", "/%252e%252e/b", "/./a"]
)
def test_devious_paths_are_marked_so_that_they_are_never_forwarded(raw: str) -> None:
    assert canonical_key("h", raw).devious


@pytest.mark.parametrize("raw", ["/", "/a..b/c", "/v1.0/x", "/...", "/a%20b", "/a%2Fb", "/a;b=c"])
def test_ordinary_paths_are_not_devious(raw: str) -> None:
    assert not canonical_key("h", raw).devious


def test_the_deepest_path_that_is_read_may_have_any_number_of_slashes() -> None:
    assert canonical_key("h", "//a" * 64 + "//").path == "/a" * 64


def test_of_too_many_parameters_the_first_are_read() -> None:
    key = canonical_key("h", "/?" + "&".join(f"p{number}={number}" for number in range(500)))
    assert len(key.pairs) == 128
    assert key.values("p127") == ["127"]
    assert not key.values("p128")


# source            values
VALUES = [
    ("ma",          ["1", "2"]),
    ("MA",          []),  # sources are in lower case
    ("_*_ma",       ["3", "4"]),
    ("_p_ma",       ["3"]),
    ("x",           []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "values"), VALUES)
def test_the_values_of_a_parameter_are_those_of_all_its_spellings(source: str, values: list[str]) -> None:
    assert list(canonical_key("h", "/?ma=1&_p_Ma=3&MA=2&_q_ma=4&ma_=5").values(source)) == values


def test_case_is_kept_where_the_portal_says_so() -> None:
    assert canonical_key("h", "/Vi/Home", fold_case=False).text() == "h/Vi/Home"


# authority                        host
HOSTS = [
    ("dichvucong.langson.gov.vn", "dichvucong.langson.gov.vn"),
    ("DichVuCong.LangSon.gov.vn", "dichvucong.langson.gov.vn"),
    ("dichvucong.langson.gov.vn:443", "dichvucong.langson.gov.vn"),
    ("dichvucong.langson.gov.vn:", "dichvucong.langson.gov.vn"),
    ("dichvucong.langson.gov.vn.", "dichvucong.langson.gov.vn"),
    ("bücher.vn", "xn--bcher-kva.vn"),
    ("[::1]:8080", "[::1]"),
    ("127.0.0.1", "127.0.0.1"),
]


@pytest.mark.parametrize(("authority", "host"), HOSTS)
def test_a_host_has_one_name(authority: str, host: str) -> None:
    assert canonical_host(authority) == host


@pytest.mark.parametrize(
    "authority",
    ["", " ", "a/b@c", "user@host", "a b", "a..b", ".a", "a:99999", "a:80:80", "a\\b", "a?b", "a#b", "a\tb", "a\r\nb", "[::1", "x" * 300],
)  # fmt: skip
def test_what_is_no_host_is_refused(authority: str) -> None:
    with pytest.raises(BadHost):
        canonical_host(authority)


@given(st.text())
def test_the_key_of_a_key_is_itself(raw: str) -> None:
    try:
        once = canonical_key("h", "/" + raw)
    except BadTarget:
        return
    again = canonical_key("h", once.path)
    assert again.path == once.path


@given(st.text(), st.booleans())
def test_a_key_never_climbs_and_never_holds_control_characters(raw: str, fold: bool) -> None:  # noqa: FBT001
    try:
        key = canonical_key("h", "/" + raw, fold_case=fold)
    except BadTarget:
        return
    assert not {".", "..", ""} & set(key.segments)
    assert key.text(SIGNIFICANT).isascii()
    assert key.text(SIGNIFICANT).isprintable()
    assert " " not in key.text(SIGNIFICANT)


_PIECES = st.lists(
    st.sampled_from(["%", "%%", "%4", "%41", "%c3%A0", "%25", "a", "\\", "\\x41", "\\u0041", "ữ", "\n", "\udc80"])
)


@given(_PIECES)
def test_escapes_are_read_as_the_standard_library_reads_them(pieces: list[str]) -> None:
    """And with its patience for a % that begins none; but in a time that no visitor can stretch."""
    text = "".join(pieces)
    assert _unescaped(text) == unquote_to_bytes(text.encode("utf-8", "surrogateescape"))


# what stands in the address     as it was sent      as it is looked up      parameters
PLAIN = [
    ("/vi/Chi-Tiet",             "/vi/Chi-Tiet",     "/vi/chi-tiet",         ()),
    ("/a?Ma=1&_x_ma=2&ma=",      "/a",               "/a",                   (("Ma", "1"), ("_x_ma", "2"), ("ma", ""))),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "as_sent", "path", "pairs"), PLAIN)
def test_the_key_of_a_plain_address_need_not_be_worked_out(
    raw: str, as_sent: str, path: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    key = canonical_key("h", raw)
    plain = Key.of_plain("h", as_sent, path, pairs)
    assert plain == key
    assert (plain.path, plain.path_as_sent, plain.by_name) == (key.path, key.path_as_sent, key.by_name)
    assert plain.values("_*_ma") == key.values("_*_ma")


@given(st.text())
def test_a_segment_is_normal_in_small_letters_too(text: str) -> None:
    (folded_one,) = folded((unicodedata.normalize("NFC", text),))
    assert folded_one == unicodedata.normalize("NFC", folded_one)
