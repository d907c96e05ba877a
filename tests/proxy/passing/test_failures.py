"""The reasons we may give are all in the manual, with what to do."""

from pathlib import Path
from typing import get_args

import pytest

from proxy.passing.failures import Failure, Reason, Refused

MANUAL = (Path(__file__).parents[3] / "docs/passing.md").read_text("utf-8")


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_is_in_the_manual(reason: str) -> None:
    assert f"`{reason}`" in MANUAL


def test_a_refusal_carries_its_failure() -> None:
    failure = Failure(503, "busy", retry_after=2)
    assert Refused(failure).failure is failure
