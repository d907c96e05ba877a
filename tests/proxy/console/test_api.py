"""The API: the same functions as the pages, for programs; everything its description allows, and more."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import quote

import pytest
import schemathesis
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from yarl import URL

from proxy.console.api import BASE, BURST, document
from proxy.console.api_endpoints import ENDPOINTS
from proxy.console.desk import Desk
from proxy.console.whole import create_console
from redirect_rules.people import Token, digest_of
from redirect_rules.rights import Deed
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import OFFICERS, Browser

OLD = "https://dichvucong.langson.gov.vn/vi/trang-cu"
RULE = {"id": "trang-cu", "exact": ["/vi/trang-cu"], "action": "redirect", "to": ["procedure-list"]}
ALL = frozenset(Deed)


def token_for(desk: Desk, actor: str, deeds: frozenset[Deed] = ALL, *, days: int = 30) -> str:
    secret = f"dvc_{actor}_{'x' * 30}"
    desk.people.put_token(Token(actor, actor, "test", digest_of(secret), deeds, AUTUMN, AUTUMN + timedelta(days=days)))
    return secret


@dataclass
class Program:
    session: ClientSession
    base: URL
    token: str

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> ClientResponse:
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return await self.session.request(method, self.base.join(URL(BASE + path)), json=body, headers=sent)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.call(method, path, body)
        assert response.status < 300, await response.text()
        return await response.json()

    async def ended(self, work: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while work["state"] == "running":
                await asyncio.sleep(0.2)
                work = await self.ok("GET", f"/jobs/{work['id']}")
        return work


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


@pytest.fixture
def centre(session: ClientSession, base: URL, desk: Desk) -> Program:
    return Program(session, base, token_for(desk, "trung.uong"))


async def test_the_whole_journey_by_programs(centre: Program, session: ClientSession, base: URL, desk: Desk) -> None:
    editor = Program(session, base, token_for(desk, "lang.son"))
    approver = Program(session, base, token_for(desk, "phe.duyet"))
    await centre.ok("POST", "/reviews", {"message": "the first"})
    await approver.ok("POST", "/reviews/1/approve", {"reason": "yes"})
    work = await approver.ended(await approver.ok("POST", "/publications", {"message": "the first", "review": 1}))
    assert work["result"]["number"] == 1

    kept = await editor.ok("PUT", "/rules/langson/trang-cu", {"rule": RULE, "reason": "asked for"})
    assert kept["version"] > 0
    before = await editor.ok("POST", "/explain", {"url": OLD})
    after = await editor.ok("POST", "/explain", {"url": OLD, "draft": True})
    assert (before["rule"], after["rule"]) == (None, "langson/trang-cu")
    assert (await editor.ended(await editor.ok("POST", "/draft/check")))["state"] == "done"
    assert (await editor.ended(await editor.ok("POST", "/draft/effect", {"days": 7})))["state"] == "done"

    await editor.ok("POST", "/reviews", {"message": "an old page"})
    refused = await editor.call("POST", "/reviews/2/approve", {"reason": "my own"})
    assert refused.status == 403
    await approver.ok("POST", "/reviews/2/approve", {"reason": "yes"})
    await approver.ended(await approver.ok("POST", "/publications", {"message": "an old page", "review": 2}))
    assert (await editor.ok("POST", "/explain", {"url": OLD}))["rule"] == "langson/trang-cu"
    await centre.ok("POST", "/publications/1/rollback", {"reason": "a mistake"})
    assert (await editor.ok("POST", "/explain", {"url": OLD}))["rule"] is None


@pytest.mark.parametrize("header", ["", "Bearer x", "Bearer dvc_" + "y" * 40, "Basic " + "z" * 40, "Bearer"])
async def test_who_is_unknown_gets_nothing(session: ClientSession, base: URL, header: str) -> None:
    for endpoint in ENDPOINTS:
        response = await session.request(
            endpoint.method,
            base.join(URL(BASE + endpoint.path.replace("{", "").replace("}", ""))),
            headers={"Authorization": header} if header else {},
        )
        assert response.status == 401, endpoint
        assert response.content_type == "application/problem+json"


async def test_a_token_ends_when_it_says_and_when_it_is_revoked(session: ClientSession, base: URL, desk: Desk) -> None:
    ended = Program(session, base, token_for(desk, "xem", days=0))
    assert (await ended.call("GET", "/draft")).status == 401
    program = Program(session, base, token_for(desk, "bien.tap"))
    assert (await program.call("GET", "/draft")).status == 200
    desk.people.revoke("bien.tap", at=AUTUMN)
    assert (await program.call("GET", "/draft")).status == 401


@pytest.mark.parametrize("actor", OFFICERS)
async def test_who_may_do_what(session: ClientSession, base: URL, desk: Desk, actor: str) -> None:
    """Role × operation, both ways."""
    person, program = desk.person(actor), Program(session, base, token_for(desk, actor))
    wrong = {}
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{number}", "77").replace("{", "").replace("}", "")
        if endpoint.path == "/draft/check":
            continue
        response = await program.call(endpoint.method, path, {} if endpoint.body else None)
        if (response.status == 403) is person.may_somewhere(endpoint.deed) or response.status >= 500:
            wrong[endpoint.path] = response.status
    assert not wrong


async def test_a_token_does_no_more_than_it_says(session: ClientSession, base: URL, desk: Desk) -> None:
    program = Program(session, base, token_for(desk, "trung.uong", frozenset({Deed.SEE})))
    assert (await program.call("GET", "/draft")).status == 200
    assert (await program.call("PUT", "/rules/langson/x", {"rule": RULE, "reason": "r"})).status == 403


async def test_a_rule_of_another_province_is_out_of_reach(session: ClientSession, base: URL, desk: Desk) -> None:
    program = Program(session, base, token_for(desk, "lang.son"))
    response = await program.call("PUT", "/rules/bacgiang/trang-cu", {"rule": RULE, "reason": "r"})
    assert response.status == 403
    assert "province 24" in (await response.json())["detail"]


BAD = [
    ({"rule": RULE}, "reason"),
    ({"rule": RULE, "reason": "r", "state": "maybe"}, "state"),
    ({"rule": RULE, "reason": "r", "actor": "somebody.else"}, "actor"),
    ({"rule": {**RULE, "action": "explode"}, "reason": "r"}, "action"),
    ({"rule": {**RULE, "to": ["nowhere"]}, "reason": "r"}, "nowhere"),
    ({"rule": {**RULE, "owner_of_all": True}, "reason": "r"}, "owner_of_all"),
    ([], "body"),
]


@pytest.mark.parametrize(("body", "named"), BAD, ids=lambda one: str(one)[:30])
async def test_what_is_wrong_is_named_and_nothing_is_kept(centre: Program, body: Any, named: str) -> None:
    response = await centre.call("PUT", "/rules/langson/trang-cu", body)
    assert response.status == 422
    assert named in await response.text()
    assert (await centre.call("GET", "/rules/langson/trang-cu")).status == 404


async def test_of_two_writers_the_second_is_told(centre: Program) -> None:
    kept = await centre.ok("PUT", "/rules/langson/trang-cu", {"rule": RULE, "reason": "one"})
    again = {"rule": RULE, "reason": "two", "seen_version": kept["version"] - 1}
    assert (await centre.call("PUT", "/rules/langson/trang-cu", again)).status == 409


async def test_a_repeated_call_with_its_key_is_answered_as_before_and_done_once(centre: Program) -> None:
    body = {"message": "once"}
    first = await centre.call("POST", "/reviews", body, **{"Idempotency-Key": "k1"})
    second = await centre.call("POST", "/reviews", body, **{"Idempotency-Key": "k1"})
    assert await first.read() == await second.read()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len((await centre.ok("GET", "/draft"))["reviews"]) == 1
    other = await centre.call("POST", "/reviews", {"message": "other"}, **{"Idempotency-Key": "k1"})
    assert other.status == 409


async def test_lists_are_read_page_by_page(centre: Program) -> None:
    found, after = [], ""
    while True:
        page = await centre.ok("GET", f"/rules?limit=7&after={after}")
        found += [f"{one['owner']}/{one['id']}" for one in page["items"]]
        if page["next"] is None:
            break
        after = quote(page["next"])
    whole = await centre.ok("GET", "/rules?limit=500")
    assert found == [f"{one['owner']}/{one['id']}" for one in whole["items"]]
    assert len(found) > 50


async def test_who_calls_too_often_is_told_when_to_come_back(centre: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.console.api.PER_SECOND", 0.001)
    statuses = [(await centre.call("GET", "/audit?limit=1")).status for _ in range(BURST + 3)]
    assert statuses == [200] * BURST + [429] * 3
    assert (await centre.call("GET", "/draft")).headers["Retry-After"] == "5"


async def test_a_browsers_session_needs_its_token_to_change_anything(administrator: Browser) -> None:
    url = administrator.base.join(URL(BASE + "/reviews"))
    assert (await administrator.session.post(url, json={"message": "x"})).status == 403
    headers = {"X-CSRF-Token": administrator.csrf}
    assert (await administrator.session.post(url, json={"message": "x"}, headers=headers)).status == 201
    evil = {**headers, "Origin": "https://evil.example"}
    assert (await administrator.session.post(url, json={"message": "x"}, headers=evil)).status == 403


async def test_other_methods_and_paths_are_told_in_words(centre: Program) -> None:
    assert (await centre.call("DELETE", "/draft")).status == 405
    response = await centre.call("GET", "/nothing")
    assert response.status == 404
    assert response.content_type == "application/problem+json"


def test_the_description_names_every_operation_once() -> None:
    described = document()
    names = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(names) == len(set(names)) == len(ENDPOINTS)
    json.dumps(described)


class Running:
    """The console in a thread of its own, for a client that waits."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server = TestServer(create_console(desk, secure=False))

    def __enter__(self) -> str:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start_server(), self._loop).result(20)
        return str(self._server.make_url(BASE))

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


