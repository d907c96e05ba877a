"""conf/sign_in.toml: what it protects, and every mistake in it told at once with what to write instead."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from proxy.packs import Packs
from proxy.sign_in_paths import SignInPaths, parse_sign_in
from redirect_rules.sources import Document, Problems
from sso.model import Client
from sso.vocabulary import Level

CLIENTS = {
    "langson": Client(id="langson", name={"vi": "x"}, sector="s", portals=("langson",), formats=frozenset({"header"})),
    "oidc-only": Client(id="oidc-only", name={"vi": "x"}, sector="s", portals=("langson",)),
}
SOUND = """
[flags]
VNeID = "vneid"

[forward_auth]
peers = ["10.0.0.0/8", "::1"]

[[portal]]
id = "langson"
client = "langson"
paths = [
  { prefix = "/nop-ho-so", level = 2, deep_links = true },
  { prefix = "/Vi/NPS/", mode = "shadow" },
  { prefix = "/" },
]
"""


def parsed(text: str, packs: Packs, upstreams: list[str] | None = None) -> SignInPaths:
    portals = {portal.id: portal for portal in packs.snapshot.all_portals}
    return parse_sign_in(Document("sign_in.toml", text), portals=portals, clients=CLIENTS, upstreams=upstreams)


def test_a_sound_file_protects_what_it_says(packs: Packs) -> None:
    paths = parsed(SOUND, packs, ["vneid"])
    form = paths.protections.of("langson", ("nop-ho-so", "1"))
    assert form is not None
    assert (form.client, form.level, form.mode, form.deep_links) == ("langson", Level.TWO, "required", True)
    shadow = paths.protections.of("langson", ("vi", "nps", "apply"))
    assert shadow is not None
    assert shadow.mode == "shadow"
    assert paths.protections.of("langson", ()) is not None
    assert paths.protections.of("caobang", ()) is None
    assert paths.protections.flags == {"vneid": "vneid"}


def test_listed_proxies_may_ask_and_nobody_else(packs: Packs) -> None:
    paths = parsed(SOUND, packs)
    assert [paths.may_ask(ip_address(text)) for text in ("10.1.2.3", "::1", "192.0.2.1")] == [True, True, False]
    assert not paths.may_ask(None)
    assert not SignInPaths().may_ask(ip_address("127.0.0.1"))


WRONG: list[tuple[str, str, str]] = [
    ('id = "langson"', 'id = "nowhere"', "there is no portal 'nowhere'"),
    ('client = "langson"', 'client = "nobody"', "there is no client 'nobody': one of langson, oidc-only"),
    ('client = "langson"', 'client = "oidc-only"', 'add "header" or "forward-auth"'),
    ('id = "langson"', 'id = "caobang"', "add 'caobang' to `portals` of the client 'langson'"),
    ('"/nop-ho-so"', '"nop-ho-so"', "write a path without captures"),
    ('"/nop-ho-so"', '"/{id:number}"', "write a path without captures"),
    ('"/nop-ho-so"', '"/a/../b"', "write a path without captures"),
    ('"/nop-ho-so"', '"/vi/nps"', "stands here twice"),
    ("level = 2", "level = 3", "less than or equal to 2"),
    ('mode = "shadow"', 'mode = "off"', "shadow"),
    ("deep_links = true", "deeplinks = true", "unknown key"),
    ('"10.0.0.0/8"', '"everywhere"', "'everywhere' is no network"),
    ('"vneid"', '"nobody"', "there is no upstream 'nobody': one of vneid"),
]


@pytest.mark.parametrize(("right", "wrong", "text"), WRONG, ids=[row[2] for row in WRONG])
def test_a_mistake_is_told_with_its_line_and_what_to_write(packs: Packs, right: str, wrong: str, text: str) -> None:
    assert right in SOUND
    with pytest.raises(Problems) as problems:
        parsed(SOUND.replace(right, wrong, 1), packs, ["vneid"])
    assert any(text in problem.text and problem.line for problem in problems.value.problems)


def test_all_mistakes_are_told_at_once(packs: Packs) -> None:
    text = SOUND.replace('id = "langson"', 'id = "nowhere"').replace("10.0.0.0/8", "x").replace("/nop-ho-so", "y")
    with pytest.raises(Problems) as problems:
        parsed(text, packs)
    assert len(problems.value.problems) >= 3


def test_a_path_may_belong_to_another_client_of_the_portal(packs: Packs) -> None:
    clients = CLIENTS | {"payment": replace(CLIENTS["langson"], id="payment")}
    portals = {portal.id: portal for portal in packs.snapshot.all_portals}
    text = SOUND.replace('{ prefix = "/" }', '{ prefix = "/thanh-toan", client = "payment" }')
    paths = parse_sign_in(Document("sign_in.toml", text), portals=portals, clients=clients)
    found = paths.protections.of("langson", ("thanh-toan",))
    assert found is not None
    assert found.client == "payment"
