"""A visitor on the way to an upstream and back: what they leave with, and whether it is they who come.  Pure.

`judge` says whether this is that visitor, that browser, that upstream; only then is anything asked of anybody.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sso.model import AuthorizationRequest, Destination, Digest, Identity, LoginAttempt, digest
from sso.parameters import Parameters
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.upstreams.model import Upstream
from sso.vocabulary import ErrorCode, Level

ATTEMPT_SECONDS: Final = 600
"""How long a person may take at the upstream."""

_OF_OURS: Final = ("state", "code", "iss", "error")


@dataclass(frozen=True, slots=True)
class Departure:
    """What a visitor leaves with; `attempt` is what we keep of it."""

    attempt: LoginAttempt
    state: str = field(repr=False)
    browser: str = field(repr=False)  # the value of the cookie that must come back


def depart(
    purpose: AuthorizationRequest | Destination,
    upstream: Upstream,
    *,
    level: Level,
    browser: str | None,
    session: Digest | None,
    now: int,
    secrets: Callable[[], str],
) -> Departure:
    """Begin a sign-in.

    browser  what the visitor's browser has from an earlier attempt: kept, so that two tabs do not spoil each other
    session  the one that is stepped up
    """
    state, mark = secrets(), browser or secrets()
    attempt = LoginAttempt(
        state=digest(state),
        browser=digest(mark),
        upstream=upstream.id,
        nonce=secrets() if upstream.nonce else None,
        code_verifier=secrets() if upstream.pkce else None,
        purpose=purpose,
        level=level,
        created_at=now,
        session=session,
    )
    return Departure(attempt, state, mark)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What there is to judge besides the parameters."""

    upstream: str  # whose callback address it came to
    browser: str | None = field(repr=False)  # the cookie's value; None: not there, or there twice
    issuer: str = ""
    names_issuer: bool = False  # whether this upstream's answers carry `iss`


def recognised(attempt: LoginAttempt | None, arrival: Arrival, parameters: Parameters, *, now: int) -> LoginAttempt:
    """The attempt, if it is this browser's and this upstream's.  Raises UpstreamRefused, before anything is asked."""
    if attempt is None or now >= attempt.created_at + ATTEMPT_SECONDS:
        raise UpstreamRefused(arrival.upstream, Fault.ATTEMPT_UNKNOWN)
    if not hmac.compare_digest(digest(parameters.get("state") or ""), attempt.state):
        raise UpstreamRefused(arrival.upstream, Fault.ATTEMPT_UNKNOWN)
    if arrival.browser is None or not hmac.compare_digest(digest(arrival.browser), attempt.browser):
        raise UpstreamRefused(arrival.upstream, Fault.BROWSER_CHANGED)
    if attempt.upstream != arrival.upstream:
        raise UpstreamRefused(arrival.upstream, Fault.WRONG_UPSTREAM)
    return attempt


def judge(attempt: LoginAttempt | None, arrival: Arrival, parameters: Parameters, *, now: int) -> str:
    """The code to exchange (OpenID Connect Core §3.1.2.5, RFC 9207 §2.4).

    Raises UpstreamRefused, and UpstreamUnavailable where the upstream says so itself.
    """
    recognised(attempt, arrival, parameters, now=now)
    if parameters.repeated.intersection(_OF_OURS):
        raise UpstreamRefused(arrival.upstream, Fault.ANSWERED_ERROR)
    issuer = parameters.get("iss")
    if issuer != arrival.issuer and (issuer is not None or arrival.names_issuer):
        raise UpstreamRefused(arrival.upstream, Fault.ISSUER_MISMATCH)
    match parameters.get("error"):
        case None:
            pass
        case ErrorCode.ACCESS_DENIED:
            raise UpstreamRefused(arrival.upstream, Fault.DENIED)
        case ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS:
            raise UpstreamRefused(arrival.upstream, Fault.LEVEL)
        case ErrorCode.TEMPORARILY_UNAVAILABLE:
            raise UpstreamUnavailable(arrival.upstream, 60)
        case _:
            raise UpstreamRefused(arrival.upstream, Fault.ANSWERED_ERROR)
    code = parameters.get("code")
    if code is None:
        raise UpstreamRefused(arrival.upstream, Fault.NO_CODE)
    return code


@dataclass(frozen=True, slots=True)
class Identified:
    """What an upstream's answer came to."""

    identity: Identity
    sid: str | None = None  # its session's name, for its back-channel logout
    id_token: str | None = field(default=None, repr=False)  # for its end-session endpoint
