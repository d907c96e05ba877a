"""Faults change one thing each; what the broker makes of them is in test_provider.py."""

import pytest

from proxy.simulation.faults import FAULTS

HOOKS = ("back", "header", "claims", "userinfo", "tokens", "signature")


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "none"])
def test_every_fault_changes_something(name: str) -> None:
    fault = FAULTS[name]
    assert fault.status != 200 or any(getattr(fault, hook) is not None for hook in HOOKS)


def test_no_fault_changes_nothing() -> None:
    assert not [hook for hook in HOOKS if getattr(FAULTS["none"], hook) is not None]
