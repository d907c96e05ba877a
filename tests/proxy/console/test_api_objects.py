"""The API of all that is no rule: objects, places, people, tokens, counts, the trail and files."""

import json
from datetime import timedelta
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from proxy.console.api import BASE
from proxy.console.desk import Desk
from redirect_rules.audit import Chained, Entry, Link, first_break
from redirect_rules.hits import Hit
from redirect_rules.people import Token, digest_of
from redirect_rules.rights import Deed
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Browser, at
from tests.proxy.console.test_api import RULE, Program, centre, session, token_for

__all__ = ["centre", "session"]


def program(desk: Desk, session: ClientSession, base: URL, actor: str) -> Program:
    return Program(session, base, token_for(desk, actor))


async def test_objects_are_listed_page_by_page_and_read_one_by_one(centre: Program) -> None:
    for number in range(5):
        lookup = {"body": {"entries": {"1": "1.001193"}}, "reason": "r"}
        await centre.ok("PUT", f"/lookups/langson/table-{number}", lookup)
    for sort in ("portals", "destinations", "families", "lookups"):
        found: list[tuple[str, str]] = []
        after = ""
        while True:
            page = await centre.ok("GET", f"/{sort}?limit=3&after={after.replace('|', '%7C')}")
            found += [(one["owner"], one["id"]) for one in page["items"]]
            if page["next"] is None or len(found) > 9:
                break
            after = page["next"]
        assert len(found) == len(set(found)) > 3, sort
        owner, id_ = found[-1]
        path = f"/{sort}/{owner}/{id_}" if sort == "lookups" else f"/{sort}/{id_}"
        one = await centre.ok("GET", path)
        assert (one["owner"], one["id"]) == (owner, id_)
        assert one["body"]
        again = {"body": one["body"], "reason": "the same", "seen_version": one["version"]}
        kept = await centre.ok("PUT", path, again)
        assert kept["body"] == one["body"], "what is read can be written"
        assert kept["version"] > one["version"]


async def test_an_earlier_revision_comes_back(centre: Program) -> None:
    kept = await centre.ok("PUT", "/rules/langson/cu", {"rule": {**RULE, "note": "one"}, "reason": "first"})
    changed = {"rule": {**RULE, "note": "two"}, "reason": "second", "seen_version": kept["version"]}
    later = await centre.ok("PUT", "/rules/langson/cu", changed)
    history = await centre.ok("GET", "/history?kind=rule&owner=langson&id=cu")
    assert [(one["reason"], one["body"]["note"]) for one in history["items"]] == [("second", "two"), ("first", "one")]
    asked = {"kind": "rule", "owner": "langson", "id": "cu", "version": kept["version"], "reason": "back"}
    stale = await centre.call("POST", "/restorations", asked | {"seen_version": kept["version"]})
    assert stale.status == 409
    back = await centre.ok("POST", "/restorations", asked | {"seen_version": later["version"]})
    assert back["body"]["note"] == "one"


async def test_a_schedule_is_kept_and_the_rest_of_its_portal_stays(centre: Program) -> None:
    portal = await centre.ok("GET", "/portals/langson")
    body = {
        "schedule": {"notice_at": "2027-01-01T00:00:00+07:00"},
        "reason": "later",
        "seen_version": portal["version"],
    }
    kept = await centre.ok("PUT", "/schedules/langson", body)
    assert kept["body"] == portal["body"] | {"schedule": {"notice_at": "2027-01-01T00:00:00+07:00"}}
    told = {one["portal"]: one for one in (await centre.ok("GET", "/schedules?draft=true"))["items"]}
    assert told["langson"]["phase"] == "live"
    assert [change["at"] for change in told["langson"]["changes"]] == ["2027-01-01T00:00:00+07:00"]
    serving = {one["portal"]: one for one in (await centre.ok("GET", "/schedules"))["items"]}
    assert serving["langson"]["phase"] == "notice"


