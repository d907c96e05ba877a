"""Clients of sign-in by programs: two people, each in their province, and no secret but where it is made."""

import csv
import json
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from proxy.console.api import BASE
from proxy.console.desk import Desk
from proxy.login.opening import clients_folder
from sso import client_folder
from sso.clients import secret_digest
from sso.model import Client
from tests.proxy.console.conftest import Browser, hire
from tests.proxy.console.test_api import Program, session, token_for

__all__ = ["session"]

RECORD: dict[str, Any] = {
    "name": {"vi": "Một cửa mới"},
    "redirect_uris": ["https://motcua.langson.gov.vn/cb"],
    "attributes": ["name"],
    "legal_basis": "Nghị định 118/2025/NĐ-CP",
}
NEW: dict[str, Any] = {"record": RECORD, "province": "20", "reason": "the province has asked", "seen_version": 0}
PATH = "/clients/motcua-moi"


@pytest.fixture(autouse=True)
def administrators(desk: Desk) -> None:
    everybody: dict[str, list[dict[str, str]]] = {
        "thu.hai": [{"role": "administrator"}],
        "quan.tri.ls": [{"role": "administrator", "province": "20"}],
        "quan.tri.bn": [{"role": "administrator", "province": "24"}],
    }
    hire(desk, everybody)


@pytest.fixture
def one(session: ClientSession, base: URL, desk: Desk) -> Program:
    return Program(session, base, token_for(desk, "trung.uong"))


@pytest.fixture
def other(session: ClientSession, base: URL, desk: Desk) -> Program:
    return Program(session, base, token_for(desk, "thu.hai"))


def served(desk: Desk) -> dict[str, Client]:
    """What the edge would read now."""
    return dict(client_folder.read(clients_folder(desk.settings)).clients)


def step(client: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"reason": "because", "seen_version": client["version"], **more}


async def enrolled(one: Program, other: Program, **changed: Any) -> tuple[dict[str, Any], str]:
    """A client that serves, and its secret."""
    asked = await one.ok("POST", f"{PATH}/requests", NEW | {"record": RECORD | changed})
    return await other.ok("POST", f"{PATH}/agree", step(asked)), asked["secret"]


async def test_one_asks_another_agrees_and_it_serves_until_somebody_takes_it_out(
    one: Program, other: Program, desk: Desk
) -> None:
    asked = await one.ok("POST", f"{PATH}/requests", NEW)
    assert (asked["state"], asked["version"] > 0, asked["record"]) == ("waiting", True, None)
    assert asked["wanted"] == {**RECORD, "id": "motcua-moi", "sector": "motcua-moi"}
    assert (await one.call("POST", f"{PATH}/agree", step(asked))).status == 403, "nobody agrees with themself"
    assert served(desk) == {}
    agreed = await other.ok("POST", f"{PATH}/agree", step(asked))
    assert (agreed["state"], agreed["in_force"], agreed["secrets"]) == ("serving", True, 1)
    assert served(desk)["motcua-moi"].secret_digests == (secret_digest(asked["secret"]),)

    suspended = await other.ok("POST", f"{PATH}/suspend", step(agreed))
    assert (suspended["state"], served(desk)) == ("suspended", {})
    back = await other.ok("POST", f"{PATH}/resume", step(suspended))
    assert (back["wanted_secrets"], served(desk)) == (1, {}), "back into service it takes two"
    again = await one.ok("POST", f"{PATH}/agree", step(back))
    assert (again["state"], list(served(desk))) == ("serving", ["motcua-moi"])
    did = [line["did"] for line in (await one.ok("GET", f"{PATH}/history"))["items"]]
    assert did == ["agreed", "asked", "suspended", "agreed", "asked"]
    assert "motcua-moi" in {line["id"] for line in (await one.ok("GET", "/clients?province=20"))["items"]}


