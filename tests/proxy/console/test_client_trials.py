# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""A test sign-in from the console: where it can be had, and what is kept of it.  With a real edge it is walked in
test_client_form_pages.
"""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from yarl import URL

from proxy.console import client_trials, clientele
from proxy.console.desk import Desk
from proxy.console.work import Request
from redirect_rules.objects import Change
from redirect_rules.rights import Grant, Person, Role
from redirect_rules.sources import Problems
from sso import rehearsal
from sso.keys import Signer
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import at
from tests.proxy.console.signing_in import NOW, desk, ring, ring_folder  # noqa: F401 - a fixture


def wish(client: str) -> Request:
    return Request("1", "sign-in", client, "trung.uong", AUTUMN.isoformat(), {"client": client})


def untold(_stage: str, _done: int) -> None:
    """Nobody listens."""


def with_simulator(desk: Desk, issuer: str) -> None:
    sso = desk.settings.sso.model_copy(update={"simulator": 8090, "issuer": issuer})
    desk.settings = desk.settings.model_copy(update={"sso": sso})


def test_only_where_a_test_person_is(desk: Desk) -> None:
    assert not client_trials.possible(desk)
    with_simulator(desk, "http://signin.localhost:8080")
    assert client_trials.possible(desk)


def test_an_edge_that_does_not_answer_is_a_failure_that_is_kept(desk: Desk, tmp_path: Path) -> None:
    with_simulator(desk, "http://signin.localhost:1")
    assert client_trials.last(desk, "langson") is None
    result = client_trials.sign_in(desk, wish("langson"), tmp_path, untold)
    assert json.loads(json.dumps(result)) == result
    assert not result["ready"]
    kept = client_trials.last(desk, "langson")
    assert kept is not None
    assert (kept.ready, kept.at) == (False, AUTUMN)
    assert kept.steps["discovery"]["ok"] is False


def test_who_does_not_serve_is_not_tried(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(Problems, match="does not serve"):
        client_trials.sign_in(desk, wish("nobody"), tmp_path, untold)
    entry = clientele.one(desk, "langson")
    assert entry is not None
    office = desk.office(Person("an", frozenset({Grant(Role.ADMINISTRATOR)})))
    office.suspend_client(entry.ref, Change("an", "x", AUTUMN), seen_version=0, record=entry.record)
    with pytest.raises(Problems, match="does not serve"):
        client_trials.sign_in(desk, wish("langson"), tmp_path, untold)


def test_what_is_no_trial_is_none(desk: Desk) -> None:
    folder = desk.state.folder / "console" / "trials"
    folder.mkdir(parents=True)
    (folder / "langson.json").write_text('{"at": "yesterday"}')
    assert client_trials.last(desk, "langson") is None
    assert client_trials.last(desk, "../../etc/passwd") is None


async def test_without_a_test_person_no_work_is_begun(base: URL, desk: Desk) -> None:
    async with at(base, "trung.uong") as centre:
        assert (await centre.post("/clients/-/langson/test", {})).status == 404
        assert desk.workshop.all() == []


async def test_a_link_for_an_account_of_ones_own_is_for_who_may_edit(base: URL, desk: Desk) -> None:
    assert client_trials.link(desk, "langson") == "", "without keys there is nothing to seal it with"
    ring_folder(desk).ensure(NOW)
    link = client_trials.link(desk, "langson")
    assert link.startswith("http://signin.localhost:8080/rehearsal?for=")
    sealed = parse_qs(urlsplit(link).query)["for"][0]
    text = Signer(ring(desk)).unseal(sealed, purpose=rehearsal.PURPOSE)
    assert rehearsal.invited(text, now=NOW) == "langson"
    async with at(base, "trung.uong") as centre, at(base, "xem") as viewer:
        assert "/rehearsal?for=" in await centre.text("/clients/-/langson")
        assert "/rehearsal?for=" not in await viewer.text("/clients/-/langson")
