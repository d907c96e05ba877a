"""The operators' folder: texts, hotline, logo and templates of their own, for all portals or for one.

    overrides/messages.vi.toml        some texts, for all portals (messages.<tag>.toml of a new language adds it)
    overrides/page.toml               hotline = "1800 1096"
    overrides/logo.svg  (or logo.png)
    overrides/templates/…             whole templates and static parts
    overrides/<portal id>/…           the same four, for one portal; they win over those above

Everything is read and checked once, at the start.  A name this module does not know is a mistake too: a file that
is silently ignored is a text that is silently wrong.
"""

import base64
import gzip
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from proxy import messages
from proxy.messages import MessageFile

#: What a logo may add to a page, in bytes as sent (compressed): the whole page stays under 14 KB, one round trip.
LOGO_LIMIT = 4_096

_MESSAGES = re.compile(r"messages\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.toml\Z")
_SVG = re.compile(r"<svg\b[^>]*\bxmlns\s*=\s*[\"']http://www\.w3\.org/2000/svg[\"']")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Folder:
    """What one folder changes."""

    messages: Mapping[str, MessageFile] = field(default_factory=dict)  # language → file
    hotline: str = ""
    logo: str = ""  # a data: address
    templates: Path | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overrides:
    """The folder for all portals and those for single ones."""

    everywhere: Folder = field(default_factory=Folder)
    portals: Mapping[str, Folder] = field(default_factory=dict)  # portal id → folder

    def problems(self) -> Iterator[str]:
        """Everything found wrong while reading."""
        yield from self.everywhere.problems
        for folder in self.portals.values():
            yield from folder.problems


def read(root: Path | None, portals: Collection[str] | None = None) -> Overrides:
    """Read the operators' folder.  With `portals`, a folder named like none of them is reported."""
    if root is None:
        return Overrides()
    if not root.is_dir():
        return Overrides(Folder(problems=(f"{root}: no such folder",)))
    inner = [path for path in _entries(root) if path.is_dir() and path.name != "templates"]
    strangers = tuple(
        f"{path}: no portal has this id" for path in inner if portals is not None and path.name not in portals
    )
    everywhere = _folder([path for path in _entries(root) if path not in inner], strangers)
    return Overrides(everywhere, {path.name: _folder(_entries(path), ()) for path in inner})


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, except what editors and version control leave there."""
    return sorted(
        path for path in folder.iterdir() if not path.name.startswith((".", "README")) and path.name[-1] != "~"
    )


def _folder(entries: Collection[Path], problems: tuple[str, ...]) -> Folder:
    found = list(problems)
    folder = Folder()
    for path in entries:
        try:
            folder = replace(folder, **_change(path, folder))
        except (OSError, ValueError) as error:
            found.append(f"{path}: {error}")
    return replace(folder, problems=tuple(found))


def _change(path: Path, folder: Folder) -> dict[str, Any]:
    """What one file changes in its folder.  Raises OSError or ValueError when nothing can be made of it."""
    if language := _MESSAGES.match(path.name):
        return {"messages": {**folder.messages, language[1]: messages.read(str(path), path.read_text("utf-8"))}}
    if path.name == "page.toml":
        return {"hotline": _hotline(path.read_text("utf-8"))}
    if path.name in {"logo.svg", "logo.png"} and folder.logo:
        raise ValueError("there is a second logo beside it")
    if path.name in {"logo.svg", "logo.png"}:
        return {"logo": _logo(path)}
    if path.name == "templates" and path.is_dir():
        return {"templates": path}
    raise ValueError("nothing reads this; expected messages.<language>.toml, page.toml, logo.svg|png or templates/")


def _hotline(text: str) -> str:
    table = tomllib.loads(text)
    if unknown := sorted(set(table) - {"hotline"}):
        raise ValueError(f"{', '.join(unknown)}: unknown key; only hotline may be set here")
    hotline = table.get("hotline", "")
    if not isinstance(hotline, str) or not re.fullmatch(r"\+?[\d .\-]{3,24}", hotline):
        raise ValueError('hotline: must be a telephone number in quotes, as people read it: "1800 1096"')
    return hotline


def _logo(path: Path) -> str:
    content = path.read_bytes()
    address = _svg(content) if path.suffix == ".svg" else _png(content)
    if (size := len(gzip.compress(address.encode()))) > LOGO_LIMIT:
        raise ValueError(f"adds {size} bytes to every page (compressed); {LOGO_LIMIT} are allowed")
    return address


def _svg(content: bytes) -> str:
    text = content.decode("utf-8")
    if not _SVG.search(text):
        raise ValueError('not an SVG image: browsers show one only if it says <svg xmlns="http://www.w3.org/2000/svg">')
    return "data:image/svg+xml," + quote(text, safe=" !$&'()*+,-./:;=?@_~")


def _png(content: bytes) -> str:
    if not content.startswith(_PNG):
        raise ValueError("not a PNG image")
    return "data:image/png;base64," + base64.b64encode(content).decode()
