"""conf/edge.toml and the environment → Settings.  Nothing else in the program reads either."""

import ipaddress
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from proxy.passing.policy import PassingRow
from redirect_rules.parsing import StrictModel
from redirect_rules.sources import Document, Problem, Problems

ENVIRONMENT_PREFIX: Final = "DVC_EDGE__"
CONFIG_VARIABLE: Final = "DVC_EDGE_CONFIG"

Port = Annotated[int, Field(ge=0, le=65_535)]  # 0: any free one
Seconds = Annotated[int, Field(ge=0, le=3_600)]
Patience = Annotated[int, Field(ge=1, le=3_600)]
Rate = Annotated[int, Field(ge=0, le=1_000_000)]  # octets a second; 0: any


class Address(StrictModel):
    """An address to listen on."""

    host: str = "127.0.0.1"
    port: Port


class CertificateRow(StrictModel):
    """One certificate: PEM files, relative to the configuration."""

    certificate_file: Annotated[str, Field(min_length=1)]  # the whole chain, our own first
    key_file: str = ""  # empty: the key is in the same file


class TlsListen(StrictModel):
    """The address for https, if there are certificates."""

    host: str = ""  # empty: that of [listen]
    port: Port = 8443
    certificates: list[CertificateRow] = []  # which is shown is told by their names; the first where none fits
    minimum_version: Literal["1.2", "1.3"] = "1.2"
    handshake_seconds: Annotated[int, Field(ge=1, le=60)] = 10
    follow_seconds: Annotated[float, Field(strict=False, ge=0.05, le=3_600)] = 5.0
    hsts_seconds: Annotated[int, Field(ge=0, le=63_072_000)] = 0


class Listen(Address):
    """The citizens' address."""

    port: Port = 8080
    proxy_protocol: bool = False  # passing.trusted_peers begin each connection with a PROXY preface
    tls: TlsListen = TlsListen()

    @property
    def secure_place(self) -> tuple[str, int] | None:
        """Where https is listened for: host and port; None without certificates."""
        return (self.tls.host or self.host, self.tls.port) if self.tls.certificates else None


class Operations(Address):
    """The operators' address."""

    port: Port = 8082


class ConsoleSettings(Address):
    """The officers' address."""

    enabled: bool = False  # whether `dvc-edge serve` runs it beside the workers
    port: Port = 8083
    public: str = ""  # how officers reach it, "https://console.example.vn"; "": http on the address itself
    # Officers sign in by our own broker, for which the console is a client like any other: one of the four says how
    # it shows that it is that client; none: passwords only.
    client_id: Annotated[str, Field(min_length=1)] = "console"
    secret_file: str = ""
    secret_variable: str = ""
    secret: Annotated[str, Field(repr=False)] = ""  # development only
    signing_key_file: str = ""  # a private JWK
    level: Literal[1, 2] = 2  # of assurance, at least
    passwords: Literal["until-linked", "keep"] = "until-linked"
    sealing_keys_file: str = ""  # "": FOLDER/console/sealing.keys, made where there is none

    @property
    def by_broker(self) -> bool:
        """Whether officers can sign in by the broker."""
        return bool(self.secret_file or self.secret_variable or self.secret or self.signing_key_file)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        problems = [*_public_problems(self.public)] if self.public else []
        ways = ("secret_file", "secret_variable", "secret", "signing_key_file")
        if len(given := [name for name in ways if getattr(self, name)]) > 1:
            problems.append(f"{given[1]}: {given[0]} says it already: keep one of the two")
        if given and not self.public:
            problems.append("public: the broker sends officers back to this address: write how they reach the console")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    operations: str = ""  # where the edge answers operators, "http://10.0.0.5:8082"; "": as this configuration says


class Preview(StrictModel):
    """Any known host followed by one of these suffixes reaches its portal."""

    host_suffixes: list[str] = ["localhost"]


