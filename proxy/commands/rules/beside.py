"""Reading a long file in a process of its own, while this one writes what was read.

Reading a million lines and writing them take half a minute each; side by side they take half a minute.
"""

import fcntl
import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from typing import Final, TypeVar

from redirect_rules.sources import Problem, Problems

Item = TypeVar("Item")

_BLOCK: Final = 500  # items of one message
_AHEAD: Final = 1 << 20  # bytes that wait in the pipe, so that neither waits for the other: all that anybody may have


def beside(read: Callable[[], Iterable[Item]]) -> Iterator[Item]:
    """What `read` gives, read in a child.  Items must be picklable.  Raises Problems as `read` does.

    The child is forked before the first item is asked for, so nothing has to be told to it; it ends with this iterator.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    with suppress(OSError):  # an administrator may allow less
        fcntl.fcntl(theirs.fileno(), fcntl.F_SETPIPE_SZ, _AHEAD)
    child = context.Process(target=_send, args=(theirs, ours, read), daemon=True)
    child.start()
    theirs.close()
    return _received(ours, child)


def _received(pipe: Connection, child: multiprocessing.process.BaseProcess) -> Iterator[Item]:
    try:
        while block := pipe.recv():
            if isinstance(block, Problem):
                raise Problems([block])
            yield from block
    except EOFError:
        raise Problems(
            [Problem("import", 0, "the process that reads the file ended early: is there memory left?")]
        ) from None
    finally:
        pipe.close()
        child.terminate()
        child.join()


def _send(pipe: Connection, others: Connection, read: Callable[[], Iterable[Item]]) -> None:
    others.close()  # else nobody would tell us that the reader has been killed, and we would wait for ever
    gc.disable()  # what is read goes by its references alone, and looking for cycles takes a sixth of the time
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            items = iter(read())
            while block := list(islice(items, _BLOCK)):
                pipe.send(block)
            pipe.send([])
        except Problems as error:
            pipe.send(error.problems[0])
