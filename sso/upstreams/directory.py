"""All upstreams of the edge: which are offered to a client, how a visitor leaves for one and comes back."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sso.effects import Cookie, Redirect
from sso.model import AuthorizationRequest, Client, Destination, Digest, LoginAttempt
from sso.parameters import Parameters
from sso.upstreams import attempts
from sso.upstreams.asking import Wish
from sso.upstreams.attempts import Arrival, Identified
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.upstreams.fetch import Fetch
from sso.upstreams.model import Upstream
from sso.upstreams.relying_party import RelyingParty
from sso.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Offered:
    """An upstream that a client's visitors may choose."""

    id: str
    names: Mapping[str, str]  # by language
    level: Level  # the most that it can say


class Upstreams:
    """Every upstream of one process."""

    def __init__(self, upstreams: Mapping[str, Upstream], fetch: Fetch, *, issuer: str) -> None:
        """`issuer` is our own: each upstream has a callback address of its own below it, so that an answer that comes
        to another's is recognised (mix-up, RFC 9700 §4.4.2.2).
        """
        self._parties = {name: RelyingParty(upstream, fetch) for name, upstream in upstreams.items()}
        self._issuer = issuer.rstrip("/")

    def offered(self, client: Client, level: Level = Level.ONE) -> tuple[Offered, ...]:
        """Those that this client accepts and that can reach a level, in the order of the configuration."""
        return tuple(
            Offered(upstream.id, upstream.names, upstream.level)
            for upstream in (party.upstream for party in self._parties.values())
            if (not client.upstreams or upstream.id in client.upstreams) and upstream.level >= level
        )

    def callback_uri(self, upstream: str) -> str:
        """Where an upstream sends people back to: to be registered there."""
        return f"{self._issuer}/callback/{upstream}"

    async def begin(  # noqa: PLR0913 - what a request may ask of a sign-in, by name
        self,
        upstream: str,
        purpose: AuthorizationRequest | Destination,
        *,
        level: Level,
        browser: str | None,
        now: int,
        secrets: Callable[[], str],
        max_age: int | None = None,
        force: bool = False,
        login_hint: str | None = None,
        ui_locales: tuple[str, ...] = (),
        session: Digest | None = None,
    ) -> tuple[LoginAttempt, Redirect]:
        """Send a visitor to an upstream.  Keep the attempt, for attempts.ATTEMPT_SECONDS, before they go.

        Raises UpstreamUnavailable; UpstreamRefused for an upstream that there is none of.
        browser  the value of the visitor's `browser` cookie, if there is one
        session  the one that is stepped up
        """
        party = self._party(upstream)
        left = attempts.depart(
            purpose, party.upstream, level=level, browser=browser, session=session, now=now, secrets=secrets
        )
        wish = Wish(
            redirect_uri=self.callback_uri(upstream),
            state=left.state,
            level=level,
            nonce=left.attempt.nonce,
            code_verifier=left.attempt.code_verifier,
            max_age=max_age,
            force=force,
            login_hint=login_hint,
            ui_locales=ui_locales,
        )
        cookie = Cookie("browser", left.browser, attempts.ATTEMPT_SECONDS)
        return left.attempt, Redirect(await party.destination(wish, now), (cookie,))

    async def finish(
        self,
        attempt: LoginAttempt | None,
        parameters: Parameters,
        *,
        arrived_at: str,
        browser: str | None,
        now: int,
        secrets: Callable[[], str],
    ) -> Identified:
        """Who has come back.  Raises UpstreamRefused and UpstreamUnavailable.

        attempt     what was kept for the `state` that came, taken (so that it works once)
        arrived_at  the upstream whose callback address it is
        browser     the value of the `browser` cookie; None: not there, or there twice
        """
        party = self._party(arrived_at)
        at_home = Arrival(arrived_at, browser, party.upstream.issuer)
        known = attempts.recognised(attempt, at_home, parameters, now=now)
        metadata = await party.metadata(now)
        arrival = Arrival(arrived_at, browser, metadata.issuer, metadata.names_issuer)
        code = attempts.judge(known, arrival, parameters, now=now)
        return await party.identify(known, code, redirect_uri=self.callback_uri(arrived_at), now=now, jti=secrets())

    async def signed_claims(self, upstream: str, token: str, types: Collection[str], now: int) -> Mapping[str, Any]:
        """See RelyingParty.signed_claims."""
        return await self._party(upstream).signed_claims(token, types, now)

    async def end_session_uri(
        self, upstream: str, *, id_token: str | None, back_to: str, state: str, now: int
    ) -> str | None:
        """Where a person ends the upstream's own session; None: nowhere, or it is not available."""
        party = self._parties.get(upstream)
        if party is None:
            return None
        return await party.end_session_uri(id_token=id_token, back_to=back_to, state=state, now=now)

    async def reachable(self, now: int) -> Mapping[str, bool]:
        """By upstream: whether a sign-in could begin."""
        return {name: await self._is_reachable(party, now) for name, party in self._parties.items()}

    async def _is_reachable(self, party: RelyingParty, now: int) -> bool:
        try:
            await party.metadata(now)
        except UpstreamUnavailable:
            return False
        return True

    def _party(self, upstream: str) -> RelyingParty:
        try:
            return self._parties[upstream]
        except KeyError:
            raise UpstreamRefused("-", Fault.WRONG_UPSTREAM) from None
