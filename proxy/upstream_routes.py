"""What lives on behind the portals: read from the file of upstreams, and joined with what the portals say themselves.

One rule of precedence: the longest [[route]] that covers a path, else the portal's own `upstream`, else nothing.  Where
a route and a portal both claim the whole portal, the operator is asked which of them is meant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from proxy.config import Settings
from proxy.passing.passer import Passer
from proxy.passing.policy import OriginServer, Routes, TlsRow, UpstreamRow, UpstreamsRow, tls_context
from redirect_rules.model import Life, Portal
from redirect_rules.parsing import read
from redirect_rules.sources import Document, Place, Problem, Problems


class Named(Protocol):
    """What is asked of a portal here."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as in Portal
    @property
    def upstream(self) -> str: ...  # noqa: D102
    @property
    def fold_case(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class UpstreamFile:
    """The file as read and checked, and the folder that its certificates are relative to."""

    row: UpstreamsRow = field(default_factory=UpstreamsRow)
    folder: Path = Path()

    def routes(self, portals: Iterable[Named]) -> Routes:
        """The routes over these portals.  Where a portal says what a route says too, the route is believed."""
        known = tuple(portals)
        origins = {portal: url for portal, url in _origins(known).items() if _is_origin(url)}
        return Routes(self.row, origins, folding={portal.id for portal in known if portal.fold_case})

    def complaints(self, portals: Iterable[Named]) -> frozenset[str]:
        """What of the file does not fit these portals, in words: for the log of an edge that serves all the same."""
        known = {portal.id: portal for portal in portals}
        strangers = {route.portal for route in self.row.route} - set(known)
        return frozenset(
            (
                *(f"there is no portal {portal!r} any more, and a [[route]] for it" for portal in strangers),
                *contradictions(self.row, known).values(),
                *(
                    f"{portal}: no upstream: {url!r}"
                    for portal, url in _origins(known.values()).items()
                    if not _is_origin(url)
                ),
            )
        )


class Passing(NamedTuple):
    """Everything that passing on takes: where paths lead, and what carries requests there."""

    upstreams: UpstreamFile
    passer: Passer


def load_upstreams(settings: Settings, portals: Iterable[Portal] | None, *, published: bool = False) -> UpstreamFile:
    """Read the file that the settings name, and every certificate.  Raises Problems with all mistakes at once.

    portals    those that routes may speak of; None: they could not be read, and are not asked
    published  whether they come with a number: what does not fit them is then no reason not to serve
    """
    path = settings.path(settings.passing.file)
    try:
        document = Document(str(path), path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Problems([Problem(str(path), 0, f"cannot be read: {error}")]) from None
    row = read(document, UpstreamsRow)
    problems = [*_certificate_problems(document, row, settings.folder)]
    if portals is not None and not published:
        known = {portal.id: portal for portal in portals}
        problems += _portal_problems(document, row, known)
        problems += _origin_problems(settings.path(settings.rules.portals), known.values())
    if problems:
        raise Problems(problems)
    return UpstreamFile(row, settings.folder)


def contradictions(row: UpstreamsRow, portals: Mapping[str, Named]) -> Mapping[int, str]:
    """Routes, by their place in the file, that claim a portal which names an upstream of its own; what to write."""
    return {
        at: f"the whole of {route.portal!r} goes to {route.upstream!r} here, and to {own!r} by the `upstream` of that "
        "portal: remove one of the two; a route with a longer path may stand beside it"
        for at, route in enumerate(row.route)
        if not route.path.strip("/") and (own := _upstream_of(portals.get(route.portal)))
    }


def _upstream_of(portal: Named | None) -> str:
    return portal.upstream if portal is not None else ""


def _origins(portals: Iterable[Named]) -> Mapping[str, str]:
    return {portal.id: portal.upstream for portal in portals if portal.upstream}


def _is_origin(url: str) -> bool:
    try:
        OriginServer.parse(url)
    except ValueError:
        return False
    return True


def _portal_problems(document: Document, row: UpstreamsRow, portals: Mapping[str, Portal]) -> Iterable[Problem]:
    for at, route in enumerate(row.route):
        portal = portals.get(route.portal)
        if portal is None:
            text = f"there is no portal {route.portal!r}: write the `id` of one, such as 'langson'"
            yield document.problem(("route", at, "portal"), text)
        elif portal.life is Life.GONE:
            text = f"nothing lives on behind {route.portal!r} (life = 'gone'): remove this route, or that line"
            yield document.problem(("route", at, "portal"), text)
    for at, text in contradictions(row, portals).items():
        yield document.problem(("route", at, "path"), text)


def _certificate_problems(document: Document, row: UpstreamsRow, folder: Path) -> Iterable[Problem]:
    for at, upstream in enumerate(row.upstream):
        unreadable = [*_unreadable(document, ("upstream", at, "tls"), upstream.tls, folder)]
        yield from unreadable
        if unreadable or not _needs_context(upstream):
            continue
        try:
            tls_context(upstream.tls, folder)
        except OSError as error:  # ssl.SSLError
            text = (
                f"the certificates of {upstream.name!r} cannot be used: {error.strerror or error}; write PEM files, "
                "a certificate with its chain and the key that belongs to it"
            )
            yield document.problem(("upstream", at, "tls"), text)


def _unreadable(document: Document, place: Place, row: TlsRow, folder: Path) -> Iterable[Problem]:
    for key in ("ca_file", "certificate_file", "key_file"):
        if not (name := getattr(row, key)):
            continue
        try:
            (folder / name).read_bytes()
        except OSError as error:
            text = f"{folder / name}: {error.strerror}; name a PEM file that this user may read, relative to {folder}"
            yield document.problem((*place, key), text)


def _needs_context(row: UpstreamRow) -> bool:
    secure = any(origin.url.startswith("https:") for origin in row.origins)
    return secure or bool(row.tls.ca_file or row.tls.certificate_file)


def _origin_problems(source: Path, portals: Iterable[Named]) -> Iterable[Problem]:
    """Portals' own origins are read by the rules already, which know less of hosts."""
    for portal, url in _origins(portals).items():
        if not _is_origin(url):
            text = f"{portal}: upstream {url!r}: write scheme, host and port only, such as https://10.0.0.5:8443"
            yield Problem(str(source), 0, text)
