"""The guided form of a client: what is typed in five steps, as a record, and back; and what is wrong, in words.

Nothing is kept between the steps but in the form itself: the fields of the steps that are not shown travel hidden.
Keys of a record that no field is about stay as they were.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.console.calls import Fields
from redirect_rules.enrolment import Record
from sso.client_folder import without_defaults
from sso.clients import ClientTable
from sso.vocabulary import Claim

STEPS: Final = ("speaks", "addresses", "proof", "told", "send")
"""In order; the last one shows what was typed, and sends it."""

_OF_STEP: Final[Mapping[str, tuple[str, ...]]] = {
    "speaks": ("id", "province", "name_vi", "name_en", "formats"),
    "addresses": (
        *("redirect_uris", "post_logout_redirect_uris", "portals"),
        *("backchannel_logout_uri", "frontchannel_logout_uri"),
    ),
    "proof": (
        *("authentication", "jwks", "jwks_uri", "signing_algorithm", "profile"),
        *("pushed_request_required", "request_object_required", "dpop_required", "userinfo_signed"),
    ),
    "told": ("attributes", "legal_basis", "level", "consent", "refresh_tokens", "upstreams", "sector"),
    "send": ("reason",),
}
LINES: Final = ("redirect_uris", "post_logout_redirect_uris")
"""Fields with an address on each line."""
MANY: Final = ("formats", "portals", "attributes", "upstreams")
"""Fields of which several values are chosen."""
SWITCHES: Final = (
    *("pushed_request_required", "request_object_required", "dpop_required", "userinfo_signed", "refresh_tokens"),
)
CALLED: Final = ("backchannel_logout_uri", "frontchannel_logout_uri", "jwks_uri")
"""Fields with one address."""
NAMES: Final = tuple(name for names in _OF_STEP.values() for name in names)

FORMATS: Final = ("oidc", "header", "forward-auth", "ticket")
ATTRIBUTES: Final = tuple(claim.value for claim in Claim)
CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "authentication": ("client_secret_basic", "client_secret_post", "private_key_jwt", "none"),
    "signing_algorithm": ("ES256", "RS256"),
    "profile": ("basic", "fapi2"),
    "level": ("2", "1"),
    "consent": ("never", "once", "always"),
}
_SHOWN_ALWAYS: Final = ("profile", "authentication", "signing_algorithm", "level", "consent", "formats")
_BESIDE: Final = {"name": "name_vi", "secret_digests": "authentication", "aliases": "sector"}
"""Keys of a record whose field is called otherwise."""

_IN_WORDS: Final = (
    ("small letters, digits and hyphens", "client-id"),
    ("only ASCII letters", "client-uri-letters"),
    ("write https: plain", "client-uri-https"),
    ("localhost is for", "client-uri-localhost"),
    ("write https://HOST", "client-uri-form"),
    ("not an address", "client-uri-form"),
    ("no user and no password", "client-uri-user"),
    ("no fragment", "client-uri-fragment"),
    ("the host in small letters", "client-uri-case"),
    ("usual port", "client-uri-port"),
    ("single slashes", "client-uri-slashes"),
    ("no . or ..", "client-uri-dots"),
    ("name the host", "client-uri-host"),
    ("stands there twice", "client-twice"),
    ("we do not call", "client-uri-private"),
    ("keep one of the two", "client-keys-both"),
    ("public keys must stand", "client-keys-missing"),
    ('fapi2 asks for "private_key_jwt"', "client-fapi-keys"),
    ('fapi2 asks for "ES256"', "client-fapi-es256"),
    ("write keys = [", "client-jwks-form"),
    ("PRIVATE key", "client-jwks-private"),
    ("must be EC P-256", "client-jwks-sort"),
    ("this key is missing", "required"),
    ("name one, or the client is told", "client-formats"),
    ("where people come back", "client-redirect"),
    ('"oidc" needs one', "client-redirect"),
    ("portals that we stand before", "client-portals"),
    ("by what law", "client-law"),
    ("the client's own sector", "client-sector-own"),
    ("there is no", "client-unknown"),
    ("at least 1 character", "required"),
    ("at most 300 characters", "client-long"),
    ("Input should be", "client-choice"),
)
"""What sign-in says of a file, by a part of its sentence → a key under `mistake.`."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the fields: a value or several of each name."""

    values: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """The value of a field."""
        return next(iter(self.values.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a field that has several."""
        return self.values.get(name, ())

    def has(self, name: str, value: str) -> bool:
        """Whether a value is chosen."""
        return value in self.values.get(name, ())

    def hidden(self, step: str) -> Iterator[tuple[str, str]]:
        """The fields that a step does not show."""
        for name in NAMES:
            if name not in _OF_STEP[step]:
                yield from ((name, value) for value in self.values.get(name, ()) if value)


def typed_in(form: Fields) -> Typed:
    """What a form says."""
    return Typed({name: tuple(_clean(name, value) for value in form.all(name)) for name in NAMES})


def _clean(name: str, value: str) -> str:
    return value if name == "jwks" else value.strip()


def shown(record: Record, province: str) -> Typed:
    """A record as the fields show it; of an empty one the customary choices."""
    defaults: dict[str, Any] = {
        name: field.default for name, field in ClientTable.model_fields.items() if not field.is_required()
    }
    values = {**defaults, "formats": ["oidc"], **record}
    names = record.get("name", {})
    found: dict[str, tuple[str, ...]] = {
        "id": (str(record.get("id", "")),),
        "province": (province,),
        "name_vi": (str(names.get("vi", "")),),
        "name_en": (str(names.get("en", "")),),
        "jwks": (json.dumps(record["jwks"], indent=1) if record.get("jwks") else "",),
        "sector": (str(record.get("sector", "")),),
        "reason": ("",),
    }
    for name in NAMES:
        if name in found:
            continue
        value = values.get(name)
        if name in LINES:
            found[name] = ("\n".join(value or ()),)
        elif name in MANY:
            found[name] = tuple(map(str, value or ()))
        elif name in SWITCHES:
            found[name] = ("yes",) if value else ()
        else:
            found[name] = ("" if value is None else str(value),)
    return Typed(found)


def record_of(typed: Typed, base: Record) -> dict[str, Any]:
    """What was typed, over what no field is about.  A key with its customary value is left out, as in a file."""
    record = dict(base)
    record["id"] = typed.one("id")
    names = {language: typed.one(f"name_{language}") for language in ("vi", "en")}
    record["name"] = {language: name for language, name in names.items() if name}
    record["sector"] = typed.one("sector") or base.get("sector") or typed.one("id")
    for name in MANY:
        record[name] = [value for value in typed.all(name) if value]
    for name in LINES:
        record[name] = [line.strip() for line in typed.one(name).splitlines() if line.strip()]
    for name in SWITCHES:
        record[name] = bool(typed.one(name))
    for name in (*CALLED, "legal_basis"):
        record[name] = typed.one(name) or None
    for name in CHOICES:
        record[name] = typed.one(name) or None
    record["level"] = int(typed.one("level")) if typed.one("level") in CHOICES["level"] else None
    record["jwks"] = _json(typed.one("jwks"))
    if record["authentication"] in {"private_key_jwt", "none"}:
        record.pop("secret_digests", None)
    return without_defaults(record)


def _json(text: str) -> Any:
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# What is wrong


def in_words(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """What sign-in says of a record's keys → fields of the form, with a key under `mistake.` or the sentence itself."""
    said = {(_BESIDE.get(key, key), _word(text)): None for key, text in found}
    return tuple(said)


def _word(text: str) -> str:
    return next((word for part, word in _IN_WORDS if part in text), text)


def until(step: str, wrong: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Of all that is wrong what the steps up to this one can mend; the last one tells of everything."""
    if step == STEPS[-1]:
        return tuple(wrong)
    reached = {name for one in STEPS[: STEPS.index(step) + 1] for name in _OF_STEP[one]}
    return tuple((field, text) for field, text in wrong if field in reached and (field, text) not in _later(step))


def _later(step: str) -> frozenset[tuple[str, str]]:
    """What a later step mends, although the field stands in this one."""
    if step != "speaks":
        return frozenset()
    return frozenset({("formats", "client-redirect"), ("formats", "client-portals")})


def step_of(field: str) -> str:
    """The step in which a field stands."""
    return next((step for step, names in _OF_STEP.items() if field in names), STEPS[-1])


def reached(step: str, go: str) -> str:
    """Where a button leads from a step: "next", "back", "check" (stay), or a step by its name."""
    at = STEPS.index(step) if step in STEPS else 0
    if go in STEPS:
        return go
    return STEPS[max(0, min(len(STEPS) - 1, at + {"next": 1, "back": -1}.get(go, 0)))]


# What two records differ in


@dataclass(frozen=True, slots=True)
class Difference:
    """One key, before and after, as people read it."""

    key: str  # its text is `system.KEY`
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def gone(self) -> tuple[str, ...]:
        """What is there no more."""
        return tuple(value for value in self.before if value not in self.after)

    @property
    def come(self) -> tuple[str, ...]:
        """What is new."""
        return tuple(value for value in self.after if value not in self.before)

    @property
    def stay(self) -> tuple[str, ...]:
        """What is in both."""
        return tuple(value for value in self.after if value in self.before)


def told(record: Record | None) -> dict[str, Any]:
    """A record with what it leaves out because it is customary, where people should see it."""
    if not record:
        return {}
    return {**{key: ClientTable.model_fields[key].default for key in _SHOWN_ALWAYS}, **record}


def differences(before: Record | None, after: Record | None) -> list[Difference]:
    """The keys that differ, in the order of the manual."""
    left, right = told(before), told(after)
    keys = [key for key in ClientTable.model_fields if left.get(key) != right.get(key)]
    found = [Difference(key, said(key, left.get(key)), said(key, right.get(key))) for key in keys]
    return [one for one in found if one.before != one.after]


def said(key: str, value: Any) -> tuple[str, ...]:
    """A value as people read it: a line for each part of it.  Of a secret the beginning of its digest."""
    if value is None:
        return ()
    match key:
        case "name":
            return tuple(f"{language}: {name}" for language, name in value.items())
        case "secret_digests":
            return tuple(f"{one[:8]}…" for one in value)
        case "jwks":
            return tuple(str(one.get("kid") or one.get("kty", "?")) for one in value.get("keys", ()))
        case "lifetimes":
            return tuple(f"{name}: {seconds} s" for name, seconds in value.items())
        case "aliases":
            return tuple(" ".join(map(str, one.values())) for one in value)
    if isinstance(value, bool):
        return ("✓",) if value else ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
