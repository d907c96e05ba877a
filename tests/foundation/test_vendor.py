"""What the console carries of others is what its lock says, octet by octet; and the script that brings it refuses the rest."""

import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path
from types import ModuleType

import pytest

from proxy.console.pages import ConsolePages


@pytest.fixture(scope="module")
def vendor(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_script", root / "scripts" / "vendor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def locked(vendor: ModuleType, content: bytes, *, integrity: str = "") -> str:
    found = integrity or "sha512-" + b64encode(hashlib.sha512(content).digest()).decode()
    return (
        f'[[package]]\nname = "a"\nversion = "1"\nintegrity = "{found}"\n[package.files]\n"dist/a.js" = ["a.js", ""]\n'
    )


def test_the_files_here_are_what_the_lock_says(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/vendor.py", "--check"], check=False, cwd=root, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_pages_load_what_is_locked_and_its_licence_lies_beside(vendor: ModuleType, root: Path) -> None:
    names = [name for package in vendor.locked(vendor.LOCK.read_text("utf-8")) for name, _ in package.files.values()]
    assert {"htmx.LICENSE", "uPlot.LICENSE"} <= set(names)
    served = {asset.content for asset in ConsolePages().assets.values()}
    assert all((vendor.FOLDER / name).read_bytes() in served for name in names if name.endswith((".js", ".css")))


def test_one_octet_more_is_found(vendor: ModuleType, tmp_path: Path) -> None:
    packages = vendor.locked(vendor.LOCK.read_text("utf-8"))
    for path in vendor.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert vendor.check(packages, tmp_path) == []
    with (tmp_path / "htmx.min.js").open("ab") as file:
        file.write(b" ")
    (tmp_path / "uPlot.min.css").unlink()
    (tmp_path / "stranger.js").write_text("1")
    assert [line.split()[0] for line in vendor.check(packages, tmp_path)] == [
        "htmx.min.js",
        "uPlot.min.css",
        "stranger.js",
    ]


def test_an_archive_that_is_not_the_published_one_is_not_opened(vendor: ModuleType) -> None:
    good = archive({"dist/a.js": b"1"})
    (package,) = vendor.locked(locked(vendor, good))
    assert dict(vendor.taken_out(package, good)) == {"dist/a.js": b"1"}
    with pytest.raises(vendor.Wrong, match="do not use it"):
        dict(vendor.taken_out(package, archive({"dist/a.js": b"2"})))


def test_hashes_of_a_new_version_stand_in_the_lock_beside_their_files(vendor: ModuleType) -> None:
    text = locked(vendor, b"")
    changed = vendor.with_hashes(text, {"a.js": "ab" * 32})
    assert vendor.locked(changed)[0].files == {"dist/a.js": ("a.js", "ab" * 32)}


def test_htmx_is_told_to_run_no_text_as_a_script(root: Path) -> None:
    frame = (root / "templates" / "console" / "_frame.html").read_text("utf-8")
    for said in (
        '"allowEval":false',
        '"allowScriptTags":false',
        '"includeIndicatorStyles":false',
        '"selfRequestsOnly":true',
    ):
        assert said in frame
