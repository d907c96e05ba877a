"""What is told to the engineers of systems is what is there."""

import re
from pathlib import Path

import pytest

from sso.clients import parse
from sso.refusals import CAUSES
from sso.sources import ConfidentialDocument
from sso.vocabulary import SCOPES, Level

TEXT = (Path(__file__).parent.parent.parent / "docs/sign-in.md").read_text("utf-8")


def test_the_example_of_a_client_is_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    client = parse(ConfidentialDocument("khanhhoa.toml", example))
    assert client.id == "khanhhoa"
    assert client.authentication == "client_secret_basic"


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_is_named(scope: str) -> None:
    assert f"`{scope}`" in TEXT


def test_codes_and_levels_are_those_that_there_are() -> None:
    assert set(re.findall(r"DN-\d+", TEXT)) <= set(CAUSES)
    assert set(re.findall(r"urn:dvc-edge:level:\d", TEXT)) <= {level.acr for level in Level}
