"""`dvc-edge sessions`."""

import argparse
import json
import sys
from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Any

from proxy.commands.sign_in import Desk, at_desk, now, shown
from proxy.commands.workspaces import add_config, add_state
from proxy.login.opening import state_folder
from proxy.sign_in_log import FOLDER, SignInLog
from redirect_rules.sources import Problem, Problems
from sso import logout
from sso.claims import person_reference
from sso.events import AuditEvent
from sso.model import Session
from sso.store import SignInRecord

NAME = "sessions"
HELP = "where a person is signed in, and ending that"
DESCRIPTION = """\
A person is named by a reference, which this command shows and which leads back to nobody; or by the account at their
sign-in service, which is read from standard input so that it stays out of the shell's history."""
EPILOG = """\
  dvc-edge sessions list --session HANDLE            whose session is that of an audit event, and what else have they?
  dvc-edge sessions list --person 3f9a0c51d2e47b86
  echo ACCOUNT | dvc-edge sessions list --upstream vneid
  dvc-edge sessions end --person 3f9a0c51d2e47b86    signed out everywhere; every client is told
  dvc-edge sessions end --session HANDLE
Exit status 0: done; 1: there is no such session."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list sessions", description="List sessions and recent sign-ins.")
    listing.set_defaults(verb=_list)
    end = verbs.add_parser("end", help="end sessions", description="End sessions, and tell every client of them.")
    end.set_defaults(verb=_end)
    for verb in (listing, end):
        who = verb.add_mutually_exclusive_group(required=True)
        who.add_argument("--person", metavar="REFERENCE", help="all of this person's")
        who.add_argument("--session", metavar="HANDLE", help="this one")
        who.add_argument("--upstream", metavar="ID", help="of the account there whose id stands on standard input")
        verb.add_argument("--json", action="store_true", help="JSON")
        add_config(verb)
        add_state(verb)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return int(options.verb(options))


def _list(options: argparse.Namespace) -> int:
    async def look(desk: Desk) -> tuple[str, Sequence[Session], Sequence[SignInRecord]]:
        reference = await _reference(options, desk)
        if not reference:
            return "", (), ()
        return reference, await desk.store.sessions_by_reference(reference), await desk.store.history(reference)

    reference, sessions, history = at_desk(options, look)
    if options.json:
        print(json.dumps({"person": reference, "sessions": [_row(s) for s in sessions], "history": _rows(history)}))
    else:
        print(f"person {reference}" if reference else "no such session")
        for session in sessions:
            print(_line(session))
        for record in history:
            print(f"  {shown(record.at)}  {record.event:9} {record.client or record.upstream}")
    return 0 if sessions or history else 1


def _end(options: argparse.Namespace) -> int:
    async def finish(desk: Desk) -> list[Session]:
        if options.session:
            one = await desk.store.session_by_handle(options.session)
            sessions = [one] if one is not None else []
        else:
            sessions = [*await desk.store.sessions_by_reference(await _reference(options, desk))]
        for session in sessions:
            await _end_one(desk, session)
        return sessions

    ended = at_desk(options, finish)
    if options.json:
        print(json.dumps([_row(session) for session in ended]))
    else:
        for session in ended:
            print(f"ended  {_line(session).strip()}")
        print(f"{len(ended)} ended" if ended else "there is none to end")
    return 0 if ended else 1


async def _end_one(desk: Desk, session: Session) -> None:
    salts = desk.signer.salts
    await desk.store.enqueue(
        logout.deliveries_for(session, desk.clients, salts=salts, now=now(), secrets=token_urlsafe)
    )
    last = await desk.store.end(session.id)
    if last is not None:
        joined = logout.deliveries_for(
            last, desk.clients, salts=salts, now=now(), secrets=token_urlsafe, besides=session.participations
        )
        await desk.store.enqueue(joined)
    log = SignInLog(state_folder(desk.settings) / FOLDER, keep_days=desk.settings.sso.audit_days)
    log.write(AuditEvent(at=now(), event="session.ended-by-operator", outcome="ok", session=session.handle))
    log.close()


async def _reference(options: argparse.Namespace, desk: Desk) -> str:
    """Who is meant; "": nobody."""
    if options.person:
        return str(options.person)
    if options.upstream:
        subject = sys.stdin.readline().strip()
        if not subject:
            raise Problems([Problem("sessions", 0, "write the account's id to standard input")])
        return person_reference(options.upstream, subject, desk.signer.person_key)
    session = await desk.store.session_by_handle(options.session)
    if session is None:
        return ""
    return person_reference(session.identity.upstream, session.identity.subject, desk.signer.person_key)


def _row(session: Session) -> dict[str, Any]:
    """A session without anything that tells who the person is."""
    return {
        "session": session.handle,
        "upstream": session.identity.upstream,
        "level": int(session.identity.level),
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "ends_at": session.absolute_end,
        "clients": list(session.participations),
    }


def _rows(history: Sequence[SignInRecord]) -> list[dict[str, Any]]:
    return [
        {"at": one.at, "event": one.event, "session": one.session, "upstream": one.upstream, "client": one.client}
        for one in history
    ]


def _line(session: Session) -> str:
    clients = ", ".join(session.participations) or "none yet"
    return (
        f"  session {session.handle}  by {session.identity.upstream}, level {session.identity.level},"
        f" since {shown(session.created_at)}, seen {shown(session.seen_at)}; clients: {clients}"
    )
