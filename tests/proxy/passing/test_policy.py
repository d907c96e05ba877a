"""What an operator may write, and what is answered to a mistake."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from proxy.passing.locations import Move
from proxy.passing.policy import (
    OriginServer,
    PassingRow,
    Routes,
    TlsRow,
    UpstreamRow,
    UpstreamsRow,
    tls_context,
    upstream_of,
)

ROW = {"name": "langson", "origins": [{"url": "https://10.0.0.5:8443"}]}


def read(table: dict[str, Any]) -> UpstreamRow:
    return UpstreamRow.model_validate_json(json.dumps(table))


MISTAKES = [
    # what was written                                          what is said about it
    ({"name": "Lang Son"},                                       "small letters, digits and hyphens"),
    ({"origins": []},                                            "at least 1 item"),
    ({"origins": [{"url": "10.0.0.5:8443"}]},                    "write scheme, host and port only"),
    ({"origins": [{"url": "ftp://a"}]},                          "write scheme, host and port only"),
    ({"origins": [{"url": "http://a/path"}]},                    "write scheme, host and port only"),
    ({"origins": [{"url": "http://u:p@a"}]},                     "write scheme, host and port only"),
    ({"origins": [{"url": "http://a:99999"}]},                   "write scheme, host and port only"),
    ({"origins": [{"url": "http://a:0"}]},                       "write scheme, host and port only"),
    ({"origins": [{"url": "http://a b"}]},                       "write scheme, host and port only"),
    ({"origins": [{"url": "http://a"}, {"url": "http://a"}]},    "one of them stands twice"),
    ({"host": "a\r\nb"},                                         "write a host"),
    ({"allow_networks": ["10.0.0.1/8"]},                         "is no network"),
    ({"tls": {"key_file": "k.pem"}},                             "name its certificate_file too"),
    ({"timers": {"connect": 0}},                                 "greater than 0"),
    ({"rewrite": {"cookie_secure": "drop"}},                     "'keep' or 'add'"),
    ({"health": {"host": "a b"}},                                "health.host 'a b': write a host"),
    ({"rewrite": {"locations": {"/a": "/b\r\nX: y"}}},           "without blanks"),
    ({"rewrite": {"cookie_domains": {"a": "b; Path=/"}}},        "without blanks"),
    ({"rewrite": {"locations": {"/": "/x"}}},                    "must not be empty"),
    ({"colour": "red"},                                          "Extra inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "said"), MISTAKES)
def test_a_mistake_is_told_with_what_to_write(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read(ROW | table)


def test_the_smallest_upstream_is_two_lines() -> None:
    made = upstream_of(read(ROW))
    assert made.origins == (OriginServer("https", "10.0.0.5", 8443),)
    assert made.moves == (Move(b"https://10.0.0.5:8443", b"{public}"),)


def test_own_addresses_can_be_left_alone_and_longer_moves_come_first() -> None:
    rewrite = {"own_addresses": False, "locations": {"/a": "/", "/a/b": "/c"}}
    assert [move.source for move in upstream_of(read(ROW | {"rewrite": rewrite})).moves] == [b"/a/b", b"/a"]


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://a", "a"),
        ("http://a:80", "a"),
        ("https://a:443", "a"),
        ("https://A:80", "a:80"),
        ("http://[2001:db8::1]:8", "[2001:db8::1]:8"),
    ],
)
def test_an_authority_names_the_port_where_it_must(url: str, authority: str) -> None:
    assert OriginServer.parse(url).authority == authority


PASSING = {
    "upstream": [ROW, ROW | {"name": "api"}],
    "route": [
        {"portal": "langson", "upstream": "langson"},
        {"portal": "langson", "path": "/api", "upstream": "api"},
        {"portal": "hue", "path": "/x/", "upstream": "api"},
    ],
}

ROUTES = [
    ("langson", "/",          "langson"),
    ("langson", "/api",       "api"),
    ("langson", "/api/v1",    "api"),
    ("langson", "/apiary",    "langson"),
    ("hue",     "/x",         "api"),
    ("hue",     "/",          None),
    ("hanoi",   "/",          None),
]  # fmt: skip


@pytest.mark.parametrize(("portal", "path", "name"), ROUTES)
def test_the_longest_route_wins_in_whole_segments(portal: str, path: str, name: str | None) -> None:
    found = Routes(UpstreamsRow.model_validate_json(json.dumps(PASSING))).find(portal, path)
    assert (found.name if found else None) == name


def test_the_portals_own_origin_takes_what_no_route_does() -> None:
    routes = Routes(
        UpstreamsRow.model_validate_json(json.dumps(PASSING)), {"hue": "http://10.0.0.9", "langson": "http://10.0.0.8"}
    )
    assert [getattr(routes.find("hue", path), "name", "") for path in ("/x", "/", "/y")] == [
        "api",
        "portal:hue",
        "portal:hue",
    ]
    own = routes.find("hue", "/")
    assert own is not None
    assert (own.origins, own.moves) == (
        (OriginServer("http", "10.0.0.9", 80),),
        (Move(b"http://10.0.0.9", b"{public}"),),
    )
    whole = routes.find("langson", "/")
    assert whole is not None
    assert whole.name == "langson", "a route is written for the portal by somebody who knows of the edge"
    assert {upstream.name for upstream in routes.upstreams} == {"langson", "api", "portal:hue"}


# the route's path    folds   the key's path            is covered
SPELLINGS = [
    ("/API",          True,   "/api/v1",                True),
    ("/API",          False,  "/api/v1",                False),
    ("/API",          False,  "/API/v1",                True),
    ("/th%E1%BB%A7",  False,  "/th%E1%BB%A7/x",         True),
    ("/th%e1%bb%a7/", True,   "/th%E1%BB%A7",           True),
    ("/a//b",         False,  "/a/b/c",                 True),
]  # fmt: skip


@pytest.mark.parametrize(("path", "folds", "key", "covered"), SPELLINGS)
def test_a_route_covers_a_page_in_all_its_spellings(path: str, *, folds: bool, key: str, covered: bool) -> None:
    table = {"upstream": [ROW], "route": [{"portal": "hue", "path": path, "upstream": "langson"}]}
    routes = Routes(UpstreamsRow.model_validate_json(json.dumps(table)), folding={"hue"} if folds else ())
    assert (routes.find("hue", key) is not None) == covered


TO_LANGSON = {"portal": "a", "upstream": "langson"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"upstream": [ROW, ROW]}, "stands twice"),
        ({"route": [{"portal": "a", "upstream": "b"}]}, "there is no upstream 'b'"),
        ({"upstream": [ROW], "route": [TO_LANGSON, TO_LANGSON]}, "route '/' of 'a' stands twice"),
        ({"upstream": [ROW], "route": [TO_LANGSON | {"path": "/a/../b"}]}, "write a path alone"),
        ({"upstream": [ROW], "route": [TO_LANGSON | {"path": "/a?b=c"}]}, "write a path alone"),
    ],
)
def test_what_does_not_fit_together_is_told(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UpstreamsRow.model_validate_json(json.dumps(table))


@pytest.mark.parametrize(
    ("table", "said"), [({"trusted_peers": ["everybody"]}, "is no network"), ({"via": "a b"}, "pattern")]
)
def test_whom_we_believe_must_be_networks(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PassingRow.model_validate_json(json.dumps(table))


def test_who_is_trusted_comes_from_the_table() -> None:
    trust = PassingRow.model_validate_json('{"trusted_peers": ["10.0.0.0/8"]}').trust()
    assert trust.header == "x-forwarded-for"
    assert len(trust.peers) == 1


def test_a_context_always_verifies(tmp_path: Path) -> None:
    context = tls_context(TlsRow(), tmp_path)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    with pytest.raises(OSError, match="No such file"):
        tls_context(TlsRow(ca_file="none.pem"), tmp_path)


BODIES = [
    # path            octets of a body
    ("/",             1_000),
    ("/nop-ho-so",    2_000_000),
    ("/nop-ho-so/a",  2_000_000),
    ("/api",          0),
]  # fmt: skip


@pytest.mark.parametrize(("path", "octets"), BODIES)
def test_a_route_may_have_a_limit_of_its_own(path: str, octets: int) -> None:
    table = {
        "upstream": [{"name": "a", "origins": [{"url": "http://10.0.0.1"}], "body": 1_000}],
        "route": [
            {"portal": "langson", "upstream": "a"},
            {"portal": "langson", "path": "/nop-ho-so", "upstream": "a", "body": 2_000_000},
            {"portal": "langson", "path": "/api", "upstream": "a", "body": 0},
        ],
    }
    routes = Routes(UpstreamsRow.model_validate_json(json.dumps(table)))
    found = routes.find("langson", path)
    assert found is not None
    assert (found.name, found.body_octets) == ("a", octets)
    assert [upstream.body_octets for upstream in routes.upstreams] == [1_000]


MANUAL = (Path(__file__).parents[3] / "docs/passing.md").read_text("utf-8")


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += keys(field.annotation, f"{name}.")
        else:
            found.append(prefix + name)
    return found


@pytest.mark.parametrize("key", [key for key in keys(UpstreamRow) if key != "name"])
def test_every_key_is_in_the_manual(key: str) -> None:
    assert f"`{key}`" in MANUAL


@pytest.mark.parametrize("key", ["via", "trusted_peers", "trusted_header"])
def test_every_setting_is_in_the_manual(key: str) -> None:
    assert f"\n{key} = " in MANUAL