class RuleFiles(StrictModel):
    """Where the rules are, relative to the configuration file."""

    portals: str = "portals.toml"
    families: str = "families"
    portal_rules: str = "rules"
    lookups: str = "lookups"
    destinations: str = "destinations.toml"
    procedure_ids: str = "procedure_ids.csv"
    localities: str = "localities"
    crawlers: str = "crawlers.toml"


class NoticeSettings(StrictModel):
    """The notice page."""

    seconds: Annotated[int, Field(ge=0, le=600)] = 30
    overrides: str = "overrides"
    remember_place_days: Annotated[int, Field(ge=0, le=365)] = 30
    count_choices: bool = True


class SecurityContact(StrictModel):
    """RFC 9116."""

    contact: str = "mailto:security@dvc-edge.invalid"


class Limits(StrictModel):
    """How much a visitor may send, and how long things may take."""

    request_line: Annotated[int, Field(ge=512, le=65_536)] = 8_190
    header: Annotated[int, Field(ge=512, le=65_536)] = 8_190
    header_total: Annotated[int, Field(ge=1_024, le=1_048_576)] = 32_768
    headers: Annotated[int, Field(ge=16, le=1_000)] = 128
    form_body: Annotated[int, Field(ge=1_024, le=16_777_216)] = 262_144
    head_seconds: Patience = 15
    head_rate: Rate = 500
    body_seconds: Patience = 20
    body_rate: Rate = 500
    send_seconds: Patience = 60
    keep_alive_seconds: Seconds = 75
    unready_seconds: Seconds = 0
    shutdown_seconds: Seconds = 15
    connections: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    connections_per_address: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    shared_addresses: list[str] = []

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [
            f"shared_addresses: {text!r} is no network: write 203.0.113.0/24 or 2001:db8::/32"
            for text in self.shared_addresses
            if not _is_network(text)
        ]
        if self.header_total < self.header:
            problems.append(f"header_total: {self.header_total} is less than one header may have ({self.header})")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class PassingSettings(PassingRow):
    """Passing on to what lives behind closed portals."""

    file: str = "upstreams.toml"  # [[upstream]] and [[route]]


class WorkerSettings(StrictModel):
    """The processes that answer visitors."""

    count: Annotated[int, Field(ge=0, le=256)] = 0  # 0: as many as there are processors for us
    heartbeat_seconds: Annotated[int, Field(ge=0, le=3_600)] = 10  # 0: never given up


class FastLaneSettings(StrictModel):
    """Answers that are kept as they were sent, so that what is known need not be parsed and decided again."""

    enabled: bool = True
    heads: Annotated[int, Field(ge=16, le=10_000_000)] = 20_000
    answers: Annotated[int, Field(ge=16, le=10_000_000)] = 50_000
    megabytes: Annotated[int, Field(ge=1, le=65_536)] = 64


class StateSettings(StrictModel):
    """Where what is edited and what was published lie."""

    folder: str = "../var"
    database: str = ""  # "": FOLDER/rules.db; or postgresql://…
    follow_seconds: Annotated[float, Field(strict=False, ge=0.05, le=60)] = 0.5


class Publishing(StrictModel):
    """How a draft becomes what serves."""

    four_eyes: bool = False  # whether a second person has to approve
    keep: Annotated[int, Field(ge=2, le=10_000)] = 20  # numbers whose files stay, to go back to


class LogSettings(StrictModel):
    """What is written down."""

    access: bool = True


class HitSettings(StrictModel):
    """Counting visits by page."""

    keep_days: Annotated[int, Field(ge=0, le=3_660)] = 90
    write_seconds: Annotated[int, Field(ge=1, le=600)] = 5
    distinct_per_day: Annotated[int, Field(ge=100, le=1_000_000)] = 50_000


