"""The one way out: what it builds, and what it refuses."""

import re
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules import destinations
from redirect_rules.destinations import (
    LONGEST_TARGET,
    Destination,
    Destinations,
    Guard,
    TargetRefused,
    UrlForm,
    template_with_hole,
    unknown_placeholders,
)
from redirect_rules.model import HO_CHI_MINH

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)
HOST = "dichvucong.gov.vn"
GUARD = Guard(frozenset({HOST}), lambda host, path: host == HOST and path.startswith("/p/"))
IDS = {"1.001193": "019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7"}
BY_PLACE = f"https://{HOST}/tim?formalityId={{formality_id}}&provinceCode={{province_code}}&wardCode={{ward_code}}"
BY_ID = f"https://{HOST}/thu-tuc-hanh-chinh/{{formality_id}}"
BY_CODE = f"https://{HOST}/tra-cuu?keyword={{code}}"
DESTINATIONS = Destinations(
    {
        "home": Destination("home", (UrlForm(f"https://{HOST}/"),)),
        "procedure": Destination("procedure", (UrlForm(BY_PLACE), UrlForm(BY_ID), UrlForm(BY_CODE))),
        "search": Destination("search", (UrlForm(f"https://{HOST}/tim?keyword={{keyword}}"),)),
        "moved": Destination(
            "moved",
            (
                UrlForm(f"https://{HOST}/old", valid_until=datetime(2026, 1, 1, tzinfo=HO_CHI_MINH)),
                UrlForm(f"https://{HOST}/new", valid_from=datetime(2026, 1, 1, tzinfo=HO_CHI_MINH)),
            ),
        ),
        "archive": Destination("archive", (UrlForm(f"https://{HOST}{{old_path}}"),)),
    },
    IDS,
    GUARD,
)
PLACE = {"province_code": "24", "ward_code": "07210"}

