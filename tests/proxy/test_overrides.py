"""The operators' folder is read whole, and every mistake in it is told."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from proxy import overrides

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#900"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def laid_out(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def complaints(root: Path, files: dict[str, str | bytes]) -> list[str]:
    found = overrides.read(laid_out(root, files), ["lang-son"]).problems()
    return [problem.removeprefix(f"{root}/") for problem in found]


def test_no_folder_changes_nothing() -> None:
    assert overrides.read(None) == overrides.Overrides()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert list(overrides.read(tmp_path / "none").problems()) == [f"{tmp_path}/none: no such folder"]


def test_everything_in_its_place(tmp_path: Path) -> None:
    laid_out(
        tmp_path,
        {
            "messages.vi.toml": '[timer]\nnow = "Đi"',
            "page.toml": 'hotline = "1022"',
            "lang-son/logo.svg": SVG,
            "lang-son/page.toml": 'hotline = "+84 205 3.812.345"',
            "lang-son/templates/gone.html": "gone",
            "README.md": "ours",
            ".gitkeep": "",
            "notes.txt~": "",
        },
    )
    read = overrides.read(tmp_path, ["lang-son"])
    assert list(read.problems()) == []
    assert set(read.everywhere.messages) == {"vi"}
    assert read.everywhere.hotline == "1022"
    own = read.portals["lang-son"]
    assert own.hotline == "+84 205 3.812.345"
    assert own.logo.startswith("data:image/svg+xml,%3Csvg")
    assert own.templates == tmp_path / "lang-son" / "templates"


def test_a_png_logo(tmp_path: Path) -> None:
    laid_out(tmp_path, {"logo.png": PNG})
    assert overrides.read(tmp_path).everywhere.logo.startswith("data:image/png;base64,iVBORw0KGgo")


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"mesages.vi.toml": ""}, "mesages.vi.toml: nothing reads this"),
        ({"lang-son/messages.toml": ""}, "lang-son/messages.toml: nothing reads this"),
        ({"lang-sown/page.toml": 'hotline = "1022"'}, "lang-sown: no portal has this id"),
        ({"messages.vi.toml": 'a = "'}, "messages.vi.toml: "),
        ({"messages.vi.toml": b"\xff"}, "messages.vi.toml: 'utf-8' codec"),
        ({"page.toml": "hotline = 1022"}, "page.toml: hotline: must be a telephone number in quotes"),
        ({"page.toml": 'hotline = "javascript:alert(1)"'}, "page.toml: hotline: must be a telephone number"),
        ({"page.toml": 'hotlin = "1022"'}, "page.toml: hotlin: unknown key"),
        ({"page.toml": "hotline"}, "page.toml: "),
        ({"logo.svg": "<svg><path/></svg>"}, "logo.svg: not an SVG image"),
        ({"logo.png": "<svg>"}, "logo.png: not a PNG image"),
        ({"logo.png": PNG, "logo.svg": SVG}, "logo.svg: there is a second logo"),
        ({"logo.png": PNG + random.Random(1).randbytes(6_000)}, "bytes to every page (compressed); 4096 are allowed"),
    ],
)
def test_a_mistake_is_told_with_its_file(tmp_path: Path, files: dict[str, str | bytes], complaint: str) -> None:
    found = complaints(tmp_path, files)
    found += [
        p.removeprefix(f"{tmp_path}/")
        for f in overrides.read(tmp_path).everywhere.messages.values()
        for p in f.problems
    ]
    assert len(found) == 1
    assert complaint in found[0]
