"""What passes goes through the whole edge: its server, its rules, its upstreams; and what cannot pass is told in words."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from proxy.app import create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from tests.conftest import BROWSER, RunningEdge, settings_with
from tests.passing_peers.edges import one_answer, until
from tests.passing_peers.recording import OK, Dialogue, Script, Seen, recording_origin, says
from tests.proxy.conftest import MODEL, day, edge_over, request_bytes, say
from tests.proxy.lanes import Connection

LIVE = day(2025, 6, 1)  # before the shipped portals were announced: everything passes
PERSON = ["User-Agent: Mozilla/5.0", "Accept: text/html", "Accept-Language: vi"]
PROGRAM = ["User-Agent: Mozilla/5.0", "Accept: application/json", "X-Requested-With: XMLHttpRequest"]


def file_of(folder: Path, *ports: int, route: str = "/", portal: str = "langson", **row: Any) -> Mapping[str, str]:
    """A file of upstreams with one that leads to these ports of this machine, as an environment that names it."""
    table = {"name": "province", "allow_networks": ["127.0.0.0/8"], **row}
    lines = ["[[upstream]]", *(f"{key} = {toml(value)}" for key, value in table.items() if not isinstance(value, dict))]
    lines.append("origins = [" + ", ".join(f'{{ url = "http://127.0.0.1:{port}" }}' for port in ports) + "]")
    for key, value in table.items():
        if isinstance(value, dict):
            lines += [f"[upstream.{key}]", *(f"{name} = {toml(own)}" for name, own in value.items())]
    lines += ["[[route]]", f'portal = "{portal}"', f'path = "{route}"', 'upstream = "province"']
    (folder / "upstreams.toml").write_text("\n".join(lines) + "\n")
    return {"DVC_EDGE__PASSING__FILE": str(folder / "upstreams.toml")}


def toml(value: object) -> str:
    return json.dumps(value)


@asynccontextmanager
async def passing_edge(
    packs: Packs, pages: Pages, environ: Mapping[str, str], **more: str
) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages, {**environ, **more}, at=LIVE) as edge:
        yield edge


async def test_what_passes_comes_back_as_the_origin_sent_it(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 Tot\r\nx-B: 2\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nok"
    async with (
        recording_origin(says(answer)) as origin,
        passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge,
    ):
        target = "/a%2Fb//c?q=%20+%C3&_stay=1"
        heard = await say(edge, request_bytes(target, headers=[*PERSON, "x-b: 2", "x-b: 1"], keep=True), until=b"ok")
        assert heard.raw == answer
        (seen,) = origin.seen
        assert seen.target == target.encode()
        assert seen.all("x-b") == ["2", "1"]
        assert seen.one("host") == MODEL
        assert seen.one("x-forwarded-for") == "127.0.0.1"
        assert seen.one("via") == "1.1 dvc-edge"
        (line,) = map(json.loads, edge.log.getvalue().splitlines())
        assert (line["outcome"], line["status"], line["bytes"]) == ("pass", 200, len(answer))


async def test_a_packed_upload_arrives_packed(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    octets = b"\x1f\x8b\x08\x00 whatever"
    headers = [*PERSON, "Content-Encoding: gzip", f"Content-Length: {len(octets)}"]
    async with recording_origin() as origin, passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge:
        heard = await say(edge, request_bytes("/upload", method="POST", headers=headers, body=octets))
        assert heard.reply.body == b"ok"
    assert origin.seen[0].body == octets


async def test_the_fast_lane_learns_nothing_of_what_passes(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    asked = request_bytes("/trang-chu", headers=PERSON, keep=True)
    async with recording_origin() as origin, passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge:
        connection = Connection(edge.port)
        for _ in range(5):
            assert (await connection.ask(asked)).endswith(b"ok")
        connection.close()
        url, counted = f"http://127.0.0.1:{edge.addresses.operations[1]}/metrics", ""
        for _ in range(200):  # what passed is counted four times a second
            async with edge.session.get(url) as answer:
                counted = await answer.text()
            if 'dvc_edge_passed_total{outcome="2xx",upstream="province"} 5.0' in counted:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail(counted)
    assert len(origin.seen) == 5
    assert origin.connections == 1
    assert "dvc_edge_fast_lane_total 0.0" in counted


async def cut(dialogue: Dialogue, seen: Seen) -> None:
    dialogue.writer.close()


async def stall(dialogue: Dialogue, seen: Seen) -> None:
    await asyncio.Event().wait()


FAILURES = [
    # what the origin does      row                                            status  reason         words for people
    (cut,                       {},                                             502, "bad-answer",   "upstream-failed"),
    (stall,                     {"timers": {"first_byte": 0.1}},                504, "late",         "upstream-late"),
    (says(b"SSH-2.0\r\n\r\n"),  {},                                             502, "bad-answer",   "upstream-failed"),
    (None,                      {},                                             502, "unreachable",  "upstream-down"),
    (says(OK),                  {"allow_networks": []},                         502, "address-refused", "upstream-down"),
    (stall,                     {"pool": {"connections": 1, "waiting": 0}},     503, "busy",         "upstream-busy"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "row", "status", "reason", "words"), FAILURES, ids=[f"{f[3]}" for f in FAILURES])
async def test_what_cannot_pass_is_a_page_for_people_and_a_problem_for_programs(
    packs: Packs,
    pages: Pages,
    tmp_path: Path,
    script: Script | None,
    row: dict[str, Any],
    status: int,
    reason: str,
    words: str,
) -> None:
    async with recording_origin() as gone:
        port = gone.port
    async with (
        recording_origin(script or says(OK)) as origin,
        passing_edge(packs, pages, file_of(tmp_path, origin.port if script else port, attempts=1, **row)) as edge,
    ):
        holding = []
        if reason == "busy":
            holding.append(asyncio.ensure_future(say(edge, request_bytes("/", headers=PERSON))))
            await until(lambda: origin.seen, seconds=30)
        title = str(pages._default.texts["vi"](f"trouble.{words}.title"))
        page = (await say(edge, request_bytes("/trang", headers=PERSON))).reply
        assert (page.status, title in page.text) == (status, True)
        assert page.headers["content-type"].startswith("text/html")
        assert int(page.headers["retry-after"]) > 0
        assert page.headers["cache-control"] == "no-store"
        problem = (await say(edge, request_bytes("/api/x", headers=PROGRAM))).reply
        assert (problem.status, json.loads(problem.text)["title"]) == (status, words)
        assert problem.headers["content-type"].startswith("application/problem+json")
        assert int(problem.headers["retry-after"]) > 0
        asset = (
            await say(edge, request_bytes("/x.css", headers=["User-Agent: Mozilla/5.0", "Sec-Fetch-Dest: style"]))
        ).reply
        assert (asset.status, asset.body) == (status, b"")
        notes = [json.loads(line).get("note") for line in edge.log.getvalue().splitlines()]
        assert notes == [reason] * 3
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)


async def test_a_body_that_nobody_reads_ends_the_connection(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    """What is left of it must never be taken for another request."""
    async with recording_origin() as origin, passing_edge(packs, pages, file_of(tmp_path, origin.port, body=3)) as edge:
        asked = request_bytes(
            "/x", method="POST", headers=[*PERSON, "Content-Length: 100000"], body=b"x" * 100_000, keep=True
        )
        heard = await say(edge, asked + request_bytes("/second", headers=PERSON))
    assert heard.closed
    assert heard.reply.status == 413
    assert heard.reply.headers["connection"] == "close"
    assert not origin.seen


async def test_dots_are_decided_on_and_therefore_never_passed(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with recording_origin() as origin, passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge:
        for target in ("/a/../b", "/a/%2e%2e/b", "/./b", "/a/..;x/b", "/a\\b"):
            assert (await say(edge, request_bytes(target, headers=PERSON))).reply.status == 400
    assert not origin.seen


async def test_a_path_goes_to_its_route_and_the_rest_nowhere(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with (
        recording_origin() as origin,
        passing_edge(packs, pages, file_of(tmp_path, origin.port, route="/API")) as edge,
    ):
        for target, status in (("/api", 200), ("/Api/v1?x=1", 200), ("/apiary", 503), ("/", 503)):
            assert (await say(edge, request_bytes(target, headers=PERSON))).reply.status == status, target


async def test_a_closed_page_never_reaches_the_origin(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with recording_origin() as origin, passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge:
        edge.clock[0] = day(2026, 11, 1)
        assert (await edge.get(f"https://{MODEL}/vi")).status == 200
        form = await edge.get(f"https://{MODEL}/vi", {**BROWSER}, method="POST", data={"ho_ten": "Lan"})
        assert form.status == 410
        assert not origin.seen
        edge.clock[0] = LIVE
        assert await (await edge.get(f"https://{MODEL}/vi")).text() == "ok"


async def test_other_portals_go_on_beside_a_stalled_one(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with recording_origin(stall) as origin, passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge:
        holding = [asyncio.ensure_future(say(edge, request_bytes("/", headers=PERSON))) for _ in range(10)]
        await until(lambda: len(origin.seen) == 10, seconds=30)
        edge.clock[0] = day(2026, 11, 1)
        other = await edge.get("https://dichvucong.hue.gov.vn/vi")
        assert other.status in {200, 421}
        ready = await edge.session.get(f"http://127.0.0.1:{edge.addresses.operations[1]}/ready")
        assert ready.status == 200
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)


async def test_a_websocket_is_relayed_and_told_when_we_go_away(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async def accept(dialogue: Dialogue, seen: Seen) -> None:
        seen.complete = True
        dialogue.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi"
        )
        farewell = await dialogue.exactly(8)  # a masked close frame with a code
        mask, code = farewell[2:6], farewell[6:8]
        codes.append(int.from_bytes(bytes(a ^ b for a, b in zip(code, mask, strict=False))))

    codes: list[int] = []
    lines = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    lines.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    async with recording_origin(accept) as origin:
        async with passing_edge(packs, pages, file_of(tmp_path, origin.port)) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(request_bytes("/ws", headers=lines, keep=True))
            answer = await one_answer(reader, b"")
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert await reader.readexactly(4) == b"\x81\x02hi"
            reading = asyncio.ensure_future(reader.readexactly(4))
        assert await reading == b"\x88\x02\x03\xe9", "1001 as the edge stopped"
        await until(lambda: codes == [1001], seconds=30)
        writer.close()


async def test_an_upstream_of_a_new_number_takes_over_while_we_run(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    """A portal's own `upstream` is published with its rules; loopback is refused to it, which is what shows it here."""
    portal = packs.snapshot.portals[MODEL]
    by_host = {**packs.snapshot.portals, MODEL: replace(portal, upstream="http://127.0.0.1:9")}
    named = replace(packs, snapshot=replace(packs.snapshot, portals=by_host))
    (tmp_path / "none.toml").write_text("")
    app = create_app(
        settings_with({"DVC_EDGE__PASSING__FILE": str(tmp_path / "none.toml")}),
        parts=(packs, pages),
        clock=lambda: LIVE,
        log=io.StringIO(),
    )
    reasons = []
    async with running(app) as addresses:
        for rules in (packs, named, packs):
            app.edge.adopt(rules)
            async with ClientSession() as session:
                url = f"http://127.0.0.1:{addresses.edge[1]}/x"
                async with session.get(url, headers={"Host": MODEL, "Accept": "application/json"}) as answer:
                    reasons.append((answer.status, (await answer.json())["title"]))
    assert reasons == [(503, "no-upstream"), (502, "upstream-down"), (503, "no-upstream")]


