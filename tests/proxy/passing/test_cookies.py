"""Set-Cookie under a policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.cookies import CookiePolicy, moved_path, rewritten

DOMAINS = CookiePolicy(domains={b"lgsp.internal": b"", b"old.vn": b"new.vn"})
PATHS = CookiePolicy(paths={b"/app": b"/", b"/app/deep/": b"/d/"})
SECURE = CookiePolicy(secure="add")

CASES = [
    (DOMAINS, b"a=1; Domain=lgsp.internal; Path=/",       b"a=1; Path=/"),
    (DOMAINS, b"a=1; domain=.LGSP.internal",              b"a=1"),
    (DOMAINS, b"a=1; Domain=x.lgsp.internal",             b"a=1; Domain=x.lgsp.internal"),
    (DOMAINS, b"a=1;Domain=.old.vn;HttpOnly",             b"a=1;Domain=new.vn;HttpOnly"),
    (DOMAINS, b"a=Domain=old.vn; b",                      b"a=Domain=old.vn; b"),
    (PATHS,   b"a=1; Path=/app",                          b"a=1; Path=/"),
    (PATHS,   b"a=1; Path=/app/",                         b"a=1; Path=/"),
    (PATHS,   b"a=1; Path=/app/x; Secure",                b"a=1; Path=/x; Secure"),
    (PATHS,   b"a=1; Path=/app/deep/x",                   b"a=1; Path=/d/x"),
    (PATHS,   b"a=1; Path=/apple",                        b"a=1; Path=/apple"),
    (PATHS,   b"a=1; Path=/",                             b"a=1; Path=/"),
    (SECURE,  b"a=1; HttpOnly",                           b"a=1; HttpOnly; Secure"),
    (SECURE,  b"a=1;secure",                              b"a=1;secure"),
    (SECURE,  b"a=secure",                                b"a=secure; Secure"),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "came", "goes"), CASES)
def test_attributes_follow_the_policy(policy: CookiePolicy, came: bytes, goes: bytes) -> None:
    assert rewritten(came, policy) == goes


@given(st.binary(max_size=80))
def test_without_a_policy_nothing_changes(value: bytes) -> None:
    assert rewritten(value, CookiePolicy()) is value


@given(st.binary(max_size=80))
def test_name_and_value_never_change(value: bytes) -> None:
    policy = CookiePolicy({b"a": b"b"}, {b"/": b"/x"}, "add")
    assert rewritten(value, policy).partition(b";")[0] == value.partition(b";")[0]


def test_the_longest_prefix_moves() -> None:
    assert moved_path(b"/app/deep", PATHS.paths) == b"/d"
    assert moved_path(b"/other", PATHS.paths) is None
