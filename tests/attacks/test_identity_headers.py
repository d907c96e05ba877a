"""Somebody says in a header who they are: it never arrives, in whatever spelling; and no assertion works elsewhere.

Attacks 26 and 35, and on the way to the sign-in the address forms of 1 and 2.
"""

import asyncio
import base64
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from sso.adapters.verify_kit import Refused, VerifyKit
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import signer
from tests.sign_in_peers.portals import FORM, OTHER, PORTAL, Standing, Visitor

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP

FORGED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmlsIn0."


async def signed_in(edge: Standing) -> Visitor:
    visitor = edge.visitor()
    assert (await visitor.go(edge.address(f"{FORM}&vneid=1"))).status == 200
    edge.told.clear()
    return visitor


async def sent(edge: Standing, lines: Sequence[bytes], *, target: str = "/vi/nps/x", cookie: str = "") -> bytes:
    """A request as it stands, over a socket; the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    head = [
        f"GET {target} HTTP/1.1".encode(),
        f"Host: {PORTAL}.localhost:{edge.port}".encode(),
        b"Accept: application/json",
        b"Sec-Fetch-Dest: empty",
        *([f"Cookie: {cookie}".encode()] if cookie else []),
        *lines,
    ]
    if not any(line.lower().startswith(b"connection:") for line in lines):
        head.append(b"Connection: close")
    writer.write(b"\r\n".join(head) + b"\r\n\r\n")
    async with asyncio.timeout(20):
        first = await reader.readline()
    writer.close()
    return first


def cookie_of(edge: Standing, visitor: Visitor) -> str:
    kept = visitor.cookies[f"{PORTAL}.localhost:{edge.port}"]
    return "; ".join(f"{name}={value}" for name, value in kept.items())


SPELLINGS: list[tuple[str, bytes]] = [
    ("as we write it", b"Portal-Identity: %b"),
    ("small", b"portal-identity: %b"),
    ("capitals", b"PORTAL-IDENTITY: %b"),
    ("mixed", b"pOrTaL-iDeNtItY: %b"),
    ("underscore", b"Portal_Identity: %b"),
    ("underscores in capitals", b"PORTAL_IDENTITY: %b"),
    ("as CGI names it", b"HTTP_PORTAL_IDENTITY: %b"),
    ("with X-", b"X-Portal-Identity: %b"),
    ("with a dot", b"Portal.Identity: %b"),
    ("two hyphens", b"Portal--Identity: %b"),
    ("a hyphen behind", b"Portal-Identity-: %b"),
    ("a mark", b"Portal-Identity~: %b"),
    ("a blank before the colon", b"Portal-Identity : %b"),
    ("a tab before the value", b"Portal-Identity:\t%b"),
    ("folded", b"X-A: b\r\n Portal-Identity: %b"),
    ("in Unicode", "Pоrtal-Identity: %b".encode()),
    ("another's custom", b"X-Forwarded-User: %b"),
    ("remote user", b"Remote-User: %b"),
    ("remote user with underscores", b"REMOTE_USER: %b"),
    ("of oauth2-proxy", b"X-Auth-Request-Email: %b"),
]
VALUE = FORGED.encode()


@pytest.mark.parametrize("line", [row[1] for row in SPELLINGS], ids=[row[0] for row in SPELLINGS])
async def test_what_a_visitor_says_of_themself_never_arrives(edge: Standing, line: bytes) -> None:
    visitor = await signed_in(edge)
    await sent(edge, [line % VALUE], cookie=cookie_of(edge, visitor))
    for told in edge.told:
        assert FORGED not in str(told.fields)
        assert edge.verified(told)["name"] == "Nguyễn Văn An"


@pytest.mark.parametrize("line", [row[1] for row in SPELLINGS], ids=[row[0] for row in SPELLINGS])
async def test_nor_on_a_path_for_everybody(edge: Standing, line: bytes) -> None:
    await sent(edge, [line % VALUE], target="/vi/api/public")
    assert all(FORGED not in str(told.fields) and told.assertions == [] for told in edge.told)


@pytest.mark.parametrize("line", [row[1] for row in SPELLINGS], ids=[row[0] for row in SPELLINGS])
async def test_nor_in_shadow_mode(edge: Standing, line: bytes) -> None:
    await sent(edge, [line % VALUE], target="/vi/dossier/1")
    assert all(FORGED not in str(told.fields) and told.assertions == [] for told in edge.told)


@pytest.mark.parametrize(
    "listed", [b"Portal-Identity", b"portal-identity, close", b"close, PORTAL_IDENTITY", b"Cookie, Portal-Identity"]
)
async def test_connection_takes_our_word_away_from_nobody(edge: Standing, listed: bytes) -> None:
    visitor = await signed_in(edge)
    await sent(edge, [b"Connection: " + listed], cookie=cookie_of(edge, visitor))
    (told,) = edge.told
    assert edge.verified(told)["name"] == "Nguyễn Văn An"


async def test_a_forged_one_opens_nothing(edge: Standing) -> None:
    assert b"401" in await sent(edge, [b"Portal-Identity: " + VALUE])
    assert edge.told == []


# 26: an assertion for one province, shown to another


async def test_an_assertion_for_one_province_is_worth_nothing_at_another(edge: Standing) -> None:
    visitor = await signed_in(edge)
    await visitor.ask(edge.address(FORM))
    kit = VerifyKit(issuer=edge.desk.broker.issuer, audience="langson", keys=signer().jwks())
    with pytest.raises(Refused, match="aud"):
        kit.verified(edge.told[-1].assertions, now=edge.desk.clock.now)


async def test_nor_an_id_token_of_the_same_issuer(edge: Standing) -> None:
    kit = VerifyKit(issuer=edge.desk.broker.issuer, audience="khanhhoa", keys=signer().jwks())
    now = edge.desk.clock.now
    claims = {"iss": edge.desk.broker.issuer, "aud": "khanhhoa", "sub": "x", "jti": "j", "iat": now, "exp": now + 60}
    with pytest.raises(Refused, match="typ"):
        kit.verified([signer().sign(claims, typ="JWT")], now=now)


async def test_nor_the_same_one_two_minutes_later(edge: Standing) -> None:
    visitor = await signed_in(edge)
    await visitor.ask(edge.address(FORM))
    edge.desk.clock.now += 120
    with pytest.raises(Refused, match="exp"):
        edge.verified(edge.told[-1])


# The cookie of a portal's host


async def test_two_cookies_of_one_name_are_none(edge: Standing) -> None:
    visitor = await signed_in(edge)
    good = cookie_of(edge, visitor)
    assert b"401" in await sent(edge, [], cookie=f"{good}; sign-in-portal=planted")
    assert b"401" in await sent(edge, [f"Cookie: sign-in-portal=planted".encode()], cookie=good)  # noqa: F541 - one form
    assert edge.told == []


async def test_a_system_behind_us_plants_no_cookie_of_ours(edge: Standing) -> None:
    edge.planted += ["__Host-sign-in-portal=planted; Path=/; Secure", "JSESSIONID=theirs; Path=/", " __Host-sign-in=x"]
    visitor = await signed_in(edge)
    page = await visitor.ask(edge.address(FORM))
    assert page.headers.getall("Set-Cookie") == ["JSESSIONID=theirs; Path=/"]


async def test_a_cookie_of_one_portal_opens_no_other(edge: Standing) -> None:
    visitor = await signed_in(edge)
    kept = visitor.cookies[f"{PORTAL}.localhost:{edge.port}"]
    visitor.cookies[f"{OTHER}.localhost:{edge.port}"] = dict(kept)
    page = await visitor.ask(edge.address("/vi/nps/x", OTHER))
    assert page.status == 303
    assert edge.told == []


# 1 and 2: where a sign-in may lead back to

EVIL = [
    "//evil.example/vi/nps",
    "/\\evil.example/vi/nps",
    "https://evil.example/vi/nps",
    "/%2f%2fevil.example/vi/nps",
    "/vi/nps/../../../tin-tuc",
    "/vi/nps\\..\\..",
    "/vi/nps%0d%0aLocation:%20https://evil.example/",
    "javascript:alert(1)",
    "/tin-tuc",
    "",
    "vi/nps",
    "@evil.example/vi/nps",
    "/vi/nps\t",
]


@pytest.mark.parametrize("target", EVIL)
async def test_a_sign_in_leads_back_to_a_path_of_this_portal_or_begins_not_at_all(edge: Standing, target: str) -> None:
    visitor = edge.visitor()
    page = await visitor.ask(edge.address("/_edge/sign-in/begin?to=") + target)
    if page.status == 303:
        assert page.location.startswith(f"{edge.desk.broker.issuer}/portal?")
        page = await visitor.go(page.location)
        hosts = {urlsplit(address).netloc for address in visitor.seen}
        assert hosts <= {f"{PORTAL}.localhost:{edge.port}", f"signin.localhost:{edge.port}"}
    assert "evil.example" not in page.location


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/a\r\nX: y", "", "x"]
)
async def test_a_cookie_that_was_changed_leads_nowhere_else(edge: Standing, target: str) -> None:
    visitor = edge.visitor()
    left = await visitor.ask(edge.address("/vi/nps/x"))
    page = await visitor.ask(left.location)
    back = edge.desk.home.approve(page.location)
    done = (await visitor.ask(back)).location
    kept = visitor.cookies[f"{PORTAL}.localhost:{edge.port}"]
    (name,) = kept
    secret = kept[name].partition(".")[0]
    kept[name] = f"{secret}.{base64.urlsafe_b64encode(target.encode()).rstrip(b'=').decode()}"
    end = await visitor.ask(done)
    assert end.status == 400 or end.location.startswith(edge.address("/"))
    assert urlsplit(end.location).netloc in {"", f"{PORTAL}.localhost:{edge.port}"}