async def test_a_secret_is_told_in_the_answer_that_made_it_and_nowhere_else(
    one: Program, other: Program, desk: Desk
) -> None:
    agreed, first = await enrolled(one, other)
    asked = await one.ok("POST", f"{PATH}/secrets", step(agreed))
    both = await other.ok("POST", f"{PATH}/agree", step(asked))
    assert (both["secrets"], len(first) > 40, asked["secret"] != first) == (2, True, True)
    newest = await one.ok("POST", f"{PATH}/secrets", step(both, only_newest=True))
    assert newest["secret"] is None
    await other.ok("POST", f"{PATH}/agree", step(newest))
    assert served(desk)["motcua-moi"].secret_digests == (secret_digest(asked["secret"]),)
    secrets = {first, asked["secret"], secret_digest(first), secret_digest(asked["secret"])}
    for path in (PATH, f"{PATH}/history", "/clients", "/releases", "/exports/releases.csv", "/exports/audit.jsonl"):
        text = await (await one.call("GET", path)).text()
        assert len(text) > 20, path
        assert not [secret for secret in (*secrets, "secret_digests") if secret in text], path


async def test_an_answer_with_a_secret_is_kept_under_no_key(one: Program, administrator: Browser, desk: Desk) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await one.call("POST", f"{PATH}/requests", NEW, **key)).status == 422
    assert (await one.call("GET", PATH)).status == 404, "nothing was asked for"
    url = administrator.base.join(URL(BASE + "/tokens"))
    wanted = {"name": "nightly", "days": 30, "deeds": ["see"]}
    made = await administrator.session.post(url, json=wanted, headers={"X-CSRF-Token": administrator.csrf, **key})
    assert made.status == 422
    assert desk.answers.kept("trung.uong", "k", now=desk.clock()) is None


async def test_of_two_writers_the_second_is_told_and_a_wish_sent_twice_is_asked_once(
    one: Program, other: Program
) -> None:
    agreed, _ = await enrolled(one, other)
    changed = {**NEW, "record": RECORD | {"level": 1}, "seen_version": agreed["version"]}
    del changed["province"]
    assert (await one.call("POST", f"{PATH}/requests", changed)).status == 200
    assert (await one.call("POST", f"{PATH}/requests", changed)).status == 409
    assert (await other.call("POST", f"{PATH}/agree", step(agreed))).status == 409, "they saw something else"
    assert (await one.ok("GET", PATH))["record"] == agreed["record"]


async def test_a_new_name_alone_takes_one_and_an_earlier_shape_comes_back_with_todays_secrets(
    one: Program, other: Program, desk: Desk
) -> None:
    first, _ = await enrolled(one, other)
    named = {**NEW, "record": RECORD | {"name": {"vi": "Tên mới"}}, "seen_version": first["version"]}
    renamed = await one.ok("POST", f"{PATH}/requests", named)
    assert (renamed["state"], renamed["record"]["name"], renamed["secret"]) == ("serving", {"vi": "Tên mới"}, None)
    lower = {**named, "record": named["record"] | {"level": 1}, "seen_version": renamed["version"]}
    level = await other.ok("POST", f"{PATH}/agree", step(await one.ok("POST", f"{PATH}/requests", lower)))
    asked = await one.ok("POST", f"{PATH}/secrets", step(level))
    now = await other.ok("POST", f"{PATH}/agree", step(asked))
    back = await one.ok("POST", f"{PATH}/restorations", step(now, version=first["version"]))
    assert (back["wanted"], back["wanted_secrets"]) == (first["record"], 2)
    declined = await other.ok("POST", f"{PATH}/decline", step(back))
    assert (declined["wanted"], declined["record"]["name"]) == (None, {"vi": "Tên mới"})
    (clients_folder(desk.settings) / "motcua-moi.toml").write_text("id = 'motcua-moi'\n")
    assert not (await one.ok("GET", PATH))["in_force"]
    assert (await one.ok("POST", f"{PATH}/write-out"))["in_force"]


