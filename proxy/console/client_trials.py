"""A test person signs in for a client, by the way that a citizen's browser would take; what came of it is kept.

Only where the simulated providers run, which know test persons: at a real one nobody signs in by a program.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from proxy.console import clientele
from proxy.console.desk import Desk
from proxy.console.work import Progress, Request
from proxy.gate_opening import read_paths
from proxy.login.opening import keys_folder
from proxy.readiness import check, doorways
from proxy.walker import Test
from redirect_rules.sources import Problem, Problems
from sso import rehearsal
from sso.keys import KeysRefused, Signer
from sso.sources import Mistakes
from sso.stores.key_folder import KeyFolder, KeysUnreadable, master_key


@dataclass(frozen=True, slots=True)
class Trial:
    """The last one of a client."""

    at: datetime
    ready: bool
    steps: Mapping[str, Mapping[str, Any]]  # {"login": {"ok": true | false | null, "text": "1 dialog"}}


def possible(desk: Desk) -> bool:
    """Whether there is a test person."""
    return bool(desk.settings.sso.issuer and desk.settings.sso.simulator)


def link(desk: Desk, id_: str) -> str:
    """Where somebody tries a client with an account of their own, for an hour; "" where it cannot be made.

    It is sealed with the keys of sign-in, which this machine may lack; the edge alone can open it.
    """
    folder = keys_folder(desk.settings)
    if not desk.settings.sso.issuer or not (folder / "keys.json").exists():
        return ""
    try:
        signer = Signer(KeyFolder(folder, master_key(os.environ, folder)).load())
    except (KeysUnreadable, KeysRefused):
        return ""
    text = rehearsal.invitation(id_, now=int(desk.clock().timestamp()))
    query = urlencode({"for": signer.seal(text, purpose=rehearsal.PURPOSE)})
    return f"{desk.settings.sso.issuer}{rehearsal.PATH}?{query}"


def sign_in(desk: Desk, request: Request, _folder: Path, told: Progress) -> dict[str, Any]:
    """Let the test person sign in, out, and find every door closed.  Raises Problems where there is no such client."""
    told("sign-in", 0)
    entry = clientele.one(desk, request.parameters["client"])
    if entry is None or entry.record is None or entry.suspended:
        raise Problems(
            [Problem("client", 0, f"{request.parameters['client']} does not serve: let it be agreed to first")]
        )
    try:
        client = clientele.client_of(desk, entry.record)
        served = {one.id: clientele.client_of(desk, one.record) for one in clientele.everybody(desk) if one.record}
    except Mistakes as error:
        raise Problems([Problem(one.source, one.line, one.text) for one in error.mistakes]) from None
    portals = {portal.id: portal for portal in desk.published().snapshot.all_portals}
    paths = read_paths(desk.settings, portals.values(), served)
    issuer = desk.settings.sso.issuer
    row = asyncio.run(check(client, doorways(paths, portals, issuer).get(client.id), Test(issuer)))
    steps = {name: {"ok": step.ok, "text": step.text} for name, step in row.steps.items()}
    result = {"client": client.id, "ready": row.ready, "steps": steps, "at": desk.clock().isoformat()}
    _keep(_path(desk, client.id), result)
    return result


def last(desk: Desk, id_: str) -> Trial | None:
    """How a client's last trial went."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_path(desk, id_).read_text("utf-8"))
        return Trial(datetime.fromisoformat(kept["at"]), bool(kept["ready"]), dict(kept["steps"]))
    return None


def _path(desk: Desk, id_: str) -> Path:
    return desk.state.folder / "console" / "trials" / f"{id_}.json"


def _keep(path: Path, result: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(result, ensure_ascii=False), "utf-8")
    beside.replace(path)
