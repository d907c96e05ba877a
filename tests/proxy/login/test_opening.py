"""Sign-in made ready, by the files that operators write."""

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from proxy.login import opening
from proxy.pages import Pages
from redirect_rules.sources import Problems
from tests.conftest import CONF, RunningEdge, Start, settings_with

DEMONSTRATION = {
    "DVC_EDGE__SSO__ISSUER": "http://signin.localhost:8080",
    "DVC_EDGE__SSO__ENVIRONMENT": "development",
    "DVC_EDGE__SSO__CLIENTS": str(CONF / "demonstration/clients"),
    "DVC_EDGE__SSO__UPSTREAMS": str(CONF / "demonstration/upstreams"),
    "DVC_EDGE__SSO__PATHS": str(CONF / "demonstration/sign_in.toml"),
}


async def test_everything_is_opened_and_let_go_again(tmp_path: Path, pages: Pages) -> None:
    limits = {"DVC_EDGE__SSO__LIMITS__AUTHORIZE": "2", "DVC_EDGE__SSO__LIMITS__TOKEN": "0"}
    settings = settings_with({**DEMONSTRATION, **limits, "DVC_EDGE__STATE__FOLDER": str(tmp_path)})
    registry = CollectorRegistry()
    async with opening.opened(settings, pages, registry) as sign_in:
        await sign_in.store.ping()
        assert [sign_in.limiter.crowded("authorize", "a", "::1", 0) > 0 for _ in range(3)] == [False, False, True]
        assert not any(sign_in.limiter.crowded("token", "a", "::1", 0) for _ in range(40_000))
        assert sign_in.reception.host == "signin"
        assert sign_in.broker.clients
        kids = {key.kid for key in sign_in.keys.signer.ring.keys}
    assert (tmp_path / "keys/keys.json").stat().st_mode & 0o077 == 0
    # Another process, or the same tomorrow, has the same keys.
    async with opening.opened(settings, pages, CollectorRegistry()) as again:
        assert {key.kid for key in again.keys.signer.ring.keys} == kids


def test_every_mistake_is_told_at_once_with_its_file(tmp_path: Path) -> None:
    clients, upstreams = tmp_path / "clients", tmp_path / "upstreams"
    clients.mkdir()
    upstreams.mkdir()
    (clients / "a.toml").write_text('sector = "a"\nid = "A B"\n')
    (upstreams / "b.toml").write_text('preset = "vneid"\n')
    environ = {
        **DEMONSTRATION,
        "DVC_EDGE__SSO__CLIENTS": str(clients),
        "DVC_EDGE__SSO__UPSTREAMS": str(upstreams),
    }
    with pytest.raises(Problems) as told:
        opening.read_files(settings_with(environ))
    sources = {Path(problem.source).name for problem in told.value.problems}
    assert sources == {"a.toml", "b.toml"}
    assert any(str(problem).startswith("clients/a.toml:2: id: ") for problem in told.value.problems)


async def test_keys_that_cannot_be_opened_are_told_with_what_to_do(tmp_path: Path, pages: Pages) -> None:
    settings = settings_with({**DEMONSTRATION, "DVC_EDGE__STATE__FOLDER": str(tmp_path)})
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/keys.json").write_text("{}")
    with pytest.raises(Problems, match=r"master|keys"):
        async with opening.opened(settings, pages, CollectorRegistry()):
            pass


async def test_the_issuers_host_is_answered_by_the_edge_before_any_portal(start: Start, tmp_path: Path) -> None:
    async with start(environ={**DEMONSTRATION, "DVC_EDGE__STATE__FOLDER": str(tmp_path)}) as edge:
        issuer = "http://signin.localhost:8080"
        answer = await edge.get(f"{issuer}/.well-known/openid-configuration")
        assert (await answer.json())["issuer"] == issuer
        assert (await edge.get(f"{issuer}/authorize?client_id=nobody&state=private")).status == 400
        assert (await edge.get("http://dichvucong.langson.gov.vn/")).status == 200
        assert "private" not in edge.log.getvalue()


async def test_without_an_issuer_its_host_is_nobodys(edge: RunningEdge) -> None:
    assert (await edge.get("http://signin.localhost/jwks")).status == 421


def test_without_an_issuer_nothing_of_sign_in_is_loaded() -> None:
    program = (
        "import sys, proxy.supervisor, proxy.worker, proxy.serve, proxy.app, proxy.cli\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'sso', 'authlib', 'joserfc', 'jose'}"
        " or name.startswith('proxy.login')])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    assert told.stdout.strip() == "[]"
