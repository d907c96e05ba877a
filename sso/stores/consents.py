"""Consents that last, in the store."""

from collections.abc import Mapping

from sso.claims import person_digest
from sso.model import Consent
from sso.stores import consent_scripts, encoding
from sso.stores.steps import Steps


class Consents(Steps):
    """The store's promises about consents (sso.store)."""

    async def consents(self, upstream: str, subject: str) -> Mapping[str, Consent]:
        """What a person has agreed to, by client."""
        pairs = await self._run(consent_scripts.READ, self._agreeing(upstream, subject))
        texts = (text.partition("\n")[2] for text in pairs[1::2])
        return {one.client: one for one in self._read_all(encoding.AGREED, texts)}

    async def agree(self, upstream: str, subject: str, consent: Consent) -> None:
        """Keep a consent, until it is old; it takes the place of the one before."""
        person, text = self._agreeing(upstream, subject), encoding.AGREED.text(consent)
        await self._run(consent_scripts.AGREE, person, consent.client, text, consent.until, consent.since)

    async def withdraw(self, upstream: str, subject: str, client: str) -> bool:
        """Forget a consent, and revoke what the client still has of the person; whether there was one."""
        persons = self._agreeing(upstream, subject), client, self._person(upstream, subject)
        return bool(await self._run(consent_scripts.WITHDRAW, *persons))

    def _agreeing(self, upstream: str, subject: str) -> str:
        return person_digest(upstream, subject, self._person_key)
