"""Templates as Python has compiled them, kept beside its own compiled modules: compiling is a quarter of a start.

Whoever may write there may change the program itself, so nothing is believed here that is not believed already.  What
was made of another source, by another release of Jinja or Python, or with other filters, is not taken; what is damaged
is made anew; where nothing can be written, as in a container, each start compiles unless the image has done so.
"""

import hashlib
import importlib.util
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache


class CompiledTemplates(BytecodeCache):
    """Keeps what Jinja has made of templates as files in a folder."""

    def __init__(self, folder: Path, *, maker: str, writes: bool = True) -> None:
        """`maker` names what else the outcome hangs on besides the source; `writes`: whether new ones are kept."""
        self._folder = folder
        self._maker = maker
        self._writes = writes

    def load_bytecode(self, bucket: Bucket) -> None:
        """See BytecodeCache."""
        with suppress(OSError), self._path(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """See BytecodeCache.  In one step, so that nobody reads half of it."""
        if not self._writes:
            return
        path = self._path(bucket)
        new = path.with_suffix(f".{os.getpid()}.new")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with new.open("xb") as file:
                    bucket.write_bytecode(file)
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}.{self._maker}.jinja"


def beside(package: str, *makers: str) -> CompiledTemplates:
    """Those of a package's templates; `makers`: modules whose filters and globals the templates may use.

    Python's own switches are obeyed: PYTHONDONTWRITEBYTECODE, PYTHONPYCACHEPREFIX.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise LookupError(f"there is no package {package}")
    folder = Path(importlib.util.cache_from_source(found.origin)).parent
    return CompiledTemplates(folder, maker=_maker(makers), writes=not sys.dont_write_bytecode)


@cache
def _maker(modules: tuple[str, ...]) -> str:
    """What a filter makes of a constant may stand in the outcome: so a changed filter is another maker."""
    digest = hashlib.sha256(f"{jinja2.__version__} {sys.implementation.cache_tag}".encode())
    for module in modules:
        found = importlib.util.find_spec(module)
        if found is not None and found.origin is not None:
            digest.update(Path(found.origin).read_bytes())
    return digest.hexdigest()[:16]