# name          parameters                               target
BUILT = [
    ("home", {}, f"https://{HOST}/"),
    ("procedure", {"code": "1.001193"}, f"https://{HOST}/thu-tuc-hanh-chinh/{IDS['1.001193']}"),
    ("procedure", {"code": "1.011443"}, f"https://{HOST}/tra-cuu?keyword=1.011443"),
    ("procedure", {"code": "1.001193", **PLACE}, f"https://{HOST}/tim?formalityId={IDS['1.001193']}&provinceCode=24&wardCode=07210"),
    ("procedure", {"code": "1.011443", **PLACE}, f"https://{HOST}/tra-cuu?keyword=1.011443"),
    ("procedure", {}, None),
    ("search", {"keyword": "Thành lập"}, f"https://{HOST}/tim?keyword=Th%C3%A0nh%20l%E1%BA%ADp"),
    ("search", {"keyword": "a&b=c#d/../e"}, f"https://{HOST}/tim?keyword=a%26b%3Dc%23d%2F..%2Fe"),
    ("search", {"keyword": ""}, None),
    ("archive", {"old_path": "/a/b%25c"}, f"https://{HOST}/a/b%25c"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameters", "target"), BUILT)
def test_the_fullest_form_that_can_be_filled_is_used(name: str, parameters: dict[str, str], target: str | None) -> None:
    assert DESTINATIONS.build(name, parameters, now=NOW) == target


@pytest.mark.parametrize(("when", "path"), [(datetime(2025, 12, 31, tzinfo=HO_CHI_MINH), "/old"), (NOW, "/new")])
def test_a_form_is_used_while_it_is_in_force(when: datetime, path: str) -> None:
    assert DESTINATIONS.build("moved", {}, now=when) == f"https://{HOST}{path}"


def test_only_a_known_procedure_takes_a_commune() -> None:
    assert DESTINATIONS.takes_place("procedure", {"code": "1.001193"}, now=NOW)
    assert not DESTINATIONS.takes_place("procedure", {"code": "1.011443"}, now=NOW)
    assert not DESTINATIONS.takes_place("home", {}, now=NOW)


def test_a_keyword_too_long_is_cut_not_refused() -> None:
    target = DESTINATIONS.build("search", {"keyword": "ữ" * 5_000}, now=NOW)
    assert target is not None
    assert 1_000 < len(target) <= LONGEST_TARGET


def test_a_page_gets_the_form_with_its_hole_open() -> None:
    procedure = DESTINATIONS.by_name["procedure"]
    assert template_with_hole(procedure, "code", now=NOW) == BY_CODE
    assert template_with_hole(procedure, "keyword", now=NOW) is None


def test_a_placeholder_that_no_rule_fills_is_found() -> None:
    assert unknown_placeholders(DESTINATIONS.by_name["search"], {"code"}) == {"keyword"}


_NAMES = st.sampled_from(["code", "keyword", "formality_id", "province_code", "ward_code", "old_path"])
_VALUES = st.from_regex(r"[A-Za-z0-9._~-]{1,60}", fullmatch=True)


@given(st.sampled_from(sorted(DESTINATIONS.by_name)), st.dictionaries(_NAMES, _VALUES), st.sets(_NAMES))
def test_a_mould_that_is_filled_is_the_address_that_is_built(
    name: str, parameters: dict[str, str], later: set[str]
) -> None:
    known = DESTINATIONS.known(parameters)
    form = DESTINATIONS.form(name, known.keys(), now=NOW)
    if form is None:
        return
    mould = DESTINATIONS.mould(form, {one: value for one, value in known.items() if one not in later})
    if mould is None:
        return
    values = [known[one] for one in mould.names]
    assert all(len(value) <= mould.room for value in values)
    filled = mould.pieces[0] + "".join(value + piece for value, piece in zip(values, mould.pieces[1:], strict=True))
    assert filled == DESTINATIONS.build(name, parameters, now=NOW)


def test_there_is_no_mould_of_an_address_that_the_guard_has_to_see() -> None:
    for name, parameters in (("procedure", {"code": "1.001193"}), ("archive", {"old_path": "/a"})):
        form = DESTINATIONS.form(name, DESTINATIONS.known(parameters).keys(), now=NOW)
        assert form is not None
        assert DESTINATIONS.mould(form, {}) is None


def test_a_mould_tells_how_much_goes_into_it() -> None:
    form = DESTINATIONS.form("search", {"keyword"}, now=NOW)
    assert form is not None
    mould = DESTINATIONS.mould(form, {})
    assert mould is not None
    for size in (mould.room, mould.room + 1):
        built = DESTINATIONS.build("search", {"keyword": "x" * size}, now=NOW)
        assert (built == mould.pieces[0] + "x" * size + mould.pieces[1]) is (size == mould.room)


# address                                        the guard that refuses it
REFUSED = [
    ("http://dichvucong.gov.vn/", "not https"),
    ("HTTPS://dichvucong.gov.vn/", "not https"),
    ("//dichvucong.gov.vn/", "not https"),
    ("javascript:alert(1)", "not https"),
    ("https://evil.example/", "allowed hosts"),
    ("https://dichvucong.gov.vn.evil.example/", "allowed hosts"),
    ("https://evil.example#.dichvucong.gov.vn", "allowed hosts"),
    ("https://dichvucong.gov.vn:8443/", "allowed hosts"),
    ("https://dichvucong.gov.vn:/", "allowed hosts"),
    ("https://DICHVUCONG.gov.vn/", "allowed hosts"),
    ("https://dichvucong.gov.vn./", "allowed hosts"),
    ("https:///dichvucong.gov.vn/", "allowed hosts"),
    ("https://user@dichvucong.gov.vn/", "user information"),
    ("https://dichvucong.gov.vn@evil.example/", "user information"),
    ("https://dichvucong.gov.vn\\@evil.example/", "character"),
    ("https://dichvucong.gov.vn/\r\nSet-Cookie: a=b", "character"),
    ("https://dichvucong.gov.vn/\ta", "character"),
    ("https://dichvucong.gov.vn/\x00", "character"),
    ("https://dichvucong.gov.vn/ a", "character"),
    ("https://dịchvụcông.gov.vn/", "character"),
    ("https://dichvucong.gov.vn/<script>", "character"),
    ("https://[::1/", "no URL"),
    ("https://dichvucong.gov.vn/p/home/dvc-trang-chu.html", "loop"),
    ("https://dichvucong.gov.vn/" + "a" * LONGEST_TARGET, "longer"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "guard"), REFUSED, ids=[url[:60] for url, _ in REFUSED])
def test_nothing_else_gets_out(url: str, guard: str) -> None:
    with pytest.raises(TargetRefused, match=guard):
        GUARD.admit(url)


@given(
    st.sampled_from(["code", "keyword", "formality_id", "old_path", "province_code", "ward_code"]), st.text(), st.text()
)
def test_no_parameter_chooses_the_host(parameter: str, value: str, other: str) -> None:
    for name in DESTINATIONS.by_name:
        parameters = {parameter: value, "old_path": "/" + other}
        try:
            target = DESTINATIONS.build(name, parameters, now=NOW)
        except TargetRefused:
            continue
        if target is not None:
            assert urlsplit(target).netloc == HOST
            assert target.isascii()
            assert target.isprintable()


_URLS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "https:/", "HTTPS://", ""]),
    st.sampled_from([HOST, f"{HOST}:443", f"a@{HOST}", "evil.example", HOST.upper(), f"{HOST}.", "[::1]", ""]),
    st.sampled_from(["", "/", "/p/a", "/a;b", "//a", "/a%2Fb", "/..", "?", "#", "/a?b#c", "/a?b=[c]", "/ữ"]),
    st.text(st.sampled_from("ab/?#%[]\\ \"<>{}'\t\n"), max_size=5),
)


@given(_URLS)
def test_the_guard_says_of_plain_addresses_what_it_says_of_all(url: str) -> None:
    """Most addresses pass by one expression; those that it does not know go the long way."""

    def admitted(guard: Guard) -> bool:
        try:
            return guard.admit(url) == url
        except TargetRefused:
            return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(destinations, "_PLAIN_URL", re.compile(r"(?!)"))
        long_way = admitted(GUARD)
    assert admitted(GUARD) == long_way


@given(st.dictionaries(st.sampled_from(["code", "keyword", "formality_id", "ward_code", "province_code"]), st.text()))
def test_what_is_built_without_asking_the_guard_would_be_admitted(parameters: dict[str, str]) -> None:
    for name in DESTINATIONS.by_name:
        target = DESTINATIONS.build(name, {**parameters, "old_path": "/a"}, now=NOW)
        assert target is None or GUARD.admit(target) == target


def test_a_page_that_was_asked_for_before_is_the_same_and_one_that_is_refused_stays_so() -> None:
    guard = Guard(frozenset({HOST}), lambda _host, path: path == "/p/7")
    pages = Destinations({"page": Destination("page", (UrlForm(f"https://{HOST}/p/{{code}}"),))}, {}, guard)
    for _ in range(3):
        assert pages.build("page", {"code": "8"}, now=NOW) == f"https://{HOST}/p/8"
        with pytest.raises(TargetRefused):
            pages.build("page", {"code": "7"}, now=NOW)
