"""The Store on Valkey 7.2 or newer, or Redis 7 or newer.

Every method is one round trip.  What must be all or nothing is a script.  Everything has a time to live.  The store
must not throw keys away by itself (`maxmemory-policy noeviction`): a used code that is forgotten could be used again.
"""

from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from sso.model import AuthorizationRequest, Binding, Digest, LoginAttempt, Session
from sso.store import StoreUnavailable, Ticket
from sso.stores import encoding, scripts, session_scripts
from sso.stores.addresses import address_of
from sso.stores.consents import Consents
from sso.stores.deliveries import Deliveries
from sso.stores.grants import Grants
from sso.stores.sessions import Sessions
from sso.stores.steps import NAMESPACE, TIMEOUT_SECONDS

_NEEDED: Final = {
    "maxmemory-policy": ("noeviction", "a used code that is thrown away could be used again"),
    "appendonly": ("yes", "a restart would sign everybody out, and forget which codes were used"),
}


def open_store(
    url: str,
    *,
    person_key: bytes = b"",
    timeout_seconds: float = TIMEOUT_SECONDS,
    namespace: str = NAMESPACE,
    on_damage: Callable[[str], None] | None = None,
) -> "ValkeyStore":
    """The store at an address (sso.stores.addresses); nothing is sent yet.  Raises BadAddress.

    person_key  what references of persons are made with, the same for all who share the store
    on_damage   called with the kind of each value that could not be read
    """
    return ValkeyStore(
        address_of(url),
        person_key=person_key,
        timeout_seconds=timeout_seconds,
        namespace=namespace,
        on_damage=on_damage,
    )


class ValkeyStore(Sessions, Grants, Consents, Deliveries):
    """Where sign-in keeps its state."""

    # Requests pushed and attempts under way

    async def push(self, reference: Digest, request: AuthorizationRequest, *, seconds: int) -> None:
        """Keep a pushed request under the digest of its request_uri."""
        await self._set(f"par:{reference}", encoding.REQUEST.text(request), seconds)

    async def pushed(self, reference: Digest) -> AuthorizationRequest | None:
        """Take it: the second time there is none."""
        return self._read(encoding.REQUEST, await self._take(f"par:{reference}"))

    async def begin(self, attempt: LoginAttempt, *, seconds: int) -> None:
        """Remember a visitor sent to an upstream."""
        await self._set(f"try:{attempt.state}", encoding.ATTEMPT.text(attempt), seconds)

    async def attempt(self, state: Digest) -> LoginAttempt | None:
        """Take the attempt that a state belongs to: the second time there is none."""
        return self._read(encoding.ATTEMPT, await self._take(f"try:{state}"))

    # Once-only values, tickets, limits

    async def first_use(self, kind: str, value: Digest, *, seconds: int) -> bool:
        """Whether this jti, nonce or assertion is seen for the first time within its life."""
        return bool(await self._command("SET", self._prefix + f"once:{kind}:{value}", "1", "NX", "EX", max(1, seconds)))

    async def put_ticket(self, ticket: Digest, meaning: Ticket, *, seconds: int) -> None:
        """Keep a login ticket for one use."""
        await self._set(f"ticket:{ticket}", encoding.TICKET.text(meaning), seconds)

    async def take_ticket(self, ticket: Digest, client: str, browser: Digest) -> Ticket | None:
        """Use it up, whoever asks; the meaning only to its client and browser."""
        found = self._read(encoding.TICKET, await self._take(f"ticket:{ticket}"))
        if found is None or found.client != client or not compare_digest(found.browser.encode(), browser.encode()):
            return None
        return found

    async def bind(self, cookie: Digest, binding: Binding, *, seconds: int) -> None:
        """Keep what a portal host's own cookie stands for."""
        await self._set(f"b:{cookie}", f"{binding.session}\n{encoding.BINDING.text(binding)}", seconds)

    async def bound(self, cookie: Digest, *, now: int, idle_seconds: int) -> tuple[Binding, Session] | None:
        """What such a cookie stands for, with its session; None when either ended.  Renews the session's idle time."""
        found = await self._run(session_scripts.BOUND, cookie, now, idle_seconds)
        binding = self._read(encoding.BINDING, found[0]) if found else None
        session = self._read_session(found[1]) if found else None
        return None if binding is None or session is None else (binding, session)

    async def unbind(self, cookie: Digest) -> None:
        """Forget such a cookie."""
        await self._command("DEL", self._prefix + f"b:{cookie}")

    async def count(self, kind: str, key: Digest, *, window_seconds: int) -> int:
        """Count one event and how many there were within the window that the first of them began."""
        return int(await self._run(scripts.COUNT, f"count:{kind}:{key}", window_seconds))

    # Whole

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers."""
        await self._plain("PING")

    async def advice(self) -> tuple[str, ...]:
        """What is set otherwise than sign-in relies on, in words for operators; nothing where we may not look."""
        try:
            found = {name: await self._setting(name) for name in _NEEDED}
        except StoreUnavailable:
            return ()  # managed servers keep their settings to themselves
        return tuple(f"set {name} to {need}: {why}" for name, (need, why) in _NEEDED.items() if found[name] != need)

    async def _setting(self, name: str) -> str | None:
        pairs = await self._plain("CONFIG", "GET", name)
        return dict(zip(pairs[::2], pairs[1::2], strict=True)).get(name)
