"""Keys are taken apart as they were put together."""

from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.stores.lmdb_layout import (
    LONG,
    LONGEST_KEY,
    MOST_FOLDERS,
    Places,
    asked_for,
    names_of,
    query_of,
    sized,
    stored_key,
    with_key,
)

paths = st.text("/ab-._~%0", min_size=1, max_size=9).map("/".__add__)
queries = st.dictionaries(st.text(max_size=4), st.text(max_size=9), min_size=1, max_size=8).map(
    lambda query: tuple(sorted(query.items()))
)


numberings = st.builds(
    Places,
    st.lists(st.sampled_from(["hanoi", "hue", "langson"]), unique=True),
    st.none() | st.lists(st.sampled_from(["", "/a", "/a/b", "/~"]), unique=True),
)


@given(numberings, st.sampled_from(["langson", "hue"]), paths, queries)
def test_a_key_tells_its_portal_its_path_and_what_it_asks_for(
    places: Places, portal: str, path: str, query: tuple[tuple[str, str], ...]
) -> None:
    names = tuple(name for name, _ in query)
    begin = places.numbered(portal, path.encode())
    assert places.begin(portal, path) == begin
    key = begin + asked_for(names) + b"".join(sized(value) for _, value in query)
    place, asking = places.parted(key)
    assert place == begin
    assert (places.portal_of(place), places.path_of(place)) == (portal, path)
    found, end = names_of(asking)
    assert query_of(found, asking[end:]) == query
    assert places.asks(key)
    assert places.parted(begin + b"\x01") == (begin, b"")
    assert not places.asks(begin + b"\x01")


@given(numberings, st.lists(st.tuples(st.sampled_from(["langson", "hue"]), paths), unique=True, max_size=20))
def test_no_two_addresses_begin_alike(places: Places, addresses: list[tuple[str, str]]) -> None:
    keys = [places.numbered(portal, path.encode()) + b"\x01" for portal, path in addresses]
    assert [places.begin(*one) for one in addresses] == [key[:-1] for key in keys]
    assert not any(one != other and other.startswith(one) for one in keys for other in keys)


@given(numberings, st.lists(st.tuples(st.sampled_from(["langson", "hue"]), paths), max_size=9))
def test_numbers_are_kept_from_file_to_file(places: Places, addresses: list[tuple[str, str]]) -> None:
    before = [places.numbered(portal, path.encode()) for portal, path in addresses]
    data = places.as_data()
    again, copied = Places(data["portals"], data.get("folders")), places.copy()
    copied.numbered("another", b"/x/y")
    assert [again.begin(*one) for one in addresses] == before == [copied.begin(*one) for one in addresses]
    assert "another" not in places.portals, "the copy is another"


def test_what_comes_when_all_numbers_are_given_stands_whole() -> None:
    places = Places()
    for number in range(MOST_FOLDERS + 1):
        places.numbered("hue", f"/{number}/a".encode())
    assert len(places.folders) == MOST_FOLDERS
    early, late = (places.begin("hue", f"/{number}/a") or b"" for number in (0, MOST_FOLDERS))
    assert early == b"\x00\x00\x00\x00a"
    assert late == b"\x00\x00\xff\xff" + f"/{MOST_FOLDERS}/a".encode()
    assert places.path_of(late) == f"/{MOST_FOLDERS}/a"


def test_under_a_portal_that_nobody_named_nothing_begins() -> None:
    assert Places(["hue"]).begin("hanoi", "/a") is None


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
