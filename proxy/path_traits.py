"""What can be told of a path in one look at its octets, and the path without the people in it.

Most paths name nobody and stand for themselves; it takes less to see that than to look for each kind of people alone.
Compiled, it is one loop; interpreted, a few calls that each run through the path (the same is seen: a property).
"""

import re
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

from proxy.compiled import form_of
from redirect_rules.masking import MASK, masked
from redirect_rules.octets import joined

# What `look` finds in a path.
STRANGE: Final = 1
DOTTED: Final = 2
CAPITALS: Final = 4
PERSONAL: Final = 8
NUMBERED: Final = 16
TRAITS: Final = 5
"""Bits that they take; those above are the place of the last slash."""

# A path told by kinds of octets, each of which is then looked for alone: a tenth of the time that sets of them take.
_SLASH, _DOT, _HYPHEN, _LOW_LINE, _OTHER = b"/.-_!"
_DIGIT, _SMALL, _CAPITAL = b"0aA"
_FORMS: Final = bytes(
    _DIGIT if octet in digits.encode()
    else _SMALL if octet in ascii_lowercase.encode()
    else _CAPITAL if octet in ascii_uppercase.encode()
    else octet if octet in b"-_~./"
    else _OTHER  # what does not stand for itself everywhere (RFC 3986 §2.3)
    for octet in range(256)
)  # fmt: skip
_WORDS: Final = bytes.maketrans(b"0A", b"aa")
_LONG_WORD: Final = b"a" * 32
_LONG_NUMBER: Final = b"0" * 7
_MASK: Final = MASK.encode()
_NUMBER: Final = re.compile(rb"[0-9]{7,}")
_OUTSIDE: Final = 0
# The same, typed where this is compiled.
_STRANGE, _DOTTED, _CAPITALS, _PERSONAL, _NUMBERED, _TRAITS = STRANGE, DOTTED, CAPITALS, PERSONAL, NUMBERED, TRAITS
_COMPILED: Final = form_of(__name__) == "compiled"


def look(path: bytes) -> int:
    """What there is in a path, and where its last slash stands: the flags below | place << 5.

    STRANGE   an octet that canonicalisation may change
    NUMBERED  seven digits, which `masked` hides
    PERSONAL  something else that it has to look at: a guess, and never a wrong no (two digits before a dot, or two, a
              hyphen and six, or 32 letters and digits)
    """
    return _looked_through(path) if _COMPILED else _looked_at(path)


def _looked_at(path: bytes) -> int:
    form = path.translate(_FORMS)
    seen = (_OTHER in form) * STRANGE | (_DOT in form) * DOTTED | (_CAPITAL in form) * CAPITALS
    numbered = bool(form.partition(_LONG_NUMBER)[1])
    return seen | _is_personal(form) * PERSONAL | numbered * NUMBERED | max(path.rfind(b"/"), 0) << _TRAITS


def _is_personal(form: bytes) -> bool:
    if _DOT in form and form.partition(b"00.")[1]:
        return True
    hyphen = _HYPHEN in form or _LOW_LINE in form
    if hyphen and (form.partition(b"00-000000")[1] or form.partition(b"00_000000")[1]):
        return True
    return len(form) >= len(_LONG_WORD) and bool(form.translate(_WORDS).partition(_LONG_WORD)[1])


def _looked_through(path: bytes) -> int:  # noqa: C901 - one loop, and nothing in it that has a name
    """The same octet by octet: a tenth of the time where it is compiled, and twenty times as much where it is not."""
    found = numbers = word = place = 0
    after = False  # whether what is counted follows two digits and a hyphen
    for at, octet in enumerate(path):
        form = _FORMS[octet]
        if form == _DIGIT:
            numbers += 1
            word += 1
            if numbers == 7:
                found |= _NUMBERED
            if (after and numbers == 6) or word == 32:
                found |= _PERSONAL
        elif form == _SMALL or form == _CAPITAL:  # noqa: SIM109, PLR1714 - two comparisons, and no tuple
            word += 1
            numbers, after = 0, False
            if word == 32:
                found |= _PERSONAL
            if form == _CAPITAL:
                found |= _CAPITALS
        else:
            if form == _SLASH:
                place = at
            elif form == _DOT:
                found |= _DOTTED if numbers < 2 else _DOTTED | _PERSONAL
            elif form == _OTHER:
                found |= _STRANGE
            after = numbers >= 2 and (form == _HYPHEN or form == _LOW_LINE)  # noqa: SIM109, PLR1714 - as above
            numbers = word = 0
    return found | place << _TRAITS


def all_in(octets: bytes, kinds: bytes) -> bool:
    """Whether all octets are of a kind that is not 0."""
    if not _COMPILED:
        return _OUTSIDE not in octets.translate(kinds)
    for octet in octets:  # noqa: SIM110 - compiled, it is a loop and no generator
        if not kinds[octet]:
            return False
    return True


def without_people(path: bytes, seen: int) -> bytes:
    """`masked` of a path, by what `look` has found in it."""
    if seen & _PERSONAL:
        return masked(path.decode()).encode()
    return _without_numbers(path) if seen & _NUMBERED else path


def _without_numbers(path: bytes) -> bytes:
    """The commonest by far of what is hidden, taken out by hand."""
    if not _COMPILED:
        return _NUMBER.sub(_MASK, path)
    octets, size = path, len(path)
    pieces: list[bytes] = []
    begin = numbers = 0
    for at, octet in enumerate(path):
        if _FORMS[octet] == _DIGIT:
            numbers += 1
        else:
            if numbers >= 7:
                pieces += (octets[begin : at - numbers], _MASK)
                begin = at
            numbers = 0
    if numbers >= 7:
        pieces += (octets[begin : size - numbers], _MASK)
        begin = size
    pieces.append(octets[begin:size])
    return joined(tuple(pieces))
