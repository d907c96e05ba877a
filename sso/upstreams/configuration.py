"""conf/upstreams/*.toml → upstreams: one file for each, its name is its id.

Everything is complained about at once, with file and line.  Secrets stand in the environment or in a file that is named
here; only the demonstration's own may be written down.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey, import_key
from pydantic import Field, ValidationError

from sso import json_objects, jws
from sso.sources import ConfidentialDocument, LinesOf, Mistake, Mistakes, StrictModel, documents, nowhere
from sso.upstreams.claim_mapping import ClaimMapping, Form, Source
from sso.upstreams.discovery import Metadata, uri_problem
from sso.upstreams.model import Authentication, Upstream
from sso.upstreams.presets import PRESETS
from sso.vocabulary import AccountType, Claim, Level

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class SourceRow(StrictModel):
    """`birthdate = { from = "birthDate", form = "date" }`."""

    source: Annotated[str, Field(alias="from", min_length=1)]
    form: Form = "text"


class AccountRow(StrictModel):
    """[account]: the claim that tells the sort of account, and what its values mean."""

    claim: str
    values: dict[str, Annotated[AccountType, Field(strict=False)]]


class LevelRow(StrictModel):
    """[level]: the claim that tells how sure the upstream is, and what its values mean."""

    claim: str
    values: dict[str, Annotated[Level, Field(strict=False)]]
    untold: Annotated[Level | None, Field(strict=False)] = None


class UpstreamRow(StrictModel):
    """A file, laid over its preset."""

    preset: Literal["oidc", "vneid", "vnconnect"]
    names: dict[str, str]
    issuer: str
    client_id: Annotated[str, Field(min_length=1)]
    client_authentication: Authentication
    secret_variable: str = ""
    secret_file: str = ""
    secret: str = ""
    signing_key_file: str = ""
    discovery: bool
    endpoints: dict[Literal["authorization", "token", "userinfo", "jwks", "end_session"], str] = {}
    hosts: list[str] = []
    private_network: bool = False
    scopes: list[str]
    pkce: bool
    nonce: bool
    id_token: Literal["required", "none"]
    userinfo: Literal["none", "get", "post"]
    userinfo_signed: bool
    algorithms: Annotated[list[str], Field(min_length=1)]
    names_issuer: bool
    ask_level: dict[Literal["1", "2"], str]
    subject: Annotated[str, Field(min_length=1)]
    claims: dict[Annotated[Claim, Field(strict=False)], str | SourceRow]
    account: AccountRow
    level: LevelRow


def load_upstreams(
    folder: Path, environ: Mapping[str, str], *, development: bool = False, lines_of: LinesOf = nowhere
) -> dict[str, Upstream]:
    """Every upstream of a folder, in the order of their files' names.  Raises Mistakes with all of them.

    lines_of  who finds the lines of mistakes
    """
    found: dict[str, Upstream] = {}
    mistakes: list[Mistake] = []
    for document in documents(folder, lines_of):
        try:
            upstream = parse(document, environ, folder=folder, development=development)
        except Mistakes as error:
            mistakes += error.mistakes
        else:
            found[upstream.id] = upstream
    by_client: dict[tuple[str, str], str] = {}
    for upstream in found.values():
        # Two of one issuer and client could not be told apart when an answer comes back.
        other = by_client.setdefault((upstream.issuer, upstream.client_id), upstream.id)
        if other != upstream.id:
            text = f"issuer: {other}.toml has the same issuer and client_id: remove one of the two"
            mistakes.append(Mistake(str(folder / f"{upstream.id}.toml"), 0, text))
    if mistakes:
        raise Mistakes(mistakes)
    return found


def parse(
    document: ConfidentialDocument, environ: Mapping[str, str], *, folder: Path, development: bool = False
) -> Upstream:
    """One file.  Raises Mistakes."""
    written = document.data
    preset = PRESETS.get(str(written.get("preset")), PRESETS["oidc"])
    try:
        row = UpstreamRow.model_validate({**preset, **written, "claims": _claims(preset, written)})
    except ValidationError as error:
        raise Mistakes(document.mistakes_of(error)) from None
    reader = _Reader(document, row, environ, folder, development=development)
    upstream = reader.upstream()
    if reader.mistakes:
        raise Mistakes(reader.mistakes)
    return upstream


def _claims(preset: Mapping[str, Any], written: Mapping[str, Any]) -> object:
    """The file's claims over the preset's; an empty text takes one away."""
    own = written.get("claims", {})
    if not isinstance(own, dict):
        return own
    return {name: source for name, source in (preset["claims"] | own).items() if source}


class _Reader:
    """Turns a row into an upstream and remembers every mistake on the way."""

    def __init__(
        self,
        document: ConfidentialDocument,
        row: UpstreamRow,
        environ: Mapping[str, str],
        folder: Path,
        *,
        development: bool,
    ) -> None:
        self.mistakes: list[Mistake] = []
        self._document = document
        self._row = row
        self._environ = environ
        self._folder = folder
        self._development = development
        self._hosts = frozenset({urlsplit(row.issuer).hostname or "", *row.hosts} - {""})

    def upstream(self) -> Upstream:
        row = self._row
        self._check(row)
        return Upstream(
            id=self._id(),
            names=row.names,
            issuer=row.issuer,
            client_id=row.client_id,
            client_authentication=row.client_authentication,
            scopes=tuple(row.scopes),
            pkce=row.pkce,
            nonce=row.nonce,
            id_token=row.id_token,
            userinfo=row.userinfo,
            userinfo_signed=row.userinfo_signed,
            algorithms=frozenset(row.algorithms),
            mapping=self._mapping(),
            hosts=self._hosts,
            private_network=row.private_network,
            endpoints=None if row.discovery else self._endpoints(),
            names_issuer=row.names_issuer,
            ask_level={Level(int(level)): acr for level, acr in row.ask_level.items()},
            client_secret=self._secret(),
            signing_key=self._signing_key(),
            development=self._development,
        )

    def _complain(self, key: str, text: str) -> None:
        self.mistakes.append(self._document.mistake((key,), f"{key}: {text}"))

    def _id(self) -> str:
        name = Path(self._document.source).name.removesuffix(".toml")
        if not _ID.fullmatch(name):
            self.mistakes.append(
                self._document.mistake((), f"{name!r} is no id: name the file in small letters, digits and hyphens")
            )
        return name

    def _check(self, row: UpstreamRow) -> None:
        if not row.names.get("vi"):
            self._complain("names", 'write at least { vi = "…" }: it stands on the button')
        if problem := uri_problem(row.issuer, hosts=self._hosts, development=self._development):
            self._complain("issuer", problem)
        if "openid" not in row.scopes:
            self._complain("scopes", '"openid" must be among them')
        if unknown := sorted(set(row.algorithms) - jws.ASYMMETRIC):
            self._complain("algorithms", f"{', '.join(unknown)}: write some of {', '.join(sorted(jws.ASYMMETRIC))}")
        has_id_token = row.id_token == "required"  # noqa: S105 - a word of the configuration
        if not has_id_token and row.userinfo == "none":
            self._complain("userinfo", "without an ID token and without userinfo nobody says who it is: write one")
        if row.nonce and not has_id_token:
            self._complain("nonce", "a nonce comes back in an ID token only: write nonce = false")
        if not row.level.values and row.level.untold is None:
            self._complain("level", 'say what its values mean, e.g. values = { "urn:loa:2" = 2 }, or untold = 1')

    def _endpoints(self) -> Metadata:
        row = self._row
        home = row.issuer.rstrip("/")
        by_name: dict[str, str] = {name: uri.replace("{issuer}", home) for name, uri in row.endpoints.items()}
        for name, uri in by_name.items():
            if problem := uri_problem(uri, hosts=self._hosts, development=self._development):
                self._complain("endpoints", f"{name}: {problem}")
        needed = ["authorization", "token"]
        needed += ["userinfo"] if row.userinfo != "none" else []
        needed += ["jwks"] if row.id_token == "required" or row.userinfo_signed else []  # noqa: S105 - as above
        if missing := [name for name in needed if not by_name.get(name)]:
            self._complain("endpoints", f"{', '.join(missing)} missing: write them, or discovery = true")
        return Metadata(
            row.issuer,
            authorization_endpoint=by_name.get("authorization", ""),
            token_endpoint=by_name.get("token", ""),
            userinfo_endpoint=by_name.get("userinfo"),
            jwks_uri=by_name.get("jwks"),
            end_session_endpoint=by_name.get("end_session"),
            names_issuer=row.names_issuer,
        )

    def _mapping(self) -> ClaimMapping:
        row = self._row
        sources = {
            claim: Source(source) if isinstance(source, str) else Source(source.source, source.form)
            for claim, source in row.claims.items()
        }
        if Claim.ACCOUNT_TYPE in sources:
            self._complain("claims", "account_type is told under [account]")
        return ClaimMapping(
            subject=row.subject,
            claims=sources,
            account=row.account.claim,
            accounts=row.account.values,
            level=row.level.claim,
            levels=row.level.values,
            level_untold=row.level.untold,
        )

    def _secret(self) -> str:
        row = self._row
        given = [key for key in ("secret_variable", "secret_file", "secret") if getattr(row, key)]
        if row.client_authentication == "private_key_jwt":
            if given:
                self._complain(given[0], "private_key_jwt needs no secret: remove this line")
            return ""
        if len(given) != 1:
            self._complain("secret_variable", "say in one way where the secret is: secret_variable or secret_file")
            return ""
        if row.secret:
            if not self._development:
                self._complain("secret", "a secret is not written down here: use secret_variable or secret_file")
            return row.secret
        if row.secret_variable:
            secret = self._environ.get(row.secret_variable, "")
            if not secret:
                self._complain("secret_variable", f"the environment has no {row.secret_variable}: set it")
            return secret
        return self._file("secret_file", row.secret_file).strip()

    def _signing_key(self) -> Key | None:
        row = self._row
        if row.client_authentication != "private_key_jwt":
            return None
        if not row.signing_key_file:
            self._complain("signing_key_file", "private_key_jwt needs a key: name a file with a private JWK")
            return None
        text = self._file("signing_key_file", row.signing_key_file)
        try:
            key = import_key(json_objects.read(text)) if text else None  # type: ignore[arg-type]  # joserfc checks the values
        except (JoseError, ValueError, TypeError, KeyError):
            key = None
        if text and (not isinstance(key, ECKey | RSAKey) or not key.is_private):
            self._complain("signing_key_file", "there is no private JWK (EC P-256 or RSA) in this file")
            return None
        return key

    def _file(self, key: str, name: str) -> str:
        try:
            return (self._folder / name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            self._complain(key, f"{name} cannot be read")
            return ""
