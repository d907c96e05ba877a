"""The values of sign-in.  Frozen, without behaviour that needs a clock, a socket or a store.

Instants are whole seconds since 1970 (NumericDate, RFC 7519 §2); durations are whole seconds.  Everything that opens a
door (codes, tokens, session ids, secrets) is kept as the SHA-256 of what its holder has, never as itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sso.vocabulary import AccountType, Claim, Level

Digest = str
"""Lower-case hexadecimal SHA-256 of a secret: 64 letters."""


def digest(secret: str) -> Digest:
    """What is kept of a secret.  Secrets of ours have 256 random bits, so that no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an upstream says the visitor is, in our words, after every check of its answer."""

    upstream: str  # the id of its configuration, e.g. "vneid"
    subject: str = field(repr=False)  # its stable id of the account: with `upstream` the person's key
    account: AccountType
    level: Level
    claims: Mapping[Claim, str] = field(repr=False)  # values in our form; ACCOUNT_TYPE is not among them: `account` is
    auth_time: int
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what a client gets is good for, in seconds."""

    code: int = 30
    access_token: int = 300
    id_token: int = 300
    refresh_token: int = 8 * 3600
    refresh_grace: int = 5  # a repeated refresh within it is a lost answer, not a theft
    pushed_request: int = 60


@dataclass(frozen=True, slots=True)
class Client:
    """A provincial system, as `conf/clients/*.toml` describes it: one record for every way it is told who signs in."""

    id: str
    name: Mapping[str, str]  # by language, "vi" at least
    sector: str  # systems of one sector see the same `sub`; a merged province keeps its own
    portals: tuple[str, ...] = ()  # the portals whose paths it answers for
    profile: Literal["basic", "fapi2"] = "basic"
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    frontchannel_session_required: bool = True
    authentication: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = (
        "client_secret_basic"
    )
    secret_digests: tuple[Digest, ...] = field(default=(), repr=False)  # two while a secret is being exchanged
    jwks: Mapping[str, object] | None = None  # its public keys (RFC 7517), where it signs
    jwks_uri: str | None = None
    signing_algorithm: Literal["ES256", "RS256"] = "ES256"  # of what we sign for it
    userinfo_signed: bool = False
    dpop_required: bool = False
    dpop_nonce_required: bool = False  # proofs need a nonce of ours (RFC 9449 §8), where they are sent
    request_object_required: bool = False
    pushed_request_required: bool = False
    level: Level = Level.TWO  # the least that is good enough
    attributes: frozenset[Claim] = frozenset()  # the most that is ever released
    legal_basis: str = ""  # why it may have them: shown on the consent page and in the register
    consent: Literal["never", "once", "always"] = "never"  # "never": the law is the consent
    consent_days: int = 365  # how long "once" lasts
    upstreams: tuple[str, ...] = ()  # ids of those it accepts; none: all
    refresh_tokens: bool = False
    formats: frozenset[Literal["oidc", "header", "ticket", "forward-auth"]] = frozenset({"oidc"})
    aliases: tuple["SubjectAlias", ...] = ()
    salt_version: int = 1  # which salt its `sub` is made with; a change gives everybody a new one
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


@dataclass(frozen=True, slots=True)
class SubjectAlias:
    """After a merger a system goes on under another sector; the old one's `sub` is still told as `previous_sub`."""

    sector: str  # the old one
    since: int
    until: int | None = None
    salt_version: int | None = None  # None: the client's own


