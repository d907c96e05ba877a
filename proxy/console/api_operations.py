"""What an operation of the API is, and how what comes is read.  The operations themselves stand in `api_endpoints`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from proxy.console.calls import Call, Download, Fields, Mistake, NotFound
from redirect_rules.people import Limited
from redirect_rules.rights import Deed

Input = TypeVar("Input", bound=BaseModel)

CSV: Final = "text/csv"
JSON_LINES: Final = "application/x-ndjson"


class NotByToken(Exception):
    """Only somebody at a browser may do this: a token that was stolen must not make itself another."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation."""

    method: str
    path: str
    summary: str
    deed: Deed
    handler: Callable[[Call, Any], BaseModel | Download]
    answer: type[BaseModel] | str  # a model, or the media type of a file
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    secret: bool = False  # whether its answer may hold a secret: then it is kept under no Idempotency-Key


def read(model: type[Input], value: object) -> Input:
    """Check what came.  Raises Mistake."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [(".".join(map(str, one["loc"])) or "body", one["msg"]) for one in error.errors(include_url=False)]
        raise Mistake(*found) from None


def read_query(model: type[Input], fields: Fields) -> Input:
    """Check a query; of a name given twice nobody knows which is meant.  Raises Mistake."""
    names = [name for name, _ in fields.pairs]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise Mistake(*((name, "given twice") for name in doubled))
    return read(model, dict(fields.pairs))


def number(call: Call) -> int:
    """The {number} of a path.  Raises NotFound."""
    text = call.matched["number"]
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise NotFound(text)
    return int(text)


def must_be_at_browser(call: Call) -> None:
    """Raise NotByToken where a token calls."""
    if isinstance(call.person, Limited):
        raise NotByToken