async def test_places_and_the_table_of_provinces_are_told(centre: Program) -> None:
    found = await centre.ok("GET", "/localities?q=xa%20co%20bi")
    assert any("Cổ Bi" in one["name"] for one in found["items"])
    disputed = (await centre.ok("GET", "/localities/disputed"))["items"]
    assert all(len(one["now"]) > 1 for one in disputed)
    assert disputed
    table = (await centre.ok("GET", "/readiness"))["items"]
    assert len(table) == 34
    assert all({"closed", "units"} <= row["cells"].keys() for row in table)


async def test_many_rules_are_changed_and_put_back(centre: Program) -> None:
    asked: dict[str, Any] = {
        "filter": {"owner": "igate2"}, "change": "tag", "value": "kiem-tra", "reason": "r", "dry_run": True,
    }  # fmt: skip
    looked = await centre.ok("POST", "/rules/changes", asked)
    assert looked["changing"] > 3
    assert looked["batch"] is None
    assert (await centre.ok("GET", "/rules/count?tag=kiem-tra"))["count"] == 0
    done = await centre.ok("POST", "/rules/changes", asked | {"dry_run": False})
    assert done["changing"] == looked["changing"] == (await centre.ok("GET", "/rules/count?tag=kiem-tra"))["count"]
    batch = str(URL("/").joinpath(done["batch"])).lstrip("/")
    work = await centre.ended(await centre.ok("POST", f"/batches/{batch}/undo", {"reason": "no"}))
    assert (work["state"], (await centre.ok("GET", "/rules/count?tag=kiem-tra"))["count"]) == ("done", 0)
    assert (await centre.call("POST", "/batches/none/undo", {"reason": "no"})).status == 404


# People and tokens


async def test_officers_are_hired_changed_and_dismissed(centre: Program, desk: Desk) -> None:
    grants = [{"role": "editor", "province": "20"}]
    kept = await centre.ok("PUT", "/people/moi.den", {"name": "Mới Đến", "grants": grants, "reason": "hired"})
    assert kept["grants"] == grants
    assert desk.person("moi.den").may(Deed.EDIT, "20")
    assert [one["actor"] for one in (await centre.ok("GET", "/people"))["items"]].count("moi.den") == 1
    token = token_for(desk, "moi.den")
    body = {"reason": "left", "seen_version": kept["version"]}
    await centre.ok("DELETE", "/people/moi.den", body)
    assert not desk.person("moi.den").grants
    assert (await Program(centre.session, centre.base, token).call("GET", "/draft")).status == 401


async def test_nobody_takes_their_own_administration_away(centre: Program) -> None:
    me = await centre.ok("GET", "/people/trung.uong")
    for grants in ([], [{"role": "viewer"}], [{"role": "administrator", "province": "20"}]):
        body = {"grants": grants, "reason": "r", "seen_version": me["version"]}
        assert (await centre.call("PUT", "/people/trung.uong", body)).status == 403
    gone = await centre.call("DELETE", "/people/trung.uong", {"reason": "r", "seen_version": me["version"]})
    assert gone.status == 403


MASS = [
    ("PUT", "/people/xem", {"grants": [{"role": "viewer"}], "reason": "r", "is_root": True}),
    ("PUT", "/people/xem", {"grants": [{"role": "viewer", "deeds": ["edit"]}], "reason": "r"}),
    ("PUT", "/people/xem", {"grants": [{"role": "root"}], "reason": "r"}),
    ("PUT", "/people/xem", {"grants": [{"role": "viewer", "province": "99"}], "reason": "r"}),
    ("PUT", "/portals/langson", {"body": {}, "reason": "r", "actor": "xem"}),
    ("PUT", "/schedules/langson", {"schedule": {}, "reason": "r", "seen_version": 1, "hosts": ["x.vn"]}),
    ("PUT", "/schedules/langson", {"schedule": {"hosts": ["x.vn"]}, "reason": "r", "seen_version": 1}),
    ("POST", "/restorations", {"kind": "person", "id": "xem", "version": 1, "seen_version": 1, "reason": "r"}),
    ("POST", "/restorations", {"kind": "client", "id": "x", "version": 1, "seen_version": 1, "reason": "r"}),
    ("GET", "/history?kind=person&id=xem", None),
    ("POST", "/hits/ignored", {"key": "a/b", "reason": "r", "portal": "hanoi"}),
]


