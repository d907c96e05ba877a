"""Is everything ready for a province's people to sign in?  A test person walks the way that a citizen's browser would.

Nothing here looks into the edge: pages, redirects and cookies are all there is, as for a citizen; and the signed header
is checked with the kit that the province itself uses.  Of what is told about the person only the names are kept.
"""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientError

from proxy.portal_entrances import BEGIN, DONE
from proxy.sign_in_paths import SignInPaths
from proxy.walker import SECONDS, Page, Test, Walker
from redirect_rules.model import Portal
from sso.adapters.verify_kit import Refused, VerifyKit
from sso.model import Client, digest

CHECK: Final = "/_edge/sign-in/check"
STEPS: Final = ("discovery", "login", "claims", "assertion", "logout")
"""What is looked at of each client, in order."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one step went; `ok` None: it could not be tried, and `text` says what is needed for it."""

    ok: bool | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """How one client stands."""

    client: str
    steps: Mapping[str, Step]

    @property
    def ready(self) -> bool:
        """Whether nothing that was tried failed."""
        return all(step.ok is not False for step in self.steps.values())


@dataclass(frozen=True, slots=True)
class Doorway:
    """A protected address of a portal."""

    origin: str
    path: str


def doorways(paths: SignInPaths, portals: Mapping[str, Portal], issuer: str) -> dict[str, Doorway]:
    """The first protected address of each client, by its id."""
    found: dict[str, Doorway] = {}
    for protected in paths.protections.portals.values():
        for path in protected.paths:
            origin = _origin(portals[protected.portal], issuer)
            found.setdefault(path.client, Doorway(origin, "/" + "/".join(path.prefix)))
    return found


def _origin(portal: Portal, issuer: str) -> str:
    """Where a portal is reached: in development behind its preview suffix, at the issuer's port."""
    parts = urlsplit(issuer)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{portal.hosts[0]}{'' if parts.scheme == 'https' else '.localhost'}{port}"


async def check(client: Client, doorway: Doorway | None, test: Test) -> Row:
    """Walk through everything that there is to try for one client."""
    steps: dict[str, Step] = {}
    try:
        async with asyncio.timeout(6 * SECONDS), Walker(test) as walker:
            discovered, jwks = await _discovery(walker)
            steps["discovery"] = discovered
            if discovered.ok:
                await (_through_a_portal if doorway else _by_itself)(client, doorway, walker, jwks, steps)
                steps["logout"] = await _logout(client, doorway, walker) if steps["login"].ok else Step(None, "")
    except (ClientError, TimeoutError, OSError) as error:
        missing = next(name for name in STEPS if name not in steps)
        steps[missing] = Step(False, f"no answer ({type(error).__name__})")
    return Row(client.id, {name: steps.get(name, Step(None, "")) for name in STEPS})


async def _discovery(walker: Walker) -> tuple[Step, Mapping[str, Any]]:
    """The discovery document and the keys (OIDC Discovery §4)."""
    issuer = walker.test.issuer
    status, document = await walker.json(f"{issuer}/.well-known/openid-configuration")
    if status != 200 or document.get("issuer") != issuer:
        return Step(False, f"discovery answers {status}; its issuer must be {issuer}"), {}
    status, jwks = await walker.json(str(document.get("jwks_uri", "")))
    if status != 200 or not any(key.get("crv") == "P-256" for key in jwks.get("keys", [])):
        return Step(False, "the key set has no key for ES256"), {}
    return Step(True, f"{len(jwks['keys'])} keys"), jwks


async def _through_a_portal(
    client: Client, doorway: Doorway | None, walker: Walker, jwks: Mapping[str, Any], steps: dict[str, Step]
) -> None:
    """Sign in by a protected path, and look at what its system would be told."""
    if doorway is None:
        raise ValueError("a portal is needed")
    page = await walker.go(f"{doorway.origin}{BEGIN}?to={doorway.path}")
    came_back = any(address.startswith(f"{doorway.origin}{DONE}") for address in walker.seen)
    if not came_back or not page.address.startswith(doorway.origin):
        steps["login"] = _stuck(page)
        return
    steps["login"] = Step(True, f"{walker.dialogs} dialog{'' if walker.dialogs == 1 else 's'}")
    asked = await walker.ask(
        f"{doorway.origin}{CHECK}", headers={"X-Original-URI": doorway.path, "X-Original-Method": "GET"}
    )
    assertion = asked.headers.get("Portal-Identity", "")
    if asked.status != 200:
        text = 'add "forward-auth" to its formats, and this machine to [forward_auth] peers, to see it'
        steps["claims"] = steps["assertion"] = Step(None, text)
        return
    kit = VerifyKit(issuer=walker.test.issuer, audience=client.id, keys=jwks)
    try:
        claims = kit.verified([assertion], now=int(time.time()))
    except Refused as refused:
        steps["claims"], steps["assertion"] = Step(None, ""), Step(False, f"refused: {refused.reason}")
        return
    steps["claims"] = Step(True, _names(claims))
    steps["assertion"] = Step(True, "ES256, 60 s")


