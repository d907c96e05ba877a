# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""All clients as one list, and what may not be asked for: by sign-in's rules, and by those between provinces."""

import shutil
from pathlib import Path
from typing import Any

from proxy.console import clientele
from proxy.console.clientele import everybody, objections, one, put_into_force
from proxy.console.desk import Desk
from proxy.login.opening import clients_folder
from redirect_rules.objects import Change
from redirect_rules.rights import Grant, Person, Role
from sso import client_folder
from tests.conftest import AUTUMN, CONF
from tests.proxy.console.signing_in import desk  # noqa: F401 - a fixture

CENTRAL = Person("trung.uong", frozenset({Grant(Role.ADMINISTRATOR)}))
OTHER = Person("thu.hai", frozenset({Grant(Role.ADMINISTRATOR)}))
OF_BAC_NINH = Person("bac.ninh", frozenset({Grant(Role.ADMINISTRATOR, "24")}))
RECORD: dict[str, Any] = {
    "id": "moi",
    "name": {"vi": "Mới"},
    "sector": "moi",
    "formats": ["oidc"],
    "redirect_uris": ["https://moi.example/cb"],
}


def change(person: Person) -> Change:
    return Change(person.actor, "because", AUTUMN)


def test_a_file_lies_in_the_province_of_all_its_portals(desk: Desk) -> None:
    found = {entry.id: entry.province for entry in everybody(desk)}
    assert found == {"langson": "20", "khanhhoa": "56", "ho-tich": ""}, "without a portal it is the centre's"


def test_a_wish_for_a_client_of_a_file_leaves_the_file_serving(desk: Desk) -> None:
    entry = one(desk, "langson")
    assert entry is not None
    assert entry.record is not None
    desk.office(CENTRAL).ask_for_client(entry.ref, {**entry.record, "level": 1}, change(CENTRAL), seen_version=0)
    waiting = one(desk, "langson")
    assert waiting is not None
    assert (waiting.state, waiting.in_force, waiting.record) == ("changing", True, entry.record)


def test_what_was_agreed_on_is_in_force_when_the_file_says_so(desk: Desk) -> None:
    entry = clientele.Entry("moi", "20")
    first = desk.office(CENTRAL).ask_for_client(entry.ref, RECORD, change(CENTRAL), seen_version=0)
    second = desk.office(OTHER).agree_to_client(entry.ref, change(OTHER), seen_version=first.version)
    assert not in_force(desk)
    put_into_force(desk, second.ref)
    assert in_force(desk)
    (clients_folder(desk.settings) / "moi.toml").write_text("id = 'moi'\n")
    assert not in_force(desk), "a file that somebody has written over is told of"


def in_force(desk: Desk) -> bool:
    found = one(desk, "moi")
    assert found is not None
    return found.in_force


ALLOWED = "nothing"
CASES: dict[str, tuple[Person, str, dict[str, Any], str]] = {
    "a whole record": (CENTRAL, "20", {}, ALLOWED),
    "the id of another province's": (OF_BAC_NINH, "24", {"id": "langson", "sector": "moi"}, "id"),
    "a portal of another province": (OF_BAC_NINH, "24", {"portals": ["langson"]}, "portals"),
    "a portal that there is not": (CENTRAL, "", {"portals": ["nowhere"]}, "portals"),
    "the centre has portals everywhere": (CENTRAL, "", {"portals": ["langson", "bacgiang"]}, ALLOWED),
    "another province's sector": (OF_BAC_NINH, "24", {"sector": "langson"}, "sector"),
    "another province's sector as an alias": (
        OF_BAC_NINH,
        "24",
        {"aliases": [{"sector": "langson", "since": "2025-07-01"}]},
        "sector",
    ),
    "the centre may let a sector be shared": (CENTRAL, "24", {"sector": "langson"}, ALLOWED),
    "an address that leads astray": (CENTRAL, "20", {"redirect_uris": ["https://moi.example/../x"]}, "redirect_uris"),
    "a sign-in service that there is not": (CENTRAL, "20", {"upstreams": ["gone"]}, "upstreams"),
    "a key that nobody knows": (CENTRAL, "20", {"colour": "red"}, "colour"),
    "what protected paths need": (CENTRAL, "20", {"id": "langson", "portals": []}, "portals"),
}


def test_what_speaks_against_a_record(desk: Desk) -> None:
    judged = {}
    for case, (person, province, changed, _) in CASES.items():
        found = objections(desk, person, province, {**RECORD, **changed})
        judged[case] = {key for key, _ in found} or {ALLOWED}
    assert judged == {case: {told} for case, (_, _, _, told) in CASES.items()}


def test_files_that_nobody_can_read_take_no_page_with_them(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "clients"
    shutil.copytree(CONF / "clients", folder)
    (folder / "broken.toml").write_text("id = ")
    (folder / "nameless.toml").write_text("level = 2\n")
    desk.settings = desk.settings.model_copy(
        update={"sso": desk.settings.sso.model_copy(update={"clients": str(folder)})}
    )
    assert [entry.id for entry in everybody(desk)] == ["ho-tich", "khanhhoa", "langson"]


def test_what_two_agreed_on_is_what_the_edge_reads(desk: Desk) -> None:
    entry = clientele.Entry("moi", "20")
    first = desk.office(CENTRAL).ask_for_client(
        entry.ref, {**RECORD, "secret_digests": ["0" * 64]}, change(CENTRAL), seen_version=0
    )
    put_into_force(desk, first.ref)
    assert client_folder.read(clients_folder(desk.settings)).clients == {}, "not what one person wants"
    desk.office(OTHER).agree_to_client(entry.ref, change(OTHER), seen_version=first.version)
    put_into_force(desk, entry.ref)
    assert set(client_folder.read(clients_folder(desk.settings)).clients) == {"moi"}