class SignInLimits(StrictModel):
    """How often, for one client from one address; 0: as often as anybody likes."""

    # Requests a minute, in each worker
    sign_in: Annotated[int, Field(ge=0)] = 120  # people who leave for an upstream
    authorize: Annotated[int, Field(ge=0)] = 600
    par: Annotated[int, Field(ge=0)] = 30_000
    token: Annotated[int, Field(ge=0)] = 30_000
    introspection: Annotated[int, Field(ge=0)] = 60_000
    userinfo: Annotated[int, Field(ge=0)] = 60_000  # from one address, whichever the client
    # Failures within five minutes, in all workers and nodes
    wrong_secrets: Annotated[int, Field(ge=0)] = 10
    wrong_codes: Annotated[int, Field(ge=0)] = 20
    wrong_tickets: Annotated[int, Field(ge=0)] = 20

    @property
    def rates(self) -> dict[str, int]:
        """Of requests, as `sso.limits.RATES` calls them."""
        named = ("sign_in", "authorize", "par", "token", "introspection", "userinfo")
        return {name.replace("_", "-"): getattr(self, name) for name in named}

    @property
    def failures(self) -> dict[str, int]:
        """Of failures, as `sso.limits.LIMITS` calls them."""
        return {"client-secret": self.wrong_secrets, "code": self.wrong_codes, "ticket": self.wrong_tickets}


class SignInSettings(StrictModel):
    """Signing people in; off while no issuer is named."""

    issuer: str = ""  # "https://signin.example.vn", without a slash at its end: how clients know us
    environment: Literal["development", "production"] = "production"
    clients: str = "clients"  # folder: a file for each system that people are signed in for
    upstreams: str = "upstreams"  # folder: a file for each provider that knows people
    paths: str = "sign_in.toml"  # which paths of portals need a sign-in
    keys: str = ""  # folder of our keys; "": `keys` below state.folder
    store: str = ""  # redis://HOST:6379/0, redis+sentinel://…; "": a Valkey of our own below state.folder
    session_idle_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    private_networks: list[str] = []  # that our own calls to clients may reach
    audit_days: Annotated[int, Field(ge=0, le=3_660)] = 400  # 0: audit files stay for ever
    limits: SignInLimits = SignInLimits()
    simulator: Port = 0  # development only: where the simulated providers listen; 0: nowhere

    @model_validator(mode="after")
    def _can_be_an_issuer(self) -> Self:
        problems = [
            f"private_networks: {text!r} is no network: write 10.20.0.0/16"
            for text in self.private_networks
            if not _is_network(text)
        ]
        if self.issuer:
            problems += _issuer_problems(self.issuer, development=self.environment == "development")
        if self.simulator and self.environment != "development":
            problems.append('simulator: it signs in anybody as anybody: only with environment = "development"')
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Settings(StrictModel):
    """Everything an operator can choose."""

    listen: Listen = Listen()
    operations: Operations = Operations()
    console: ConsoleSettings = ConsoleSettings()
    preview: Preview = Preview()
    rules: RuleFiles = RuleFiles()
    notice: NoticeSettings = NoticeSettings()
    security_contact: SecurityContact = SecurityContact()
    limits: Limits = Limits()
    passing: PassingSettings = PassingSettings()
    workers: WorkerSettings = WorkerSettings()
    fast_lane: FastLaneSettings = FastLaneSettings()
    log: LogSettings = LogSettings()
    state: StateSettings = StateSettings()
    publishing: Publishing = Publishing()
    hits: HitSettings = HitSettings()
    sso: SignInSettings = SignInSettings()
    folder: Annotated[Path, Field(exclude=True)] = Path()  # that of the file; paths are relative to it

    @model_validator(mode="after")
    def _somebody_may_say_it(self) -> Self:
        if self.listen.proxy_protocol and not self.passing.trusted_peers:
            text = "name the load balancers that begin with a PROXY preface in passing.trusted_peers: nobody else may"
            raise ValueError(f"listen.proxy_protocol: {text}")
        if self.console.by_broker and not self.sso.issuer:
            raise ValueError("console: officers are to sign in by the broker, and there is none: name sso.issuer")
        if self.console.secret and self.sso.environment != "development":
            raise ValueError("console.secret: a secret is not written down here: use secret_file or secret_variable")
        return self

    def path(self, relative: str) -> Path:
        """A path of the configuration, made absolute."""
        return self.folder / relative


