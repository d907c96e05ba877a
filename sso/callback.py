"""What becomes of the session when somebody has come back from an upstream.  Pure.

`sso.upstreams` has judged the answer; here stands that a session's id never survives a sign-in, and that nothing of one
person's session goes over to another's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sso.model import Digest, Session, digest
from sso.upstreams.attempts import Identified


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that begins, or goes on under a new id at a higher level."""

    session: Session
    cookie: str = field(repr=False)  # the new value of the session's cookie
    replaces: Digest | None = None  # the id that ends in the same step
    displaced: Session | None = None  # another person's, whose clients must hear of its end


def open_session(
    identified: Identified, *, previous: Session | None, absolute_seconds: int, now: int, secrets: Callable[[], str]
) -> Opened:
    """The session that follows.  Its id is always new (session fixation); what the same person had stays theirs.

    previous          the session that the browser had, whoever's it was
    absolute_seconds  until it ends whatever happens; not prolonged by signing in once more
    """
    identity, cookie = identified.identity, secrets()
    replaces = previous.id if previous is not None else None
    fresh = Session(
        id=digest(cookie),
        handle=secrets(),
        identity=identity,
        created_at=now,
        seen_at=now,
        absolute_end=now + absolute_seconds,
        upstream_sid=identified.sid,
        upstream_id_token=identified.id_token,
    )
    if previous is None or not _same_person(previous, fresh):
        return Opened(fresh, cookie, replaces, displaced=previous)
    went_on = replace(
        previous,
        id=fresh.id,
        identity=identity,
        seen_at=now,
        upstream_sid=fresh.upstream_sid,
        upstream_id_token=fresh.upstream_id_token,
    )
    return Opened(went_on, cookie, replaces)


def _same_person(one: Session, other: Session) -> bool:
    return (one.identity.upstream, one.identity.subject) == (other.identity.upstream, other.identity.subject)
