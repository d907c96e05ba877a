"""What a rule is searched by."""

from typing import Any

import pytest

from redirect_rules.store import BadObject
from redirect_rules.stores.columns import columns_of, path_key, tag_text

# an address                           the path under which it is found
KEYS = [
    ("/tin-tuc/5",                     "/tin-tuc/5"),
    ("/tin-tuc/5.html",                "/tin-tuc/5.html"),
    ("/Tin-Tuc/5/",                    "/tin-tuc/5"),
    ("//tin-tuc//5",                   "/tin-tuc/5"),
    ("/tin-tuc/index.html",            "/tin-tuc"),
    ("/tin-tuc/default.html",          "/tin-tuc"),
    ("/a/../b",                        "/b"),
    ("/t%C3%ACm",                      "/t%C3%ACm"),
    ("/tìm",                           "/t%C3%ACm"),
    ("/x;jsessionid=5",                "/x"),
    ("/",                              "/"),
    ("/%zz",                           "/%zz"),
    ("/x\n",                           "/x\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "key"), KEYS)
def test_an_address_is_found_by_its_canonical_path(path: str, key: str) -> None:
    assert path_key(path) == key


BASE = {"id": "a", "action": "notice"}

# a body                                                    column          what stands there
COLUMNS: list[tuple[dict[str, Any], int, str | None]] = [
    ({"paths": ["/{x:word}", "/b"]},                        0,              "/{x:word}"),
    ({"paths": ["/{x:word}", "/b"]},                        1,              None),
    ({"exact": ["/A/", "/b"]},                              0,              "/A/"),
    ({"exact": ["/A/", "/b"]},                              1,              "/a"),
    ({},                                                    0,              ""),
    ({},                                                    2,              "notice"),
    ({"to": ["home"]},                                      3,              "home"),
    ({"to": [{"destination": "procedure"}, "home"]},        3,              "procedure"),
    ({"to": [{"url": "https://x.vn/"}]},                    3,              "https://x.vn/"),
    ({},                                                    3,              ""),
    ({"owner": "so-tttt"},                                  4,              "so-tttt"),
    ({"tags": ["a", "b c"]},                                5,              "\ta\tb c\t"),
    ({},                                                    5,              ""),
    ({"valid_from": "2026-11-01T12:00:00+07:00"},           6,              "2026-11-01T05:00:00.000000+00:00"),
    ({"valid_until": "2026-11-01T12:00:00Z"},               7,              "2026-11-01T12:00:00.000000+00:00"),
    ({},                                                    7,              None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "column", "text"), COLUMNS)
def test_a_body_is_read_into_columns(body: dict[str, Any], column: int, text: str | None) -> None:
    assert columns_of(BASE | body)[column] == text


BAD: list[dict[str, Any]] = [
    {"id": "a"},
    BASE | {"exact": [5]},
    BASE | {"tags": [5]},
    BASE | {"to": [5]},
    BASE | {"valid_from": "soon"},
    BASE | {"valid_from": "2026-11-01T12:00:00"},
    BASE | {"valid_until": 5},
]


@pytest.mark.parametrize("body", BAD)
def test_what_is_no_rule_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadObject):
        columns_of(body)


def test_a_tag_is_found_between_tabs() -> None:
    assert tag_text("b") in tag_text("a", "b", "c")
    assert tag_text("b") not in tag_text("ab", "bc")