def _issuer_problems(issuer: str, *, development: bool) -> Iterator[str]:
    """What speaks against an issuer (OIDC Discovery §3): it is compared letter by letter, and cookies depend on it."""
    try:
        parts = urlsplit(issuer)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield f"issuer: {issuer!r} is no address"
        return
    if not host or issuer != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc or issuer != issuer.lower():
        yield f"issuer: write {parts.scheme or 'https'}://HOST in small letters, without a path and a slash at its end"
    local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "https" and not (development and local and parts.scheme == "http"):
        yield 'issuer: must be https (http only on *.localhost with environment = "development")'
    if development and not local:
        yield 'environment: "development" is for issuers on *.localhost: write "production"'


def _public_problems(public: str) -> Iterator[str]:
    """What speaks against an address of the console: the broker compares it letter by letter."""
    try:
        parts = urlsplit(public)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield f"public: {public!r} is no address"
        return
    if not host or public != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc or public != public.lower():
        yield "public: write https://HOST in small letters, without a path and a slash at its end"
    local = host in {"localhost", "127.0.0.1"} or host.endswith(".localhost")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        yield "public: must be https (http only on this machine)"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def places(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where a configuration may be, in order, when the command names none."""
    if named := environ.get(CONFIG_VARIABLE):
        yield Path(named)
        return
    prefix = Path(sys.prefix)
    yield Path("conf/edge.toml")  # a checkout we stand in
    yield prefix.parent / "conf/edge.toml"  # the checkout that this .venv belongs to
    yield Path("/etc/dvc-edge/edge.toml")
    yield prefix / "share/dvc-edge/conf/edge.toml"  # what came with the wheel


def find(environ: Mapping[str, str]) -> Path:
    """The configuration to use.  Raises Problems when there is none."""
    looked_at = list(places(environ))
    for path in looked_at:
        if path.is_file():
            return path
    text = "no configuration here; name one with --config FILE. Looked at: " + ", ".join(map(str, looked_at))
    raise Problems([Problem(str(looked_at[0]), 0, text)])


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read a file and the environment.  Raises Problems."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problems([Problem(str(path), 0, f"cannot be read: {error}")]) from None
    return parse(Document(str(path), text), environ, folder=path.parent.absolute())


def parse(document: Document, environ: Mapping[str, str], *, folder: Path) -> Settings:
    """Check everything at once.  Raises Problems with file and line, or with the name of the variable."""
    values = document.data
    from_environment: dict[tuple[str, ...], str] = {}
    problems: list[Problem] = []
    if "folder" in values:
        problems.append(document.problem(("folder",), "folder: unknown key: remove it, or correct its spelling"))
    for variable, value in sorted(environ.items()):
        if variable.startswith(ENVIRONMENT_PREFIX):
            place = tuple(variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            from_environment[place] = variable
            _put(values, place, _toml_value(value))
    try:
        settings = Settings.model_validate(values | {"folder": folder})
    except ValidationError as error:
        for found, problem in zip(error.errors(include_url=False), document.problems_of(error), strict=True):
            variable_name = _variable_at(tuple(map(str, found["loc"])), from_environment)
            problems.append(Problem(f"environment {variable_name}", 0, problem.text) if variable_name else problem)
        raise Problems(problems) from None
    if problems:
        raise Problems(problems)
    return settings


def _variable_at(place: tuple[str, ...], from_environment: Mapping[tuple[str, ...], str]) -> str | None:
    """The variable that set a value, or a value inside it."""
    return next((name for own, name in from_environment.items() if own[: len(place)] == place), None)


def _put(values: dict[str, Any], place: tuple[str, ...], value: object) -> None:
    table = values
    for part in place[:-1]:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        table = inner
    table[place[-1]] = value


def _toml_value(text: str) -> object:
    """A variable's value as TOML has it (8081, true, ["a"]), or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
