"""The manual names everything there is: what is not written down cannot be used."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from proxy import cli
from proxy.config import Settings
from redirect_rules.captures import TYPES
from redirect_rules.model import Action, Phase
from redirect_rules.parsing import RuleRow

ROOT = Path(__file__).parent.parent.parent
RULES = (ROOT / "docs/rules.md").read_text("utf-8")
OPERATING = (ROOT / "docs/operating.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_capture_type_is_in_the_manual(name: str) -> None:
    assert f"| `{name}` |" in RULES


@pytest.mark.parametrize("key", sorted(RuleRow.model_fields))
def test_every_key_of_a_rule_is_in_the_manual(key: str) -> None:
    assert f"`{key}`" in RULES


@pytest.mark.parametrize("word", [*Action])
def test_every_action_is_in_the_manual(word: Action) -> None:
    assert f"`{word}`" in RULES


@pytest.mark.parametrize("phase", [*Phase])
def test_every_phase_is_in_the_manual(phase: Phase) -> None:
    assert f"`{phase}`" in OPERATING


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += keys(field.annotation, f"{prefix}{name}.")
        elif name != "folder":
            found.append(prefix + name)
    return found


@pytest.mark.parametrize("key", keys(Settings))
def test_every_setting_is_in_the_manual(key: str) -> None:
    assert f"`{key}`" in OPERATING


def test_every_command_is_in_the_readme() -> None:
    commands = cli.parser().format_help()
    for name in cli.COMMANDS:
        assert name in commands
        assert f"dvc-edge {name}" in README or name == "serve"


@pytest.mark.parametrize(
    "path", sorted({part.split(")")[0] for part in README.split("](")[1:] if "://" not in part.split(")")[0]})
)
def test_every_link_of_the_readme_leads_to_a_file(path: str) -> None:
    assert (ROOT / path).exists()
