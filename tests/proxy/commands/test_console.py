"""`dvc-edge console` as people call it: the first administrator, and a process that serves until it is told to stop."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import ClientSession

from proxy.console.passwords import judge
from redirect_rules.invitations import digest_of_code
from redirect_rules.objects import Kind, Ref
from redirect_rules.rights import Deed, person_of
from redirect_rules.stores.database import Database
from redirect_rules.stores.people import SqlPeople
from redirect_rules.stores.sql import SqlStore
from tests.conftest import AUTUMN, CONF
from tests.redirect_rules.seals import SEAL

PASSWORD = "mot hai ba bon nam"
PATIENCE_SECONDS = 90
PROGRAM = [sys.executable, "-m", "proxy", "console"]
OURS = {"DVC_EDGE__CONSOLE__PORT": "0", "PYTHONPATH": str(CONF.parent), "PATH": ""}


def made(folder: Path, actor: str, password: str, **environ: str) -> subprocess.CompletedProcess[str]:
    places = ["--config", str(CONF / "edge.toml"), "--state", str(folder)]
    return subprocess.run(
        [*PROGRAM, "administrator", actor, *places],
        input=f"{password}\n",
        text=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        env=OURS | environ,
        check=False,
    )


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    places = ["--config", str(CONF / "edge.toml"), "--state", str(folder)]
    with subprocess.Popen([*PROGRAM, "serve", *places], stderr=subprocess.PIPE, text=True, env=OURS) as process:
        assert process.stderr is not None
        try:
            found = None
            for line in process.stderr:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            assert found
            yield process, found[0]
        finally:
            process.kill()


async def test_an_administrator_from_a_pipe_signs_in_and_sigterm_ends_it(tmp_path: Path) -> None:
    done = made(tmp_path, "an.nguyen", PASSWORD)
    assert done.returncode == 0, done.stderr
    assert "an.nguyen" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    with serving(tmp_path) as (process, address):
        async with ClientSession() as session:
            assert await (await session.get(f"{address}/health")).text() == "ok\n"
            form = {"actor": "an.nguyen", "password": PASSWORD}
            response = await session.post(f"{address}/sign-in", data=form, allow_redirects=False)
            assert (response.status, response.headers["Location"]) == (303, "/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def test_whoever_runs_the_machine_makes_a_new_password_and_keeps_the_roles_everywhere(tmp_path: Path) -> None:
    for password in (PASSWORD, PASSWORD + " sau"):
        assert made(tmp_path, "an.nguyen", password).returncode == 0
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    database, store = Database(url), SqlStore(url)
    people = SqlPeople(database, SEAL)
    kept = people.password("an.nguyen")
    assert not judge(kept, PASSWORD, now=AUTUMN).ok
    assert judge(kept, PASSWORD + " sau", now=AUTUMN).ok
    person = store.get(Ref(Kind.PERSON, "", "an.nguyen"))
    assert person is not None
    assert person_of("an.nguyen", person.body).may(Deed.EDIT_PEOPLE, "")
    store.close()
    database.close()


def test_where_passwords_are_closed_the_command_is_the_way_back_in_for_a_day(tmp_path: Path) -> None:
    assert made(tmp_path, "an.nguyen", PASSWORD).returncode == 0
    database = Database(f"sqlite:///{tmp_path / 'rules.db'}")
    people = SqlPeople(database, SEAL)
    kept = people.password("an.nguyen")
    assert kept is not None
    assert kept.open_until is None
    people.close_passwords("an.nguyen", now=AUTUMN)
    again = made(tmp_path, "an.nguyen", PASSWORD)
    assert "for 24 hours" in again.stdout
    kept = people.password("an.nguyen")
    assert kept is not None
    assert kept.open_until is not None
    assert kept.open_until > datetime.now(UTC) + timedelta(hours=23)
    database.close()


def test_with_a_broker_the_first_administrator_gets_an_invitation_as_well(tmp_path: Path) -> None:
    broker = {
        "DVC_EDGE__SSO__ISSUER": "https://signin.example.vn",
        "DVC_EDGE__CONSOLE__PUBLIC": "https://console.example.vn",
        "DVC_EDGE__CONSOLE__SECRET_VARIABLE": "CONSOLE_SECRET",
    }
    done = made(tmp_path, "an.nguyen", PASSWORD, **broker)
    assert done.returncode == 0, done.stderr
    found = re.search(r"https://console\.example\.vn/invitation\?code=([a-z0-9-]+)", done.stdout)
    assert found
    database = Database(f"sqlite:///{tmp_path / 'rules.db'}")
    digest = digest_of_code(found[1])
    assert digest is not None
    invitation = SqlPeople(database, SEAL).invitation(digest, now=datetime.now(UTC))
    assert invitation is not None
    assert invitation.actor == "an.nguyen"
    database.close()


def test_an_easy_password_is_refused_and_nobody_is_made(tmp_path: Path) -> None:
    done = made(tmp_path, "an.nguyen", "short")
    assert done.returncode != 0
    assert "at least 12 characters" in done.stderr
    assert not (tmp_path / "rules.db").exists()