async def _by_itself(
    client: Client, doorway: Doorway | None, walker: Walker, jwks: Mapping[str, Any], steps: dict[str, Step]
) -> None:
    """Sign in as the client's own program would ask for it."""
    steps["assertion"] = Step(None, "stands behind no path of a portal")
    if "oidc" not in client.formats and "ticket" not in client.formats:
        steps["login"] = steps["claims"] = Step(None, "protect a path of its portal in conf/sign_in.toml")
        return
    if client.pushed_request_required or client.request_object_required or client.profile == "fapi2":
        steps["login"] = steps["claims"] = Step(None, "only the client itself can ask: it signs with its own key")
        return
    verifier, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    uri = client.redirect_uris[0]
    by_ticket = "oidc" not in client.formats
    wish = _ticket_wish(client, uri, browser) if by_ticket else _authorization(client, uri, verifier)
    page = await walker.go(f"{walker.test.issuer}{wish}", until=uri)
    answer = {name: values[0] for name, values in parse_qs(urlsplit(page.address).query).items()}
    got = answer.get("ticket" if by_ticket else "code")
    if not page.address.startswith(uri) or got is None:
        steps["login"] = Step(False, f"came back with {answer['error']}") if "error" in answer else _stuck(page)
        return
    steps["login"] = Step(True, f"{walker.dialogs} dialog{'' if walker.dialogs == 1 else 's'}")
    if client.authentication not in {"client_secret_basic", "client_secret_post", "none"}:
        steps["claims"] = Step(None, "only the client itself can redeem its code: it signs with its own key")
        return
    secret = walker.test.secrets.get(client.id, "")
    if not secret and client.authentication != "none":
        steps["claims"] = Step(None, "give its secret with --secrets to see them")
        return
    redeem = _redeem_ticket if by_ticket else _redeem_code
    steps["claims"] = await redeem(client, walker, got, browser if by_ticket else verifier, secret)


def _authorization(client: Client, uri: str, verifier: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    wish = {
        "client_id": client.id,
        "redirect_uri": uri,
        "response_type": "code",
        "scope": "openid profile email phone address citizen organisation",
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"/authorize?{urlencode(wish)}"


def _ticket_wish(client: Client, uri: str, browser: str) -> str:
    return f"/ticket?{urlencode({'client_id': client.id, 'return': uri, 'browser': digest(browser)})}"


async def _redeem_code(client: Client, walker: Walker, code: str, verifier: str, secret: str) -> Step:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uris[0],
        "code_verifier": verifier,
    }
    status, tokens = await walker.as_client(client, secret, "/token", form)
    if status != 200:
        return Step(False, f"the token endpoint answers {status} {tokens.get('error', '')}")
    headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
    status, told = await walker.json(f"{walker.test.issuer}/userinfo", headers=headers)
    return Step(True, _names(told)) if status == 200 else Step(False, f"userinfo answers {status}")


async def _redeem_ticket(client: Client, walker: Walker, ticket: str, browser: str, secret: str) -> Step:
    form = {"ticket": ticket, "browser": browser}
    status, told = await walker.as_client(client, secret, "/ticket/redeem", form)
    if status != 200:
        return Step(False, f"redeeming the ticket answers {status} {told.get('error', '')}")
    return Step(True, _names(told))


async def _logout(client: Client, doorway: Doorway | None, walker: Walker) -> Step:
    """Sign out, and see that nothing opens any more."""
    await walker.go(f"{walker.test.issuer}/logout")
    if doorway is not None:
        said = {"X-Original-URI": doorway.path, "X-Original-Method": "GET"}
        page = await walker.ask(f"{doorway.origin}{CHECK}", headers=said)
        begun = await walker.ask(f"{doorway.origin}{BEGIN}?to={doorway.path}")
        opens = page.status == 200 or DONE in (await walker.ask(begun.location)).location
    else:
        wish = _authorization(client, client.redirect_uris[0], "v" * 43) + "&prompt=none"
        page = await walker.ask(f"{walker.test.issuer}{wish}")
        opens = "code=" in page.location
    if opens:
        return Step(False, "signed out, and still let in")
    heard = (
        "backchannel" if client.backchannel_logout_uri else "front-channel" if client.frontchannel_logout_uri else ""
    )
    return Step(True, f"told by {heard}: dvc-edge logout status" if heard else "")


def _stuck(page: Page) -> Step:
    """Where the walk ended, without what stood in the address' query."""
    parts = urlsplit(page.address)
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if page.status == 200:
        return Step(None, f"sign in there by hand: {where} shows no test person")
    return Step(False, f"{where} answers {page.status}")


def _names(claims: Mapping[str, Any]) -> str:
    told = sorted(set(claims) - {"iss", "aud", "iat", "exp", "jti", "sid", "auth_time"})
    return ", ".join(told)