async def test_what_nobody_may_set_is_refused(centre: Program) -> None:
    answers = {str(asked): (await centre.call(*asked)).status for asked in MASS}
    assert answers == dict.fromkeys(answers, 422)


OF_ANOTHER_PROVINCE = [
    ("PUT", "/lookups/bacgiang/procedure", {"body": {"entries": {"1": "2"}}, "reason": "r"}),
    ("PUT", "/destinations/x", {"body": {"forms": [{"url": "https://dichvucong.gov.vn/"}]}, "reason": "r"}),
    ("PUT", "/families/x", {"body": {"version": 1}, "reason": "r"}),
    ("POST", "/hits/ignored", {"key": "dichvucong.bacgiang.gov.vn/x", "reason": "r"}),
    ("POST", "/hits/ignored", {"key": "nobody.example/x", "reason": "r"}),
    ("PUT", "/portals/langson", {"body": {}, "reason": "r"}),
    ("PUT", "/schedules/langson", {"schedule": {}, "reason": "r", "seen_version": 1}),
    ("GET", "/people", None),
    ("GET", "/audit", None),
]


async def test_what_lies_in_another_province_is_out_of_reach(
    desk: Desk,
    session: ClientSession,
    base: URL,
) -> None:
    editor = program(desk, session, base, "lang.son")
    answers = {str(asked): (await editor.call(*asked)).status for asked in OF_ANOTHER_PROVINCE}
    assert answers == dict.fromkeys(answers, 403)


async def test_what_lies_in_ones_own_province_is_not(desk: Desk, session: ClientSession, base: URL) -> None:
    editor = program(desk, session, base, "lang.son")
    await editor.ok("PUT", "/lookups/langson/test", {"body": {"entries": {"1": "2"}}, "reason": "r"})
    await editor.ok("POST", "/hits/ignored", {"key": "dichvucong.langson.gov.vn/x", "reason": "r"})
    history = {"kind": "lookup", "owner": "langson", "id": "test", "version": 99_999, "seen_version": 1, "reason": "r"}
    assert (await editor.call("POST", "/restorations", history)).status == 404
    assert (await editor.call("POST", "/restorations", history | {"owner": "bacgiang"})).status == 403


async def test_a_token_makes_no_token(centre: Program, administrator: Browser) -> None:
    wanted = {"name": "nightly", "days": 30, "deeds": ["see"]}
    refused = await centre.call("POST", "/tokens", wanted)
    assert refused.status == 403
    assert "browser" in await refused.text()
    url = administrator.base.join(URL(BASE + "/tokens"))
    made = await administrator.session.post(url, json=wanted, headers={"X-CSRF-Token": administrator.csrf})
    assert made.status == 201, await made.text()
    fresh = await made.json()
    assert fresh["secret"].startswith("dvc_")
    theirs = Program(centre.session, centre.base, fresh["secret"])
    listed = (await theirs.ok("GET", "/tokens"))["items"]
    assert fresh["id"] in {one["id"] for one in listed}
    assert "secret" not in json.dumps(listed)
    for deeds in (["edit-people"], ["see", "fly"], []):
        answer = await administrator.session.post(
            url, json=wanted | {"deeds": deeds}, headers={"X-CSRF-Token": administrator.csrf}
        )
        assert answer.status == 422
    await theirs.ok("DELETE", f"/tokens/{fresh['id']}")
    assert (await theirs.call("GET", "/tokens")).status == 401


async def test_nobody_gives_a_token_what_they_do_not_have(base: URL) -> None:
    async with at(base, "xem") as viewer:
        url = base.join(URL(BASE + "/tokens"))
        wanted = {"name": "x", "days": 1, "deeds": ["edit"]}
        answer = await viewer.session.post(url, json=wanted, headers={"X-CSRF-Token": viewer.csrf})
        assert answer.status == 422


