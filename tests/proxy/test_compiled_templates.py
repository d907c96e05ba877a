"""Compiled templates are kept from start to start, and never believed beyond what the source says."""

import os
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from proxy import compiled_templates, layouts
from proxy.compiled_templates import CompiledTemplates


class _Counting(jinja2.Environment):
    """Says how often it had to compile."""

    compiled = 0

    def _generate(self, *given: Any, **named: Any) -> str:
        self.compiled += 1
        return super()._generate(*given, **named)


def _environment(folder: Path, text: str, *, maker: str = "one", writes: bool = True) -> _Counting:
    return _Counting(
        loader=jinja2.DictLoader({"page.html": text}),
        bytecode_cache=CompiledTemplates(folder, maker=maker, writes=writes),
    )


def _said(environment: _Counting) -> tuple[str, int]:
    return environment.get_template("page.html").render(name="An"), environment.compiled


def test_what_was_compiled_once_is_not_compiled_again(tmp_path: Path) -> None:
    assert _said(_environment(tmp_path, "Xin chào {{ name }}")) == ("Xin chào An", 1)
    assert _said(_environment(tmp_path, "Xin chào {{ name }}")) == ("Xin chào An", 0)


def test_another_source_is_compiled_anew_and_then_kept(tmp_path: Path) -> None:
    _said(_environment(tmp_path, "Xin chào {{ name }}"))
    assert _said(_environment(tmp_path, "Chào {{ name }}")) == ("Chào An", 1)
    assert _said(_environment(tmp_path, "Chào {{ name }}")) == ("Chào An", 0)


def test_what_another_program_has_compiled_is_not_taken(tmp_path: Path) -> None:
    _said(_environment(tmp_path, "{{ name }}"))
    assert _said(_environment(tmp_path, "{{ name }}", maker="another")) == ("An", 1)


@pytest.mark.parametrize("spoilt", [b"", b"j2", b"\x00" * 64, os.urandom(64)], ids=["empty", "short", "zeros", "noise"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, spoilt: bytes) -> None:
    _said(_environment(tmp_path, "{{ name }}"))
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(spoilt)
    assert _said(_environment(tmp_path, "{{ name }}")) == ("An", 1)
    assert kept.read_bytes() == whole
    kept.write_bytes(whole[: len(whole) // 2])
    assert _said(_environment(tmp_path, "{{ name }}")) == ("An", 1)


def test_where_nothing_can_be_written_each_start_compiles(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for folder in (in_the_way, in_the_way / "below"):
        assert _said(_environment(folder, "{{ name }}")) == ("An", 1)
        assert _said(_environment(folder, "{{ name }}")) == ("An", 1)


def test_nothing_is_written_where_python_is_told_to_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _said(_environment(tmp_path, "{{ name }}", writes=False)) == ("An", 1)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    layouts.load([], {})
    assert not list(tmp_path.iterdir())


def test_they_lie_where_python_keeps_what_it_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept = compiled_templates.beside(layouts.PACKAGE, "proxy.layouts")
    assert kept._folder.name == "__pycache__"
    assert kept._folder.parent.name == layouts.PACKAGE
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    assert tmp_path in compiled_templates.beside(layouts.PACKAGE, "proxy.layouts")._folder.parents


def test_a_package_that_is_not_there_is_no_place() -> None:
    with pytest.raises(LookupError, match="no_such_package"):
        compiled_templates.beside("no_such_package")


def test_pages_are_the_same_whether_compiled_now_or_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    anew, before = layouts.environment_for(), layouts.environment_for()
    for view, layout in layouts.load([], {})[0].items():
        name = layout.template.name
        assert name is not None
        first, second = anew.get_template(name), before.get_template(name)
        assert first.root_render_func.__code__.co_code == second.root_render_func.__code__.co_code, view
    assert list(tmp_path.rglob("*.jinja"))
