"""A bar on standard error for work of several steps, where somebody is watching."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Progress = Callable[[str, int], None]
"""Told the name of a step, and how many rules of it are done."""


@contextmanager
def bar(*, quiet: bool) -> Iterator[Progress]:
    """Show each step while it goes on.  Without a terminal, or when `quiet`, nothing is shown."""
    step = ""
    with tqdm(unit=" rules", unit_scale=True, disable=quiet or None, file=sys.stderr) as shown:

        def told(name: str, done: int) -> None:
            nonlocal step
            if name != step:
                step = name
                shown.reset()
                shown.set_description(name)
            shown.update(done - shown.n)

        yield told
