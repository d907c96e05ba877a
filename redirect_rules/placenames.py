"""Place names as people type them, brought to forms that can be compared.

Decides which spellings are one name: with or without diacritics, tones on either vowel (hòa, hoà),
i or y (Quí, Quý), k or c (Đắk, Đắc), composed or decomposed letters, any case, any spacing.
Knows the words for kinds of units (xã, phường, TP.); knows no place.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

LONGEST_WORDING = 300  # characters; an address with house, street and three levels of units takes about 120
MOST_SYLLABLES = 40

_TONES: Final = "\u0300\u0309\u0303\u0301\u0323"  # huyền, hỏi, ngã, sắc, nặng: in dictionary order
_ALPHABET: Final = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONE_OF: Final = {unicodedata.normalize("NFC", vowel + tone): tone for vowel in "aăâeêioôơuưy" for tone in _TONES}
_QUOTES: Final = frozenset("'’‘`ʼʹ′")  # M'Drắk is one syllable, whichever mark was at hand
_NO_QUOTES: Final = str.maketrans(dict.fromkeys(_QUOTES, ""))
_COMMAS: Final = frozenset(",;\n")
# A syllable of thirty letters is longer than any name in one word, and short enough for the cache below.
_WORDS: Final = re.compile(r"[^\W\d_]{1,30}|[0-9]+|[,;\n]")
_WITHOUT_TONE: Final = str.maketrans(
    {
        letter: unicodedata.normalize("NFC", unicodedata.normalize("NFD", letter).replace(tone, ""))
        for letter, tone in _TONE_OF.items()
    }
    | {"ð": "đ", "ɖ": "đ"}  # the Icelandic and African capitals Ð and Ɖ print like Đ
)
_WITHOUT_HAT: Final = str.maketrans("ăâđêôơư", "aadeoou")
# y for i where both are written: Mỹ and Mĩ, Ý and Í, Quý and Quí, Quỳnh and Quình; never in Tây or Thúy.
_Y_FOR_I: Final = re.compile(r"(?<![aăâeêoôơuư])y$|(?<=^qu)y")
# k for c: Đắk and Đắc, Bắc Kạn and Bắc Cạn, Krông and Crông; "kh" is another sound.
_K_FOR_C: Final = re.compile(r"k(?!h)")


class UnitType(StrEnum):
    """What a place is called besides its name, in the words of official names."""

    XA = "xã"
    PHUONG = "phường"
    THI_TRAN = "thị trấn"
    DAC_KHU = "đặc khu"
    QUAN = "quận"
    HUYEN = "huyện"
    THI_XA = "thị xã"
    THANH_PHO = "thành phố"
    TINH = "tỉnh"


COMMUNE_TYPES: Final = frozenset({UnitType.XA, UnitType.PHUONG, UnitType.THI_TRAN, UnitType.DAC_KHU})
_ABBREVIATIONS: Final[Mapping[UnitType, tuple[str, ...]]] = {
    UnitType.XA: ("x",),
    UnitType.PHUONG: ("p", "f"),
    UnitType.THI_TRAN: ("tt", "t.t", "ttr"),
    UnitType.DAC_KHU: ("đk",),
    UnitType.QUAN: ("q",),
    UnitType.HUYEN: ("h", "huyện đảo"),
    UnitType.THI_XA: ("tx", "t.x"),
    UnitType.THANH_PHO: ("tp", "t.p"),
    UnitType.TINH: ("t",),
}


class Diacritics(Enum):
    """How the diacritics typed compare with those of a name."""

    AGREE = "agree"
    LEFT_OUT = "left out"  # on some syllables or all, contradicting none
    DIFFER = "differ"


class Wording(NamedTuple):
    """A name or an address, taken apart into syllables and numbers.

    plains  each without diacritics, lower case, a number without leading zeros: "hoa", "1"
    marks   each with diacritics, the tone at the end: hòa and hoà are equal here
    commas  indexes at which a part begins, 0 left out
    """

    plains: tuple[str, ...]
    marks: tuple[str, ...]
    commas: tuple[int, ...] = ()

    @property
    def plain(self) -> str:
        """The key under which a name is found: "hoa binh"."""
        return " ".join(self.plains)

    @property
    def marked(self) -> str:
        """What tells Hòa Bình from Hóa Bình."""
        return " ".join(self.marks)

    def unmarked(self) -> "Wording":
        """The same, as typed without any diacritics."""
        return self._replace(marks=self.plains)

    def after(self, start: int) -> "Wording":
        """The wording without what stands before `start`."""
        return Wording(self.plains[start:], self.marks[start:], tuple(c - start for c in self.commas if c > start))

    def diacritics(self, start: int, end: int, marked: str) -> Diacritics:
        """Compare what stands from `start` to `end` with a name of the same plain wording."""
        marks = self.marks[start:end]
        if " ".join(marks) == marked:
            return Diacritics.AGREE
        left_out = zip(marks, self.plains[start:end], marked.split(" "), strict=True)
        if all(typed in known for typed, *known in left_out):
            return Diacritics.LEFT_OUT
        return Diacritics.DIFFER

    def type_at(self, start: int, stop: int) -> tuple[UnitType, int] | None:
        """The type word that begins at `start`, and where it ends, not beyond `stop`; the longer one first.

        "xa" may be the word xã; "xá" with its tone is not.
        """
        if start >= stop or self.plains[start] not in _TYPE_WORDS_BEGIN:
            return None
        for end in range(min(start + 2, stop), start, -1):
            unit_type, marked = _TYPE_WORDS.get(" ".join(self.plains[start:end]), (None, ""))
            if unit_type and self.diacritics(start, end, marked) is not Diacritics.DIFFER:
                return unit_type, end
        return None


def read(text: str) -> Wording:
    """Take a typed name or address apart.

    Any text is read; what is longer than any address comes back empty, unread.
    """
    if len(text) > LONGEST_WORDING:
        return Wording((), ())
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    words = _WORDS.findall(folded if _QUOTES.isdisjoint(folded) else folded.translate(_NO_QUOTES))
    syllables = [_syllable(word) for word in words if word not in _COMMAS]
    if not 0 < len(syllables) <= MOST_SYLLABLES:
        return Wording((), ())
    commas = _commas(words) if len(words) > len(syllables) else ()
    return Wording(tuple([plain for plain, _ in syllables]), tuple([marked for _, marked in syllables]), commas)


def _commas(words: Sequence[str]) -> tuple[int, ...]:
    """Before which syllables commas stand, not counting those at either end."""
    before = [index - count for count, index in enumerate(i for i, word in enumerate(words) if word in _COMMAS)]
    return tuple(sorted({*before} - {0, len(words) - len(before)}))


@lru_cache(maxsize=8192)  # the official names hold some 2,000
def _syllable(word: str) -> tuple[str, str]:
    if word.isdigit():
        number = word.lstrip("0") or "0"
        return number, number
    tones = "".join(_TONE_OF.get(letter, "") for letter in word)
    letters = _K_FOR_C.sub("c", _Y_FOR_I.sub("i", word.translate(_WITHOUT_TONE)))
    return letters.translate(_WITHOUT_HAT), letters + tones


# Keyed by plain wording: "thi tran", "tp", "t p".
_TYPE_WORDS: Final[Mapping[str, tuple[UnitType, str]]] = {
    wording.plain: (unit_type, wording.marked)
    for unit_type in UnitType
    for wording in map(read, (unit_type, *_ABBREVIATIONS[unit_type]))
}
_TYPE_WORDS_BEGIN: Final = frozenset(words.split(" ")[0] for words in _TYPE_WORDS)

_CAPITALISED: Final = {unit_type.capitalize(): unit_type for unit_type in UnitType}
_OFFICIAL: Final = re.compile(f"({'|'.join(_CAPITALISED)}) (.+)")


def official(name: str) -> tuple[UnitType, str]:
    """An official name parted: "Thị trấn Trâu Quỳ" is a thị trấn named "Trâu Quỳ".

    Raises ValueError where no unit's word stands in front, or nothing after it.
    """
    if not (parted := _OFFICIAL.fullmatch(name)):
        raise ValueError(f"{name!r} is not a name after one of {', '.join(_CAPITALISED)}")
    return _CAPITALISED[parted[1]], parted[2]


def alphabetical(name: str) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """A sort key: Vietnamese dictionary order, numbers by value.

    Syllable by syllable (Cà Mau before Cao Bằng); letters first (a ă â … d đ), tones only between equals.
    """
    letters: list[tuple[int, ...]] = []
    tones: list[int] = []
    for word in _WORDS.findall(unicodedata.normalize("NFC", name).casefold()):
        bare = word.translate(_WITHOUT_TONE)
        letters.append((-1, int(bare)) if bare.isdigit() else tuple(map(_ALPHABET.find, bare)))
        tones.append(sum(1 + _TONES.index(_TONE_OF[letter]) for letter in word if letter in _TONE_OF))
    return tuple(letters), tuple(tones)
