"""Everything that an operator can choose; `config_file` reads it."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from proxy.console_settings import ConsoleSettings
from proxy.passing.policy import PassingRow
from proxy.setting_types import Address, Patience, Port, Rate, Seconds, is_network
from proxy.sign_in_settings import SignInSettings
from redirect_rules.parsing import StrictModel


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
            if not is_network(text)
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
