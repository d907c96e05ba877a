"""What settings are made of."""

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.setting_types import Address, Patience, Port, Rate, Seconds, is_network

# what                 the least     the most
RANGES = [
    (Port,             0,            65_535),
    (Seconds,          0,            3_600),
    (Patience,         1,            3_600),
    (Rate,             0,            1_000_000),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "least", "most"), RANGES, ids=["port", "seconds", "patience", "rate"])
def test_a_number_has_its_bounds(kind: type[int], least: int, most: int) -> None:
    adapter = TypeAdapter(kind)
    assert [adapter.validate_python(number) for number in (least, most)] == [least, most]
    for number in (least - 1, most + 1):
        with pytest.raises(ValidationError):
            adapter.validate_python(number)


def test_an_address_is_on_this_machine_unless_it_says_where() -> None:
    assert Address(port=1).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "known"),
    [("10.20.0.0/16", True), ("192.0.2.7", True), ("2001:db8::/32", True), ("10.20.0.1/16", False), ("intern", False)],
)
def test_a_network_is_told_by_its_spelling(text: str, *, known: bool) -> None:
    assert is_network(text) is known
