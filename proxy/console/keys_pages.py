"""The keys that sign-in signs with: how old, who uses them, what comes next; turned and taken away with a reason.

Who did it, and why, is written down before the keys are touched: a change without a trace there cannot be.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from proxy.console import clientele
from proxy.console.calls import Answer, Call, GoTo, Route, Show
from proxy.console.views import Wrong
from proxy.login.opening import keys_folder
from redirect_rules.objects import NEW, Kind, Ref, Revision
from redirect_rules.rights import CENTRE, Deed
from sso import keys
from sso.keys import ALGORITHMS, KEEP_SECONDS, OVERLAP_SECONDS, KeyRing, KeysRefused, SigningKey
from sso.stores.key_folder import KeyFolder, KeysUnreadable, master_key

ROTATE_DAYS: Final = 90
"""After so long a key is better exchanged: once in a quarter."""
_REF: Final = Ref(Kind.SIGN_IN, CENTRE, "keys")


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key."""

    kid: str
    algorithm: str
    state: str  # "current", "next", "retired": its text is `key-state.STATE`
    since: datetime  # in this state
    days: int  # in this state
    then: datetime | None  # when a next key may sign, a current one is better exchanged, a retired one may go
    due: bool  # that instant has come


@dataclass(frozen=True, slots=True)
class Keys:
    """The page."""

    on: bool
    rows: Sequence[KeyRow] = ()
    salts: Sequence[tuple[int, datetime]] = ()
    users: Mapping[str, Sequence[tuple[str, str]]] | None = None  # algorithm → (id, name) of clients
    history: Sequence[Revision] = ()
    algorithms: Sequence[str] = ALGORITHMS
    may: bool = False
    unreadable: bool = False
    reason: str = ""
    wrong: Wrong = ()


def show(call: Call) -> Answer:
    """All keys."""
    return Show("client_keys.html", _view(call))


def _view(call: Call, *, reason: str = "", wrong: Wrong = ()) -> Keys:
    if not call.desk.settings.sso.issuer:
        return Keys(on=False)
    may = call.person.may(Deed.EDIT_CLIENTS, CENTRE)
    try:
        ring = _folder(call).load()
    except KeysUnreadable:
        return Keys(on=True, unreadable=True)
    users: dict[str, list[tuple[str, str]]] = {algorithm: [] for algorithm in ALGORITHMS}
    for entry in clientele.everybody(call.desk):
        if entry.record is not None:
            users[entry.record.get("signing_algorithm", "ES256")].append((entry.id, entry.name))
    with call.desk.store.reading() as workspace:
        history = workspace.history(_REF)[::-1]
    order = {"current": 0, "next": 1, "retired": 2}
    sorted_keys = sorted(ring.keys, key=lambda key: (key.algorithm, order[key.state], key.created_at))
    return Keys(
        on=True,
        rows=[_row(key, call.now) for key in sorted_keys],
        salts=[(salt.version, _at(salt.created_at)) for salt in ring.salts],
        users=users,
        history=history,
        may=may,
        reason=reason,
        wrong=wrong,
    )


def _row(key: SigningKey, now: datetime) -> KeyRow:
    match key.state:
        case "current":
            since = _at(key.current_since or key.created_at)
            then = since + timedelta(days=ROTATE_DAYS)
        case "next":
            since = _at(key.created_at)
            then = since + timedelta(seconds=OVERLAP_SECONDS)
        case _:
            since = _at(key.retired_at or key.created_at)
            then = since + timedelta(seconds=KEEP_SECONDS)
    return KeyRow(key.kid, key.algorithm, key.state, since, max(0, (now - since).days), then, then <= now)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _folder(call: Call) -> KeyFolder:
    """Raises KeysUnreadable; makes nothing where there is nothing."""
    folder = keys_folder(call.desk.settings)
    if not (folder / "keys.json").exists():
        raise KeysUnreadable("the edge makes the first keys")
    return KeyFolder(folder, master_key(os.environ, folder))


def rotate(call: Call) -> Answer:
    """Let the next key of an algorithm sign."""
    algorithm, at_once = call.form.get("algorithm"), bool(call.form.get("at-once"))
    now = int(call.now.timestamp())

    def step(ring: KeyRing) -> KeyRing:
        chosen = [one for one in ALGORITHMS if one == algorithm]
        if not chosen:
            raise KeysRefused("no such algorithm")
        return keys.without_expired(keys.rotated(ring, chosen[0], now, at_once=at_once), now)

    return _changed(call, step, {"did": "rotate", "algorithm": algorithm, "at_once": at_once}, "keys-rotated")


def retire(call: Call) -> Answer:
    """Take a key away."""
    kid, at_once = call.form.get("kid"), bool(call.form.get("at-once"))

    def step(ring: KeyRing) -> KeyRing:
        return keys.retired(ring, kid, int(call.now.timestamp()), at_once=at_once)

    return _changed(call, step, {"did": "retire", "kid": kid, "at_once": at_once}, "keys-retired")


def _changed(call: Call, step: Callable[[KeyRing], KeyRing], body: dict[str, Any], notice: str) -> Answer:
    call.must(Deed.EDIT_CLIENTS, CENTRE)
    reason = call.form.get("reason")
    if not reason:
        return Show("client_keys.html", _view(call, wrong=(("reason", "required"),)), 422)
    try:
        folder = _folder(call)
        step(folder.load())  # refused before anything is written down
    except KeysRefused as refused:
        word = "keys-early" if "too short" in str(refused) or "still be in use" in str(refused) else "keys-refused"
        return Show("client_keys.html", _view(call, reason=reason, wrong=(("reason", word),)), 409)
    except KeysUnreadable:
        return Show("client_keys.html", _view(call), 503)
    with call.desk.store.reading() as workspace:
        there = workspace.get(_REF)
    call.office.put(_REF, body, call.change(reason), seen_version=there.version if there else NEW)
    folder.change(step)
    return GoTo("/clients/keys", notice)


ROUTES: Final = (
    Route("GET", "/clients/keys", show),
    Route("POST", "/clients/keys/rotate", rotate, Deed.EDIT_CLIENTS),
    Route("POST", "/clients/keys/retire", retire, Deed.EDIT_CLIENTS),
)
