"""The console as a client of our own broker: how it shows who it is, and what its officers take along on the way.

Nobody is known here by what the broker might tell of them.  It tells a name for this client alone (`sub`, pairwise) and
how sure it is (`acr`); whose name that is, an administrator has said by an invitation (`redirect_rules.invitations`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey, import_key

from proxy.config import Settings
from proxy.console_settings import ConsoleSettings
from redirect_rules.people import Seal, SealBroken
from redirect_rules.sources import Problem, Problems
from sso import json_objects
from sso.model import Client, LoginAttempt
from sso.stores.encoding import ATTEMPT, Damaged
from sso.upstreams.claim_mapping import ClaimMapping
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.upstreams.model import Authentication, Upstream
from sso.vocabulary import Level

NAME: Final = "broker"
CALLBACK_PATH: Final = f"/callback/{NAME}"
BACK_CHANNEL_PATH: Final = f"{CALLBACK_PATH}/sign-out"
SIGNED_OUT_PATH: Final = "/sign-in"
"""Where the broker sends people back to when they have signed out everywhere."""
LONGEST_GOAL: Final = 1_000
"""Of a path that somebody wanted to see: it travels in a cookie."""
_PURPOSE: Final = "sign-in under way"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser takes along, sealed, while its officer is at the broker: it is no use to any other browser."""

    attempt: LoginAttempt = field(repr=False)
    browser: str = field(repr=False)  # the mark of the browser that began
    goal: str  # a path of ours
    invitation: str = ""  # digest of its code; "": none


def sealed(begun: Begun, seal: Seal) -> str:
    """As a cookie's value."""
    told = [ATTEMPT.text(begun.attempt), begun.browser, begun.goal, begun.invitation]
    return seal.seal(json.dumps(told), purpose=_PURPOSE)


def unsealed(cookie: str, seal: Seal) -> Begun | None:
    """It again; None: there is none, or it is not one of ours."""
    try:
        told = seal.unseal(cookie, purpose=_PURPOSE)
        if told == cookie:  # it was never sealed: anybody could have written it
            return None
        attempt, browser, goal, invitation = json.loads(told)
        return Begun(ATTEMPT.value(attempt), browser, goal, invitation)
    except (SealBroken, Damaged, ValueError, TypeError):
        return None


def mistake_of(error: UpstreamRefused | UpstreamUnavailable) -> str:
    """What the page says of it: a key under `mistake.`."""
    if isinstance(error, UpstreamUnavailable):
        return "broker-down"
    match error.fault:
        case Fault.LEVEL:
            return "broker-level"
        case Fault.DENIED:
            return "broker-denied"
        case Fault.ATTEMPT_UNKNOWN | Fault.BROWSER_CHANGED | Fault.NO_CODE:
            return "broker-again"
    return "broker-wrong"


def upstream_of(settings: Settings, environ: Mapping[str, str]) -> Upstream:
    """The broker, as sign-in's own machinery knows a provider.  Raises Problems."""
    console, sso = settings.console, settings.sso
    key, secret = _signing_key(settings), _secret(settings, environ)
    authentication: Authentication = "private_key_jwt" if key is not None else "client_secret_basic"
    host = urlsplit(sso.issuer).hostname or ""
    return Upstream(
        id=NAME,
        names={"vi": "VNeID", "en": "VNeID"},
        issuer=sso.issuer,
        client_id=console.client_id,
        client_authentication=authentication,
        scopes=("openid",),
        pkce=True,
        nonce=True,
        id_token="required",  # noqa: S106 - a word of the configuration
        userinfo="none",
        userinfo_signed=False,
        algorithms=frozenset({"ES256", "RS256"}),
        mapping=ClaimMapping(
            subject="sub",
            claims={},
            account="",
            accounts={},
            level="acr",
            levels={level.acr: level for level in Level},
            level_untold=None,
        ),
        hosts=frozenset({host}),
        private_network=True,  # it is ours: seen from here it may well have an address of the house
        endpoints=None,
        names_issuer=True,
        ask_level={level: level.acr for level in Level},
        client_secret=secret,
        signing_key=key,
        development=sso.environment == "development",
    )


def check_client(settings: Settings, clients: Mapping[str, Client]) -> None:
    """Raise Problems unless the broker knows this console: everything that its client's file must say of it."""
    name, public = settings.console.client_id, settings.console.public
    client = clients.get(name)
    if client is None:
        raise _wrong("client_id", f"there is no client {name!r}: describe it in {settings.sso.clients}/{name}.toml")
    wanted = {
        "redirect_uris": (f"{public}{CALLBACK_PATH}", client.redirect_uris),
        "post_logout_redirect_uris": (f"{public}{SIGNED_OUT_PATH}", client.post_logout_redirect_uris),
        "backchannel_logout_uri": (f"{public}{BACK_CHANNEL_PATH}", (client.backchannel_logout_uri,)),
    }
    problems = [
        Problem("console", 0, f"the client {name!r} does not say so: {key} must name {uri}")
        for key, (uri, named) in wanted.items()
        if uri not in named
    ]
    signs = bool(settings.console.signing_key_file)
    expected = "private_key_jwt" if signs else "client_secret_basic"
    if client.authentication != expected:
        problems.append(Problem("console", 0, f'the client {name!r} does not say so: authentication = "{expected}"'))
    if problems:
        raise Problems(problems)


def _secret(settings: Settings, environ: Mapping[str, str]) -> str:
    console = settings.console
    if console.secret_variable:
        if not (secret := environ.get(console.secret_variable, "")):
            raise _wrong("secret_variable", f"the environment has no {console.secret_variable}: set it")
        return secret
    return _read(settings, "secret_file").strip() if console.secret_file else console.secret


def _signing_key(settings: Settings) -> Key | None:
    if not settings.console.signing_key_file:
        return None
    try:
        key = import_key(json_objects.read(_read(settings, "signing_key_file")))  # type: ignore[arg-type]  # joserfc checks
    except (JoseError, ValueError, TypeError, KeyError):
        key = None
    if not isinstance(key, ECKey | RSAKey) or not key.is_private:
        raise _wrong("signing_key_file", "there is no private JWK (EC P-256 or RSA) in this file")
    return key


def _read(settings: Settings, name: str) -> str:
    path: Path = settings.path(getattr(settings.console, name))
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(name, f"{path} cannot be read: {error}") from None


def _wrong(key: str, text: str) -> Problems:
    return Problems([Problem("console", 0, f"{key}: {text}")])


def level_of(console: ConsoleSettings) -> Level:
    """How sure the broker must be of an officer."""
    return Level(console.level)
