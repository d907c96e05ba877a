"""Cookies of ours on a portal's host: bound to it, never doubled, never passed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import portal_cookies
from proxy.portal_cookies import SESSION, WAY

READ: list[tuple[str, list[bytes], dict[str, str]]] = [
    ("one", [b"__Host-sign-in-portal=abc"], {SESSION: "abc"}),
    ("among the system's own", [b"a=1; __Host-sign-in-portal=abc; JSESSIONID=x"], {SESSION: "abc"}),
    ("in a second field", [b"a=1", b"__Host-sign-in-portal=abc"], {SESSION: "abc"}),
    ("twice in one field", [b"__Host-sign-in-portal=abc; __Host-sign-in-portal=abc"], {}),
    ("twice in two fields", [b"__Host-sign-in-portal=abc", b"__Host-sign-in-portal=planted"], {}),
    ("without the prefix that browsers guard", [b"sign-in-portal=planted"], {}),
    ("in capitals, which is another name", [b"__HOST-sign-in-portal=planted"], {}),
    ("a way beside a doubled session", [b"__Host-sign-in-portal=a; __Host-sign-in-portal=b; __Host-sign-in-way-1=c"], {f"{WAY}1": "c"}),
    ("nothing", [], {}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "found"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_a_cookie_counts_when_it_is_there_once(fields: list[bytes], found: dict[str, str]) -> None:
    assert portal_cookies.read([(b"Cookie", value) for value in fields], secure=True) == found


def test_over_plain_http_the_prefix_is_not_there() -> None:
    assert portal_cookies.read([(b"cookie", b"sign-in-portal=abc")], secure=False) == {SESSION: "abc"}


def test_a_cookie_is_for_this_host_over_tls_and_for_no_script() -> None:
    put = portal_cookies.put(SESSION, "abc", secure=True)
    assert put == "__Host-sign-in-portal=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert "Domain" not in put


def test_a_cookie_is_taken_away_under_the_same_terms() -> None:
    drop = portal_cookies.drop(SESSION, secure=True)
    assert drop == "__Host-sign-in-portal=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"


KEPT = [
    (b"a=1; __Host-sign-in-portal=x; b=2", b"a=1; b=2"),
    (b"__Host-sign-in=x;a=1", b"a=1"),
    (b"sign-in-portal=x; sign-in-way-7=y; sign-in=theirs", b"sign-in=theirs"),
    (b"a=__Host-sign-in-portal", b"a=__Host-sign-in-portal"),
]


@pytest.mark.parametrize(("came", "goes"), KEPT)
def test_ours_stay_here_and_the_rest_goes_on_in_its_order(came: bytes, goes: bytes) -> None:
    assert portal_cookies.without_ours([(b"Cookie", came)]) == [(b"Cookie", goes)]


def test_a_field_with_ours_alone_goes_altogether() -> None:
    fields = [(b"Host", b"x"), (b"Cookie", b"__Host-sign-in-portal=x"), (b"Accept", b"*/*")]
    assert portal_cookies.without_ours(fields) == [fields[0], fields[2]]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "__Host-sign-in-portal", "sign-in-portal", "sign-in-way-1", "z"]),
            st.from_regex(r"[a-z]{0,5}", fullmatch=True),
        )
    )
)
def test_whatever_is_mixed_in_nothing_of_ours_goes_on(pairs: list[tuple[str, str]]) -> None:
    value = "; ".join(f"{name}={text}" for name, text in pairs).encode()
    kept = portal_cookies.without_ours([(b"Cookie", value)])
    assert not any(b"sign-in" in line for _, line in kept)
    assert b"; ".join(line for _, line in kept) == "; ".join(f"{n}={t}" for n, t in pairs if n in "az").encode()