LEFT_OUT = {  # each starts a process
    *("begin_check", "begin_effect", "begin_import", "begin_publication", "begin_verification"),
}
KNOWS_MORE = {  # what is sent is checked by a parser, or against what there is, which knows more than a schema can say
    *("put_rule", "put_portal", "put_destination", "put_family", "put_lookup", "put_schedule", "put_person"),
    *("put_texts", "put_settlement", "ask_for_client"),
    *("change_rules", "get_history", "restore"),
}


def test_everything_the_description_allows_is_answered_as_it_says(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.console.api.BURST", 1e9)
    secret = token_for(desk, "trung.uong")
    schema = schemathesis.openapi.from_dict(document())
    with Running(desk) as url:
        tried = 0
        for found in schema.get_all_operations():
            operation = cast("Any", found).ok()
            name = operation.definition.raw["operationId"]
            if name in LEFT_OUT:
                continue
            tried += 1

            @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy())
            def asked(case: Any) -> None:
                case.call_and_validate(
                    base_url=url,
                    headers={"Authorization": f"Bearer {secret}"},
                    excluded_checks=[positive_data_acceptance] if name in KNOWS_MORE else [],  # noqa: B023 - run before the loop goes on
                )

            asked()
        assert tried == len(ENDPOINTS) - len(LEFT_OUT)


