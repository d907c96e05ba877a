"""aiohttp's clients trust whom this machine trusts, whenever that is read; and nobody, where nobody told them whom."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CONF
from tests.passing_peers.certificates import Authority

ROOT = CONF.parent
_CLIENTS = {
    "ClientSession": ("connector", ("TCPConnector(",)),
    "TCPConnector": ("ssl", ("trusting()", "trust or True")),
    "AiohttpFetch": ("trust", ("trusting()",)),
}
"""What calls servers: the argument by which it is handed a context, and how that may be."""

_REPORT = """
import json, os, ssl, sys
import {first}
import aiohttp, aiohttp.connector
from proxy import authorities

def told(context):
    return (len(context.get_ca_certs()), context.verify_mode, context.check_hostname, context.options,
        context.minimum_version)

of_aiohttp = told(aiohttp.connector._SSL_CONTEXT_VERIFIED)
standard = ssl.create_default_context
print(json.dumps(dict(
    of_aiohttp=of_aiohttp, ours=told(authorities.trusting()), plain=told(standard()),
    nobodys=aiohttp.connector._SSL_CONTEXT_UNVERIFIED.verify_mode, once=authorities.trusting() is authorities.trusting(),
    named={{name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}},
    untouched=standard.__module__ == "ssl" and "set_default_verify_paths" not in vars(ssl.SSLContext),
)))
"""

_VISIT = """
import asyncio, ssl, sys
from proxy.authorities import trusting
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector, web

certificate, key = sys.argv[1:]

async def visited(port, context):
    async with ClientSession(connector=TCPConnector(ssl=context)) as session:
        try:
            async with session.get(f"https://localhost:{port}/") as answer:
                return str(answer.status)
        except ClientConnectorCertificateError:
            return "refused"

async def main():
    async def answer(_):
        return web.Response()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=served).start()
    port = runner.addresses[0][1]
    print(await visited(port, trusting()), await visited(port, True))
    await runner.cleanup()

asyncio.run(main())
"""


def _run(program: str, *arguments: str, **named: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", program, *arguments],
        capture_output=True, text=True, timeout=60, check=True, env=environ | named,
    )  # fmt: skip
    return done.stdout


def _reported(first: str, **named: str) -> dict[str, Any]:
    """What a program finds that imports `first` before anything else, with these variables."""
    told: dict[str, Any] = json.loads(_run(_REPORT.format(first=first), **named))
    return told


@pytest.mark.parametrize("first", ["proxy.authorities", "proxy.commands.serve", "proxy.fork_server"])
def test_nothing_is_read_before_it_is_asked_for_and_then_it_is_all_of_it(first: str) -> None:
    told = _reported(first)
    assert told["of_aiohttp"][0] == 0
    assert told["ours"] == told["plain"]
    assert told["once"]


def test_nothing_else_is_changed() -> None:
    told = _reported("proxy.authorities")
    assert told["of_aiohttp"][1:] == told["plain"][1:], "aiohttp's own context verifies, and finds nobody to trust"
    assert told["nobodys"] == 0
    assert told["named"] == {"SSL_CERT_FILE": None, "SSL_CERT_DIR": None}
    assert told["untouched"]


def test_whom_an_operator_names_is_trusted(tmp_path: Path) -> None:
    """By OpenSSL's own variables, which are as they were when all is imported."""
    named = {"SSL_CERT_FILE": str(Authority(tmp_path).file), "SSL_CERT_DIR": str(tmp_path)}
    told = _reported("proxy.authorities", **named)
    assert (told["of_aiohttp"][0], told["ours"][0], told["named"]) == (0, 1, named)


def test_where_aiohttp_was_there_before_everything_is_as_it_was() -> None:
    told = _reported("aiohttp")
    assert told["of_aiohttp"] == told["ours"] == told["plain"]


@pytest.mark.parametrize(
    ("named", "answers"),
    [("localhost", "200 refused"), ("elsewhere.example", "refused refused")],
)
def test_a_server_is_proven_by_those_authorities_and_by_its_name(tmp_path: Path, named: str, answers: str) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue(named)
    assert _run(_VISIT, str(certificate), str(key), SSL_CERT_FILE=str(authority.file)).strip() == answers


def test_a_server_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("localhost")
    assert _run(_VISIT, str(certificate), str(key)).strip() == "refused refused"


def _calls() -> Iterator[tuple[str, str, Mapping[str | None, str]]]:
    """Every call in the program that makes a client: where, of what, with which arguments."""
    for path in sorted(path for folder in ("proxy", "sso", "redirect_rules") for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        for call in ast.walk(ast.parse(text)) if any(name in text for name in _CLIENTS) else ():
            if isinstance(call, ast.Call) and (called := ast.unparse(call.func).rpartition(".")[2]) in _CLIENTS:
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                yield f"{path.relative_to(ROOT)}:{call.lineno}", called, given


def test_every_client_of_ours_is_handed_them() -> None:
    """One that is not would trust nobody, and reach no server; one that trusts everybody there must not be."""
    calls = list(_calls())
    assert {called for _, called, _ in calls} == set(_CLIENTS)
    for where, called, given in calls:
        argument, handed = _CLIENTS[called]
        assert given.get(argument, "").startswith(handed), f"{where}: write {argument}={handed[0]}"
