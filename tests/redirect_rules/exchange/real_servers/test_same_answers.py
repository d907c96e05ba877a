"""nginx and HAProxy, given an export, answer as `decide` does: for every listed address, its other spellings, misses."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from redirect_rules.answers import SendAway
from redirect_rules.canonical import canonical_key
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.exchange.exports import haproxy, nginx
from redirect_rules.exchange.exports.rules import Export, ExportedRule, Kind
from redirect_rules.model import HO_CHI_MINH, Action, Condition, Goal, Rule, Schedule
from redirect_rules.parsing import parse_template
from redirect_rules.snapshot import Rulebook, Snapshot, compile_snapshot
from tests.redirect_rules.exchange.real_servers.servers import Answer, Server, free_port, needed

NOW = datetime(2026, 11, 1, 9, tzinfo=HO_CHI_MINH)
LASTING, ON_TRIAL = "langson", "haiphong"  # 301, and 302 on probation
GOALS = {
    "dossier-lookup": "https://dichvucong.gov.vn/tra-cuu-ho-so",
    "procedure-list": "https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach",
    "help": "https://dichvucong.gov.vn/huong-dan-su-dung/huong-dan-chung",
}
Serve = Callable[[list[str], int], Server]


def rule(name: str, path: str, goal: Goal, *, exact: bool = True, when: tuple[Condition, ...] = ()) -> Rule:
    return Rule(name, (parse_template(path),), Action.NOTICE, (goal,), when, exact=exact)


WORDS = (
    "tin-tuc",
    "chi-tiet",
    "thu-tuc",
    "Portaldvc",
    "tra-cứu",
    "hồ sơ",
    "a+b",
    "x,y",
    "1.001193",
    "(cũ)",
    "Công-dân",
)


def some_rules(seed: int) -> list[tuple[Rule, ExportedRule]]:
    """A few hundred exact rules as the edge and as an export knows them."""
    chosen = random.Random(seed)
    found: dict[tuple[str, str], tuple[Rule, ExportedRule]] = {}
    for i in range(320):
        words = [chosen.choice(WORDS) for _ in range(chosen.randint(0, 3))] + ([str(i)] if i else [])
        template = parse_template("/" + "/".join(words))
        path = canonical_path("/" + "/".join(words))
        name, target = chosen.choice(sorted(GOALS.items()))
        query: tuple[tuple[str, str], ...] = ()
        if i % 4 == 1:
            query = (chosen.choice([("ma", f"1.00{i:04}"), ("matthc", f"khai sinh {i}"), ("p.id", f"đ{i}")]),)
        url = f"https://vpcp.dichvucong.gov.vn/cu/{i}?a=b&c={i}"
        goal, target = (Goal("", url=url), url) if i % 3 == 0 else (Goal(name), target)
        when = tuple(Condition(*pair) for pair in query)
        for host in ("dichvucong.langson.gov.vn", "dichvucong.haiphong.gov.vn"):
            status = 301 if "langson" in host else 302
            edge = Rule(f"r{i}", (template,), Action.NOTICE, (goal,), when, exact=True)
            found.setdefault((host + path, str(query)), (edge, ExportedRule(host, path, status, target, query)))
    return list(found.values())


def canonical_path(path: str) -> str:
    return canonical_key("", path).path


@pytest.fixture(scope="module")
def rules() -> list[tuple[Rule, ExportedRule]]:
    templates = [
        ("/the-gioi/{rest:path}", Kind.PREFIX, "/the-gioi"),
        ("/the-gioi/{id:number}", Kind.TEMPLATE, "/the-gioi/{id:number}"),
        ("/the-gioi/dvc-{name:word}.html", Kind.TEMPLATE, "/the-gioi/dvc-{name:word}.html"),
    ]
    more = []
    for (template, kind, path), (name, target) in zip(templates, GOALS.items(), strict=True):
        edge = rule(name, template, Goal(name), exact=False)
        more.append((edge, ExportedRule("dichvucong.langson.gov.vn", path, 301, target, kind=kind)))
        more.append((edge, ExportedRule("dichvucong.haiphong.gov.vn", path, 302, target, kind=kind)))
    return some_rules(1) + more


@pytest.fixture(scope="module")
def edge(snapshot: Snapshot, rules: list[tuple[Rule, ExportedRule]]) -> Snapshot:
    """A snapshot with these rules alone, one portal for good and one on probation."""
    since: Mapping[str, datetime] = {LASTING: NOW - timedelta(days=90), ON_TRIAL: NOW - timedelta(days=3)}
    portals = [
        replace(portal, schedule=Schedule(direct_at=since[portal.id]), families=())
        for portal in snapshot.all_portals
        if portal.id in since
    ]
    own = {
        portal.id: tuple({id(edge): edge for edge, exported in rules if exported.host in portal.all_hosts}.values())
        for portal in portals
    }
    book = Rulebook(
        portals=portals,
        families=(),
        portal_rules=own,
        destinations=tuple(snapshot.destinations.by_name.values()),
        allowed_hosts=snapshot.destinations.guard.allowed_hosts,
        procedure_ids={},
        procedure_names={},
        lookups=(),
        localities=snapshot.localities,
    )
    return compile_snapshot(book, number=1)


def visits(rules: list[tuple[Rule, ExportedRule]]) -> list[tuple[str, str]]:
    """Host and target: as listed, in other spellings, and what nobody listed."""
    found = []
    for i, (_, exported) in enumerate(rules):
        path = exported.path
        if exported.kind is not Kind.EXACT:
            found += [
                (exported.host, f"/the-gioi{end}")
                for end in ("", "/", "/5", "/x/y", "/DVC-khai-sinh.html", "/dvc-.html", "x", "/5/6")
            ]
            continue
        query = "&".join(f"{name}={quote_plus(value)}" for name, value in exported.query)
        ask = f"?{query}" if query else ""
        found += [(exported.host, path + ask), (exported.host, path + ask + ("&" if ask else "?") + "utm_source=zalo")]
        spellings = [
            f"{path.rstrip('/')}/{ask}",
            f"{path.rstrip('/')}/index.html{ask}",
            f"/{path}{ask}",
            f"{path.upper() if '%' not in path else path}{ask.replace('ma=', 'MA=').replace('matthc', 'MaTTHC')}",
            f"{path}{ask.replace('+', '%20')}",
            f"{path};jsessionid=0A1B{ask}",
            f"/./{path.lstrip('/')}{ask}",
            f"{path}x{ask}",
            f"{path}/y{ask}",
            f"{path}?ma=other",
        ]
        found.append((exported.host, spellings[i % len(spellings)]))
        found.append((exported.host.upper(), spellings[(i * 7 + 3) % len(spellings)]))
    return found


def decided(edge: Snapshot, host: str, target: str) -> Answer:
    decision = decide(Visit(host.lower(), target), edge, NOW)
    assert isinstance(decision, Decision)
    if isinstance(decision.answer, SendAway) and decision.way is not None:
        return Answer(301 if decision.permanent else 302, decision.way.target)
    return Answer(200)


def write(export: Export, folder: Path) -> None:
    assert not export.left_out
    for file in export.files:
        (folder / file.name).write_text(file.text, "utf-8")


def start_nginx(export: Export, folder: Path, serve: Serve) -> Server:
    program, port = needed("nginx"), free_port()
    write(export, folder)
    (folder / "nginx.conf").write_text(
        f"""daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
            uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            include {folder}/{nginx.MAPS};
            server {{
                listen 127.0.0.1:{port}; server_name _;
                include {folder}/{nginx.SERVER};
                location / {{ return 200 "none"; }}
            }}
        }}"""
    )
    return serve([program, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], port)


def start_haproxy(export: Export, folder: Path, serve: Serve) -> Server:
    program, port = needed("haproxy"), free_port()
    write(export, folder)
    lines = (folder / haproxy.FRONTEND).read_text("utf-8")
    (folder / "haproxy.cfg").write_text(
        "global\n  log stderr local0 err\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n"
        f"  timeout connect 1s\nfrontend edge\n  bind 127.0.0.1:{port}\n{lines}"
        '  http-request return status 200 content-type "text/plain" string "none"\n',
        "utf-8",
    )
    return serve([program, "-db", "-f", f"{folder}/haproxy.cfg"], port)


@pytest.fixture(params=["nginx", "haproxy"])
def server(
    request: pytest.FixtureRequest, rules: list[tuple[Rule, ExportedRule]], tmp_path: Path, serve: Serve
) -> Server:
    exported = [exported for _, exported in rules]
    if request.param == "nginx":
        return start_nginx(nginx.export(exported), tmp_path, serve)
    return start_haproxy(haproxy.export(exported, folder=str(tmp_path)), tmp_path, serve)


def test_listed_addresses_and_misses_are_answered_as_decide_does(
    edge: Snapshot, rules: list[tuple[Rule, ExportedRule]], server: Server
) -> None:
    wrong = []
    asked = visits(rules)
    expected = {(host, target): decided(edge, host, target) for host, target in asked}
    for (host, target), answer in expected.items():
        if (given := server.get(host, target)) != answer:
            wrong.append(f"{host}{target}: {given}, not {answer}")
    assert not wrong, "\n".join(wrong[:20])
    statuses = [answer.status for answer in expected.values()]
    assert len(asked) > 1_000
    assert min(statuses.count(status) for status in (200, 301, 302)) > 100


PAIRS = (("ma", "1"), ("x", "a b"))
SEVERAL = [
    ExportedRule("dichvucong.langson.gov.vn", "/p", 301, "https://dichvucong.gov.vn/bare"),
    ExportedRule("dichvucong.langson.gov.vn", "/p", 302, "https://dichvucong.gov.vn/one", PAIRS[:1]),
    ExportedRule("dichvucong.langson.gov.vn", "/p", 301, "https://dichvucong.gov.vn/both$1", PAIRS),
    ExportedRule("dichvucong.langson.gov.vn", "/gone", 410),
    ExportedRule(
        "dichvucong.langson.gov.vn",
        "/tt/{code:procedure}/{lang:language}",
        301,
        "https://dichvucong.gov.vn/t?k={code}&l={lang}",
        kind=Kind.TEMPLATE,
    ),
]
# target → answer
ANSWERS = [
    ("/p", Answer(301, "https://dichvucong.gov.vn/bare")),
    ("/p?ma=1", Answer(302, "https://dichvucong.gov.vn/one")),
    ("/p?x=a+b", Answer(301, "https://dichvucong.gov.vn/bare")),
    ("/p?x=a%20b&MA=1", Answer(301, "https://dichvucong.gov.vn/both$1")),
    ("/p?ma=1&y=2&x=a+b", Answer(301, "https://dichvucong.gov.vn/both$1")),
    ("/p?xma=1", Answer(301, "https://dichvucong.gov.vn/bare")),
    ("/gone", Answer(410)),
    ("/tt/1.001193.000.00.00.H37/VI", Answer(301, "https://dichvucong.gov.vn/t?k=1.001193&l=VI")),
    ("/tt/1001193/vi", Answer(200)),
]


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_several_parameters_captures_and_what_is_gone(name: str, tmp_path: Path, serve: Serve) -> None:
    if name == "nginx":
        server = start_nginx(nginx.export(SEVERAL), tmp_path, serve)
    else:
        server = start_haproxy(haproxy.export(SEVERAL, folder=str(tmp_path)), tmp_path, serve)
    given = [(target, server.get("dichvucong.langson.gov.vn", target)) for target, _ in ANSWERS]
    assert given == ANSWERS
