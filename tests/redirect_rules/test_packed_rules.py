"""What is read of a record without unpacking it is what unpacking gives."""

import msgpack
from hypothesis import example, given
from hypothesis import strategies as st

from redirect_rules.packed_rules import Alone, packed

TEXTS = st.text(max_size=12) | st.integers(0, 400).map("a".__mul__) | st.integers(0, 400).map("ố".__mul__)
RECORDS = st.tuples(st.integers(0, 5_000), TEXTS, st.lists(TEXTS, max_size=4))


@given(RECORDS)
@example((127, "", []))
@example((128, "a" * 31, ["a" * 32]))
@example((255, "a" * 255, ["a" * 255]))
@example((256, "a" * 256, ["a" * 256]))
def test_a_record_is_cut_where_its_parts_end(record: tuple[int, str, list[str]]) -> None:
    number, id_tail, texts = record
    found = packed(msgpack.packb((number, id_tail, *texts)))
    long = len(id_tail.encode()) > 255
    assert (found is None) == long
    if found is not None:
        assert (found.number, found.id_tail.decode(), found.texts) == (number, id_tail, tuple(texts))
        short = len(texts) == 1 and len(texts[0].encode()) <= 255
        assert found.text() == (texts[0].encode() if short else None)


@given(TEXTS)
def test_one_that_carries_its_shape_is_left_to_others(text: str) -> None:
    assert packed(msgpack.packb((-1, ["redirect", "", [], "", "", None, None, ""], text))) is None


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3), st.lists(st.binary(max_size=9), max_size=3))
def test_what_several_rules_share_is_no_record(name_sets: list[tuple[str, str]], records: list[bytes]) -> None:
    assert packed(msgpack.packb((name_sets, records))) is None


@given(RECORDS, st.integers(0, 40))
@example((200, "abc", []), 3)
@example((300, "abc", []), 4)
@example((1, "a" * 40, []), 3)
def test_a_record_that_is_cut_short_is_read_no_further(record: tuple[int, str, list[str]], length: int) -> None:
    """It cannot be: a file is sealed.  But nothing is read that is not there."""
    whole = msgpack.packb((record[0], record[1], *record[2]))
    found = packed(whole[:length])
    if found is not None:
        found.text()


def test_of_a_portal_without_rules_nothing_is_found() -> None:
    assert Alone().find(b"/a", 0) is None
