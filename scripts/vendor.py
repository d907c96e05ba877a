#!/usr/bin/env python3
"""Bring what the console's pages carry of others from npm, and hold every octet to scripts/vendor.toml.

    scripts/vendor.py             fetch the packages with npm, check them, write the files
    scripts/vendor.py --check     are the files here what the lock says?  Needs no network; 1 where they are not
    scripts/vendor.py --lock      as without, and write the hashes of the files of a new version into the lock

A package is checked by the SHA-512 that npm publishes for it (`integrity`, as in a package-lock.json), each file taken
out of it by its SHA-256.  Whoever raises a version takes `integrity` from `npm view NAME@VERSION dist.integrity`.
"""

import argparse
import base64
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "scripts" / "vendor.toml"
FOLDER = ROOT / "templates" / "console" / "vendor"


class Wrong(Exception):
    """Something is not what the lock says.  Says what to do."""


@dataclass(frozen=True)
class Package:
    """A package of the lock."""

    name: str
    version: str
    integrity: str  # "sha512-…" in base64, as npm writes it
    files: dict[str, tuple[str, str]]  # in the package → the name here, its SHA-256 in hexadecimal


def locked(text: str) -> list[Package]:
    """The packages that a lock names."""
    return [
        Package(
            one["name"],
            one["version"],
            one["integrity"],
            {path: (name, digest) for path, (name, digest) in one["files"].items()},
        )
        for one in tomllib.loads(text)["package"]
    ]


def fetched(package: Package, folder: Path) -> bytes:
    """The package's archive, by npm with whatever registry this machine uses.  Raises Wrong."""
    try:
        subprocess.run(  # noqa: S603 - the names stand in our own lock
            ["npm", "pack", f"{package.name}@{package.version}", "--silent", "--pack-destination", folder],  # noqa: S607 - wherever npm is installed
            check=True,
            capture_output=True,
            cwd=folder,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise Wrong(f"{package.name}: npm cannot bring it ({error}): install npm, or try again later") from None
    (archive,) = folder.glob("*.tgz")
    return archive.read_bytes()


def taken_out(package: Package, archive: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of a checked archive: a path in the package, and its content.  Raises Wrong."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.integrity:
        raise Wrong(f"{package.name}@{package.version} is {found}, not {package.integrity}: do not use it")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for path in package.files:
            member = tar.extractfile(f"package/{path}")
            if member is None:
                raise Wrong(f"{package.name}: {path} is no file")
            yield path, member.read()


def check(packages: list[Package], folder: Path) -> list[str]:
    """What is wrong with the files in a folder, each with what to do."""
    wanted = dict(pair for package in packages for pair in package.files.values())
    wrong = []
    for name, digest in wanted.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{path.name} is missing: run scripts/vendor.py")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(f"{path.name} is not what scripts/vendor.toml says: run scripts/vendor.py")
    strangers = {path.name for path in folder.glob("*")} - wanted.keys()
    return wrong + [f"{name} stands in no lock: remove it" for name in sorted(strangers)]


def bring(packages: list[Package], folder: Path, *, lock: bool) -> dict[str, str]:
    """Fetch, check and write every file; the SHA-256 of each by its name.  Raises Wrong."""
    digests: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        with tempfile.TemporaryDirectory() as there:
            archive = fetched(package, Path(there))
        for path, content in taken_out(package, archive):
            name, wanted = package.files[path]
            digests[name] = hashlib.sha256(content).hexdigest()
            if not lock and digests[name] != wanted:
                raise Wrong(f"{name}: the lock has another hash; of a new version write it with --lock")
            (folder / name).write_bytes(content)
    return digests


def with_hashes(text: str, digests: dict[str, str]) -> str:
    """The text of a lock with other hashes."""
    for name, digest in digests.items():
        text = re.sub(rf'\["{re.escape(name)}", "[0-9a-f]*"\]', f'["{name}", "{digest}"]', text)
    return text


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare the files with the lock, without a network")
    parser.add_argument("--lock", action="store_true", help="write the hashes of a new version into the lock")
    arguments = parser.parse_args()
    text = LOCK.read_text("utf-8")
    if arguments.check:
        wrong = check(locked(text), FOLDER)
        print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
        return 1 if wrong else 0
    try:
        digests = bring(locked(text), FOLDER, lock=arguments.lock)
    except Wrong as wrong_:
        print(wrong_, file=sys.stderr)
        return 1
    if arguments.lock:
        LOCK.write_text(with_hashes(text, digests), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
