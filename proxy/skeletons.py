"""Pages of one form, made once: a page is its skeleton with the values filled in that differ from address to address.

Everything else (head, style, scripts, the sentences of a portal in a language) is joined to it as it is, packed
already.  Which values those are is told here for each sort of page; what templates do with them finds `blanks` out.
"""

import hashlib
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import replace
from itertools import groupby, zip_longest
from typing import Any, Final, NamedTuple, TypeAlias

from proxy.blanks import UNSAID, Sheet, Spot
from proxy.compression import PICTURE, Part, Segment, segment
from proxy.generations import Generations
from proxy.views import Framed, Gone, Notice, PilotTold, Place, PortalFacts, Trouble, View

_SMALLEST_SEGMENT: Final = 160  # octets: a smaller one costs more on its own than within what stands around it
_SMALLEST_PAGE: Final = 2_048  # octets, for segments to be worth it
_PICTURE: Final = PICTURE.decode()
_MOST_CANDIDATES: Final = 8  # communes to choose from: whatever was split, was in fewer
_MOST_SEGMENTS: Final = 4_096
_MOST_SEGMENT_OCTETS: Final = 12 << 20

Said: TypeAlias = Sequence[Any]
"""Texts, or what stands in the place of those that are not empty."""


class Form(NamedTuple):
    """What a view has in common with others, and what it does not."""

    key: Hashable  # all that is no value, and which values are empty
    said: tuple[str, ...]  # the values
    made: Callable[[Said], View]  # the view that says others


class _Alike:
    """A thing that has no hash of its own, or a long one, under a short one."""

    __slots__ = ("_hash", "_it")

    def __init__(self, it: object, name: Hashable) -> None:
        """`name`: the same for equal things."""
        self._it = it
        self._hash = hash(name)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        # Nearly always the very same; another after rules were published.
        return isinstance(other, _Alike) and (self._it is other._it or self._it == other._it)


def _told(portal: PortalFacts | None) -> Hashable:
    return None if portal is None else _Alike(portal, portal.id)


def form_of(view: View) -> Form | None:
    """The form of a view; None for one of a sort that is made each for itself."""
    match view:
        case Notice():
            return None if len(view.locating.candidates) > _MOST_CANDIDATES else _notice(view)
        case Gone(portal, target, destination, lookup, links):
            tags, linked = _split(links)
            said = (target, *linked)
            key = (Gone, _told(portal), destination, lookup, tags, *map(bool, said))
            return Form(key, said, lambda s: replace(view, target=s[0], language_links=_joined(tags, s[1:])))
        case Framed(portal, target, destination):
            return Form((Framed, _told(portal), destination), (target,), lambda s: replace(view, target=s[0]))
        case Trouble(status, reason, request_id, portal, target, retry, sign_in):
            said = (request_id, sign_in)
            key = (Trouble, status, reason, _told(portal), target, retry, *map(bool, said))
            return Form(key, said, lambda s: replace(view, request_id=s[0], sign_in_link=s[1]))
        case PilotTold(portal, joined, front, leave):
            return Form((PilotTold, _told(portal), joined, front, leave), (), lambda _: view)
        case _:
            return None


def _notice(view: Notice) -> Form:
    locating = view.locating
    tags, links = _split(view.language_links)
    place, asked = locating.chosen, locating.candidates
    places = [*asked, place] if place is not None else asked
    said = (
        view.target,
        view.here,
        view.stay_link,
        view.dossier_code,
        view.procedure_code,
        view.procedure_name,
        locating.forget_link,
        *links,
        *[said for one in places for said in (one.code, one.name, one.province, one.context, one.link)],
    )
    key = (
        Notice,
        _told(view.portal),
        view.destination,
        view.mapped,
        view.seconds,
        view.dossier_lookup,
        view.choices,
        _Alike(view.fragment_targets, len(view.fragment_targets)),
        _Alike(locating.provinces, len(locating.provinces)),
        locating.preset,
        locating.carried,
        tags,
        len(asked),
        *map(bool, said),
    )

    def made(said: Said) -> Notice:
        target, here, stay, dossier, procedure, name, forget, *rest = said
        told = tuple(Place(*rest[at : at + 5]) for at in range(len(tags), len(rest), 5))
        return replace(
            view,
            target=target,
            here=here,
            here_query=UNSAID,
            stay_link=stay,
            dossier_code=dossier,
            procedure_code=procedure,
            procedure_name=name,
            language_links=_joined(tags, rest),
            locating=replace(
                locating, forget_link=forget, candidates=told[: len(asked)], chosen=told[-1] if place else None
            ),
        )

    return Form(key, said, made)