async def test_somebody_elses_token_is_not_there(desk: Desk, session: ClientSession, base: URL) -> None:
    viewer = program(desk, session, base, "xem")
    ends = AUTUMN + timedelta(days=1)
    desk.people.put_token(Token("abc", "trung.uong", "t", digest_of("y" * 30), frozenset({Deed.SEE}), AUTUMN, ends))
    assert {one["id"] for one in (await viewer.ok("GET", "/tokens"))["items"]} == {"xem"}
    assert (await viewer.call("DELETE", "/tokens/abc")).status == 404


# Counts, the trail, files


async def test_hits_are_told_by_outcome_and_by_rule(centre: Program, desk: Desk) -> None:
    hits = {
        Hit("langson", "dichvucong.langson.gov.vn/a", "notice", "navigation", "langson/a"): 4,
        Hit("langson", "dichvucong.langson.gov.vn/b", "notice", "navigation", ""): 3,
    }
    desk.hits.add(AUTUMN.date(), hits)
    assert (await centre.ok("GET", "/hits/rules"))["items"] == [{"rule": "langson/a", "visits": 4}]
    outcomes = (await centre.ok("GET", "/hits/outcomes?portal=langson"))["items"]
    assert [(one["outcome"], one["client"], one["visits"]) for one in outcomes] == [("notice", "navigation", 7)]
    assert [one["visits"] for one in (await centre.ok("GET", "/hits"))["unmapped"]] == [3]


async def test_the_trail_is_searched_and_taken_along_and_still_holds(centre: Program, desk: Desk) -> None:
    for number in range(3):
        await centre.ok(
            "POST", "/hits/ignored", {"key": f"dichvucong.langson.gov.vn/{number}", "reason": f"r {number}"}
        )
    first = await centre.ok("GET", "/audit?actor=trung.uong&limit=2")
    assert [one["reason"] for one in first["items"]] == ["r 2", "r 1"]
    rest = await centre.ok("GET", f"/audit?actor=trung.uong&limit=2&before={first['next']}")
    assert [one["reason"] for one in rest["items"]] == ["r 0"]
    assert [one["reason"] for one in (await centre.ok("GET", "/audit?word=R%201"))["items"]] == ["r 1"]
    taken = await (await centre.call("GET", "/exports/audit.jsonl")).text()
    chain = [
        Chained(Entry(**one["entry"]), one["previous"], one["hash"]) for one in map(json.loads, taken.splitlines())
    ]
    head = await centre.ok("GET", "/audit/head")
    assert first_break(chain, known=[Link(head["number"], head["hash"])]) is None
    work = await centre.ended(await centre.ok("POST", "/audit/verification"))
    assert work["result"] == {
        "holds": True, "entries": head["number"], "head": head["hash"], "number": None, "why": "",
    }  # fmt: skip


FILES = ["/exports/rules.csv?owner=langson", "/exports/audit.csv?limit=3", "/exports/readiness.csv"]


async def test_files_are_handed_out_as_files(centre: Program) -> None:
    await centre.ok("PUT", "/rules/langson/cu", {"rule": {**RULE, "note": "=1+1"}, "reason": "r"})
    for path in FILES:
        response = await centre.call("GET", path)
        assert response.status == 200
        assert response.content_type == "text/csv"
        assert response.headers["Content-Disposition"].startswith("attachment")
        text = await response.text()
        assert len(text.splitlines()) > 1, path
        assert ",=1+1" not in text


async def test_an_answer_is_repeated_by_a_console_that_was_started_anew(centre: Program, desk: Desk) -> None:
    key = {"Idempotency-Key": "over-night"}
    first = await centre.call("POST", "/reviews", {"message": "once"}, **key)
    kept = desk.answers.kept("trung.uong", "over-night", now=AUTUMN)
    assert kept is not None
    assert kept.body == await first.text()
    assert desk.answers.kept("trung.uong", "over-night", now=AUTUMN + timedelta(days=2)) is None
    long = await centre.call("POST", "/reviews", {"message": "x"}, **{"Idempotency-Key": "k" * 256})
    assert long.status == 422
