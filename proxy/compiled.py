"""Whether the fast lane runs compiled (docs/decisions/0023) or as the source that it is: only its cost differs."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from typing import Literal, TypeAlias

Form: TypeAlias = Literal["compiled", "interpreted"]


def form_of(module: str) -> Form:
    """How a module of ours runs, or would; it is not imported."""
    spec = find_spec(module)
    origin = spec.origin if spec is not None else None
    return "compiled" if origin is not None and origin.endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"


def lane_form() -> Form:
    """How the fast lane runs in this process."""
    return form_of("proxy.fast_lane")
