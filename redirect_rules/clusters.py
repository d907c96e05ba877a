"""Pages that no rule knows, gathered by the shape of their addresses: what one template could cover.

Three passes, each linear in the pages: addresses that differ only in ids (numbers, codes); addresses that differ in one
word; addresses that have only their beginning in common.  Whether a template may be proposed is not decided here.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from redirect_rules.hits import HIDDEN, OTHER
from redirect_rules.masking import CUT
from redirect_rules.model import Hole, Literal, PathTemplate, Segment
from redirect_rules.parsing import parse_template

LEAST_PAGES: Final = 5
"""Pages that make a cluster: fewer are written down one by one."""
LEAST_BELOW: Final = 10
"""Pages that make one with nothing but a beginning in common."""
LEAST_PORTALS: Final = 3
"""Portals that make one with a single page each: the product has it, not the province."""
DEEPEST: Final = 12
"""Segments; what is deeper is left out."""

_EXTENSION = re.compile(r"\.(?:s?html?|xhtml|aspx?|jspx?|php|do)\Z")
_TYPES: Final = (
    ("language", re.compile(r"(?:vi|en|fr|ja|zh|ko|ru|de|lo|km)(?:[-_][a-z]{2})?\Z")),
    ("hex24", re.compile(r"[0-9a-f#]{24}\Z")),
    ("number", re.compile(r"[0-9#]{1,18}\Z")),
    ("procedure", re.compile(r"\d\.\d{6}(?:\.[0-9a-z.]+)?\Z")),
    ("dossier", re.compile(r"[#.]*#[-_]#[#-]*\Z")),  # a masked one; what is not masked is none
)
_NAMES: Final = {
    "number": "id",
    "hex24": "id",
    "procedure": "code",
    "dossier": "dossier",
    "language": "lang",
    "word": "name",
}
"""What a capture of a type is called."""
_NUMBERED = re.compile(r"(.*[a-z%].*[-_.])([0-9#]{1,18})\Z")
_STANDS_ALONE = 3  # letters of a prefix that say as much as a segment

Form: TypeAlias = str | Hole
"""A segment as written, percent-encoded, or what it is one of."""
Forms: TypeAlias = tuple[Form, ...]


class Page(NamedTuple):
    """A page as it was counted."""

    portal: str
    host: str
    path: str  # as in its key: percent-encoded, people masked
    segments: tuple[str, ...]
    names: tuple[str, ...]  # of the parameters that rules look at
    visits: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """Pages of one shape."""

    segments: tuple[Segment, ...]  # texts of literals are percent-encoded
    tail: bool
    pages: tuple[Page, ...]

    @property
    def visits(self) -> int:
        """To all of its pages."""
        return sum(page.visits for page in self.pages)

    @property
    def portals(self) -> frozenset[str]:
        """Where the pages are."""
        return frozenset(page.portal for page in self.pages)

    def template(self) -> PathTemplate | None:
        """The template as people write it, or None where our language cannot say it."""
        names: set[str] = set()
        parts = []
        for segment in self.segments:
            if isinstance(segment, Hole):
                name = _NAMES[segment.type]
                while name in names:
                    name += "_too"
                names.add(name)
                parts.append(f"{unquote(segment.prefix)}{{{name}:{segment.type}}}{segment.suffix}")
            else:
                parts.append(segment.text)
        try:
            template = parse_template("/" + "/".join([*parts, *(["{rest:path}"] if self.tail else [])]))
        except ValueError:
            return None
        return template if len(template.segments) == len(self.segments) else None


def pages_of(counted: Iterable[tuple[str, str, int]]) -> Iterator[Page]:
    """Read (portal, key, visits); what has lost its form is left out."""
    for portal, key, visits in counted:
        host, _, rest = key.partition("/")
        path, _, query = rest.partition("?")
        segments = tuple(filter(None, path.split("/")))
        if key == OTHER or CUT in path or not 0 < len(segments) <= DEEPEST:
            continue
        names = tuple(name.removesuffix("=") for name in query.split("&") if name)
        yield Page(portal, host, f"/{path}", segments, names, visits)


def clusters(pages: Iterable[Page]) -> list[Cluster]:
    """The clusters of some pages, the most visited first; no page is in two."""
    by_forms: dict[Forms, list[Page]] = defaultdict(list)
    for page in pages:
        by_forms[tuple(map(_form, page.segments))].append(page)
    found: list[Cluster] = []
    left: dict[Forms, list[Page]] = {}
    for forms, members in by_forms.items():
        if says_where(forms) and _enough(forms, members):
            found.append(_cluster(forms, members))
        else:
            left[forms] = members
    found += _by_word(left)
    found += _by_beginning(left)
    return sorted(found, key=lambda cluster: (-cluster.visits, str(cluster.segments)))


@lru_cache(maxsize=100_000)
def _form(segment: str) -> Form:
    match = _EXTENSION.search(segment)
    suffix = match[0] if match else ""
    stem = segment[: len(segment) - len(suffix)]
    for name, pattern in _TYPES:
        if pattern.match(stem.lower()):
            return Hole("", name, "", suffix)
    if numbered := _NUMBERED.match(stem.lower()):
        return Hole("", "number", stem[: numbered.end(1)], suffix)
    # What was masked has no spelling to stand as it is.
    return Hole("", "word", "", suffix) if HIDDEN in stem else segment


def says_where(forms: Sequence[Form | Literal]) -> bool:
    """Whether it begins, but for a language, with something that is there as it stands."""
    first = next((form for form in forms if not (isinstance(form, Hole) and form.type == "language")), None)
    if isinstance(first, Hole):
        return sum(map(str.isalpha, first.prefix)) >= _STANDS_ALONE
    return first is not None


def _enough(forms: Forms, members: Sequence[Page]) -> bool:
    places = {(page.portal, page.path) for page in members}
    if len({portal for portal, _ in places}) >= LEAST_PORTALS:
        return True
    if not any(isinstance(form, Hole) for form in forms):
        return False
    # One masked address stands for as many as it has visits, at most.
    masked = sum(page.visits for page in members if HIDDEN in page.path)
    return len(places) >= LEAST_PAGES or masked >= LEAST_PAGES


def _by_word(left: dict[Forms, list[Page]]) -> Iterator[Cluster]:
    """Clusters of addresses that differ in one word; they are taken out of what is left."""
    starred: dict[Forms, list[Forms]] = defaultdict(list)
    for forms in left:
        for i, form in enumerate(forms):
            if isinstance(form, Hole) and not form.prefix:
                continue
            suffix = form.suffix if isinstance(form, Hole) else _extension(form)
            candidate = (*forms[:i], Hole("", "word", "", suffix), *forms[i + 1 :])
            if says_where(candidate):
                starred[candidate].append(forms)
    for candidate in sorted(starred, key=lambda forms: -len(starred[forms])):
        members = [forms for forms in starred[candidate] if forms in left]
        if len(members) >= LEAST_PAGES:
            yield _cluster(candidate, [page for forms in members for page in left.pop(forms)])


def _extension(segment: str) -> str:
    match = _EXTENSION.search(segment)
    return match[0] if match else ""


def _by_beginning(left: dict[Forms, list[Page]]) -> Iterator[Cluster]:
    """Clusters of what lies below one folder, the deepest folder first."""
    for depth in (3, 2, 1):
        below: dict[Forms, list[Forms]] = defaultdict(list)
        for forms in left:
            beginning = forms[:depth]
            if len(forms) > depth and says_where(beginning) and all(map(_is_plain, beginning)):
                below[beginning].append(forms)
        for beginning, members in below.items():
            pages = [page for forms in members for page in left[forms]]
            if len({(page.portal, page.path) for page in pages}) >= LEAST_BELOW:
                for forms in members:
                    del left[forms]
                yield _cluster(beginning, pages, tail=True)


def _is_plain(form: Form) -> bool:
    return isinstance(form, str) or form.type == "language"


def _cluster(forms: Forms, pages: Collection[Page], *, tail: bool = False) -> Cluster:
    """The cluster, with what is the same everywhere as it stands."""
    segments: list[Segment] = []
    for i, form in enumerate(forms):
        sent = {page.segments[i] for page in pages}
        alike = len(sent) == 1 and len(pages) > 1 and not any(HIDDEN in text for text in sent)
        segments.append(Literal(next(iter(sent))) if isinstance(form, str) or alike else form)
    return Cluster(tuple(segments), tail, tuple(pages))


def stand_in(segment: str) -> str:
    """A segment as somebody may have sent it, decoded: zeros for what was masked."""
    return unquote(segment.replace(HIDDEN, "0"))
