"""The steps that the store runs: what is said about them is so."""

import hashlib

import pytest

from sso.stores import consent_scripts, delivery_scripts, grant_scripts, scripts, session_scripts
from sso.stores.scripts import FUNCTIONS, Script

MODULES = (scripts, session_scripts, grant_scripts, consent_scripts, delivery_scripts)
STEPS = [step for module in MODULES for step in vars(module).values() if isinstance(step, Script)]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_the_store_knows_a_step_by_the_digest_of_its_text(step: Script) -> None:
    assert step.sha == hashlib.sha1(step.text.encode()).hexdigest()


def test_every_step_has_a_name_of_its_own() -> None:
    assert len({step.name for step in STEPS}) == len(STEPS) > 15


def test_every_function_is_used_and_a_step_brings_along_what_it_needs_and_no_more() -> None:
    for name, function in FUNCTIONS.items():
        assert [step for step in STEPS if function in step.text], name
        for step in STEPS:
            assert (f"local function {name}(" in step.text) == (step.text.count(f"{name}(") > 0), (step.name, name)
            assert step.text.count(f"{name}(") != 1, (step.name, name)


WRITING = ("'SET'", "'DEL'", "'HSET'", "'ZADD'", "'SADD'", "end_grants(", "keep(", "'INCR'")


def test_a_step_that_uses_something_up_must_last() -> None:
    # What a failover may take back: an idle time that was renewed, and nothing else.
    allowed = FUNCTIONS["live"]
    careless = [
        step.name
        for step in STEPS
        if not step.must_last and any(word in step.text.replace(allowed, "") for word in WRITING)
    ]
    assert careless == []


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_key_of_a_step_has_the_prefix(step: Script) -> None:
    # A key without it would lie on another node of a cluster, or in somebody else's namespace.
    for line in step.text.splitlines():
        for part in line.split("redis.call(")[1:]:
            command, _, rest = part.partition(",")
            if command.strip("'") not in {"TIME')[1]", "TIME"} and rest:
                key = rest.strip().split(",")[0].split(")")[0].strip()
                assert key.startswith(("P ..", "key", "code", "grant")), part
