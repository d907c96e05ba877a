"""From an upstream's words to ours: which claim is what, how dates are written, what "2" means.  All of it is data.

Only what is mapped is ever kept.  A value that is not of its form is left out, as if the upstream had not told it; what
a sign-in cannot do without (whose account, which sort, which level) is refused instead.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from sso.upstreams.failures import Fault, UpstreamRefused
from sso.vocabulary import AccountType, Claim, Level

Form = Literal["text", "date", "citizen-id", "old-id", "phone", "email", "code"]

LONGEST_VALUE: Final = 500  # characters


@dataclass(frozen=True, slots=True)
class Source:
    """Where a claim of ours comes from."""

    name: str  # the upstream's
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """One upstream's words."""

    subject: str = "sub"  # the stable id of the account: exactly one name, or a person would become two
    claims: Mapping[Claim, Source] = field(default_factory=dict)
    account: str = ""  # the claim that tells the sort of account; "": all are persons
    accounts: Mapping[str, AccountType] = field(default_factory=dict)
    level: str = "acr"  # the claim that tells how sure the upstream is
    levels: Mapping[str, Level] = field(default_factory=dict)
    level_untold: Level | None = None  # where it says nothing; None: refused


def mapped(told: Mapping[str, object], mapping: ClaimMapping) -> Mapping[Claim, str]:
    """What is told about a person, in our words and forms."""
    found: dict[Claim, str] = {}
    for claim, source in mapping.claims.items():
        text = _text(told.get(source.name))
        value = _FORMS[source.form](text) if text else ""
        if value:
            found[claim] = value
    return found


def subject_of(told: Mapping[str, object], mapping: ClaimMapping, upstream: str) -> str:
    """The account's stable id.  Raises UpstreamRefused where it is missing."""
    value = told.get(mapping.subject)
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isprintable():
        raise UpstreamRefused(upstream, Fault.SUBJECT)
    return value


def account_of(told: Mapping[str, object], mapping: ClaimMapping, upstream: str) -> AccountType:
    """The sort of account.  Raises UpstreamRefused for one that nobody has said the meaning of."""
    if not mapping.account:
        return AccountType.CITIZEN
    account = mapping.accounts.get(_text(told.get(mapping.account)))
    if account is None:
        raise UpstreamRefused(upstream, Fault.CLAIMS)
    return account


def level_of(told: Mapping[str, object], mapping: ClaimMapping, upstream: str) -> Level:
    """How sure the upstream is.  What it says and we do not know counts as nothing said, never as enough.

    Raises UpstreamRefused where nothing is told and nothing may be assumed.
    """
    level = mapping.levels.get(_text(told.get(mapping.level)), mapping.level_untold)
    if level is None:
        raise UpstreamRefused(upstream, Fault.LEVEL)
    return level


def _text(value: object) -> str:
    """A value as clean text; "" for what is none.  Numbers are what some upstreams write codes as."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > LONGEST_VALUE:
        return ""
    text = " ".join(unicodedata.normalize("NFC", value).split())
    return text if text.isprintable() else ""


_DATES: Final = (
    re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"),
    re.compile(r"(?P<day>\d\d?)/(?P<month>\d\d?)/(?P<year>\d{4})"),
)


def _date(text: str) -> str:
    """YYYYMMDD, YYYY-MM-DD or D/M/YYYY → YYYY-MM-DD.  Of many old people only the year is written down: YYYY."""
    if re.fullmatch(r"(?:19|20)\d\d(?:0000)?", text, re.ASCII):
        return text[:4]
    for form in _DATES:
        if found := re.fullmatch(form.pattern, text, re.ASCII):
            try:
                return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
            except ValueError:
                return ""
    return ""


def _phone(text: str) -> str:
    """0912 345 678 → +84912345678 (E.164, OpenID Connect Core §5.1)."""
    digits = re.sub(r"[\s.\-()]", "", text)
    if re.fullmatch(r"0\d{9,10}", digits, re.ASCII):
        return "+84" + digits[1:]
    return digits if re.fullmatch(r"\+\d{8,15}", digits, re.ASCII) else ""


def _matching(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: text if compiled.fullmatch(text) else ""


_FORMS: Final[Mapping[Form, Callable[[str], str]]] = {
    "text": lambda text: text,
    "date": _date,
    "citizen-id": _matching(r"\d{12}"),
    "old-id": _matching(r"\d{9}"),
    "phone": _phone,
    "email": _matching(r"[^@\s]{1,64}@[^@\s]{1,255}"),
    "code": _matching(r"[A-Za-z0-9./-]{1,64}"),
}
