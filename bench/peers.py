"""Who else could stand there: nginx, HAProxy, Caddy and a plain aiohttp Application, with the same rules.

Each is set up as its manual says for this work, with one worker and its access log in a file.  nginx writes a line of
its log at each request, as it comes, or many lines at once (`buffer=`), as we do.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.rulesets import OldAddress, Template
from bench.servers import Server, free_port, serving

_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def program(name: str) -> str | None:
    """Where a peer is installed; None: nowhere."""
    return shutil.which(name, path=_PATH)


def version(name: str) -> str:
    """What a peer calls itself."""
    options = {"nginx": ["-v"], "haproxy": ["-v"], "caddy": ["version"], "wrk": ["-v"]}[name]
    path = program(name)
    if path is None:
        return "not installed"
    done = subprocess.run([path, *options], capture_output=True, text=True, timeout=10, check=False)
    return (done.stdout + done.stderr).strip().partition("\n")[0]


# nginx


@dataclass(frozen=True, slots=True)
class Nginx:
    """How one is set up."""

    server: str  # lines of that block
    http: str = ""  # lines of that block
    main: str = ""  # lines before all blocks
    workers: int = 1
    buffered: bool = False  # whether its log is written many lines at once


def nginx_conf(setup: Nginx, folder: Path, port: int, *, root: bool = False) -> str:
    """A configuration.

    root  whether we are: a worker has to read what we write
    """
    log = f"{folder}/access.log combined" + (" buffer=64k flush=1s" if setup.buffered else "")
    temporary = "\n".join(
        f"  {kind}_temp_path {folder}/temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
{"user root;" if root else ""}
worker_processes {setup.workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{setup.main}
events {{ worker_connections 1024; }}
http {{
  default_type text/html;
  access_log {log};
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  sendfile on;
  tcp_nopush on;
{temporary}
{setup.http}
  server {{
    listen 127.0.0.1:{port};
{setup.server}
  }}
}}
"""


def nginx_map(folder: Path, rules: Iterable[OldAddress]) -> str:
    """The `map` of exact rules, from host and request target; writes them beside."""
    path, count = folder / "rules.map", 0
    with path.open("w", encoding="utf-8") as file:
        for count, one in enumerate(rules, start=1):  # noqa: B007 - the last is how many there are
            file.write(f'"{one.site.host}{one.path}" "{one.target}";\n')
    # Four places for each key: smaller tables take nginx minutes to try.
    size = max(4 * count, 2_048)
    return f"""\
  map_hash_max_size {size};
  map_hash_bucket_size 512;
  map $host$request_uri $to {{ default ""; include {path}; }}
"""


def nginx_expressions(folder: Path, templates: Iterable[Template], target: str) -> str:
    """The `map` of as many regular expressions; `target` takes the number as $1."""
    path = folder / "templates.map"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f'"~{one.expression}" "{target}";\n' for one in templates)
    return f'  map $uri $to {{ default ""; include {path}; }}\n'


SEND_AWAY: Final = '    location / { if ($to = "") { return 404; } return 301 $to; }'


@contextlib.contextmanager
def nginx(folder: Path, setup: Nginx) -> Iterator[Server]:
    """A running nginx."""
    port, conf = free_port(), folder / "nginx.conf"
    (folder / "temp").mkdir(exist_ok=True)
    conf.write_text(nginx_conf(setup, folder, port, root=os.geteuid() == 0), "utf-8")
    command = [program("nginx") or "nginx", "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)]
    with serving(command, port=port, folder=folder) as server:
        yield server


# HAProxy


def haproxy_conf(folder: Path, port: int) -> str:
    """A configuration whose map lies beside it as `rules.map`."""
    return f"""\
global
  log stdout len 1024 format raw local0 info
  nbthread 1
  maxconn 2000
defaults
  mode http
  log global
  option httplog
  timeout client 75s
  timeout http-keep-alive 75s
  timeout connect 5s
  timeout server 5s
frontend closed
  bind 127.0.0.1:{port}
  http-request redirect code 301 location %[base,map_str({folder}/rules.map)]
"""


@contextlib.contextmanager
def haproxy(folder: Path, rules: Iterable[OldAddress]) -> Iterator[Server]:
    """A running HAProxy."""
    port, conf = free_port(), folder / "haproxy.cfg"
    with (folder / "rules.map").open("w", encoding="utf-8") as file:
        file.writelines(f"{one.site.host}{one.path} {one.target}\n" for one in rules)
    conf.write_text(haproxy_conf(folder, port), "utf-8")
    with serving([program("haproxy") or "haproxy", "-db", "-f", str(conf)], port=port, folder=folder) as server:
        yield server


# Caddy


def caddy_file(folder: Path, port: int, rules: Iterable[OldAddress]) -> str:
    """A Caddyfile."""
    pairs = "\n".join(f"    {one.site.host}{one.path} {one.target}" for one in rules)
    return f"""\
{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  log {{
    output file {folder}/access.log
  }}
  map {{host}}{{path}} {{to}} {{
{pairs}
  }}
  redir {{to}} 301
}}
"""


@contextlib.contextmanager
def caddy(folder: Path, rules: Iterable[OldAddress]) -> Iterator[Server]:
    """A running Caddy."""
    port, conf = free_port(), folder / "Caddyfile"
    conf.write_text(caddy_file(folder, port, rules), "utf-8")
    environ = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "GOMAXPROCS": "1"}
    command = [program("caddy") or "caddy", "run", "--config", str(conf), "--adapter", "caddyfile"]
    with serving(command, port=port, folder=folder, environ=environ) as server:
        yield server


# aiohttp


@contextlib.contextmanager
def plain(folder: Path, rules: Iterable[OldAddress], *, log: bool) -> Iterator[Server]:
    """A plain aiohttp Application, with or without its access log."""
    port, pairs = free_port(), folder / "rules.tsv"
    with pairs.open("w", encoding="utf-8") as file:
        file.writelines(f"{one.site.host}{one.path}\t{one.target}\n" for one in rules)
    command = [
        sys.executable,
        "-m",
        "bench.plain",
        str(port),
        str(pairs),
        *([str(folder / "access.log")] if log else []),
    ]
    with serving(command, port=port, folder=folder) as server:
        yield server