async def test_of_ten_calls_with_one_key_at_once_one_is_done(centre: Program) -> None:
    body = {"message": "once"}
    answers = await asyncio.gather(
        *(centre.call("POST", "/reviews", body, **{"Idempotency-Key": "k1"}) for _ in range(10))
    )
    assert {one.status for one in answers} <= {201, 409}, "done, repeated, or told to wait"
    assert len((await centre.ok("GET", "/draft"))["reviews"]) == 1


async def test_a_body_that_comes_in_pieces_is_read_to_its_end(centre: Program, session: ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"url": "https://dichvucong.langson'
        await asyncio.sleep(0.05)
        yield b'.gov.vn/vi"' + b" " * 300_000
        await asyncio.sleep(0.05)
        yield b"}"

    headers = {"Authorization": f"Bearer {centre.token}", "Content-Type": "application/json"}
    response = await session.post(centre.base.join(URL(BASE + "/explain")), data=pieces(), headers=headers)
    assert response.status == 200, await response.text()


async def test_blanks_are_no_reason(centre: Program) -> None:
    for message in ("", " ", "\t", "\n \r\n", "\u00a0", "\u3000"):
        assert (await centre.call("POST", "/reviews", {"message": message})).status == 422
    assert (await centre.call("POST", "/reviews", {"message": "\t có lý do \n"})).status == 201
