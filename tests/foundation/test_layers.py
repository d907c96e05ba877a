"""Four plain names that are ours alone, and floors that no import breaks.

The floors themselves are import contracts in pyproject.toml; here stands what contracts cannot say.
"""

import ast
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

US = "dvc-edge"
OURS = ("proxy", "sso", "redirect_rules", "templates")


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module a module names in its imports, `from a import b` also as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("name", OURS)
def test_nobody_else_owns_our_names(name: str) -> None:
    # An editable install lists no packages; any other owner has overwritten or merged into our folder.
    assert set(packages_distributions().get(name, [US])) == {US}


@pytest.mark.parametrize("name", OURS)
def test_a_package_begins_with_a_docstring_and_imports_nothing(sources: Mapping[Path, ast.Module], name: str) -> None:
    tree = sources[Path(name, "__init__.py")]
    assert ast.get_docstring(tree)
    assert all(isinstance(node, ast.Expr | ast.Assign) for node in tree.body)


def test_neither_tests_nor_configuration_are_packages(files: list[Path]) -> None:
    assert not [path for path in files if path.name == "__init__.py" and path.parts[0] in {"tests", "conf"}]


def test_only_the_edge_speaks_http_to_visitors(sources: Mapping[Path, ast.Module]) -> None:
    strangers = [
        path
        for path, tree in sources.items()
        if path.parts[0] != "proxy" and any(name.startswith("aiohttp.web") for name in imported(tree))
    ]
    assert not strangers


def test_relative_imports_are_not_used(sources: Mapping[Path, ast.Module]) -> None:
    # One spelling for a module, so that a search for its name finds all who use it.
    found = [
        path
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not found
