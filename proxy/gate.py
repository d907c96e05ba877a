"""The gate before protected paths: a request is passed on with the identity of who sends it, or its sender signs in.

What a path asks for is decided by `sso.protection` and `sso.adapters.forward_auth`; here the session is looked up, and
the verdict becomes a value that the edition answers with.  A store that does not answer opens nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final

from aiohttp.web import BaseRequest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from proxy import hops, identity_fields, portal_cookies
from proxy.gate_answers import CHALLENGE, Admitted, Checked, Find, GoTo, TurnedAway
from proxy.passing.fields import Fields
from proxy.passing.forwarded import Trust, address_of, believed
from proxy.portal_cookies import SESSION
from proxy.portal_entrances import BEGIN, DONE, DOWN, OUT, RETRY_SECONDS, Caller, PortalEntrances, again
from proxy.portal_sessions import PortalSessions
from proxy.sign_in_metrics import SignInMetrics
from proxy.sign_in_paths import SignInPaths
from proxy.visits import hosts_named
from redirect_rules.answers import SayNotSent, SayProblem, SendAway, ShowFramed, ShowNotice, SteerHtmx
from redirect_rules.canonical import BadHost, BadTarget, Key, canonical_key
from redirect_rules.decision import OUR_PREFIX, Decision
from redirect_rules.model import Action, ClientClass, Life, Phase, Portal
from sso import claims
from sso.adapters import forward_auth
from sso.adapters.assertion import AssertionSigner
from sso.adapters.forward_auth import Allow, Contradiction, Deny, Original, SignIn
from sso.keys import Signer
from sso.model import Client, Session
from sso.protection import Admit, Protection, SignInFirst, flagged, judge, without_flags
from sso.store import StoreUnavailable
from sso.vocabulary import SCOPES

CHECK: Final = f"/{OUR_PREFIX}/sign-in/check"
"""Where another proxy asks, on a portal's host."""

CHECK_AT_ISSUER: Final = "/forward-auth"
"""Where it asks on the issuer's host, if it cannot keep the portal's."""

_PAGES: Final = frozenset({ClientClass.NAVIGATION, ClientClass.DOWNLOAD, ClientClass.CLI})
_REOPENED: Final = (ShowNotice, SendAway, SayNotSent, ShowFramed, SayProblem, SteerHtmx)
_READS: Final = frozenset({"GET", "HEAD"})