async def test_operators_are_told_how_upstreams_stand_and_a_dead_one_keeps_nobody_away(
    packs: Packs, pages: Pages, tmp_path: Path
) -> None:
    row: dict[str, Any] = {"breaker": {"failures": 1}, "attempts": 1}
    async with (
        recording_origin(cut) as origin,
        passing_edge(packs, pages, file_of(tmp_path, origin.port, **row)) as edge,
    ):
        assert (await say(edge, request_bytes("/x", headers=PERSON))).reply.status == 502
        url = f"http://127.0.0.1:{edge.addresses.operations[1]}/ready"

        async def told() -> tuple[int, dict[str, Any]]:
            async with edge.session.get(url) as answer:
                return answer.status, await answer.json()

        status, said = await told()
        for _ in range(200):  # it is told four times a second
            if said.get("upstreams", {}).get("province", {}).get("breaker") == "open":
                break
            await asyncio.sleep(0.05)
            status, said = await told()
    assert (status, said["status"]) == (200, "ready")
    assert said["upstreams"] == {
        "province": {"origins": 1, "well": 1, "breaker": "open", "busy": 0, "idle": 0, "waiting": 0}
    }


async def test_the_wait_for_what_is_in_hand_is_bounded(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with recording_origin(stall) as origin:
        environ = file_of(tmp_path, origin.port)
        async with passing_edge(packs, pages, environ, DVC_EDGE__LIMITS__SHUTDOWN_SECONDS="1") as edge:
            asking = asyncio.ensure_future(say(edge, request_bytes("/", headers=PERSON)))
            await until(lambda: origin.seen, seconds=30)
            began = asyncio.get_running_loop().time()
        assert 0.9 < asyncio.get_running_loop().time() - began < 10
        assert (await asking).closed
