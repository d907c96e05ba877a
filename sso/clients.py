"""conf/clients/*.toml → Client: one file for each provincial system, one record for every way it is told who signs in.

Everything that could lead a person, a code or one of our own calls astray is a mistake of the file, told at once with
its line: nothing about a client has to be judged again while somebody waits.
"""

import hmac
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from sso import egress, jws
from sso.egress import Networks
from sso.model import Client, Digest, Lifetimes, SubjectAlias, digest
from sso.sources import ConfidentialDocument, LinesOf, Mistake, Mistakes, Place, StrictModel, documents, nowhere
from sso.vocabulary import Claim, Level

VIET_NAM: Final = timezone(timedelta(hours=7))
"""A date in a file begins at midnight there."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# What a URI may consist of (RFC 3986 §2); what else a browser repairs, and each repairs differently.
_URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()+,;=%-]+")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_LONGEST_URI: Final = 1_024
_MOST_DIGESTS: Final = 2
MOST_KEYS: Final = 16
"""Of one client's public keys: a token without a `kid` is held against each."""


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("write small letters, digits and hyphens, 40 at most")
    return text


def _a_digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise ValueError(
            "not a digest, 64 hexadecimal letters: `dvc-edge clients secret` makes a secret and its digest"
        )
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
Text = Annotated[str, Field(min_length=1, max_length=300)]


class LifetimeTable(StrictModel):
    """[lifetimes]: seconds."""

    code: Annotated[int, Field(ge=5, le=60)] = Lifetimes().code
    access_token: Annotated[int, Field(ge=30, le=3_600)] = Lifetimes().access_token
    id_token: Annotated[int, Field(ge=30, le=3_600)] = Lifetimes().id_token
    refresh_token: Annotated[int, Field(ge=300, le=2_592_000)] = Lifetimes().refresh_token
    refresh_grace: Annotated[int, Field(ge=0, le=30)] = Lifetimes().refresh_grace
    pushed_request: Annotated[int, Field(ge=5, le=600)] = Lifetimes().pushed_request


class AliasTable(StrictModel):
    """[[aliases]]: a sector that this system has taken over."""

    sector: Identifier
    since: date
    until: date | None = None
    salt_version: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "AliasTable":
        if self.until is not None and self.until <= self.since:
            raise ValueError("`until` must come after `since`")
        return self


class ClientTable(StrictModel):
    """A file."""

    id: Identifier
    name: dict[Literal["vi", "en"], Text]
    sector: Identifier
    portals: list[str] = []
    profile: Literal["basic", "fapi2"] = "basic"
    redirect_uris: list[str] = []
    post_logout_redirect_uris: list[str] = []
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    frontchannel_session_required: bool = True
    authentication: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = (
        "client_secret_basic"
    )
    secret_digests: list[Annotated[str, AfterValidator(_a_digest)]] = []
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    signing_algorithm: Literal["ES256", "RS256"] = "ES256"
    userinfo_signed: bool = False
    dpop_required: bool = False
    dpop_nonce_required: bool = False
    request_object_required: bool = False
    pushed_request_required: bool = False
    level: Annotated[int, Field(ge=1, le=2)] = 2
    attributes: list[Literal[tuple(claim.value for claim in Claim)]] = []  # type: ignore[valid-type]
    legal_basis: Annotated[str, Field(max_length=300)] = ""
    consent: Literal["never", "once", "always"] = "never"
    consent_days: Annotated[int, Field(ge=1, le=1_826)] = 365
    upstreams: list[Identifier] = []
    refresh_tokens: bool = False
    formats: list[Literal["oidc", "header", "ticket", "forward-auth"]] = ["oidc"]
    aliases: list[AliasTable] = []
    salt_version: Annotated[int, Field(ge=1)] = 1
    lifetimes: LifetimeTable = LifetimeTable()


def load_clients(
    folder: Path,
    *,
    allowed: Networks = (),
    development: bool = False,
    known_portals: Collection[str] | None = None,
    known_upstreams: Collection[str] | None = None,
    lines_of: LinesOf = nowhere,
) -> dict[str, Client]:
    """Every client of a folder by its id, in the order of the files.  Raises Mistakes, with all of them.

    allowed      private networks that our own calls may reach
    development  whether http on localhost will do
    known_…      what names are checked against; None: they are not
    lines_of     who finds the lines of mistakes
    """
    clients: dict[str, Client] = {}
    mistakes: list[Mistake] = []
    for document in documents(folder, lines_of):
        try:
            client = parse(document, allowed=allowed, development=development)
        except Mistakes as error:
            mistakes += error.mistakes
            continue
        if client.id in clients:
            mistakes.append(document.mistake(("id",), f"another file describes {client.id} already"))
        mistakes += unknown_names(document, "portals", client.portals, known_portals)
        mistakes += unknown_names(document, "upstreams", client.upstreams, known_upstreams)
        clients[client.id] = client
    if mistakes:
        raise Mistakes(mistakes)
    return clients


