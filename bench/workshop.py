"""What measurements share: how long they may take, a folder for everything, and rules that are compiled once."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Final

from bench import states
from bench.rulesets import Site
from bench.servers import ROOT
from bench.states import Compiled
from redirect_rules.packs import Packs

MILLION: Final = 1_000_000
COMPILED: Final = "edge, compiled"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    rounds: int = 5
    seconds: float = 2.0  # of each contestant in each round
    rules: int = MILLION  # where a million are asked for
    large: bool = False  # ten million as well
    quick: bool = False

    @classmethod
    def short(cls, rounds: int | None = None) -> "Extent":
        """To see that everything works; its figures prove little."""
        return cls(rounds=rounds or 1, seconds=1.0, rules=20_000, quick=True)


@dataclass
class Workshop:
    """For one run."""

    folder: Path
    extent: Extent
    _states: dict[tuple[str, int], tuple[Path, Compiled]] = field(default_factory=dict)
    _names: Iterator[int] = field(default_factory=count)
    _begun: float = field(default_factory=time.monotonic)

    @cached_property
    def packs(self) -> Packs:
        """The shipped rules."""
        return states.shipped()

    @cached_property
    def sites(self) -> list[Site]:
        """The portals that rules are made for."""
        return states.sites(self.packs)

    @cached_property
    def compiled_program(self) -> Path | None:
        """The program with its hottest modules compiled (docs/decisions/0023); None where nobody can compile it."""
        folder = self.folder / "compiled"
        self.told("compiling the lane")
        # Not imported: hatchling stands only where wheels are made.
        done = subprocess.run(
            [sys.executable, ROOT / "hatch_build.py", folder], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.told(f"it cannot be compiled: {done.stderr.strip().rpartition(chr(10))[2]}")
        return None if done.returncode else folder

    @property
    def forms(self) -> list[tuple[str, Path]]:
        """Our program by what it is called in the tables: as its sources are, and compiled, where it can be."""
        program = self.compiled_program
        return [("edge", ROOT), *([(COMPILED, program)] if program is not None else [])]

    def place(self, name: str) -> Path:
        """A folder of one's own."""
        made = self.folder / f"{next(self._names):03}-{name}"
        made.mkdir()
        return made

    def state(self, kind: str, rules: int) -> Path:
        """A state folder with so many rules, made when it is asked for first.  Nobody may write into it."""
        return self._made(kind, rules)[0]

    def compiled(self, kind: str, rules: int) -> Compiled:
        """What it took to make it."""
        return self._made(kind, rules)[1]

    def _made(self, kind: str, rules: int) -> tuple[Path, Compiled]:
        if (kind, rules) not in self._states:
            self.told(f"compiling {rules:,} rules ({kind})")
            folder = self.place(f"state-{kind}-{rules}")
            self._states[kind, rules] = folder, states.made(kind, folder, rules)
        return self._states[kind, rules]

    def told(self, text: str) -> None:
        """Say how far it is."""
        print(f"  {time.monotonic() - self._begun:6.1f} s  {text}", file=sys.stderr, flush=True)

    @contextmanager
    def timed(self, what: str) -> Iterator[list[float]]:
        """Seconds that the block takes, as the only item of a list."""
        self.told(what)
        taken: list[float] = []
        begun = time.perf_counter()
        yield taken
        taken.append(time.perf_counter() - begun)
