"""What is seen of a path, and who is taken out of it."""

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.path_traits import (
    NUMBERED,
    PERSONAL,
    STRANGE,
    TRAITS,
    _looked_at,
    _looked_through,
    look,
    without_people,
)
from redirect_rules.masking import masked

PATHS = st.text("aZ019-_./", max_size=80).map("/".__add__)


@given(st.binary(max_size=80) | PATHS.map(str.encode))
@example(b"/a/1234567")
@example(b"/a-12-345678")
@example(b"/" + b"a" * 32)
@example(b"")
def test_octet_by_octet_or_at_once_the_same_is_seen(path: bytes) -> None:
    """The one where it is compiled, the other where it is not."""
    assert _looked_through(path) == _looked_at(path)


@given(PATHS)
def test_a_path_that_names_nobody_is_shown_as_it_is(path: str) -> None:
    seen = look(path.encode())
    assert not seen & STRANGE
    if not seen & (PERSONAL | NUMBERED):
        assert masked(path) == path


@given(PATHS)
@example("/a/1234567")
@example("/1234567-a.1234567")
@example("/12345678901234567890123456789012345678901234567890/a/7654321b")
def test_whoever_is_named_is_hidden_as_everywhere(path: str) -> None:
    octets = path.encode()
    assert without_people(octets, look(octets)).decode() == masked(path)


@given(PATHS)
def test_it_is_seen_where_the_last_slash_stands(path: str) -> None:
    assert look(path.encode()) >> TRAITS == path.rfind("/")
