"""Provinces, districts and communes as data: what one is, and what has become of it.

A code means nothing without its era.  Codes were given out again at the merger of 1 July 2025: of the
3,321 communes of today 3,316 carry the code of an old one, two in three under another name; province
24 was Bắc Giang and is Bắc Ninh.  Nothing here takes or gives a bare code without saying which era.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self, TypedDict


class Era(StrEnum):
    """Before or since 2025-07-01T00:00+07:00."""

    OLD = "old"
    NEW = "new"


class Kind(StrEnum):
    """What a unit is, and for an old commune whether it stayed in one piece."""

    WHOLE = "whole"  # an old commune, all of it in one commune of today
    SPLIT = "split"  # an old commune, parts of it in several
    CURRENT = "current"  # a commune of today
    DISTRICT = "district"  # of the level abolished, old only
    PROVINCE = "province"  # of either era


class Confidence(StrEnum):
    """How far the public sources agree on what has become of an old unit; best first."""

    AGREED = "agreed"
    MAJORITY = "majority"
    SINGLE_SOURCE = "single-source"
    DISPUTED = "disputed"


_CODE: Final = re.compile(r"[0-9]{2}|[0-9]{3}|[0-9]{5}")


@dataclass(frozen=True, slots=True)
class LocalityCode:
    """A code of the General Statistics Office with the era that gives it a meaning.

    code  two digits for a province, three for an old district, five for a commune
    """

    era: Era
    code: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "old:00007" or "new:24".  Raises ValueError."""
        era, colon, code = text.partition(":")
        if not colon or era not in {Era.OLD, Era.NEW} or not _CODE.fullmatch(code):
            raise ValueError(f"{text!r} is not a locality code: write old: or new: and 2, 3 or 5 digits")
        return cls(Era(era), code)

    def __str__(self) -> str:
        return f"{self.era}:{self.code}"


class UnitDict(TypedDict):
    """A unit of today as JSON carries it."""

    code: str
    name: str
    province_code: str
    province: str


class Locality(NamedTuple):
    """A province, district or commune of one era.

    A named tuple, not a dataclass: there are fourteen thousand, and they are made at every start.  Equal are those that
    say the same of themselves, whatever has become of them.

    name           official, with the type word: "Phường Phúc Xá"
    district_code  of an old commune; "" otherwise
    province_code  of the same era; a province is in itself
    now            the units of today that took its land, by code; empty for a unit of today
    """

    era: Era
    code: str
    name: str
    kind: Kind
    confidence: Confidence
    district_code: str
    district: str
    province_code: str
    province: str
    now: "tuple[Locality, ...]" = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Locality) and self[:-1] == other[:-1]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:2])

    def to_dict(self) -> UnitDict:
        """Name and place, for a unit of today."""
        return {
            "code": self.code,
            "name": self.name,
            "province_code": self.province_code,
            "province": self.province,
        }
