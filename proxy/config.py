"""conf/edge.toml and the environment → Settings.  Nothing else in the program reads either."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from redirect_rules.parsing import StrictModel
from redirect_rules.sources import Document, Problem, Problems

ENVIRONMENT_PREFIX: Final = "DVC_EDGE__"
CONFIG_VARIABLE: Final = "DVC_EDGE_CONFIG"

Port = Annotated[int, Field(ge=0, le=65_535)]  # 0: any free one
Seconds = Annotated[int, Field(ge=0, le=3_600)]


class Listen(StrictModel):
    """An address to listen on."""

    host: str = "127.0.0.1"
    port: Port = 8080


class Operations(Listen):
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


class SecurityContact(StrictModel):
    """RFC 9116."""

    contact: str = "mailto:security@dvc-edge.invalid"


class Limits(StrictModel):
    """How much a visitor may send, and how long things may take."""

    request_line: Annotated[int, Field(ge=512, le=65_536)] = 8_190
    header: Annotated[int, Field(ge=512, le=65_536)] = 8_190
    form_body: Annotated[int, Field(ge=1_024, le=16_777_216)] = 262_144
    keep_alive_seconds: Seconds = 75
    shutdown_seconds: Seconds = 15


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
    preview: Preview = Preview()
    rules: RuleFiles = RuleFiles()
    notice: NoticeSettings = NoticeSettings()
    security_contact: SecurityContact = SecurityContact()
    limits: Limits = Limits()
    workers: WorkerSettings = WorkerSettings()
    fast_lane: FastLaneSettings = FastLaneSettings()
    log: LogSettings = LogSettings()
    state: StateSettings = StateSettings()
    publishing: Publishing = Publishing()
    hits: HitSettings = HitSettings()
    folder: Annotated[Path, Field(exclude=True)] = Path()  # that of the file; paths are relative to it

    def path(self, relative: str) -> Path:
        """A path of the configuration, made absolute."""
        return self.folder / relative


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
