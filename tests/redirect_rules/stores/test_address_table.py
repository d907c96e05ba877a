"""The table of addresses says what LMDB says, or nothing."""

from collections.abc import Sequence
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.exact import ExactRule
from redirect_rules.stores.address_table import MOST_PROBES
from redirect_rules.stores.lmdb_index import LmdbIndex
from redirect_rules.stores.lmdb_layout import MOST_FOLDERS
from tests.redirect_rules.mapped import index_of, rule

PATHS = st.lists(st.text("abc-1", min_size=1, max_size=4), max_size=4).map(lambda parts: "/" + "/".join(parts))
RULES = st.lists(
    st.builds(lambda portal, path, asks: rule(path, *asks, portal=portal), st.sampled_from(["langson", "hanoi"]), PATHS,
              st.sampled_from([(), (), (("id", "1"),)])),
    max_size=60, unique_by=lambda one: one.address,
)  # fmt: skip


def found(index: LmdbIndex, one: ExactRule) -> object:
    record = index.alone(one.portal).find(one.path.encode(), one.path.rfind("/"))
    return None if record is None else (record.number, record.id_tail, record.rest)


def in_table(index: LmdbIndex, one: ExactRule) -> bool:
    """Whether the table alone says anything of a rule's path."""
    assert index.addresses is not None
    number = index.places.portals[one.portal]
    seed, path = crc32(number), one.path.encode()
    return index.addresses.find(int.from_bytes(number, "big"), seed, path, path.rfind(b"/")) is not None


@settings(max_examples=100, deadline=None)
@given(RULES, st.lists(PATHS, max_size=10))
def test_every_path_is_answered_as_without_the_table(rules: list[ExactRule], others: list[str]) -> None:
    asked = [*rules, *(rule(path, portal=portal) for path in others for portal in ("langson", "hanoi"))]
    with index_of(rules) as fast, index_of(rules, addresses=False) as slow:
        assert [found(fast, one) for one in asked] == [found(slow, one) for one in asked]
        assert all(fast.agrees(one.portal, one.path) for one in asked)


def test_what_asks_for_nothing_is_found_and_what_does_is_asked_about() -> None:
    plain, asking, both = rule("/a/b"), rule("/a/c", ("id", "1")), [rule("/a/d"), rule("/a/d", ("id", "1"))]
    with index_of([plain, asking, *both]) as index:
        assert in_table(index, plain)
        assert found(index, plain) is not None
        assert found(index, asking) is None
        assert [found(index, one) for one in both] == [None, None]  # there is more to look at than one record


# what is asked                          in the table
LENGTHS = [
    (rule("/f/" + "x" * 255, id="a"),    True),
    (rule("/f/" + "x" * 256, id="a"),    False),
    (rule("/f/a", id="i" * 240),         True),
    (rule("/f/a", id="i" * 255),         False),
    (rule("/"),                          True),
]  # fmt: skip


@pytest.mark.parametrize(("one", "there"), LENGTHS)
def test_what_is_long_is_left_to_lmdb(one: ExactRule, *, there: bool) -> None:
    with index_of([rule("/beside"), one]) as index:
        assert in_table(index, one) is there
        assert found(index, one) is not None


def test_paths_in_folders_without_a_number_are_found_as_well() -> None:
    rules = [rule(f"/{number}/a", id=f"i{number}") for number in range(MOST_FOLDERS + 20)]
    with index_of(rules) as index:
        assert all(in_table(index, one) for one in rules)
        assert len({found(index, one) for one in rules[-20:]}) == 20
        assert found(index, rule("/1/b")) is None


def alike(count: int) -> Sequence[str]:
    """Leaves of one length and one CRC: what differs between two of them can be added to any other (it is linear)."""
    base = b"0" * 64
    value = crc32(base)
    changes: list[tuple[int, bytes]] = []
    for place in range(64):
        for bit in (1, 2, 4):  # digits stay digits, or become letters
            other = bytearray(base)
            other[place] ^= bit
            changes.append((crc32(bytes(other)) ^ value, bytes(a ^ b for a, b in zip(base, other, strict=True))))
    pivots: dict[int, tuple[int, bytes]] = {}
    free: list[bytes] = []
    for first in changes:
        effect, change = first
        while effect:
            high = effect.bit_length()
            if high not in pivots:
                pivots[high] = effect, change
                break
            effect, change = effect ^ pivots[high][0], _xor(change, pivots[high][1])
        else:
            free.append(change)
    leaves = {base}
    for change in free:
        leaves |= {_xor(leaf, change) for leaf in leaves}
        if len(leaves) >= count:
            break
    return [leaf.decode() for leaf in sorted(leaves)[:count]]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def test_nobody_can_make_a_look_up_long_by_choosing_addresses() -> None:
    rules = [rule(f"/f/{leaf}") for leaf in alike(500)]
    assert len({crc32(one.path.encode()) for one in rules}) == 1
    with index_of([*rules, *(rule(f"/g/{number}") for number in range(500))]) as index:
        assert sum(in_table(index, one) for one in rules) == MOST_PROBES
        assert len({found(index, one) for one in rules} - {None}) == len(rules)


def test_what_was_taken_back_is_asked_of_lmdb() -> None:
    rules = [rule(f"/f/{number}") for number in range(200)]
    with index_of(rules) as index:
        table = index.addresses_without([("langson", "/f/7"), ("langson", "/no"), ("nobody", "/f/8")])
        assert table is not None
        entries, slots = table
        assert index.addresses is not None
        again = type(index.addresses)(entries, memoryview(slots), list(index.places.folders))
        number = index.places.portals["langson"]
        left = [again.find(int.from_bytes(number, "big"), crc32(number), f"/f/{n}".encode(), 2) for n in range(200)]
        assert [n for n, record in enumerate(left) if record is None] == [7]


def test_a_closed_index_says_nothing_more() -> None:
    with index_of([rule("/a")]) as index:
        alone = index.alone("langson")
        assert alone.find(b"/a", 0) is not None
    with pytest.raises(ValueError, match="closed"):
        alone.find(b"/a", 0)
