"""Forward-auth: what other proxies say is read in one way or not at all, and what nothing allows is denied."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso.adapters.forward_auth import Allow, Contradiction, Deny, Original, SignIn, decide, original_of
from sso.model import Client, Session
from sso.protection import Protection
from sso.vocabulary import Level
from tests.sso.specimens import NOW, SESSION

HOST = "dichvucong.langson.gov.vn"
CLIENT = Client(id="langson", name={"vi": "x"}, sector="s", formats=frozenset({"forward-auth"}), level=Level.ONE)
PROTECTION = Protection(("nop-ho-so",), "langson", Level.TWO)

READ: list[tuple[str, list[tuple[str, str]], Original]] = [
    ("nginx", [("X-Original-URI", "/a?b=1"), ("X-Original-Method", "POST")], Original("POST", HOST, "/a?b=1", redirects=False)),
    ("ingress-nginx", [("X-Original-URL", f"https://{HOST}/a?b=1"), ("X-Original-Method", "GET")], Original("GET", HOST, "/a?b=1", redirects=False)),
    ("its bare host", [("X-Original-URL", f"https://{HOST}"), ("X-Original-Method", "GET")], Original("GET", HOST, "/", redirects=False)),
    ("Traefik", [("X-Forwarded-Uri", "/a"), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Host", "other.gov.vn"), ("X-Forwarded-Proto", "https")], Original("GET", "other.gov.vn", "/a", redirects=True)),
    ("both, agreeing", [("X-Original-URI", "/a"), ("X-Forwarded-Uri", "/a"), ("X-Forwarded-Method", "GET")], Original("GET", HOST, "/a", redirects=True)),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "original"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_a_question_is_read(fields: list[tuple[str, str]], original: Original) -> None:
    assert original_of(fields, HOST) == original


NGINX = [("X-Original-URI", "/public"), ("X-Original-Method", "GET")]
CONFUSED: list[tuple[str, list[tuple[str, str]]]] = [
    ("nothing is said", []),
    ("no method", [("X-Original-URI", "/a")]),
    ("another path beside it", [*NGINX, ("X-Forwarded-Uri", "/secret")]),
    ("another path in a whole address", [*NGINX, ("X-Original-URL", f"https://{HOST}/secret")]),
    ("the path twice", [*NGINX, ("X-Original-URI", "/public")]),
    ("the path twice, once with underscores", [*NGINX, ("X_Original_URI", "/secret")]),
    ("the path twice, once in capitals", [*NGINX, ("X-ORIGINAL-URI", "/secret")]),
    ("a rewritten path", [*NGINX, ("X-Rewrite-Url", "/secret")]),
    ("a prefix", [*NGINX, ("X-Forwarded-Prefix", "/secret")]),
    ("two methods", [*NGINX, ("X-Forwarded-Method", "POST")]),
    ("two hosts", [*NGINX, ("X-Forwarded-Host", "a.gov.vn"), ("X-Original-Host", "b.gov.vn")]),
    ("two schemes", [*NGINX, ("X-Forwarded-Proto", "http"), ("X-Original-Proto", "https")]),
    ("no path", [("X-Original-URI", "public"), ("X-Original-Method", "GET")]),
    ("an absolute path of another host", [("X-Original-URI", "http://evil.example/"), ("X-Original-Method", "GET")]),
    ("a name before the host", [("X-Original-URL", f"https://a@{HOST}/"), ("X-Original-Method", "GET")]),
    ("a scheme of programs", [("X-Original-URL", "file:///etc/passwd"), ("X-Original-Method", "GET")]),
    ("an address that is none", [("X-Original-URL", "https://[::1/"), ("X-Original-Method", "GET")]),
    ("octets beyond ASCII", [("X-Original-URI", "/é"), ("X-Original-Method", "GET")]),
    ("a line end", [("X-Original-URI", "/a\r\nX: y"), ("X-Original-Method", "GET")]),
    ("far too long", [("X-Original-URI", "/" + "a" * 9_000), ("X-Original-Method", "GET")]),
]


@pytest.mark.parametrize("fields", [row[1] for row in CONFUSED], ids=[row[0] for row in CONFUSED])
def test_a_question_that_says_two_things_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(Contradiction):
        original_of(fields, HOST)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["X-Original-URI", "X_Original_Uri", "X-Forwarded-Uri", "X-Original-URL", "X-Forwarded-Method", "X-Original-Method"]),
            st.sampled_from(["/a", "/secret", "GET", f"https://{HOST}/a", f"https://{HOST}/secret"]),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_whoever_says_two_paths_is_never_believed(fields: list[tuple[str, str]]) -> None:
    try:
        original = original_of(fields, HOST)
    except Contradiction:
        return
    paths = {value.removeprefix(f"https://{HOST}") for name, value in fields if "ethod" not in name}
    assert paths == {original.target}


def test_an_open_session_opens() -> None:
    assert decide(PROTECTION, CLIENT, SESSION, devious=False, now=NOW) == Allow(CLIENT, SESSION)


DENIED: list[tuple[str, Protection | None, Client | None, object, Deny]] = [
    ("a path that nothing protects", None, CLIENT, False, Deny("unprotected")),
    ("a path with dots in it", PROTECTION, CLIENT, True, Deny("devious")),
    ("a client that is gone", PROTECTION, None, False, Deny("client")),
    ("another client", PROTECTION, replace(CLIENT, id="caobang"), False, Deny("client")),
    ("a client without forward-auth", PROTECTION, replace(CLIENT, formats=frozenset({"oidc"})), False, Deny("client")),
]


@pytest.mark.parametrize(
    ("protection", "client", "devious", "denied"), [row[1:] for row in DENIED], ids=[row[0] for row in DENIED]
)
def test_what_nothing_allows_is_denied_whoever_asks(
    protection: Protection | None, client: Client | None, devious: object, denied: Deny
) -> None:
    for session in (None, SESSION):
        assert decide(protection, client, session, devious=bool(devious), now=NOW) == denied


LOW = replace(SESSION, identity=replace(SESSION.identity, level=Level.ONE))


@pytest.mark.parametrize("session", [None, LOW, replace(SESSION, absolute_end=NOW)], ids=["none", "level 1", "ended"])
def test_whoever_is_not_signed_in_well_enough_signs_in(session: Session | None) -> None:
    assert decide(PROTECTION, CLIENT, session, devious=False, now=NOW) == SignIn(Level.TWO)
