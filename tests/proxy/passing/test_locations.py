"""An origin's own address on its way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.locations import Move, rewritten

PUBLIC_URL = b"https://a.vn"
OWN = (Move(b"http://10.0.0.5:8080/app", b"{public}/"), Move(b"http://10.0.0.5:8080", b"{public}"))
PATHS = (Move(b"/app", b"/"),)

CASES = [
    (OWN,   b"http://10.0.0.5:8080/x?y=1#z",        b"https://a.vn/x?y=1#z"),
    (OWN,   b"http://10.0.0.5:8080",                b"https://a.vn"),
    (OWN,   b"http://10.0.0.5:8080?x",              b"https://a.vn?x"),
    (OWN,   b"HTTP://10.0.0.5:8080/X",              b"https://a.vn/X"),
    (OWN,   b"http://10.0.0.5:8080/app/x",          b"https://a.vn/x"),
    (OWN,   b"http://10.0.0.5:8080/APP/x",          b"https://a.vn/APP/x"),
    (OWN,   b"http://10.0.0.5:8080/apple",          b"https://a.vn/apple"),
    (OWN,   b"http://10.0.0.5:80801/x",             b"http://10.0.0.5:80801/x"),
    (OWN,   b"http://10.0.0.5:8080@evil.vn/",       b"http://10.0.0.5:8080@evil.vn/"),
    (OWN,   b"https://elsewhere.vn/",               b"https://elsewhere.vn/"),
    (OWN,   b"/x",                                  b"/x"),
    (PATHS, b"/app/x",                              b"/x"),
    (PATHS, b"/app",                                b"/"),
    (PATHS, b"/app?x",                              b"/?x"),
    (PATHS, b"/apple",                              b"/apple"),
    (PATHS, b"/app//evil.vn/x",                     b"/evil.vn/x"),
    (PATHS, b"/app/\\evil.vn/x",                    b"/evil.vn/x"),
    (PATHS, b"//app/x",                             b"//app/x"),
]  # fmt: skip


@pytest.mark.parametrize(("moves", "came", "goes"), CASES)
@pytest.mark.parametrize("name", [b"location", b"content-location"])
def test_addresses_move_in_whole_segments(name: bytes, moves: tuple[Move, ...], came: bytes, goes: bytes) -> None:
    assert rewritten(name, came, moves, PUBLIC_URL) == goes


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        (b"5; url=http://10.0.0.5:8080/x", b"5; url=https://a.vn/x"),
        (b"0;URL='http://10.0.0.5:8080/x'", b"0;URL='https://a.vn/x'"),
        (b"5", b"5"),
        (b"5; url=/x", b"5; url=/x"),
    ],
)
def test_a_refresh_keeps_all_but_its_address(came: bytes, goes: bytes) -> None:
    assert rewritten(b"refresh", came, OWN, PUBLIC_URL) == goes


@given(st.text("/\\ax:.", max_size=12).map(str.encode))
def test_a_path_never_becomes_another_server(rest: bytes) -> None:
    goes = rewritten(b"location", b"/app/" + rest, PATHS, PUBLIC_URL)
    assert goes[:1] == b"/"
    assert goes[1:2] not in {b"/", b"\\"}
