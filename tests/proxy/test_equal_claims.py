"""One person, one client, one policy: an ID token's userinfo, the header, a ticket and forward-auth tell the same."""

import base64
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso.model import digest
from sso.vocabulary import SCOPES, Claim
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import CHALLENGE, HOME, SECRET, VERIFIER, Person, basic
from tests.sign_in_peers.portals import Page, Standing, Visitor, with_client

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP

OF_THE_WRAPPING = {"iss", "aud", "iat", "exp", "jti", "sid", "nonce", "at_hash", "client_id", "azp"}
WORDS = st.text(st.characters(codec="utf-8", categories=["Lu", "Ll"]), min_size=1, max_size=20)
DIGITS = st.from_regex(r"[0-9]{12}", fullmatch=True)
FORM = "application/x-www-form-urlencoded"


async def go(visitor: Visitor, address: str, until: str) -> Page:
    """Follow to where an address begins so; the dialog is pressed on the way."""
    page = await visitor.ask(address)
    for _ in range(10):
        if page.location.startswith(until) or not page.location:
            return page
        following = page.location
        if following.startswith(HOME):
            following = visitor.standing.desk.home.approve(following)
        page = await visitor.ask(following)
    raise AssertionError("going round")


async def posted(edge: Standing, path: str, form: dict[str, str]) -> dict[str, object]:
    headers = {"Authorization": basic("khanhhoa", SECRET), "Content-Type": FORM}
    address = f"{edge.desk.broker.issuer}{path}"
    page = await edge.visitor().ask(address, method="POST", headers=headers, data=urlencode(form).encode())
    assert page.status == 200, page.text
    told: dict[str, object] = json.loads(page.text)
    return told


async def every_format(edge: Standing) -> dict[str, dict[str, object]]:
    """What each format tells of one person in one browser."""
    visitor, issuer, cb = edge.visitor(), edge.desk.broker.issuer, "https://khanhhoa.example/cb"
    wish = {
        "client_id": "khanhhoa", "redirect_uri": cb, "response_type": "code", "scope": " ".join(SCOPES),
        "state": "s", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    page = await go(visitor, f"{issuer}/authorize?{urlencode(wish)}", cb)
    code = parse_qs(urlsplit(page.location).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": cb, "code_verifier": VERIFIER}
    tokens = await posted(edge, "/token", form)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = json.loads((await visitor.ask(f"{issuer}/userinfo", headers=bearer)).text)

    ticket_wish = urlencode({"client_id": "khanhhoa", "return": cb, "browser": digest("b")})
    page = await go(visitor, f"{issuer}/ticket?{ticket_wish}", cb)
    ticket = parse_qs(urlsplit(page.location).query)["ticket"][0]
    redeemed = await posted(edge, "/ticket/redeem", {"ticket": ticket, "browser": "b"})

    await visitor.go(edge.address("/vi/nps/x"))
    header = edge.verified(edge.told[-1])
    asked = {"X-Original-URI": "/vi/nps/x", "X-Original-Method": "GET"}
    checked = await visitor.ask(edge.address("/_edge/sign-in/check"), headers=asked)
    told = edge.told[-1]
    forward_auth = edge.verified(
        type(told)("GET", "/", (("Portal-Identity", checked.headers["Portal-Identity"]),), b"")
    )
    payload = str(tokens["id_token"]).split(".")[1]
    id_token = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return {
        "ID token": id_token,
        "userinfo": userinfo,
        "ticket": redeemed,
        "header": header,
        "forward-auth": forward_auth,
    }


@pytest_asyncio.fixture(loop_scope="module")
async def shared(edge: Standing) -> AsyncIterator[Standing]:
    yield edge


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    attributes=st.frozensets(st.sampled_from(Claim)),
    name=WORDS,
    citizen_id=DIGITS,
    address=WORDS,
    sub=st.from_regex(r"[a-z0-9]{8}", fullmatch=True),
)
async def test_the_same_person_gives_equal_claims_in_every_format(
    shared: Standing, attributes: frozenset[Claim], name: str, citizen_id: str, address: str, sub: str
) -> None:
    shared.begin()
    shared.desk.broker.clients = with_client(attributes=attributes)
    shared.desk.home.person = Person(sub, name, 2, citizen_id, "a@example.vn", address)
    told = await every_format(shared)
    bare = {
        kind: {claim: value for claim, value in claims.items() if claim not in OF_THE_WRAPPING}
        for kind, claims in told.items()
    }
    # Userinfo has no place for how and when somebody signed in (OIDC Core §5.3): the ID token has.
    how = {"acr", "auth_time", "amr"}
    person = {kind: {c: v for c, v in claims.items() if c not in how} for kind, claims in bare.items()}
    assert person["header"] == person["ticket"] == person["forward-auth"] == person["userinfo"]
    assert bare["header"] == bare["ticket"] == bare["forward-auth"]
    assert {claim: bare["header"][claim] for claim in how} == {claim: bare["ID token"][claim] for claim in how}
    assert bare["ID token"].items() <= bare["header"].items()
    allowed = {"sub", "account_type"} | {claim.value for claim in attributes}
    assert set(person["header"]) <= allowed