MASS: list[dict[str, Any]] = [
    {"record": RECORD | {"secret_digests": ["0" * 64]}},
    {"record": RECORD | {"id": "langson"}},
    {"record": RECORD | {"suspended": False}},
    {"record": RECORD | {"colour": "red"}},
    {"record": RECORD | {"level": "2"}},
    {"record": RECORD | {"redirect_uris": ["https://motcua.langson.gov.vn/../x"]}},
    {"record": RECORD | {"portals": ["bacgiang"]}},
    {"record": {}},
    {"province": "99"},
    {"province": None},
    {"serving": RECORD},
    {"asked_by": "thu.hai"},
    {"reason": " "},
]


async def test_what_nobody_may_set_is_refused_and_nothing_is_asked_for(one: Program) -> None:
    answers = {str(sent): (await one.call("POST", f"{PATH}/requests", NEW | sent)).status for sent in MASS}
    assert answers == dict.fromkeys(answers, 422)
    assert (await one.call("GET", PATH)).status == 404


async def test_a_client_of_another_province_is_out_of_reach_whatever_is_done(
    one: Program, other: Program, session: ClientSession, base: URL, desk: Desk
) -> None:
    agreed, _ = await enrolled(one, other)
    stranger = Program(session, base, token_for(desk, "quan.tri.bn"))
    asked = NEW | {"record": RECORD, "seen_version": agreed["version"]}
    calls: list[tuple[str, Any]] = [
        (f"{PATH}/requests", asked),
        (f"{PATH}/requests", asked | {"province": "24"}),
        ("/clients/moi/requests", NEW),
        ("/clients/moi/requests", NEW | {"province": ""}),
        (f"{PATH}/restorations", step(agreed, version=agreed["version"])),
        (f"{PATH}/write-out", None),
        *((f"{PATH}/{name}", step(agreed)) for name in ("secrets", "agree", "decline", "suspend", "resume")),
    ]
    answers = {str(call): (await stranger.call("POST", *call)).status for call in calls}
    assert answers == dict.fromkeys(answers, 403)
    assert await one.ok("GET", PATH) == agreed
    same = await one.call("POST", f"{PATH}/requests", asked | {"province": "24"})
    assert same.status == 422, "nobody moves one either"


async def test_whoever_has_one_province_joins_no_systems_of_two(session: ClientSession, base: URL, desk: Desk) -> None:
    theirs = Program(session, base, token_for(desk, "quan.tri.ls"))
    for record in ({"sector": "langson"}, {"sector": "chung"}, {"aliases": [{"sector": "x", "since": "2025-07-01"}]}):
        assert (await theirs.call("POST", f"{PATH}/requests", NEW | {"record": RECORD | record})).status == 422, record
    assert (await theirs.ok("POST", f"{PATH}/requests", NEW))["wanted"]["sector"] == "motcua-moi"


async def test_the_register_sign_outs_and_codes_are_told_to_programs(one: Program, other: Program) -> None:
    await enrolled(one, other)
    (line,) = (await one.ok("GET", "/releases?client=motcua-moi"))["items"]
    assert (line["attribute"], line["asked_by"], line["agreed_by"]) == ("name", "trung.uong", "thu.hai")
    assert (await one.ok("GET", "/releases?client=motcua-moi&province=24"))["items"] == []
    text = await (await one.call("GET", "/exports/releases.csv?client=motcua-moi")).text()
    assert [row[0].lstrip("\ufeff") for row in csv.reader(text.splitlines())] == ["client", "motcua-moi"]
    assert await one.ok("GET", "/sign-outs") == {"on": False, "items": []}
    codes = (await one.ok("GET", "/codes"))["items"]
    assert len(codes) > 20
    found = await one.ok("GET", f"/codes/{codes[0]['code'].lower()}")
    assert found == {"meaning": codes[0], "events": []}
    assert (await one.call("GET", "/codes/no-such")).status == 404
    assert "\\u" not in json.dumps(codes[0]["say"], ensure_ascii=False)
