"""Files that stand for a whole host."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from proxy import site_files
from proxy.packs import Packs
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import Action, Goal, Portal, Rule
from redirect_rules.parsing import parse_template
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN, RunningEdge
from tests.proxy.conftest import made_portal, with_portals

MODEL = "dichvucong.langson.gov.vn"
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def addresses(snapshot: Snapshot, portal: Portal, host: str) -> list[str]:
    """What the sitemap lists; also whether it is XML at all."""
    root = ET.fromstring(site_files.sitemap(snapshot, portal, host, AUTUMN))
    return [loc.text or "" for loc in root.iter(LOC)]


def test_crawlers_may_see_everything_and_learn_where_it_went() -> None:
    lines = site_files.robots(MODEL).splitlines()
    assert lines == ["User-agent: *", "Allow: /", f"Sitemap: https://{MODEL}/sitemap.xml"]


def test_the_security_contact_is_as_rfc_9116_wants_it() -> None:
    expires = datetime(2027, 4, 30, 2, 0, tzinfo=UTC)
    fields = dict(
        line.split(": ", 1)
        for line in site_files.security_txt("mailto:a@b.example", MODEL, expires=expires).splitlines()
    )
    assert fields == {
        "Contact": "mailto:a@b.example",
        "Expires": "2027-04-30T02:00:00Z",
        "Preferred-Languages": "vi, en",
        "Canonical": f"https://{MODEL}/.well-known/security.txt",
    }


async def test_the_security_contact_is_always_good_for_months(edge: RunningEdge) -> None:
    text = await (await edge.get(f"https://{MODEL}/.well-known/security.txt")).text()
    found = re.search(r"^Expires: (.+)$", text, re.MULTILINE)
    assert found is not None
    assert 90 < (datetime.fromisoformat(found[1]) - AUTUMN).days <= 365  # RFC 9116 §2.5.5: less than a year


def test_every_address_of_a_sitemap_is_on_its_host_and_listed_once(snapshot: Snapshot) -> None:
    listed = addresses(snapshot, snapshot.portals[MODEL], MODEL)
    assert len(listed) > 30
    assert len(set(listed)) == len(listed)
    assert {urlsplit(url).hostname for url in listed} == {MODEL}
    assert f"https://{MODEL}/" in listed
    assert f"https://{MODEL}/vi" not in listed  # a capture: a language, not an address


def test_every_address_of_a_sitemap_leads_somewhere(snapshot: Snapshot) -> None:
    """A crawler that follows it is sent on: no page in the map passes or is unknown."""
    wrong = []
    for portal in snapshot.all_portals:
        host = portal.hosts[0]
        if portal.scope:
            continue  # its map is the new portal's business
        for url in addresses(snapshot, portal, host):
            decision = decide(Visit(host, url.partition(host)[2]), snapshot, AUTUMN)
            if not isinstance(decision, Decision) or decision.outcome is not Action.NOTICE or not decision.mapped:
                wrong.append(url)
    assert not wrong


# path of a rule              in the map                       why
SPELT = [
    ("/tra cứu/100%25",       "/tra%20c%E1%BB%A9u/100%25",     "sitemaps.org: URL-escaped"),
    ("/a&b",                  "/a&b",                          "escaped for XML, and read back"),
    ("/mot/hai",              "/mot/hai",                      "an ordinary one"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "listed", "why"), SPELT)
def test_a_sitemap_spells_addresses_as_they_are_asked_for(packs: Packs, path: str, listed: str, why: str) -> None:
    portal = made_portal(packs, "map.example.vn")
    rule = Rule("map/one", (parse_template(path),), Action.NOTICE, (Goal("home"),))
    snapshot = with_portals(packs, portal, rules={portal.id: [rule]}).snapshot
    mapped = addresses(snapshot, portal, "map.example.vn")
    assert any(url.removeprefix("https://map.example.vn").replace("%26", "&") == listed for url in mapped)


# rule                                                              why it is not in the map
UNLISTED = [
    ({"action": Action.PASS, "goals": ()},                          "what passes has not moved"),
    ({"action": Action.GONE},                                       "what is gone leads nowhere"),
    ({"valid_until": AUTUMN},                                       "not in force any more"),
    ({"templates": (parse_template("/mot/{id:number}"),)},          "a capture cannot be spelt"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "why"), UNLISTED, ids=[why for _, why in UNLISTED])
def test_a_sitemap_lists_only_what_leads_somewhere(packs: Packs, changes: dict[str, object], why: str) -> None:
    portal = made_portal(packs, "map.example.vn")
    fields = {"templates": (parse_template("/mot/hai"),), "action": Action.NOTICE, "goals": (Goal("home"),)} | changes
    rule = Rule("map/one", **fields)  # type: ignore[arg-type]
    snapshot = with_portals(packs, portal, rules={portal.id: [rule]}).snapshot
    assert not [url for url in addresses(snapshot, portal, "map.example.vn") if "/mot" in url]


def test_the_retiring_worker_removes_caches_and_itself_and_reloads() -> None:
    script = site_files.RETIRING_WORKER
    for step in ("skipWaiting()", "caches.delete(name)", "registration.unregister()", "page.navigate(page.url)"):
        assert step in script
    assert "fetch" not in script.replace("// ", "")  # a fetch handler would keep the old shell in the way
    assert script.count("(") == script.count(")")
    assert script.count("{") == script.count("}")


@pytest.mark.parametrize("path", ["/robots.txt", "/sitemap.xml", "/.well-known/security.txt"])
async def test_a_back_office_keeps_its_own_files(edge: RunningEdge, path: str) -> None:
    """It lives on as it was; our map would list pages that nobody is sent on from there."""
    for host in ("motcua.daklak.gov.vn", "apidvc.thanhhoa.gov.vn"):
        assert (await edge.get(f"https://{host}{path}")).status == 503
