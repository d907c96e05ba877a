"""conf/edge.toml and the environment → Settings.  Nothing else in the program reads either."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from proxy.config import Settings
from redirect_rules.sources import Document, Problem, Problems

ENVIRONMENT_PREFIX: Final = "DVC_EDGE__"
CONFIG_VARIABLE: Final = "DVC_EDGE_CONFIG"


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