def _split(links: tuple[tuple[str, str, str], ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    return tuple([(tag, name) for tag, name, _ in links]), tuple([link for _, _, link in links])


def _joined(tags: tuple[tuple[str, str], ...], links: Said) -> tuple[tuple[str, str, Any], ...]:
    return tuple((tag, name, link) for (tag, name), link in zip(tags, links, strict=False))


class Skeleton:
    """All pages of one form, but for what they say."""

    __slots__ = ("_parts", "_spots")

    def __init__(self, parts: Sequence[Segment | tuple[str | int, ...]], spots: tuple[Spot, ...]) -> None:
        """`parts`: what all have in common, and rows of texts and numbers of spots."""
        self._parts = parts
        self._spots = spots

    @property
    def spots(self) -> int:
        """Places that are filled in with something else than each other."""
        return len(self._spots)

    def filled(self, said: Sequence[str]) -> tuple[Part, ...] | None:
        """The page that says these values; None where one of them is worded as nothing, which a template might mind.

        Raises what a wording raises: ValueError for an address that must not become a link.
        """
        texts = [wording(said[value]) for value, wording in self._spots]
        if self is NO_SKELETON or "" in texts:
            return None
        return tuple(
            [
                part
                if isinstance(part, Segment)
                else "".join([piece if isinstance(piece, str) else texts[piece] for piece in part]).encode()
                for part in self._parts
            ]
        )


NO_SKELETON: Final = Skeleton((), ())
"""Where the pages of a form are made each for itself."""


def _stands_alone(piece: str | int, smallest: int, pictures: Container[int]) -> bool:
    """Whether a text, or what is filled in at a spot, is packed for itself."""
    return len(piece) >= smallest if isinstance(piece, str) else piece in pictures


class Skeletons:
    """Makes skeletons.  What several have in common is kept once."""

    def __init__(self) -> None:
        self._segments: Generations[bytes, Segment] = Generations(
            entries=_MOST_SEGMENTS,
            octets=_MOST_SEGMENT_OCTETS,
            weight=lambda _, kept: len(kept.octets) + len(kept.deflated),
        )

    def make(self, form: Form, render: Callable[[View], str]) -> Skeleton | None:
        """The skeleton of a form; None where a template does not only say the values.

        render  a template, already given everything but the view
        """
        sheet = Sheet()
        said = [sheet.blank(number) if value else "" for number, value in enumerate(form.said)]
        try:
            with sheet.in_hand():
                page = render(form.made(said))
            texts, numbers, spots = sheet.cut(page)
        except Exception:  # noqa: BLE001 - what is wrong with a template it says again when a page is made for itself
            return None
        smallest = _SMALLEST_SEGMENT if sum(map(len, texts)) >= _SMALLEST_PAGE else _SMALLEST_PAGE
        pictures = {at for at, spot in enumerate(spots) if spot.wording(form.said[spot.value]).startswith(_PICTURE)}
        pieces = [piece for pair in zip_longest(texts, numbers) for piece in pair if piece is not None]
        parts: list[Segment | tuple[str | int, ...]] = []
        for alone, together in groupby(pieces, lambda piece: _stands_alone(piece, smallest, pictures)):
            if alone:
                parts += [self._segment(piece) if isinstance(piece, str) else (piece,) for piece in together]
            else:
                parts.append(tuple(together))
        return Skeleton(tuple(parts), spots)

    def _segment(self, text: str) -> Segment:
        octets = text.encode()
        digest = hashlib.sha256(octets).digest()
        kept = self._segments.get(digest)
        if kept is None:
            kept = segment(octets)
            self._segments.put(digest, kept)
        return kept