def parse(document: ConfidentialDocument, *, allowed: Networks = (), development: bool = False) -> Client:
    """One client.  Raises Mistakes."""
    try:
        table = ClientTable.model_validate(document.data)
    except ValidationError as error:
        raise Mistakes(document.mistakes_of(error)) from None
    checks = _Checks(allowed=allowed, development=development)
    if mistakes := [document.mistake(place, text) for place, text in checks.found(table)]:
        raise Mistakes(mistakes)
    return _held_to_profile(_client(table))


def secret_digest(secret: str) -> Digest:
    """What of a client's secret stands in its file.  Secrets are ours and random, so that a quick digest will do."""
    return digest(secret)


def secret_matches(client: Client, secret: str) -> bool:
    """Whether it is one of the client's secrets, in a time that tells nothing."""
    given = digest(secret).encode()
    # Every digest is compared, also after one has matched.
    matches = [hmac.compare_digest(given, known.encode()) for known in client.secret_digests]
    return any(matches)


class _Checks:
    """What pydantic cannot know of a client."""

    def __init__(self, *, allowed: Networks, development: bool) -> None:
        self._allowed = allowed
        self._development = development

    def found(self, table: ClientTable) -> Iterator[tuple[Place, str]]:
        """Every mistake: where, and what to write instead."""
        yield from self._uris(table)
        yield from _authentication(table)
        yield from _telling(table)

    def _uris(self, table: ClientTable) -> Iterator[tuple[Place, str]]:
        for key in ("redirect_uris", "post_logout_redirect_uris"):
            uris: list[str] = getattr(table, key)
            for uri in uris:
                if trouble := self._trouble(uri):
                    yield (key,), f"{key}: {trouble}"
            if len(set(uris)) < len(uris):
                yield (key,), f"{key}: an address stands there twice"
        framed = table.frontchannel_logout_uri
        if framed and (trouble := self._trouble(framed)):
            yield ("frontchannel_logout_uri",), f"frontchannel_logout_uri: {trouble}"
        for key in ("backchannel_logout_uri", "jwks_uri"):
            called: str | None = getattr(table, key)
            if called and (trouble := self._trouble(called, by_us=True) or self._trouble_calling(called)):
                yield (key,), f"{key}: {trouble}"

    def _trouble(self, uri: str, *, by_us: bool = False) -> str | None:
        """What is wrong with an address that people are sent to and compared octet for octet, or `by_us` called."""
        if len(uri) > _LONGEST_URI or not _URI.fullmatch(uri):
            return "an address has only ASCII letters that need no repair; write others percent-encoded, names as xn--…"
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError:
            return "not an address"
        host = parts.hostname or ""
        on_localhost = _is_localhost(host)
        if parts.scheme not in {"https", "http"} or not host or not parts.path.startswith("/"):
            return "write https://HOST/PATH"
        if parts.scheme == "http" and not (on_localhost and self._development):
            return "write https: plain http is for localhost in development only"
        rules: list[tuple[bool, str]] = [
            (on_localhost and not self._development, "localhost is for development only"),
            ("@" in parts.netloc, "no user and no password may stand in it"),
            ("#" in uri, "no fragment (#…) may stand in it"),
            (parts.netloc != parts.netloc.lower(), "write the host in small letters"),
            (port == (443 if parts.scheme == "https" else 80), "leave the usual port out"),
            ("//" in parts.path or "\\" in uri, "a path has single slashes"),
            (bool({".", ".."} & set(_plain(parts.path).split("/"))), "no . or .. may stand in the path"),
            (
                not on_localhost and not by_us and not _names_a_host(host),
                "name the host; an address is none, and may change",
            ),
        ]
        return next((text for wrong, text in rules if wrong), None)

    def _trouble_calling(self, uri: str) -> str | None:
        """What is wrong with an address that we call ourselves."""
        host = urlsplit(uri).hostname or ""
        literal = egress.literal_address(host)
        if literal and not (self._development and _is_localhost(host)) and not egress.may_call(literal, self._allowed):
            return "we do not call this address: allow its network in the configuration, [sso] allowed_networks"
        return None


