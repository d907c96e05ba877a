"""The shipped tables of localities, read once for all tests."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from redirect_rules.gazetteer import Gazetteer
from redirect_rules.localities import Kind, Localities, Locality
from redirect_rules.succession import Succession, parse_succession

FOLDER = Path(__file__).parent.parent.parent / "conf" / "localities"
COMMUNES = frozenset({Kind.WHOLE, Kind.SPLIT, Kind.CURRENT})


@cache
def tables() -> tuple[str, str, str]:
    """The text of the three tables, in the order in which they are read."""
    provinces, communes, successions = (
        (FOLDER / name).read_text("utf-8") for name in ("provinces.csv", "communes_2025.csv", "communes_old_to_new.csv")
    )
    return provinces, communes, successions


@cache
def succession() -> Succession:
    return parse_succession(*tables())


@cache
def gazetteer() -> Gazetteer:
    return Gazetteer.of(succession())


@cache
def localities() -> Localities:
    return Localities(succession())


@cache
def communes() -> Sequence[Locality]:
    """The communes of both eras."""
    return (*succession().old_communes.values(), *succession().new_communes.values())


def without_diacritics(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
