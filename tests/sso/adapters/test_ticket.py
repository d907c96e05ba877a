"""Login tickets: where they may go, and what they are bound to."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import refusals
from sso.adapters.ticket import ENTRY_SECONDS, asked_for, destination_of, entry_text, issue
from sso.model import Client, Destination, digest
from sso.refusals import Cause, Refusal
from sso.vocabulary import Level
from tests.sso.specimens import NOW, SESSION

BROWSER = digest("browser")
RETURN = "https://motcua.langson.example/login?from=edge"
CLIENT = Client(
    id="langson-motcua",
    name={"vi": "Một cửa Lạng Sơn"},
    sector="langson",
    redirect_uris=(RETURN, "http://demo.localhost:8090/login"),
    formats=frozenset({"ticket"}),
    level=Level.ONE,
)
DESTINATION = Destination(
    "langson",
    "langson",
    "dichvucong.langson.gov.vn",
    "/_edge/sign-in/done?way=w1",
    Level.TWO,
    "https",
    BROWSER,
    "vneid",
)


def fresh() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"secret-{next(numbers)}"


def test_a_ticket_goes_to_its_destination_and_nowhere_else() -> None:
    issued = issue(SESSION, DESTINATION, now=NOW, secrets=fresh())
    assert issued.uri == "https://dichvucong.langson.gov.vn/_edge/sign-in/done?way=w1&ticket=secret-1"
    assert issued.digest == digest("secret-1")


def test_a_ticket_says_whose_it_is_for_whom_and_in_which_browser() -> None:
    meaning = issue(SESSION, DESTINATION, now=NOW, secrets=fresh()).meaning
    assert (meaning.client, meaning.session, meaning.browser) == ("langson", SESSION.handle, BROWSER)
    assert meaning.sid == SESSION.participations["langson"].sid


def test_a_client_that_is_new_in_the_session_gets_a_sid_of_its_own() -> None:
    other = replace(DESTINATION, client="caobang")
    issued = issue(SESSION, other, now=NOW, secrets=fresh())
    assert issued.participation.client == "caobang"
    assert issued.meaning.sid == issued.participation.sid != SESSION.participations["langson"].sid


@settings(max_examples=40, deadline=None)
@given(
    host=st.from_regex(r"[a-z]{1,20}\.gov\.vn", fullmatch=True),
    target=st.from_regex(r"/[a-z/]{0,30}(\?[a-z]=[a-z0-9]{0,9})?", fullmatch=True),
    secret=st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True),
)
def test_an_address_with_its_ticket_is_the_same_address(host: str, target: str, secret: str) -> None:
    uri = issue(SESSION, replace(DESTINATION, host=host, target=target), now=NOW, secrets=lambda: secret).uri
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", host, target.partition("?")[0])
    assert parse_qsl(parts.query, keep_blank_values=True)[-1] == ("ticket", secret)


# What a system that takes tickets may ask for

REFUSED: list[tuple[str, dict[str, str], Cause]] = [
    ("an address that is not registered", {"return_uri": "https://evil.example/"}, refusals.REDIRECT_URI),
    ("with a query added", {"return_uri": RETURN + "&x=1"}, refusals.REDIRECT_URI),
    ("in capitals", {"return_uri": RETURN.upper()}, refusals.REDIRECT_URI),
    ("no address", {"return_uri": ""}, refusals.REDIRECT_URI),
    ("no browser", {"browser": ""}, refusals.TICKET_BROWSER),
    ("the browser's secret itself", {"browser": "s3cret"}, refusals.TICKET_BROWSER),
    ("a digest in capitals", {"browser": BROWSER.upper()}, refusals.TICKET_BROWSER),
    ("a digest and a line end", {"browser": BROWSER + "\n"}, refusals.TICKET_BROWSER),
    ("a level that is none", {"level": "3"}, refusals.TICKET_LEVEL),
]


@pytest.mark.parametrize(("changes", "cause"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_not_registered_is_refused(changes: dict[str, str], cause: Cause) -> None:
    with pytest.raises(Refusal) as refused:
        asked_for(CLIENT, **({"return_uri": RETURN, "browser": BROWSER} | changes))
    assert refused.value.cause is cause


def test_a_client_without_tickets_gets_none() -> None:
    with pytest.raises(Refusal) as refused:
        asked_for(replace(CLIENT, formats=frozenset({"oidc"})), return_uri=RETURN, browser=BROWSER)
    assert refused.value.cause is refusals.TICKET_NONE


def test_a_ticket_comes_back_to_the_registered_address_with_its_query() -> None:
    destination = asked_for(CLIENT, return_uri=RETURN, browser=BROWSER)
    assert destination.portal == ""
    assert issue(SESSION, destination, now=NOW, secrets=lambda: "T").uri == f"{RETURN}&ticket=T"


@pytest.mark.parametrize(("level", "least"), [("", Level.ONE), ("1", Level.ONE), ("2", Level.TWO)])
def test_a_client_may_ask_for_more_than_its_least(level: str, least: Level) -> None:
    assert asked_for(CLIENT, return_uri=RETURN, browser=BROWSER, level=level).level is least


def test_a_client_may_not_ask_for_less_than_its_least() -> None:
    strict = replace(CLIENT, level=Level.TWO)
    assert asked_for(strict, return_uri=RETURN, browser=BROWSER, level="1").level is Level.TWO


# Entries


def test_an_entry_brings_the_destination_as_it_was() -> None:
    assert destination_of(entry_text(DESTINATION, now=NOW), now=NOW + ENTRY_SECONDS - 1) == DESTINATION


def test_an_entry_ends() -> None:
    with pytest.raises(Refusal) as refused:
        destination_of(entry_text(DESTINATION, now=NOW), now=NOW + ENTRY_SECONDS)
    assert refused.value.cause is refusals.ENTRY


def test_an_entry_tells_no_more_than_the_portal() -> None:
    assert set(re.findall(r'"(\w+)":', entry_text(DESTINATION, now=NOW))) == {
        "client", "portal", "host", "target", "scheme", "browser", "upstream", "level", "exp",
    }  # fmt: skip
