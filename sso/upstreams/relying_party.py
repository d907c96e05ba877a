"""One upstream, spoken to: its metadata and keys kept fresh, a code made into an identity.

What is known last and was good is kept while newer cannot be had; people who need the same thing at the same moment
wait for one request.  Every judgement is made by `discovery`, `key_sets`, `id_tokens` and `claim_mapping`; here they
only get what they judge.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from sso import json_objects
from sso.model import AuthorizationRequest, Identity, LoginAttempt
from sso.upstreams import asking, claim_mapping, discovery, id_tokens, key_sets
from sso.upstreams.attempts import Identified
from sso.upstreams.breaker import Breaker
from sso.upstreams.discovery import Metadata
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.upstreams.fetch import Fetch, FetchFailed, Got
from sso.upstreams.freshness import RETRY_SECONDS, Kept, NotHad
from sso.upstreams.id_tokens import Expected, KeyMissing
from sso.upstreams.key_sets import KeySet
from sso.upstreams.model import Upstream

_BROKEN: Final = frozenset({429, *range(500, 600)})


class RelyingParty:
    """Our side of one upstream."""

    def __init__(self, upstream: Upstream, fetch: Fetch) -> None:
        self.upstream = upstream
        self._fetch = fetch
        self._breaker = Breaker()
        self._metadata: Kept[Metadata] = Kept()
        self._keys: Kept[KeySet] = Kept()

    async def metadata(self, now: int) -> Metadata:
        """Where its endpoints are.  Raises UpstreamUnavailable while nothing good was ever known."""
        if self.upstream.endpoints is not None:
            return self.upstream.endpoints
        try:
            return await self._metadata.get(now, lambda: self._newer_metadata(now))
        except NotHad:
            raise self._unavailable(now) from None

    async def _newer_metadata(self, now: int) -> Metadata:
        upstream = self.upstream
        got = await self._get(discovery.uri_of(upstream.issuer), now)
        try:
            read = discovery.read(
                got.body, issuer=upstream.issuer, hosts=upstream.hosts, development=upstream.development
            )
        except discovery.BadMetadata:
            raise NotHad from None
        return replace(read, names_issuer=read.names_issuer or upstream.names_issuer)

    async def keys(self, now: int, *, other_than: KeySet | None = None) -> KeySet:
        """Its keys; newer ones, if there are, than those that lack the one that is needed.

        Raises UpstreamUnavailable while no good set was ever known.
        """
        metadata = await self.metadata(now)
        try:
            return await self._keys.get(now, lambda: self._newer_keys(metadata, now), other_than=other_than)
        except NotHad:
            raise self._unavailable(now) from None

    async def _newer_keys(self, metadata: Metadata, now: int) -> KeySet:
        if metadata.jwks_uri is None:
            raise NotHad
        got = await self._get(metadata.jwks_uri, now)
        try:
            return key_sets.read(got.body)
        except key_sets.BadKeySet:
            raise NotHad from None

    async def destination(self, wish: asking.Wish, now: int) -> str:
        """The address that a person is sent to.  Raises UpstreamUnavailable, at once while the upstream fails."""
        if self._breaker.pause_left(now):
            raise self._unavailable(now)
        return asking.authorization_uri(self.upstream, await self.metadata(now), wish)

    async def identify(self, attempt: LoginAttempt, code: str, *, redirect_uri: str, now: int, jti: str) -> Identified:
        """Exchange a code, and say who it is.  Raises UpstreamRefused and UpstreamUnavailable."""
        upstream = self.upstream
        if self._breaker.pause_left(now):
            raise self._unavailable(now)
        metadata = await self.metadata(now)
        tokens = await self._tokens(metadata, attempt, code, redirect_uri, now, jti)
        access_token, id_token = tokens.get("access_token"), tokens.get("id_token")
        if not isinstance(access_token, str) or str(tokens.get("token_type")).lower() != "bearer":
            raise UpstreamRefused(upstream.id, Fault.TOKEN_ANSWER)
        expected = self._expected(attempt, access_token, now)
        proven: Mapping[str, Any] = {}
        shown: str | None = None  # what its end-session endpoint will take
        if upstream.id_token == "required":  # noqa: S105 - a word of the configuration
            if not isinstance(id_token, str):
                raise UpstreamRefused(upstream.id, Fault.TOKEN_ANSWER)
            proven = await self._judged(id_token, expected)
            shown = id_token if metadata.end_session_endpoint is not None else None
        told = {**await self._userinfo(metadata, access_token, proven, expected), **proven}
        id_tokens.check_authentication_age(told, expected)
        return self._identified(attempt, told, shown, now)

    def _expected(self, attempt: LoginAttempt, access_token: str, now: int) -> Expected:
        upstream = self.upstream
        return Expected(
            upstream=upstream.id,
            issuer=upstream.issuer,
            audience=upstream.client_id,
            algorithms=upstream.algorithms,
            now=now,
            nonce=attempt.nonce,
            access_token=access_token,
            max_age=attempt.purpose.max_age if isinstance(attempt.purpose, AuthorizationRequest) else None,
        )

    async def _tokens(
        self, metadata: Metadata, attempt: LoginAttempt, code: str, redirect_uri: str, now: int, jti: str
    ) -> Mapping[str, object]:
        form, headers = asking.token_request(
            self.upstream,
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=attempt.code_verifier,
            now=now,
            jti=jti,
        )
        try:
            got = await self._fetch.post(metadata.token_endpoint, form=form, headers=headers)
        except FetchFailed:
            self._breaker.failed(now)
            raise self._unavailable(now) from None
        self._note(got, now)
        return self._object(got, Fault.TOKEN_ANSWER)

    async def _judged(self, id_token: str, expected: Expected) -> Mapping[str, Any]:
        keys = await self.keys(expected.now)
        try:
            return id_tokens.judged(id_token, keys, expected)
        except KeyMissing:
            pass  # a new key, perhaps: look once
        try:
            return id_tokens.judged(id_token, await self.keys(expected.now, other_than=keys), expected)
        except KeyMissing:
            raise UpstreamRefused(self.upstream.id, Fault.KEY_UNKNOWN) from None

    async def signed_claims(self, token: str, types: Collection[str], now: int) -> Mapping[str, Any]:
        """What the upstream says in a token of another sort (its logout tokens): signature, typ, iss and aud are
        checked, the rest is the caller's.  Raises UpstreamRefused and UpstreamUnavailable.
        """
        upstream = self.upstream
        keys = await self.keys(now)
        for _ in range(2):
            try:
                claims = id_tokens.signed_claims(
                    token, keys, upstream=upstream.id, algorithms=upstream.algorithms, types=types
                )
            except KeyMissing:
                keys = await self.keys(now, other_than=keys)
                continue
            expected = Expected(upstream.id, upstream.issuer, upstream.client_id, upstream.algorithms, now)
            id_tokens.check_issuer_and_audience(claims, expected)
            return claims
        raise UpstreamRefused(upstream.id, Fault.KEY_UNKNOWN)

    async def _userinfo(
        self, metadata: Metadata, access_token: str, proven: Mapping[str, Any], expected: Expected
    ) -> Mapping[str, object]:
        upstream = self.upstream
        if upstream.userinfo == "none" or metadata.userinfo_endpoint is None:
            return {}
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json, application/jwt"}
        try:
            if upstream.userinfo == "post":
                got = await self._fetch.post(metadata.userinfo_endpoint, form=(), headers=headers)
            else:
                got = await self._fetch.get(metadata.userinfo_endpoint, headers=headers)
        except FetchFailed:
            self._breaker.failed(expected.now)
            raise self._unavailable(expected.now) from None
        self._note(got, expected.now)
        told = await self._userinfo_claims(got, expected)
        if proven and told.get("sub") != proven["sub"]:  # OpenID Connect Core §5.3.2
            raise UpstreamRefused(upstream.id, Fault.USERINFO)
        return told

    async def _userinfo_claims(self, got: Got, expected: Expected) -> Mapping[str, object]:
        if got.status == 200 and got.content_type == "application/jwt":
            # Signed: then `iss` and `aud` are in it (OpenID Connect Core §5.3.2).
            return await self.signed_claims(got.body.decode("ascii", "replace"), ("", "jwt"), expected.now)
        if self.upstream.userinfo_signed:
            raise UpstreamRefused(self.upstream.id, Fault.USERINFO)
        return self._object(got, Fault.USERINFO)

    def _identified(
        self, attempt: LoginAttempt, told: Mapping[str, object], id_token: str | None, now: int
    ) -> Identified:
        upstream, mapping = self.upstream, self.upstream.mapping
        level = claim_mapping.level_of(told, mapping, upstream.id)
        if level < attempt.level:
            raise UpstreamRefused(upstream.id, Fault.LEVEL)
        auth_time, amr, sid = told.get("auth_time"), told.get("amr"), told.get("sid")
        identity = Identity(
            upstream=upstream.id,
            subject=claim_mapping.subject_of(told, mapping, upstream.id),
            account=claim_mapping.account_of(told, mapping, upstream.id),
            level=level,
            claims=claim_mapping.mapped(told, mapping),
            auth_time=auth_time if isinstance(auth_time, int) else now,
            amr=tuple(each for each in amr if isinstance(each, str)) if isinstance(amr, list) else (),
        )
        return Identified(identity, sid if isinstance(sid, str) and 0 < len(sid) <= 255 else None, id_token)

    async def end_session_uri(self, *, id_token: str | None, back_to: str, state: str, now: int) -> str | None:
        """Where the person ends the upstream's own session; None: nowhere, or it is not available."""
        try:
            metadata = await self.metadata(now)
        except UpstreamUnavailable:
            return None
        return asking.end_session_uri(
            metadata, client_id=self.upstream.client_id, id_token=id_token, back_to=back_to, state=state
        )

    async def _get(self, uri: str, now: int) -> Got:
        """An answer of 200.  Raises NotHad."""
        try:
            got = await self._fetch.get(uri)
        except FetchFailed:
            self._breaker.failed(now)
            raise NotHad from None
        if got.status != 200:
            self._note(got, now)
            raise NotHad
        return got

    def _object(self, got: Got, fault: Fault) -> Mapping[str, object]:
        if got.status in _BROKEN:
            raise UpstreamUnavailable(self.upstream.id, RETRY_SECONDS)
        try:
            if got.status == 200:
                return json_objects.read(got.body)
        except json_objects.NotAnObject:
            pass
        raise UpstreamRefused(self.upstream.id, fault)

    def _note(self, got: Got, now: int) -> None:
        if got.status in _BROKEN:
            self._breaker.failed(now)
        else:
            self._breaker.succeeded()

    def _unavailable(self, now: int) -> UpstreamUnavailable:
        return UpstreamUnavailable(self.upstream.id, max(self._breaker.pause_left(now), RETRY_SECONDS))
