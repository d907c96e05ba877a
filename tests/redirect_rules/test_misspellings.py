"""Misspelt addresses, and what they come nearest to."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from redirect_rules.misspellings import WRONG_LETTER, Misspellings, _digits, _forgiven, _Search
from redirect_rules.placenames import read
from redirect_rules.units import Era
from tests.redirect_rules import shipped


@cache
def misspellings() -> Misspellings:
    return Misspellings.of(shipped.gazetteer())


def near(typed: str, era: Era | None = None) -> list[tuple[int, str]]:
    """Cost and code of what a wording comes nearest to, best first."""
    localities = shipped.gazetteer().localities
    found = sorted((cost, rank) for rank, cost in misspellings().near(read(typed), era).items())
    return [(cost, f"{localities[rank].era}:{localities[rank].code}") for cost, rank in found]


# typed                                        is nearest to   letters   because
NEAREST = [
    ("Phuc Xaa, Ba Dinh, Ha Noi",               "old:00001",    1,        "a letter too many in the name"),
    ("phuc xa ba dnh ha noi",                   "old:00001",    1,        "one missing in the district"),
    ("phuc xa ba dinh ha noj",                  "old:00001",    1,        "one wrong in the province"),
    ("phcu xa ba dinh",                         "old:00001",    1,        "two that changed places"),
    ("phucxa badinh hanoi",                     "old:00001",    0,        "spaces left out cost nothing"),
    ("ph uc xa ba dinh",                        "old:00001",    0,        "nor do spaces put in"),
    ("phường Phúc Xaa, quận Ba Đình, tp Hà Nội", "old:00001",   1,        "type words are no part of names"),
    ("xã Xà Bangg, huyện Châu Đức, tỉnh BR-VT", "old:26596",    1,        "unless they are"),
    ("Ha Noj",                                  "new:01",       1,        "a province"),
    ("huyện Gia Lâmm",                          "old:018",      1,        "a district"),
    ("Thọ Xươngg, Bắc Ninh",                    "old:07201",    1,        "an old commune in the province of today"),
    ("Thọ Xươngg, Bắc Giang",                   "old:07201",    1,        "and in its own"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "code", "letters", "why"), NEAREST)
def test_nearest(typed: str, code: str, letters: int, why: str) -> None:
    cost, nearest = near(typed)[0]
    assert (nearest, cost // WRONG_LETTER) == (code, letters)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("phường 21 quận gò vấp", "numbers are never corrected: there is a ward 11 and a ward 12"),
        ("Thọ Xươngg, Cà Mau", "not in the province that was named"),
        ("hn", "three letters hold no mistake"),
        ("asdf qwer", "nothing is near"),
        ("", "nothing was typed"),
        ("phường", "a type word is no name"),
    ],
)
def test_nothing_is_near(typed: str, why: str) -> None:
    assert not near(typed)


def test_only_the_nearest_count() -> None:
    assert {cost // WRONG_LETTER for cost, _ in near("Tan Thanhh")} == {1}


def test_the_type_word_still_counts() -> None:
    codes = [code for _, code in near("huyện Gia Lâmm")]
    assert codes.index("old:018") < codes.index("new:00565"), "Huyện Gia Lâm before Xã Gia Lâm"


def test_an_era_can_be_asked_for() -> None:
    assert {code[:3] for _, code in near("Ba Dinhh, Ha Noi")} == {"old", "new"}
    assert {code[:3] for _, code in near("Ba Dinhh, Ha Noi", Era.NEW)} == {"new"}


ALPHABET = "aeinhtgcu1"


@st.composite
def misspelt(draw: st.DrawFn) -> str:
    """A name of the gazetteer in one word, with some letters wrong."""
    names = shipped.gazetteer().names
    letters = list(names[draw(st.integers(0, len(names) - 1))].plain.replace(" ", ""))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(len(letters) - 1, 0)))
        letters[at : at + draw(st.integers(0, 2))] = draw(st.text(ALPHABET, max_size=2))
    return "".join(letters)


@settings(max_examples=25, deadline=None)
@given(misspelt(), st.none() | st.sampled_from(["hanoi", "langson", "hcm"]))
def test_what_is_left_out_for_its_length_would_not_have_been_near(wording: str, province: str | None) -> None:
    known = misspellings()
    there = known.provinces[province] if province else None
    found = dict(known._compare(_Search(wording, there), _forgiven(wording)))
    gazetteer, forgiven = shipped.gazetteer(), _forgiven(wording)
    expected: dict[int, int] = {}
    for shelves in [known.shelves[code] for code in there.shelves] if there else known.shelves.values():
        for shelf in shelves.values():
            for name, ranks in zip(shelf.wordings, shelf.ranks, strict=True):
                letters = OSA.distance(wording, name, score_cutoff=forgiven)
                if letters <= forgiven and _digits(name) == _digits(wording):
                    inside = (rank for rank in ranks if not there or not there.areas.isdisjoint(gazetteer.areas[rank]))
                    expected |= {rank: min(letters, expected.get(rank, letters)) for rank in inside}
    assert found.keys() == expected.keys()
    assert all(letters >= expected[rank] for rank, letters in found.items())
