"""aiohttp's clients trust whom this machine trusts, whenever that is read."""

import json
import ssl
import subprocess
import sys

import pytest

from proxy import authorities
from proxy.authorities import PatientContext

_REPORT = """
import json, ssl, sys
import {first}
import aiohttp.connector
from proxy import authorities
ours, nobodys = aiohttp.connector._SSL_CONTEXT_VERIFIED, aiohttp.connector._SSL_CONTEXT_UNVERIFIED
def told():
    return len(ours.get_ca_certs()), ours.verify_mode, ours.check_hostname, ours.options, ours.minimum_version
before = told()
{use}
plain = ssl.create_default_context()
print(json.dumps(dict(
    before=before, after=told(), plain=(len(plain.get_ca_certs()), plain.verify_mode, plain.check_hostname,
    plain.options, plain.minimum_version), nobodys=nobodys.verify_mode,
    patient=isinstance(ours, authorities.PatientContext), restored="set_default_verify_paths" not in vars(ssl.SSLContext),
    standard=ssl.create_default_context.__module__, allowed=isinstance(plain, aiohttp.client_reqrep.SSL_ALLOWED_TYPES),
)))
"""
_USES = {
    "read": "authorities.read()",
    "wrap_bio": "ours.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='h')",
    "wrap_socket": "import socket; ours.wrap_socket(socket.socket(), server_hostname='h')",
}


def _reported(first: str, use: str) -> dict[str, object]:
    """What a program finds that imports `first` before anything else."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", _REPORT.format(first=first, use=use)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    told: dict[str, object] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("use", _USES)
def test_authorities_are_read_with_the_first_use_and_then_are_those_of_any_context(use: str) -> None:
    told = _reported("proxy.authorities", _USES[use])
    assert told["patient"]
    assert isinstance(told["before"], list)
    assert isinstance(told["plain"], list)
    assert told["before"] == [0, *told["plain"][1:]]
    assert told["after"] == told["plain"]


def test_whoever_imports_the_server_has_imported_them_first() -> None:
    assert _reported("proxy.commands.serve", "")["patient"]
    assert _reported("proxy.fork_server", "")["patient"]


def test_nothing_else_is_changed() -> None:
    told = _reported("proxy.authorities", "")
    assert told["nobodys"] == ssl.CERT_NONE
    assert told["restored"]
    assert told["standard"] == "ssl"
    assert told["allowed"], "a context of the standard library is one that aiohttp takes"


def test_where_aiohttp_was_there_before_everything_is_as_it_was() -> None:
    told = _reported("aiohttp", "authorities.read()")
    assert not told["patient"]
    assert told["before"] == told["after"] == told["plain"]


def test_a_context_that_was_not_asked_to_trust_the_machine_trusts_nobody() -> None:
    context = PatientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.read()
    assert not context.get_ca_certs()
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_arguments_are_obeyed_as_ever() -> None:
    with authorities._unread():
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    assert not isinstance(made, PatientContext)