def _authentication(table: ClientTable) -> Iterator[tuple[Place, str]]:
    by_secret = table.authentication in {"client_secret_basic", "client_secret_post"}
    called_by_client = "oidc" in table.formats or "ticket" in table.formats
    if by_secret and called_by_client and not table.secret_digests:
        yield ("authentication",), "secret_digests: add one; `dvc-edge clients secret` makes a secret and its digest"
    if len(table.secret_digests) > _MOST_DIGESTS:
        yield ("secret_digests",), "secret_digests: two at most, the second while a secret is being exchanged"
    if not by_secret and table.secret_digests:
        yield ("secret_digests",), f"secret_digests: a client with {table.authentication} has no secret: remove them"
    has_keys = table.jwks is not None or table.jwks_uri is not None
    if table.jwks is not None and table.jwks_uri is not None:
        yield ("jwks_uri",), "jwks_uri: keys stand in jwks already; keep one of the two"
    if (table.authentication == "private_key_jwt" or table.request_object_required) and not has_keys:
        yield ("authentication",), "jwks: this client signs, so its public keys must stand here (or jwks_uri)"
    if table.jwks is not None:
        yield from _jwks(table.jwks)
    if table.profile == "fapi2":
        if table.authentication != "private_key_jwt":
            yield ("profile",), 'authentication: fapi2 asks for "private_key_jwt"'
        if table.signing_algorithm != "ES256":
            yield ("profile",), 'signing_algorithm: fapi2 asks for "ES256"'


def _jwks(described: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    keys = described.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys) or not keys:
        yield ("jwks",), "jwks: write keys = [{ kty = …, … }] (RFC 7517)"
        return
    if len(keys) > MOST_KEYS:
        yield ("jwks",), f"jwks: {MOST_KEYS} keys at most: leave those out that sign no more"
        return
    for key in keys:
        if key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}:
            yield ("jwks",), "jwks: a PRIVATE key stands here: remove it, and make the client a new one"
            continue
        try:
            jws.public_key(key)
        except jws.BadToken:
            yield ("jwks",), "jwks: a key must be EC P-256, or RSA of 2,048 bits or more"


def _telling(table: ClientTable) -> Iterator[tuple[Place, str]]:
    if "vi" not in table.name:
        yield ("name",), "name.vi: this key is missing: add it"
    if not table.formats:
        yield ("formats",), "formats: name one, or the client is told nothing"
    if {"oidc", "ticket"} & set(table.formats) and not table.redirect_uris and not table.portals:
        yield ("redirect_uris",), "redirect_uris: name where people come back to"
    if "oidc" in table.formats and not table.redirect_uris:
        yield ("formats",), 'redirect_uris: "oidc" needs one'
    if {"header", "forward-auth"} & set(table.formats) and not table.portals:
        yield ("formats",), "portals: a signed header is for portals that we stand before: name them"
    if table.attributes and not table.legal_basis:
        yield ("attributes",), "legal_basis: say by what law the client may have these attributes"
    if len(set(table.attributes)) < len(table.attributes):
        yield ("attributes",), "attributes: one stands there twice"
    sectors = [alias.sector for alias in table.aliases if alias.salt_version in {None, table.salt_version}]
    if table.sector in sectors:
        yield ("aliases",), "aliases: this is the client's own sector"


def _client(table: ClientTable) -> Client:
    given: dict[str, Any] = {name: getattr(table, name) for name in ClientTable.model_fields}
    tuples: tuple[str, ...] = ("portals", "redirect_uris", "post_logout_redirect_uris", "secret_digests", "upstreams")
    given |= {name: tuple(given[name]) for name in tuples}
    given["level"] = Level(table.level)
    given["attributes"] = frozenset(map(Claim, table.attributes))
    given["formats"] = frozenset(table.formats)
    given["lifetimes"] = Lifetimes(**table.lifetimes.model_dump())
    given["aliases"] = tuple(
        SubjectAlias(one.sector, _midnight(one.since), _midnight(one.until) if one.until else None, one.salt_version)
        for one in table.aliases
    )
    return Client(**given)


def _held_to_profile(client: Client) -> Client:
    """What FAPI 2.0 asks of a client is so, whatever its file says (FAPI 2.0 Security Profile §5.3)."""
    if client.profile == "basic":
        return client
    return replace(client, dpop_required=True, pushed_request_required=True)


def unknown_names(
    document: ConfidentialDocument, key: str, names: Collection[str], known: Collection[str] | None
) -> Iterator[Mistake]:
    """A mistake for each name that there is not; `known` None: they are not checked."""
    for name in names:
        if known is not None and name not in known:
            yield document.mistake(
                (key,), f"{key}: there is no {name!r}; known are {', '.join(sorted(known)) or 'none'}"
            )


def _names_a_host(host: str) -> bool:
    return _HOST.fullmatch(host) is not None and egress.literal_address(host) is None and "." in host


def _is_localhost(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")


def _plain(path: str) -> str:
    """A path as a server might read it."""
    for encoded, letter in (("%2e", "."), ("%2E", "."), ("%2f", "/"), ("%2F", "/"), ("%5c", "/"), ("%5C", "/")):
        path = path.replace(encoded, letter)
    return path


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), VIET_NAM).timestamp())
