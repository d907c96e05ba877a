"""Which paths are protected, by which spelling ever, and which session opens them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso.model import Client, Session
from sso.protection import (
    Admit,
    PortalProtections,
    Protection,
    Protections,
    SignInFirst,
    flagged,
    judge,
    meant,
    without_flags,
)
from sso.vocabulary import Level
from tests.sso.specimens import NOW, SESSION

FORMS = Protection(("nop-ho-so",), "langson", Level.TWO)
STEPS = Protection(("nop-ho-so", "buoc"), "langson", Level.ONE)
PATHS = Protections(
    {"langson": PortalProtections("langson", (FORMS, STEPS))}, {"vneid": "vneid", "vnconnect": "vnconnect"}
)
CLIENT = Client(id="langson", name={"vi": "x"}, sector="s", level=Level.ONE)

COVERED: list[tuple[str, tuple[str, ...], Protection | None]] = [
    ("the path itself", ("nop-ho-so",), FORMS),
    ("below it", ("nop-ho-so", "123"), FORMS),
    ("the longest prefix", ("nop-ho-so", "buoc", "2"), STEPS),
    ("another path", ("tin-tuc",), None),
    ("one that begins alike", ("nop-ho-so-cu",), None),
    ("above it", (), None),
    ("with a parameter of the segment", ("nop-ho-so;v=1",), FORMS),
    ("with a slash that was an escape", ("/nop-ho-so",), FORMS),
    ("with a backslash", ("x\\..", "nop-ho-so"), None),
    ("behind a backslash", ("\\nop-ho-so",), FORMS),
    ("escaped twice", ("%6eop-ho-so",), FORMS),
    ("a slash escaped twice", ("nop-ho-so%2fbuoc",), STEPS),
    ("in capitals", ("NOP-HO-SO",), FORMS),
    ("with a dot at its end", ("nop-ho-so.",), FORMS),
    ("with a blank at its end", ("nop-ho-so ",), FORMS),
]


@pytest.mark.parametrize(("segments", "protection"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED])
def test_a_path_is_protected_in_every_spelling(segments: tuple[str, ...], protection: Protection | None) -> None:
    assert PATHS.of("langson", segments) == protection


def test_another_portal_is_not_protected() -> None:
    assert PATHS.of("caobang", ("nop-ho-so",)) is None


@given(st.lists(st.text(max_size=12), max_size=5))
def test_reading_a_path_twice_changes_nothing(segments: list[str]) -> None:
    once = meant(segments)
    assert meant(once) in {once, meant(meant(once))}  # an escape of an escape of an escape may still be one
    assert all(part and "/" not in part for part in once)


LOW = replace(SESSION, identity=replace(SESSION.identity, level=Level.ONE))
JUDGED: list[tuple[str, Client, Session | None, Admit | SignInFirst]] = [
    ("nobody", CLIENT, None, SignInFirst(Level.TWO, "no-session")),
    ("a good session", CLIENT, SESSION, Admit(SESSION)),
    ("one below the path's level", CLIENT, LOW, SignInFirst(Level.TWO, "level")),
    ("one that ends now", CLIENT, replace(SESSION, absolute_end=NOW), SignInFirst(Level.TWO, "ended")),
    (
        "of an upstream that is not accepted",
        replace(CLIENT, upstreams=("vnconnect",)),
        SESSION,
        SignInFirst(Level.TWO, "upstream"),
    ),
]


@pytest.mark.parametrize(("client", "session", "verdict"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_a_session_opens_a_path_or_not(client: Client, session: Session | None, verdict: Admit | SignInFirst) -> None:
    assert judge(FORMS, client, session, now=NOW) == verdict


@pytest.mark.parametrize("own", list(Level))
@pytest.mark.parametrize("path", list(Level))
@pytest.mark.parametrize("reached", list(Level))
def test_the_higher_of_both_levels_counts(own: Level, path: Level, reached: Level) -> None:
    session = replace(SESSION, identity=replace(SESSION.identity, level=reached))
    judged = judge(replace(FORMS, level=path), replace(CLIENT, level=own), session, now=NOW)
    assert isinstance(judged, Admit) == (reached >= max(own, path))


FLAGS: list[tuple[str, str | None, str]] = [
    ("MaTTHC=1.001193&vneid=1", "vneid", "MaTTHC=1.001193"),
    ("vneid=1&MaTTHC=1.001193", "vneid", "MaTTHC=1.001193"),
    ("a=1&vnconnect=1&b=2", "vnconnect", "a=1&b=2"),
    ("VNeID=1", "vneid", ""),
    ("a=1&amp;vneid=1", "vneid", "a=1"),
    ("vne%69d=%31&a=1", "vneid", "a=1"),
    ("vneid=1&vnconnect=1", "vneid", ""),
    ("vneid=0", None, "vneid=0"),
    ("vneid", None, "vneid"),
    ("xvneid=1", None, "xvneid=1"),
    ("a=vneid=1", None, "a=vneid=1"),
    ("", None, ""),
]


@pytest.mark.parametrize(("query", "upstream", "rest"), FLAGS, ids=[row[0] or "nothing" for row in FLAGS])
def test_a_link_asks_by_its_flag_and_goes_on_without_it(query: str, upstream: str | None, rest: str) -> None:
    assert flagged(query, PATHS.flags) == upstream
    assert without_flags(query, PATHS.flags) == rest


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["vneid=1", "vnconnect=1", "a=1", "b=%C3%A9", "amp;vneid=1", "vneid=2"]), max_size=6))
def test_what_is_left_has_no_flag_and_all_the_rest(pairs: list[str]) -> None:
    rest = without_flags("&".join(pairs), PATHS.flags)
    assert flagged(rest, PATHS.flags) is None
    assert [pair for pair in rest.split("&") if pair] == [pair for pair in pairs if flagged(pair, PATHS.flags) is None]
