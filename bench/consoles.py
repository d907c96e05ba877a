"""The officers' console as people run it, `dvc-edge console serve` over a state folder, and an administrator at it."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from bench.servers import ROOT, Server, free_port, serving
from proxy import config_file
from proxy.clock import utc_now
from proxy.console.desk import Desk
from proxy.console.sessions import CookieName, begun
from redirect_rules.objects import NEW, Change, Kind, Ref

ACTOR: Final = "bench"
_COOKIE: Final = "c" * 43
_CSRF: Final = "f" * 43
_PATIENCE_SECONDS: Final = 120.0
_OFTEN_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody at the console who may do everything.  Calls are of one kept connection."""

    desk: Desk  # over the same state, in this process
    server: Server
    connection: HTTPConnection

    def page(self, path: str) -> float:
        """Seconds until a page is there to its last octet.  Raises OSError for one that is refused."""
        begun_at = time.perf_counter()
        self._answer("GET", path, None)
        return time.perf_counter() - begun_at

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers.  Raises OSError for a refusal."""
        sent = None if body is None else json.dumps(body).encode()
        return json.loads(self._answer(method, f"/api/v1{path}", sent))

    def done(self, work: dict[str, Any], *, seconds: float = 900) -> dict[str, Any]:
        """A piece of work when it has ended.  Raises OSError where it failed, TimeoutError."""
        until = time.monotonic() + seconds
        while work["state"] == "running":
            if time.monotonic() > until:
                raise TimeoutError(f"{work['kind']}: {work['stage']} {work['done']}")
            time.sleep(_OFTEN_SECONDS)
            work = self.call("GET", f"/jobs/{work['id']}")
        if work["state"] != "done":
            raise OSError(f"{work['kind']}: {work['state']}: {work['error']}")
        return work

    def _answer(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Cookie": f"{CookieName(secure=False).session}={_COOKIE}", "X-CSRF-Token": _CSRF}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise OSError(f"{method} {path}: {answer.status} {content[:400]!r}")
        return content


@contextlib.contextmanager
def console(folder: Path, state: Path, environ: Mapping[str, str] | None = None) -> Iterator[Officer]:
    """Start it on a state folder, with an administrator signed in, and stop it at the end.  Raises DoesNotStart.

    folder  takes what it says, as `stdout` and `stderr`
    """
    port = free_port()
    chosen = {
        "DVC_EDGE__STATE__FOLDER": f'"{state}"',
        "DVC_EDGE__HITS__KEEP_DAYS": "0",
        "DVC_EDGE__CONSOLE__PORT": str(port),
        "DVC_EDGE__PUBLISHING__FOUR_EYES": "false",
        **(environ or {}),
    }
    command = [sys.executable, "-m", "proxy", "console", "serve", "--config", str(ROOT / "conf/edge.toml")]
    with Desk.open(config_file.load(ROOT / "conf/edge.toml", chosen), utc_now) as desk:
        _hire(desk)
        with (
            serving(command, port=port, folder=folder, environ=chosen, cpu=None) as server,
            contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)) as connection,
        ):
            yield Officer(desk, server, connection)


def _hire(desk: Desk) -> None:
    ref = Ref(Kind.PERSON, "", ACTOR)
    if desk.store.get(ref) is None:
        body = {"name": ACTOR, "grants": [{"role": "administrator"}]}
        desk.store.put(ref, body, Change(ACTOR, "measures", utc_now()), seen_version=NEW)
    signed_in = begun(ACTOR, _COOKIE, _CSRF, now=utc_now(), way="password")
    desk.people.end(signed_in.digest)
    desk.people.begin(signed_in)