@dataclass(frozen=True, slots=True)
class Proof:
    """What a code or token is bound to: the thumbprint of a DPoP key (RFC 9449 §6)."""

    jkt: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asked for, after every check (OIDC Core §3.1.2.1)."""

    client: str
    redirect_uri: str
    scopes: frozenset[str]
    code_challenge: str  # S256 only
    state: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    response_mode: Literal["query", "form_post"] = "query"
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    level: Level = Level.ONE  # the least that must be reached; the client's own least is in it
    level_essential: bool = False
    claims: frozenset[Claim] = frozenset()  # asked for by `claims`, for the userinfo answer
    id_token_claims: frozenset[Claim] = frozenset()  # asked for by `claims`, for the ID token
    subject_hint: str | None = field(default=None, repr=False)  # the `sub` of a verified id_token_hint
    login_hint: str | None = field(default=None, repr=False)
    ui_locales: tuple[str, ...] = ()
    jkt: str | None = None  # dpop_jkt (RFC 9449 §10)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a sign-in that no OpenID Connect client asked for comes back to, with a login ticket.

    A portal that we stand before takes the ticket itself; what the visitor wanted there waits in a cookie of the
    portal's host, so that no address of a form travels.  A system that takes tickets (`portal` is empty then) gets it
    at an address that is registered for it.
    """

    client: str
    portal: str  # its id; "": the client takes the ticket itself
    host: str  # with its port, where it has one
    target: str = field(repr=False)  # origin-form: where the ticket goes
    level: Level = Level.ONE
    scheme: Literal["https", "http"] = "https"  # "http" in development only
    browser: Digest = ""  # of the secret of the browser that began; the ticket is good with it only
    upstream: str = ""  # the id of the one that was asked for; "": any that the client accepts

    @property
    def address(self) -> str:
        """The whole address that the ticket goes to."""
        return f"{self.scheme}://{self.host}{self.target}"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a portal host's own cookie stands for: a session, known by its handle, for one client on one host."""

    client: str
    portal: str
    host: str
    session: str  # handle
    sid: str
    since: int


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A visitor on the way to an upstream and back."""

    state: Digest  # of the `state` that the upstream gives back
    browser: Digest  # of the cookie that must come back with it
    upstream: str
    nonce: str | None = field(repr=False)  # None: an upstream without
    code_verifier: str | None = field(repr=False)
    purpose: AuthorizationRequest | Destination
    level: Level
    created_at: int
    session: Digest | None = None  # the one that is stepped up


@dataclass(frozen=True, slots=True)
class Participation:
    """A client's part in a session."""

    client: str
    sid: str  # what this client knows the session by (OIDC Back-Channel Logout §2.1), different for each
    since: int


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person has agreed to, to be told to a client."""

    client: str  # its id
    claims: frozenset[Claim]
    basis: str  # version of the client's legal basis
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Session:
    """A person signed in at one browser."""

    id: Digest  # of the cookie's value
    handle: str  # stays when the id changes; in audit events and the person's own list, opens nothing
    identity: Identity
    created_at: int
    seen_at: int
    absolute_end: int
    participations: Mapping[str, Participation] = field(default_factory=dict)  # by client id
    upstream_sid: str | None = field(default=None, repr=False)  # for the upstream's own back-channel logout
    upstream_id_token: str | None = field(default=None, repr=False)  # sealed, for its end-session endpoint


@dataclass(frozen=True, slots=True)
class Grant:
    """What one authorization gave a client: a code stands for it first, then tokens."""

    id: str  # a random handle; everything issued from one code carries it, and dies with it
    client: str
    session: str  # the session's handle
    sid: str
    identity: Identity
    scopes: frozenset[str]
    claims: frozenset[Claim]
    id_token_claims: frozenset[Claim]
    nonce: str | None = field(repr=False)
    redirect_uri: str
    code_challenge: str
    created_at: int
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What is kept of an access token besides its grant, which says everything else."""

    issued_at: int
    expires_at: int
    jkt: str | None = None
    scopes: frozenset[str] | None = None  # fewer than the grant's; None: those


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An opaque bearer or DPoP token's meaning."""

    grant: str
    client: str
    scopes: frozenset[str]
    claims: frozenset[Claim]
    identity: Identity
    issued_at: int
    expires_at: int
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class LogoutDelivery:
    """One client that must hear of one sign-out, until it has."""

    id: str
    client: str
    uri: str
    sid: str
    subject: str = field(repr=False)  # the `sub` this client knows
    created_at: int
    attempts: int = 0
    next_at: int = 0
    state: Literal["waiting", "delivered", "given-up"] = "waiting"
    last_error: str = ""  # "HTTP 500", "timeout": never a body
