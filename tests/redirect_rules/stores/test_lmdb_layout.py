"""Keys are taken apart as they were put together."""

from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.stores.lmdb_layout import (
    LONG,
    LONGEST_KEY,
    asked_for,
    names_of,
    parts_of,
    path_of,
    query_of,
    sized,
    stored_key,
    with_key,
)

paths = st.text("/ab-._~%0", min_size=1, max_size=9).map("/".__add__)
queries = st.dictionaries(st.text(max_size=4), st.text(max_size=9), min_size=1, max_size=8).map(
    lambda query: tuple(sorted(query.items()))
)


@given(st.binary(min_size=2, max_size=2), paths, queries)
def test_a_key_tells_its_path_and_what_it_asks_for(
    portal: bytes, path: str, query: tuple[tuple[str, str], ...]
) -> None:
    names = tuple(name for name, _ in query)
    key = portal + path.encode() + asked_for(names) + b"".join(sized(value) for _, value in query)
    place, asking = parts_of(key)
    assert path_of(place) == path
    found, end = names_of(asking)
    assert query_of(found, asking[end:]) == query
    assert parts_of(portal + path.encode() + b"\x01") == (portal + path.encode(), b"")


@given(st.lists(queries, max_size=4))
def test_who_asks_for_more_comes_first(several: list[tuple[tuple[str, str], ...]]) -> None:
    ordered = sorted(several, key=lambda query: asked_for(tuple(name for name, _ in query)))
    assert [len(query) for query in ordered] == sorted(map(len, several), reverse=True)


@given(st.binary(max_size=1_200))
def test_no_key_is_longer_than_the_file_takes(key: bytes) -> None:
    assert len(stored_key(key)) <= LONGEST_KEY
    assert (stored_key(key) == key) is (len(key) <= LONGEST_KEY)
    whole = with_key(key, b"value")
    end = 4 + int.from_bytes(whole[:4], "big")
    assert (whole[4:end], whole[end:]) == (key, b"value")
    assert stored_key(b"x" * 600).startswith(LONG)
