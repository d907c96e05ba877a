"""Sessions in the store: who is signed in where, and what became of it."""

import hashlib
from collections.abc import Sequence

from sso.model import Digest, Grant, Participation, Session
from sso.store import SignInRecord
from sso.stores import encoding, session_scripts
from sso.stores.grants import issuing
from sso.stores.steps import Steps


class Sessions(Steps):
    """The store's promises about sessions (sso.store)."""

    async def open(
        self,
        session: Session,
        *,
        idle_seconds: int,
        replaces: Digest | None = None,
        code: tuple[Digest, Grant, int] | None = None,
    ) -> None:
        """Keep a session; the one it replaces ends in the same step, and a code is issued in it."""
        identity = session.identity
        line = SignInRecord(
            at=session.seen_at,
            event="step-up" if replaces else "sign-in",
            session=session.handle,
            upstream=identity.upstream,
            level=int(identity.level),
        )
        fields = [part for pair in encoding.session_fields(session).items() for part in pair]
        await self._run(
            session_scripts.OPEN,
            session.id,
            session.handle,
            replaces or "",
            self._person(identity.upstream, identity.subject),
            _of_upstream(identity.upstream, session.upstream_sid) if session.upstream_sid else "",
            session.seen_at,
            session.absolute_end,
            idle_seconds,
            encoding.RECORD.text(line),
            *(issuing(*code) if code is not None else ("", "", "", "", 0)),
            *fields,
        )

    async def session(self, session: Digest, *, now: int, idle_seconds: int) -> Session | None:
        """The session of a cookie; None when it ended.  Being asked for renews its idle time."""
        return self._read_session(await self._run(session_scripts.SESSION, session, now, idle_seconds))

    async def session_by_handle(self, handle: str) -> Session | None:
        """The same, for those who know it by its handle; renews nothing."""
        return self._read_session(await self._run(session_scripts.BY_HANDLE, handle))

    async def join(self, session: Digest, participation: Participation) -> Participation | None:
        """Add a client to a session: the participation in force; None: it ended."""
        line = SignInRecord(at=participation.since, event="client", session="", client=participation.client)
        found = await self._run(
            session_scripts.JOIN,
            session,
            participation.client,
            encoding.PARTICIPATION.text(participation),
            encoding.RECORD.text(line),
        )
        return self._read(encoding.PARTICIPATION, found)

    async def end(self, session: Digest) -> Session | None:
        """End a session and revoke every grant of it; what it was, for the logout of its clients."""
        return self._read_session(await self._run(session_scripts.END, session))

    async def sessions_of(self, upstream: str, subject: str) -> Sequence[Session]:
        """A person's sessions."""
        return await self.sessions_by_reference(self._person(upstream, subject))

    async def sessions_by_reference(self, reference: str) -> Sequence[Session]:
        """The same, by what stands for a person in audit events and commands."""
        return self._read_sessions(await self._run(session_scripts.BY_PERSON, reference))

    async def history(self, reference: str) -> Sequence[SignInRecord]:
        """What became of a person's sign-ins lately, the newest first."""
        return self._read_all(encoding.RECORD, await self._run(session_scripts.HISTORY, reference))

    async def sessions_by_upstream_sid(self, upstream: str, sid: str) -> Sequence[Session]:
        """Those that an upstream's back-channel logout names."""
        return self._read_sessions(await self._run(session_scripts.BY_UPSTREAM_SID, _of_upstream(upstream, sid)))


def _of_upstream(upstream: str, sid: str) -> str:
    # As a digest, so that keys stay short whatever an upstream sends.
    return hashlib.sha256(f"{upstream}\n{sid}".encode()).hexdigest()
