"""`dvc-edge sso`: a test person signs in for every client of a running edge, and a code that is read out is found."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from proxy.cli import main
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.sign_in_log import FOLDER, SignInLog
from sso.events import AuditEvent
from tests.sign_in_peers.demonstration import Demonstration, demonstration

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = 'motcua = "demonstration-secret-of-khanhhoa"\n'
BY_ITSELF = """
id = "motcua"
sector = "motcua"
redirect_uris = ["https://motcua.example/cb"]
authentication = "client_secret_post"
secret_digests = ["e26cd1e5115df2882f82bc535b39090917ef51e42ec0609bdf182ebd971539e5"]
level = 2
attributes = ["name"]
legal_basis = "x"

[name]
vi = "Một cửa"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(packs: Packs, pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demonstration]:
    folder = tmp_path_factory.mktemp("demonstration")
    # One more client, which stands behind no portal.
    (folder / "conf" / "clients").mkdir(parents=True)
    (folder / "conf" / "clients" / "motcua.toml").write_text(BY_ITSELF, "utf-8")
    async with demonstration(packs, pages, folder) as made:
        yield made


async def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """What the command answers, beside the edge that it asks."""
    status = await asyncio.to_thread(main, ["sso", *words])
    return status, capsys.readouterr().out


async def test_every_client_gets_a_row(
    shown: Demonstration, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "secrets.toml").write_text(SECRET, "utf-8")
    words = ["check", "--config", str(shown.file), "--secrets", str(tmp_path / "secrets.toml")]
    status, out = await said(capsys, *words)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:4]}
    assert rows == {
        "console": ["ok", "ok", "-", "-", "ok"],
        "khanhhoa": ["ok", "ok", "ok", "ok", "ok"],
        "motcua": ["ok", "ok", "ok", "-", "ok"],
    }, out
    assert status == 0
    assert "motcua: claims: acr, amr, name, sub" in out.replace("account_type, ", "")
    assert "3 of 3 ready" in out


async def test_nothing_of_the_person_is_printed(shown: Demonstration, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = await said(capsys, "check", "--config", str(shown.file), "--json")
    assert "Nguyễn" not in out
    assert "000000000001" not in out


async def test_a_person_whose_level_is_too_low_is_a_failure(
    shown: Demonstration, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = await said(
        capsys, "check", "--config", str(shown.file), "--client", "khanhhoa", "--person", "binh", "--json"
    )
    (row,) = json.loads(out)
    assert status == 1
    assert (row["client"], row["ready"], row["login"]["ok"]) == ("khanhhoa", False, False)


async def test_without_a_test_person_it_says_where_it_stands(
    shown: Demonstration, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = await said(
        capsys, "check", "--config", str(shown.file), "--client", "khanhhoa", "--person", "nobody", "--json"
    )
    (row,) = json.loads(out)
    assert status == 0
    assert row["login"]["ok"] is None
    assert row["login"]["text"].startswith("sign in there by hand: http://vneid.localhost:")


async def test_a_client_that_there_is_not_is_named(shown: Demonstration, capsys: pytest.CaptureFixture[str]) -> None:
    status = await asyncio.to_thread(main, ["sso", "check", "--config", str(shown.file), "--client", "nobody"])
    assert status == 2
    assert "there is no client 'nobody': one of console, khanhhoa, motcua" in capsys.readouterr().err


async def test_a_deep_link_reaches_the_form_with_one_dialog_and_then_with_none(shown: Demonstration) -> None:
    """The whole journey, as a citizen's browser makes it."""
    from proxy.walker import Test, Walker  # noqa: PLC0415 - beside its use

    provider = shown.simulation.providers["vneid"]
    before = provider.dialogs
    async with Walker(Test(shown.app.settings.sso.issuer)) as citizen:
        form = await citizen.go(shown.address("/vi/nps/apply?MaTTHC=1.001193&vneid=1"))
        assert (form.status, form.address) == (200, shown.address("/vi/nps/apply?MaTTHC=1.001193"))
        assert "Nguyễn Văn An" in form.text
        assert provider.dialogs == before + 1
        again = await citizen.go(shown.address("/vi/nps/apply?MaTTHC=2.000001&vneid=1"))
        assert again.status == 200
        assert provider.dialogs == before + 1


# Codes


def written(folder: Path) -> Path:
    """A configuration whose audit has one event."""
    log = SignInLog(folder / "state" / FOLDER)
    log.write(
        AuditEvent(1_795_000_000, "sign-in.refused", "access_denied", "khanhhoa", code="k7m2-9fxd-3hqp", cause="DN-133")
    )
    log.close()
    file = folder / "edge.toml"
    file.write_text(f'[state]\nfolder = "{folder}/state"\n', "utf-8")
    return file


async def test_a_code_that_is_read_out_tells_what_happened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = await said(capsys, "code", "K7M2-9FXD-3HQP", "--config", str(written(tmp_path)))
    assert status == 0
    assert "2026-11-18 " in out
    assert "sign-in.refused  access_denied  client=khanhhoa" in out
    assert "why=The person did not agree." in out


async def test_the_code_of_a_refusal_tells_what_it_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = await said(capsys, "code", "dn-133", "--config", str(written(tmp_path)), "--json")
    told = json.loads(out)
    assert (status, told["error"], len(told["events"])) == (0, "access_denied", 1)


async def test_a_code_that_nobody_knows_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = await said(capsys, "code", "aaaa-bbbb-cccc", "--config", str(written(tmp_path)))
    assert status == 1
    assert "was it read out right" in out
