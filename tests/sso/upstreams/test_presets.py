"""Presets are files without names: each is complete, and only its own words differ."""

from pathlib import Path

import pytest

from sso.sources import ConfidentialDocument
from sso.upstreams.configuration import UpstreamRow, parse
from sso.upstreams.presets import PRESETS

NAMED = {"preset", "names", "issuer", "client_id"}
"""What a file must say itself."""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_everything_that_has_no_default(name: str) -> None:
    required = {key for key, field in UpstreamRow.model_fields.items() if field.is_required()}
    assert required - NAMED <= set(PRESETS[name])


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_needs_no_more_than_names_and_a_secret(name: str) -> None:
    text = f"""
preset = "{name}"
names = {{ vi = "x" }}
issuer = "https://x.example"
client_id = "c"
secret_variable = "S"
level = {{ claim = "acr", values = {{ "2" = 2 }} }}
"""
    assert parse(ConfidentialDocument(f"{name}.toml", text), {"S": "s"}, folder=Path()).names == {"vi": "x"}


def test_the_general_one_says_no_level_by_itself() -> None:
    assert PRESETS["oidc"]["level"]["values"] == {}
