"""The peers answer the same rules as we do: real ones, where they are installed."""

from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

import pytest

from bench import peers
from bench.peers import Nginx
from bench.rulesets import CRAWLING, Site, head, old_addresses, template
from bench.servers import Server, exchange, field

pytestmark = pytest.mark.clocked


SITES = [Site("langson", "a.gov.vn"), Site("hue", "b.gov.vn")]
RULES = list(old_addresses(40, SITES))
KEYWORD = "https://dichvucong.gov.vn/tim?keyword="


def started(name: str, folder: Path) -> AbstractContextManager[Server]:
    match name:
        case "nginx":
            return peers.nginx(folder, Nginx(peers.SEND_AWAY, peers.nginx_map(folder, RULES)))
        case "haproxy":
            return peers.haproxy(folder, RULES)
        case "caddy":
            return peers.caddy(folder, RULES)
    return peers.plain(folder, RULES, log=True)


@pytest.mark.parametrize("name", ["nginx", "haproxy", "caddy", "aiohttp"])
def test_a_peer_leads_where_the_rules_lead_and_writes_its_log(name: str, tmp_path: Path) -> None:
    if name != "aiohttp" and not peers.program(name):
        pytest.skip(f"{name} is not installed")
    with started(name, tmp_path) as server:
        answers = exchange(server.port, [head(one.site.host, one.path, *CRAWLING) for one in RULES])
        assert server.cpu_seconds() >= 0
        assert server.memory().proportional > 0
    assert [field(answer, "Location") for answer in answers] == [one.target for one in RULES]
    assert all(b" 301 " in answer[:20] for answer in answers)
    log = tmp_path / ("stdout" if name == "haproxy" else "access.log")
    assert len(log.read_text().splitlines()) >= len(RULES)


def test_nginx_leads_by_expressions_with_their_number(tmp_path: Path) -> None:
    if not peers.program("nginx"):
        pytest.skip("nginx is not installed")
    templates = [template(number) for number in range(12)]
    http = peers.nginx_expressions(tmp_path, templates, f"{KEYWORD}$1")
    with peers.nginx(tmp_path, Nginx(peers.SEND_AWAY, http, main="pcre_jit on;", buffered=True)) as server:
        asked = [head("a.gov.vn", one.sample.format(7), *CRAWLING) for one in templates]
        answers = exchange(server.port, [*asked, head("a.gov.vn", "/khong", *CRAWLING)])
    assert [field(answer, "Location") for answer in answers] == [f"{KEYWORD}7"] * 12 + [""]
    assert b" 404 " in answers[-1][:20]


def test_a_table_of_nginx_has_room_for_any_number_of_rules(tmp_path: Path) -> None:
    assert "map_hash_max_size 2048;" in peers.nginx_map(tmp_path, islice(RULES, 3))
    assert "map_hash_max_size 4000;" in peers.nginx_map(tmp_path, islice(old_addresses(1_000, SITES), 1_000))


def test_who_is_not_installed_has_a_version_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_PATH", "/nowhere")
    assert peers.version("caddy") == "not installed"