class Gate:
    """One process' gate."""

    def __init__(
        self,
        paths: SignInPaths,
        *,
        sessions: PortalSessions,
        entrances: PortalEntrances,
        signer: Callable[[], Signer],
        clients: Callable[[], Mapping[str, Client]],
        metrics: SignInMetrics,
        trust: Trust | None = None,
    ) -> None:
        """`signer`, `clients`: those in force now; `trust`: whose word counts about a visitor's address and scheme."""
        self._paths = paths
        self._sessions = sessions
        self._entrances = entrances
        self._signer = signer
        self._clients = clients
        self._metrics = metrics
        self._trust = trust or Trust()
        self._assertions: AssertionSigner | None = None

    def knows(self, request: BaseRequest) -> bool:
        """Whether a request comes with a cookie of ours: then its answer is nobody else's."""
        return SESSION in portal_cookies.read(request.raw_headers, secure=self._sessions.secure)

    def cleaned(self, request: BaseRequest, portal: str) -> Fields:
        """A request's fields as they may be passed on: nothing that could be taken for our word, no cookie of ours."""
        customary = portal in self._paths.protections.portals
        fields = identity_fields.stripped(list(request.raw_headers), customary=customary)
        return portal_cookies.without_ours(fields)

    async def admit(self, request: BaseRequest, decision: Decision, request_id: str) -> Admitted | GoTo | TurnedAway:
        """Whether a request may be passed on, and what its system is told about who sends it."""
        protection = self._paths.protections.of(decision.portal.id, decision.key.folded)
        fields = self.cleaned(request, decision.portal.id)
        if protection is None:
            return Admitted(fields, [])
        outcome, answer = await self._judged(request, decision, protection, request_id)
        self._metrics.gate(decision.portal.id, outcome)
        return Admitted(fields, answer) if isinstance(answer, list) else answer

    async def reopened(self, request: BaseRequest, decision: Decision) -> Admitted | None:
        """Whether a form whose page is closed opens all the same: a link led here by a sign-in, which still holds.

        The flag has been taken off the link, because scripts of the old page would begin a second sign-in; and without
        it the rules take the address for an old bookmark.
        """
        protection = self._paths.protections.of(decision.portal.id, decision.key.folded)
        if protection is None or not protection.deep_links or not _may_reopen(decision) or not self.knows(request):
            return None
        client = self._clients().get(protection.client)
        try:
            session = await self._session(request, decision.portal.id, protection)
        except StoreUnavailable:
            return None
        if client is None or not isinstance(judge(protection, client, session, now=self._sessions.clock()), Admit):
            return None
        self._metrics.gate(decision.portal.id, "reopened")
        return Admitted(self.cleaned(request, decision.portal.id), self._told(client, session))

    async def own(self, request: BaseRequest, decision: Decision, request_id: str) -> GoTo | TurnedAway | None:
        """Our own addresses of sign-in on a portal's host; None: it is none of them."""
        path, _, query = request.raw_path.partition("?")
        if path not in {BEGIN, DONE, OUT} or request.method not in _READS:
            return None
        try:
            caller = self._caller(request, decision.portal.id, request_id)
        except BadHost:
            return DOWN
        portal = decision.portal

        def protected(target: str) -> Protection | None:
            key = _key(portal, target)
            return None if key is None else self._paths.protections.of(portal.id, key.folded)

        if path == OUT:
            return await self._entrances.out(caller)
        if path == DONE:
            return await self._entrances.done(caller, query, lambda target: _client(protected(target)))
        target = query.removeprefix("to=")
        protection = protected(target) if query.startswith("to=") else None
        return None if protection is None else self._begin(caller, target, protection)

    def is_question(self, path: str, *, at_issuer: bool) -> bool:
        """Whether this is where other proxies ask: on a portal's host, or on the issuer's."""
        return path == (CHECK_AT_ISSUER if at_issuer else CHECK)

    async def check(self, request: BaseRequest, find: Find, *, at_issuer: bool) -> Checked:
        """Answer a proxy that holds a request back (nginx `auth_request`, Traefik `forwardAuth`)."""
        client = ""
        verdict: forward_auth.Verdict = Deny("contradiction")
        original: Original | None = None
        host = _named(request)
        hop = hops.hop_of(request)
        if not self._paths.may_ask(address_of(hop.peer)):
            verdict = Deny("peer")
        else:
            try:
                fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
                original = forward_auth.original_of(fields, host)
                client, verdict = await self._verdict(request, original, find, host="" if at_issuer else host)
            except Contradiction:
                pass
            except StoreUnavailable:
                self._metrics.forward_auth(client, "down")
                return Checked(503, (("Retry-After", str(RETRY_SECONDS)),))
        self._metrics.forward_auth(client, type(verdict).__name__.lower())
        return self._checked(verdict, original)

    # What stands behind these

    async def _judged(
        self, request: BaseRequest, decision: Decision, protection: Protection, request_id: str
    ) -> tuple[str, Fields | GoTo | TurnedAway]:
        """What is told about the sender, or where they go first; with the word under which it is counted."""
        client = self._clients().get(protection.client)
        shadow = protection.mode == "shadow"
        try:
            session = await self._session(request, decision.portal.id, protection)
        except StoreUnavailable:
            return ("shadow-down", []) if shadow else ("down", DOWN)
        if client is None:
            return ("shadow-down", []) if shadow else ("down", DOWN)
        if shadow:
            return ("shadow-with", self._told(client, session)) if session else ("shadow-without", [])
        judged = judge(protection, client, session, now=self._sessions.clock())
        path, _, query = request.raw_path.partition("?")
        upstream = flagged(query, self._paths.protections.flags) if protection.deep_links else None
        if isinstance(judged, SignInFirst):
            return self._first(request, decision, protection, upstream or "", request_id)
        if upstream and request.method in _READS:
            rest = without_flags(query, self._paths.protections.flags)
            host = self._sessions.host_of(_named(request))
            return "opened", GoTo(self._sessions.origin_of(host) + path + (f"?{rest}" if rest else ""))
        return "admitted", self._told(client, judged.session)

    def _first(
        self, request: BaseRequest, decision: Decision, protection: Protection, upstream: str, request_id: str
    ) -> tuple[str, GoTo | TurnedAway]:
        """Who is not signed in well enough, by who asks: pages go and sign in, programs and forms are told."""
        target = request.raw_path
        if decision.client is ClientClass.PREFETCH:
            return "ahead", TurnedAway(503, "sign-in-needed")
        if request.method not in _READS:
            return "form", TurnedAway(401, "sign-in-not-sent", again=again(target.partition("?")[0]))
        if decision.client not in _PAGES:
            return "program", TurnedAway(401, "sign-in-needed", again=again(target))
        try:
            caller = self._caller(request, decision.portal.id, request_id)
        except BadHost:
            return "down", DOWN
        if self._sessions.secure and not self._is_secure(request):
            # A cookie that is for TLS alone cannot be set from here.  `begin` does not ask again: no loop.
            return "to-tls", GoTo(self._sessions.origin_of(caller.host) + again(target))
        return "begun", self._begin(caller, target, protection, upstream)

    def _begin(self, caller: Caller, target: str, protection: Protection, upstream: str = "") -> GoTo | TurnedAway:
        client = self._clients().get(protection.client)
        if client is None:
            return DOWN
        upstream = upstream or (flagged(target.partition("?")[2], self._paths.protections.flags) or "")
        # The session may be made before the flag is taken off: then the visitor comes back to the link itself.
        level = max(protection.level, client.level)
        return self._entrances.begin(caller, target, client=client.id, level=level, upstream=upstream)

    async def _verdict(
        self, request: BaseRequest, original: Original, find: Find, *, host: str
    ) -> tuple[str, forward_auth.Verdict]:
        """`host`: the portal's own, where the question came to one; "": it is named in a field."""
        try:
            named = self._sessions.host_of(original.host)
            if host and self._sessions.host_of(host) != named:
                return "", Deny("host")
        except BadHost:
            return "", Deny("host")
        found = find(original.host, original.target)
        if found is None:
            return "", Deny("host")
        portal, key = found
        protection = self._paths.protections.of(portal.id, key.folded)
        if protection is None or key.devious:
            return "", Deny("devious" if key.devious else "unprotected")
        client = self._clients().get(protection.client)
        session = await self._sessions.of(request.raw_headers, portal=portal.id, host=named, client=protection.client)
        verdict = forward_auth.decide(protection, client, session, devious=False, now=self._sessions.clock())
        return protection.client, verdict

    def _checked(self, verdict: forward_auth.Verdict, original: Original | None) -> Checked:
        match verdict:
            case Allow(client, session):
                told = self._told(client, session, always=True)
                return Checked(200, tuple((name.decode(), value.decode()) for name, value in told))
            case SignIn() if original is not None:
                origin = self._sessions.origin_of(self._sessions.host_of(original.host))
                begin = again(original.target)
                if original.redirects and original.method in _READS:
                    return Checked(303, location=origin + begin)
                return Checked(401, (("Portal-Sign-In", begin), ("WWW-Authenticate", CHALLENGE)))
            case _:
                return Checked(403)

    async def _session(self, request: BaseRequest, portal: str, protection: Protection) -> Session | None:
        try:
            host = self._sessions.host_of(_named(request))
        except BadHost:
            return None
        return await self._sessions.of(request.raw_headers, portal=portal, host=host, client=protection.client)

    def _told(self, client: Client, session: Session | None, *, always: bool = False) -> Fields:
        """The field that says who asks, for systems that are told by it; `always`: by forward-auth they are too."""
        if session is None or not (always or "header" in client.formats):
            return []
        signer, now = self._signer(), self._sessions.clock()
        key = signer.key("ES256")
        if self._assertions is None or self._assertions.kid != key.kid:
            if not isinstance(key.private_key, EllipticCurvePrivateKey):
                raise TypeError("a key for ES256 that lies on no curve")
            self._assertions = AssertionSigner(key.private_key, key.kid, issuer=self._sessions.issuer)
        told = claims.told(session.identity, client, SCOPES, salts=signer.salts, now=now)
        part = session.participations.get(client.id)
        sid = part.sid if part is not None else ""
        assertion = self._assertions.assertion(told, audience=client.id, sid=sid, now=now, jti=self._sessions.secrets())
        return [identity_fields.assertion_field(assertion)]

    def _caller(self, request: BaseRequest, portal: str, request_id: str) -> Caller:
        """Raises BadHost."""
        host = self._sessions.host_of(_named(request))
        return Caller(portal, host, list(request.raw_headers), hops.address_of(request, self._trust), request_id)

    def _is_secure(self, request: BaseRequest) -> bool:
        return believed(hops.hop_of(request), request.raw_headers, self._trust).proto == "https"


def _may_reopen(decision: Decision) -> bool:
    """Whether a closed page belongs to a system that lives on, and nobody has thrown a switch."""
    rule = decision.rule
    thrown = rule is not None and (rule.action is Action.REFUSE or rule.id.startswith("switch/"))
    lives = decision.portal.life is Life.LIVING and decision.phase is not Phase.RETIRED
    return lives and not thrown and not decision.key.devious and isinstance(decision.answer, _REOPENED)


def _key(portal: Portal, target: str) -> Key | None:
    try:
        key = canonical_key("", target, fold_case=portal.fold_case)
    except BadTarget:
        return None
    return None if key.devious else key


def _named(request: BaseRequest) -> str:
    named = hosts_named(request)
    return named[0] if len(named) == 1 else ""


def _client(protection: Protection | None) -> str | None:
    return None if protection is None else protection.client
