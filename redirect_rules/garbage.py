"""Keeping the garbage collector away while much is made that goes by its references alone.

The collector looks for cycles among all that is held, again and again: a sixth of an import's time, and a tenth of a
replay's.
"""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing until the block ends; then go on as before."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
