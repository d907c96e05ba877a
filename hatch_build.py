"""Compiles the hottest modules, from the very files that the interpreter reads; without it the program is the same.

    DVC_EDGE_COMPILE=1 python -m build --wheel        a wheel for this machine's Python, with the compiled modules
    scripts/compile.sh FOLDER                         a copy of the program in FOLDER, with them

Nothing compiled ever lies in a checkout: it would be run in place of a source that was changed after it.  Types of
what is compiled stand in the .pxd beside a module; which modules they are, in pyproject.toml.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SWITCH = "DVC_EDGE_COMPILE"
PACKAGES = "proxy", "redirect_rules", "sso", "templates"

# In a process of its own: Cython reads the .pxd of other modules relative to the current folder.
_BUILD = """
import sys
from Cython.Build import cythonize
from setuptools import Distribution, Extension
work, optimization, *modules = sys.argv[1:]
options = [optimization, "-g0", "-fno-semantic-interposition", "-w"]
extensions = [Extension(name, [name.replace(".", "/") + ".py"], extra_compile_args=options) for name in modules]
directives = {"language_level": 3, "annotation_typing": False, "boundscheck": False, "initializedcheck": False}
extensions = cythonize(extensions, build_dir=work, compiler_directives=directives, quiet=True)
command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
command.build_lib, command.build_temp, command.parallel = work + "/lib", work + "/objects", 2
command.ensure_finalized()
command.run()
"""


class Compiling(BuildHookInterface[Any]):
    """The step of a wheel's building."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, where the environment asks for it.  Raises CalledProcessError where it cannot be done."""
        if self.target_name != "wheel" or version != "standard" or os.environ.get(SWITCH, "") in {"", "0"}:
            return
        self._work = tempfile.TemporaryDirectory(prefix="dvc-edge-compile-")
        folder = Path(self._work.name)
        for path in compiled(self.config["modules"], folder):
            build_data["force_include"][str(path)] = str(path.relative_to(folder / "lib"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - as hatchling calls it
        """Leave nothing behind."""
        if hasattr(self, "_work"):
            self._work.cleanup()


def compiled(modules: Sequence[str], folder: Path, optimization: str = "-O2") -> list[Path]:
    """The extension modules of some modules, made below FOLDER/lib.  Raises CalledProcessError; its words were told."""
    subprocess.run([sys.executable, "-c", _BUILD, str(folder), optimization, *modules], cwd=ROOT, check=True)  # noqa: S603 - our own words
    return sorted(path for path in (folder / "lib").rglob("*") if path.suffix in {".so", ".pyd"})


def lay_out(folder: Path, optimization: str = "-O2") -> None:
    """A whole program in a folder, its hottest modules compiled.  What was in the folder is gone."""
    about = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    modules = about["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
    shutil.rmtree(folder, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    with tempfile.TemporaryDirectory(prefix="dvc-edge-compile-") as work:
        for path in compiled(modules, Path(work), optimization):
            shutil.copy2(path, folder / path.relative_to(Path(work) / "lib"))


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]).absolute(), *sys.argv[2:3])
