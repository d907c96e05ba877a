"""What people paste as an old address, and that the short way agrees with the long one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import BadTarget, canonical_key
from redirect_rules.exact import address
from redirect_rules.exchange.old_addresses import AddressReader
from redirect_rules.exchange.rows import Context, MatchKind, Refused, Wish


def keys(context: Context, old: str, portal: str | None = "langson", **more: object) -> list[str]:
    return [found.key for found in AddressReader(context, portal).read(Wish(1, old, old, **more))]  # type: ignore[arg-type]


# old address                                                       key
KEYS = [
    ("https://dichvucong.langson.gov.vn/vi/Tin-Tuc/", "langson/vi/tin-tuc"),
    ("http://dichvucong.langson.gov.vn/vi", "langson/vi"),
    ("HTTPS://DichVuCong.LangSon.gov.vn:443/vi", "langson/vi"),
    ("dichvucong.langson.gov.vn/vi", "langson/vi"),
    ("dichvucong.langson.gov.vn", "langson/"),
    ("https://dichvucong.langson.gov.vn", "langson/"),
    ("https://dichvucong.langson.gov.vn?id=1", "langson/?id=1"),
    ("https://dichvucong.langson.gov.vn#top", "langson/"),
    ("/vi/index.html", "langson/vi"),
    ("/vi;jsessionid=A1", "langson/vi"),
    ("/tra cứu", "langson/tra%20c%E1%BB%A9u"),
    ("/tra-c%E1%BB%A9u", "langson/tra-c%E1%BB%A9u"),
    ("/x?B=2&a=Ab", "langson/x?a=Ab&b=2"),
    ("/x?a=1&a=2", "langson/x?a=1"),
    ("/x?a=&b=1", "langson/x?b=1"),
    ("/x?token=s&b=1", "langson/x?b=1"),
    ("/x?token=s", "langson/x"),
    ("/x?q=khai+sinh", "langson/x?q=khai%20sinh"),
    ("/x?q=khai sinh#a", "langson/x?q=khai%20sinh"),
    ("/{x}", "langson/%7Bx%7D"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "key"), KEYS)
def test_an_address_has_one_key(context: Context, old: str, key: str) -> None:
    assert keys(context, old) == [key]


# kind, old                                         keys
OTHERS = [
    (MatchKind.TEMPLATE, "/Vi/{id:hex24}/x", ["langson/vi/{id:hex24}/x"]),
    (MatchKind.TEMPLATE, "https://dichvucong.langson.gov.vn/A-{id:word}.HTML", ["langson/a-{id:word}.html"]),
    (MatchKind.BELOW, "/vi/", ["langson/vi/{rest:path}"]),
    (MatchKind.BELOW, "/", ["langson/{rest:path}"]),
    (MatchKind.REGEX, "~^/a$", ["langson/a"]),
    (MatchKind.REGEX, "~^/a/(.*)$", ["langson/a/{first:path}"]),
    (MatchKind.REGEX, "~/(a|b)", ["langson~(?i)/(a|b)"]),
    (MatchKind.REGEX, "~(?i)/(a|b)", ["langson~(?i)/(a|b)"]),
    (MatchKind.REGEX, "dichvucong.langson.gov.vn~^/(a|b)", ["langson~(?i)^/(a|b)"]),
]


@pytest.mark.parametrize(("kind", "old", "expected"), OTHERS)
def test_templates_and_expressions_have_keys(context: Context, kind: MatchKind, old: str, expected: list[str]) -> None:
    assert keys(context, old, kind=kind) == expected


def test_a_server_block_of_several_hosts_makes_a_rule_for_each_portal(context: Context) -> None:
    hosts = ("dichvucong.langson.gov.vn", "dichvucong.haiphong.gov.vn", "DICHVUCONG.langson.gov.vn")
    assert keys(context, "/a", None, hosts=hosts) == ["langson/a", "haiphong/a"]


# old address                                   said
REFUSED = [
    ("", "the old address is missing"),
    ("vi/tin", "write the whole old address, or a path that begins with /"),
    ("ftp://dichvucong.langson.gov.vn/", "no http or https address"),
    ("https://dichvucong.langsn.gov.vn/", "did you mean dichvucong.langson.gov.vn?"),
    ("https://example.com/", "no portal's address: add it to a portal first"),
    ("https://a b/", "is no host name"),
    ("https://dichvucong.haiphong.gov.vn/", "belongs to haiphong, and this import is for langson"),
    ("/a/../b", "dot segments"),
    ("/a%00", "control characters"),
    ("/a%zz", "begins no escape"),
    ("/" + "a" * 9_000, "longer than 8,000"),
    ("/x?" + "&".join(f"a{i}=1" for i in range(9)), "has 9 parameters: keep the 8 that tell pages apart"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "say"), REFUSED)
def test_what_is_no_address_of_ours_is_refused_with_what_to_write(context: Context, old: str, say: str) -> None:
    with pytest.raises(Refused) as refused:
        keys(context, old)
    assert say in str(refused.value)


def test_a_path_alone_needs_a_portal(context: Context) -> None:
    with pytest.raises(Refused, match="name the portal"):
        keys(context, "/a", None)


def test_a_template_has_no_query(context: Context) -> None:
    with pytest.raises(Refused, match="move parameters"):
        keys(context, "/{a:word}?x=1", kind=MatchKind.TEMPLATE)


def test_a_template_says_what_is_wrong_with_it(context: Context) -> None:
    with pytest.raises(Refused, match="is no type"):
        keys(context, "/{a:wrd}", kind=MatchKind.TEMPLATE)


def test_endless_strange_hosts_cost_little(context: Context) -> None:
    reader = AddressReader(context, None)
    for i in range(3_000):
        with pytest.raises(Refused):
            reader.read(Wish(1, "", f"https://x{i}.vn/"))


PLAIN = "abAB01._~!$'()*,:@-/%?&=+;{}ộ "


@given(st.text(st.sampled_from(PLAIN + "index.html"), max_size=25), st.booleans())
def test_the_short_way_agrees_with_canonical(context: Context, text: str, fold: bool) -> None:  # noqa: FBT001
    from redirect_rules.exchange.old_addresses import _exact, _quoted  # noqa: PLC0415 - only here
    from redirect_rules.exchange.rows import PortalScope  # noqa: PLC0415 - only here

    target = "/" + text
    try:
        key = canonical_key("", _quoted(target), fold_case=fold)
    except BadTarget:
        with pytest.raises(Refused):
            _exact(PortalScope("p", fold), target)
        return
    if key.devious:
        return
    found = _exact(PortalScope("p", fold), target)
    assert (found.path, found.query) == address(key.path, key.pairs)
