"""New addresses become named destinations wherever one would build them."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.destinations import TargetRefused
from redirect_rules.exchange.rows import Context, Refused
from redirect_rules.exchange.targets import Targets
from redirect_rules.model import HO_CHI_MINH

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)
D = "https://dichvucong.gov.vn"
V = "https://vpcp.dichvucong.gov.vn"
MARRIAGE = "019d2bfd-3fac-7489-b53b-a15eb239a6fe"
STRANGE = "019d2bfd-3fac-7489-b53b-a15eb239a6ff"

# new address                                          to
NAMED = [
    (f"{D}/", ["home"]),
    (D, ["home"]),
    (f"{D}/tra-cuu-ho-so", ["dossier-lookup"]),
    (f"{D}/thu-tuc-hanh-chinh/{MARRIAGE}", [{"destination": "procedure", "code": "1.000894"}, "procedure-list"]),
    (f"{D}/thu-tuc-hanh-chinh/{STRANGE}", [{"destination": "procedure", "formality_id": STRANGE}, "procedure-list"]),
    (f"{D}/thu-tuc-hanh-chinh/abc", [{"url": f"{D}/thu-tuc-hanh-chinh/abc"}]),
    (
        f"{D}/tra-cuu-thu-tuc/danh-sach?keyword=1.001193&showAdvanced=false&formalityType=STANDARD&limit=10&activeKey=STANDARD",
        [{"destination": "procedure", "code": "1.001193"}, "procedure-list"],
    ),
    (
        f"{D}/tra-cuu-thu-tuc/danh-sach?limit=10&activeKey=STANDARD&keyword=1.001193&showAdvanced=false&formalityType=STANDARD",
        [{"destination": "procedure", "code": "1.001193"}, "procedure-list"],
    ),
    (f"{D}/tra-cuu-thu-tuc/danh-sach", ["procedure-list"]),
    (
        f"{D}/tim-kiem-thu-tuc-hanh-chinh?keyword=khai+sinh",
        [{"destination": "procedure-search", "keyword": "khai sinh"}, "procedure-list"],
    ),
    (
        f"{D}/tim-kiem-thu-tuc-hanh-chinh?keyword=khai sinh mới",
        [{"destination": "procedure-search", "keyword": "khai sinh mới"}, "procedure-list"],
    ),
    (f"{D}/tra-cuu-ho-so?a=1", [{"url": f"{D}/tra-cuu-ho-so?a=1"}]),
    (f"{D}/tra-cuu-ho-so#a", [{"url": f"{D}/tra-cuu-ho-so#a"}]),
    (f"{D}/hồ sơ", [{"url": f"{D}/h%E1%BB%93%20s%C6%A1"}]),
    (f"{V}/khac", [{"url": f"{V}/khac"}]),
    (f"{D}/tim-kiem-thu-tuc-hanh-chinh?keyword=%7Bx%7D", [{"url": f"{D}/tim-kiem-thu-tuc-hanh-chinh?keyword=%7Bx%7D"}]),
]  # fmt: skip


@pytest.mark.parametrize(("url", "to"), NAMED)
def test_an_address_with_a_name_becomes_the_name(context: Context, url: str, to: list[object]) -> None:
    targets = Targets(context)
    assert targets.to(url) == to
    assert targets.to(url) == to, "remembered"


def test_the_old_path_on_the_old_national_portal_is_its_archive(context: Context) -> None:
    targets = Targets(context)
    assert targets.to(f"{V}/a/b", old_path="/a/b") == ["archive"]
    assert targets.to(f"{V}/a/b", old_path="/a/c") == [{"url": f"{V}/a/b"}]


# address with captures, captures (True: may span segments), template                 to
CAPTURED = [
    (f"{D}/tim-kiem-thu-tuc-hanh-chinh?keyword={{first}}", {"first": False}, "", [{"destination": "procedure-search", "keyword": "{first}"}, "procedure-list"]),
    (f"{D}/thu-tuc-hanh-chinh/{{first}}", {"first": False}, "", [{"destination": "procedure", "formality_id": "{first}"}, "procedure-list"]),
    (f"{V}/x?id={{first}}", {"first": False}, "", [{"url": f"{V}/x?id={{keyword}}", "keyword": "{first}"}, "home"]),
    (f"{V}/cu/a/{{first}}", {"first": True}, "/a/{first:path}", [{"url": f"{V}/cu{{old_path}}"}]),
    (f"{V}/a/{{first}}", {"first": True}, "/a/{first:path}", ["archive"]),
    (f"{V}/b{{old_path}}", {}, "", [{"url": f"{V}/b{{old_path}}"}]),
    (f"{D}/tra-cuu-ho-so", {"first": False}, "", ["dossier-lookup"]),
]  # fmt: skip


@pytest.mark.parametrize(("url", "captures", "template", "to"), CAPTURED)
def test_captures_fill_parameters(
    context: Context, url: str, captures: dict[str, bool], template: str, to: list[object]
) -> None:
    assert Targets(context).to_captured(url, captures, template=template) == to


# address                         captures                   said
@pytest.mark.parametrize(
    ("url", "captures", "say"),
    [
        (f"{V}/{{second}}", {"first": False}, "nothing captures second: first"),
        (f"{V}/{{first}}", {}, "no captures here"),
        (f"{V}/{{first}}", {"first": True}, "not a path of it"),
        (f"{V}/{{first}}/{{second}}", {"first": False, "second": False}, "not a path of it"),
        ("https://{first}/", {"first": False}, "nobody may be sent"),
        (f"{V}/{{First}}", {}, "nobody may be sent"),
    ],
)
def test_captures_that_lead_nowhere_are_refused(
    context: Context, url: str, captures: dict[str, bool], say: str
) -> None:
    with pytest.raises(Refused, match=say):
        Targets(context).to_captured(url, captures, template="")


# new address                                   said
REFUSED = [
    ("", "the new address is missing"),
    ("http://dichvucong.gov.vn/a", "write https://dichvucong.gov.vn/a"),
    ("/a", "on one of dichvucong.gov.vn, vpcp.dichvucong.gov.vn"),
    ("javascript:alert(1)", "no whole address"),
    ("https://example.com/", "allowed hosts are dichvucong.gov.vn"),
    ("https://dichvucong.gov.vn@example.com/", "allowed hosts"),
    ("https://dichvucong.gov.vn:8443/", "allowed hosts"),
    ("https://dichvucong.gov.vn\\@example.com/", "nobody may be sent"),
    ("https://dichvucong.gov.vn/p/home/x", "a loop"),
    ("https://[::1/", "nobody may be sent"),
    (f"{D}/" + "a" * 3_000, "longer than 2048"),
]


@pytest.mark.parametrize(("url", "say"), REFUSED)
def test_where_nobody_may_be_sent_is_refused_with_what_to_write(context: Context, url: str, say: str) -> None:
    with pytest.raises(Refused) as refused:
        Targets(context).to(url)
    assert say in str(refused.value)


def test_a_name_nobody_knows_is_refused_with_those_that_are(context: Context) -> None:
    with pytest.raises(Refused, match="one of archive, dossier-lookup, feedback"):
        Targets(context).named("hom", {})


def test_what_is_remembered_is_bounded(context: Context) -> None:
    targets = Targets(context)
    for i in range(10_010):
        targets.to(f"{V}/{i}")
    assert len(targets._remembered) <= 10_000


@pytest.mark.parametrize(("url", "to"), [row for row in NAMED if "vpcp" not in row[0]])
def test_what_a_name_builds_is_the_address_again(context: Context, url: str, to: list[Any]) -> None:
    """Or a better form of the same procedure."""
    first = to[0]
    if isinstance(first, dict) and "url" in first:
        return
    name = first if isinstance(first, str) else first["destination"]
    arguments = {} if isinstance(first, str) else {key: text for key, text in first.items() if key != "destination"}
    built = context.destinations.build(name, arguments, now=NOW)
    assert built is not None
    assert Targets(context).to(built) in (to, [{"destination": "procedure", **arguments}, "procedure-list"])


@given(
    st.sampled_from(["dichvucong.gov.vn", "vpcp.dichvucong.gov.vn", "example.com", "dichvucong.gov.vn."]),
    st.text(st.sampled_from("pjsPa0./-_?=&%:@\\ {"), max_size=12),
)
def test_the_short_way_admits_nothing_that_the_guard_does_not(context: Context, host: str, rest: str) -> None:
    url = f"https://{host}/{rest}"
    if Targets(context)._plainly_admitted(url):
        try:
            assert context.destinations.guard.admit(url) == url
        except TargetRefused as error:
            pytest.fail(f"{url}: {error}")
