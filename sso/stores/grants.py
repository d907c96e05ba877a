"""Codes and tokens in the store: each is good once, and everything of one code dies together."""

from dataclasses import replace

from sso.model import AccessToken, Digest, Grant, TokenTerms
from sso.store import Redeemed, Replayed, Rotated, Shown, Unfit, Unknown
from sso.stores import encoding, grant_scripts
from sso.stores.steps import Steps


class Grants(Steps):
    """The store's promises about codes and tokens (sso.store)."""

    async def issue(self, code: Digest, grant: Grant, *, seconds: int) -> None:
        """Keep a code for one use; nothing is kept where the grant's session has been ended meanwhile."""
        digest, handle, text, client, life = issuing(code, grant, seconds)
        await self._run(grant_scripts.ISSUE, digest, handle, text, client, grant.session, life)

    async def redeem(
        self,
        code: Digest,
        client: str,
        *,
        shown: Shown,
        access: Digest,
        terms: TokenTerms,
        refresh: Digest | None = None,
        refresh_seconds: int = 0,
    ) -> Redeemed | Unfit | Replayed | Unknown:
        """Use a code up, hold it to what is shown, and keep what is issued for it, in one step."""
        answer = await self._run(
            grant_scripts.REDEEM,
            code,
            client,
            shown.redirect_uri,
            shown.code_challenge,
            shown.jkt or "",
            shown.bound_jkt or "",
            *_kept(access, terms),
            refresh or "",
            refresh_seconds,
        )
        match answer:
            case ["redeemed", value]:
                grant = self._grant(value, shown.bound_jkt or "")
                return Unknown() if grant is None else Redeemed(grant)
            case ["unfit", value]:
                grant = self._grant(value)
                return Unknown() if grant is None else Unfit(grant)
            case ["replayed", grant_id, owner]:
                return Replayed(grant_id, owner)
        return Unknown()

    async def rotate(
        self,
        refresh: Digest,
        client: str,
        *,
        successor: Digest,
        access: Digest,
        now: int,
        seconds: int,
        grace: int,
        terms: TokenTerms | None = None,
    ) -> Rotated | Replayed | Unknown:
        """Exchange a refresh token for its successor, and keep the access token if terms are given."""
        kept = ("", "", 0) if terms is None else _kept(access, terms)
        answer = await self._run(grant_scripts.ROTATE, refresh, client, successor, *kept, now, seconds, grace)
        match answer:
            case ["rotated", repeated, *value]:
                grant = self._grant(*value)
                return Unknown() if grant is None else Rotated(grant, repeated=repeated == "1")
            case ["replayed", grant_id, owner]:
                return Replayed(grant_id, owner)
        return Unknown()

    async def access_token(self, access: Digest) -> AccessToken | None:
        """What a token means; None: never issued, expired or revoked."""
        found = await self._run(grant_scripts.ACCESS, access)
        if found is None:
            return None
        terms, grant = self._read(encoding.TERMS, found[0]), self._grant(*found[1:])
        return None if terms is None or grant is None else _meaning(grant, terms)

    async def refresh_grant(self, refresh: Digest, *, now: int = 0, grace: int = 0) -> Grant | None:
        """The grant of a refresh token in force; within the grace also of the one before."""
        found = await self._run(grant_scripts.REFRESH_GRANT, refresh, now, grace)
        return None if found is None else self._grant(*found)

    async def revoke_token(self, token: Digest, client: str) -> None:
        """Revoke an access or refresh token of this client; a refresh token takes its grant along."""
        await self._run(grant_scripts.REVOKE_TOKEN, token, client)

    async def revoke_grant(self, grant: str) -> None:
        """Revoke everything issued from one code."""
        await self._run(grant_scripts.REVOKE_GRANT, grant)

    def _grant(self, text: str, jkt: str | None = None) -> Grant | None:
        """A grant; `jkt`: what it is bound to since its exchange, "" to nothing, None as it was."""
        grant = self._read(encoding.GRANT, text)
        if grant is None or jkt is None or jkt == (grant.jkt or ""):
            return grant
        return replace(grant, jkt=jkt or None)


def issuing(code: Digest, grant: Grant, seconds: int) -> tuple[Digest, str, str, str, int]:
    """A code as the steps that issue it take it."""
    return code, grant.id, encoding.GRANT.text(grant), grant.client, seconds


def _kept(access: Digest, terms: TokenTerms) -> tuple[Digest, str, int]:
    return access, encoding.TERMS.text(terms), max(1, terms.expires_at - terms.issued_at)


def _meaning(grant: Grant, terms: TokenTerms) -> AccessToken:
    return AccessToken(
        grant=grant.id,
        client=grant.client,
        scopes=grant.scopes if terms.scopes is None else terms.scopes,
        claims=grant.claims,
        identity=grant.identity,
        issued_at=terms.issued_at,
        expires_at=terms.expires_at,
        jkt=terms.jkt,
    )
