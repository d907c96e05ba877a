"""JSON from outside: plain objects, or nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso import json_objects
from sso.json_objects import NotAnObject

REFUSED: dict[str, str | bytes] = {
    "a name twice": '{"a": 1, "a": 2}',
    "a name twice, deeper": '{"a": {"b": 1, "b": 2}}',
    "NaN": '{"a": NaN}',
    "Infinity": '{"exp": Infinity}',
    "minus Infinity": '{"exp": -Infinity}',
    "a list": "[]",
    "a text": '"a"',
    "nothing": "",
    "HTML": "<!doctype html><title>Sign in</title>",
    "nested too deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "too long": '{"a": "' + "a" * json_objects.LIMIT + '"}',
    "half of it": '{"a": ',
    "no UTF-8": b'{"a": "\xff"}',
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_plain_object_is_refused(what: str) -> None:
    with pytest.raises(NotAnObject):
        json_objects.read(REFUSED[what])


def test_a_refusal_quotes_nothing() -> None:
    with pytest.raises(NotAnObject) as refused:
        json_objects.read('{"citizenPid": "001099000001", ')
    assert "001099000001" not in str(refused.value)


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.text(), values))
def test_every_plain_object_is_read_as_it_was_written(value: dict[str, object]) -> None:
    assert json_objects.read(json.dumps(value)) == value
