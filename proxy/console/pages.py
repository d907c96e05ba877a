"""Templates of the console, their words, their style and scripts, and the policy that lets nothing else work.

Style and scripts are files of our own under names that hold their hash, so that a browser keeps them for ever and an
intermediary can change nothing.  A page without scripts has all its functions; scripts make some of them quicker.
"""

import hashlib
import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Final
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup

from proxy import languages, messages
from proxy.console.spoken import heard, spoken
from proxy.messages import DEFAULT_LANGUAGE, Message, MessageFile, Texts
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.rights import Deed, Person

PACKAGE: Final = "templates"
FOLDER: Final = "console"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages ask for."""

    name: str  # with its hash: "console.1a2b3c4d5e6f.css"
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu."""

    key: str  # its text is `menu.KEY`
    path: str
    deed: Deed = Deed.SEE


MENU: Final = (
    Place("overview", "/"),
    Place("explain", "/explain"),
    Place("rules", "/rules"),
    Place("unmapped", "/unmapped"),
    Place("import", "/import", Deed.EDIT),
    Place("drafts", "/drafts"),
    Place("portals", "/portals"),
    Place("destinations", "/destinations"),
    Place("lookups", "/lookups"),
    Place("families", "/families"),
    Place("localities", "/localities"),
    Place("clients", "/clients"),
    Place("readiness", "/readiness"),
    Place("hits", "/hits"),
    Place("audit", "/audit", Deed.SEE_TRAIL),
    Place("people", "/people", Deed.EDIT_PEOPLE),
    Place("tokens", "/tokens"),
    Place("glossary", "/glossary"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page."""

    person: Person | None  # None: nobody is signed in
    csrf: str
    path: str
    language: str
    other_language: str  # a link to the same page
    ends_in_minutes: int | None = None  # the session, when that is soon
    notice: str = ""  # a key under `notice.`
    notice_values: Mapping[str, str] | None = None
    here: frozenset[str] = frozenset()  # the paths of pages that exist


class ConsolePages:
    """Everything that is shown, ready."""

    def __init__(self) -> None:
        """Read templates, words and files.  Raises ValueError where the words are wrong."""
        self.texts = _texts()
        self.assets = {asset.name: asset for asset in _assets()}
        self._asset_paths = {_plain_name(name): f"/static/{name}" for name in self.assets}
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader(PACKAGE, FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            instant=_instant, number=_number, share=_share, query=urlencode, segment=_segment
        )
        self._environment.globals.update(
            asset=self._asset_paths.__getitem__, menu=MENU, pairs=_pairs, spoken=spoken, said=heard
        )

    def choose_language(self, accept_language: str, asked: str | None) -> str:
        """Vietnamese unless somebody wants something else that there is."""
        return languages.choose(accept_language, asked, tuple(self.texts))

    def render(self, template: str, view: object, frame: Frame) -> bytes:
        """A finished page."""
        texts = self.texts[frame.language]
        page = self._environment.get_template(template)
        return page.render(view=view, t=texts, lang=frame.language, frame=frame).encode()


def _texts() -> Mapping[str, Texts]:
    languages_there = (importlib.resources.files(PACKAGE) / FOLDER / "messages").iterdir()
    files = {folder.name: _language(folder) for folder in languages_there if folder.is_dir()}
    reference = files[DEFAULT_LANGUAGE].messages
    problems = [problem for file in files.values() for problem in messages.problems_against(file, reference)]
    problems += [
        f"{file.source}: {key}: missing" for file in files.values() for key in reference if key not in file.messages
    ]
    if problems:
        raise ValueError("\n".join(problems))
    ordered = sorted(files, key=lambda tag: (tag != DEFAULT_LANGUAGE, tag))
    return {tag: Texts(tag, files[tag].messages) for tag in ordered}


def _language(folder: Traversable) -> MessageFile:
    """The files of one language, one for each part of the console, as one."""
    source = f"{PACKAGE}/{FOLDER}/messages/{folder.name}"
    found: dict[str, Message] = {}
    problems: list[str] = []
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        part = messages.read(f"{source}/{file.name}", file.read_text("utf-8"))
        problems += part.problems
        problems += [f"{part.source}: {key}: stands in another file too" for key in part.messages if key in found]
        found |= part.messages
    return MessageFile(source, found, tuple(problems))


def _assets() -> list[Asset]:
    found = []
    for folder in ("static", "vendor"):
        there = importlib.resources.files(PACKAGE) / FOLDER / folder
        if not there.is_dir():
            continue
        for file in sorted(there.iterdir(), key=lambda one: one.name):
            stem, _, ending = file.name.rpartition(".")
            if ending in _TYPES:
                content = file.read_bytes()
                digest = hashlib.sha256(content).hexdigest()[:12]
                found.append(Asset(f"{stem}.{digest}.{ending}", _TYPES[ending], content))
    return found


def _plain_name(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem.rpartition('.')[0]}.{ending}"


def _instant(at: datetime | None) -> Markup:
    """An instant as people in Viet Nam write it, with the exact one for machines."""
    if at is None:
        return Markup("")
    local = at.astimezone(HO_CHI_MINH)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(), local.strftime("%d/%m/%Y %H:%M"))


def _number(count: int, language: str) -> str:
    """41006 → "41.006" in Vietnamese, "41,006" in English."""
    text = f"{count:,}"
    return text.replace(",", ".") if language == DEFAULT_LANGUAGE else text


def _share(part: int, whole: int, language: str) -> str:
    """A part of a whole in per cent: "97,3 %"."""
    if not whole:
        return "–"
    text = f"{100 * part / whole:.1f}"
    return (text.replace(".", ",") if language == DEFAULT_LANGUAGE else text) + "\u00a0%"


def _segment(text: str) -> str:
    """A text as one segment of a path of ours."""
    return quote(text, safe="")


def _pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices that are called what they are."""
    return [(value, value) for value in values]
