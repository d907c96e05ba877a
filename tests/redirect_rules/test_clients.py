"""Who is asking, from what they send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules import clients
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.model import ClientClass

CRAWLERS = Crawlers.listed(["Googlebot", "facebookexternalhit"], ["curl/", "python-requests/"])
CHROME = "Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile"
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"

# what is said                                                              path             class
CLIENTS = [
    ({"sec-fetch-dest": "document", "user-agent": CHROME}, "/", "navigation"),
    ({"sec-fetch-dest": "document", "user-agent": CHROME}, "/a.pdf", "download"),
    ({"sec-fetch-dest": "document", "user-agent": CHROME}, "/a.png", "download"),
    ({"sec-fetch-dest": "document", "user-agent": CHROME}, "/a.aspx", "navigation"),
    ({"sec-fetch-dest": "document", "user-agent": CHROME}, "/a.html;jsessionid=1.2", "navigation"),
    ({"sec-fetch-dest": "iframe", "user-agent": CHROME}, "/", "frame"),
    ({"sec-fetch-dest": "object", "user-agent": CHROME}, "/", "frame"),
    ({"sec-fetch-dest": "empty", "user-agent": CHROME}, "/", "xhr"),
    ({"sec-fetch-dest": "image", "user-agent": CHROME}, "/", "asset"),
    ({"sec-fetch-dest": "script", "user-agent": CHROME}, "/x", "asset"),
    ({"sec-fetch-dest": "serviceworker", "user-agent": CHROME}, "/sw.js", "asset"),
    ({"sec-fetch-dest": "document", "sec-purpose": "prefetch;prerender", "user-agent": CHROME}, "/", "prefetch"),
    ({"purpose": "prefetch", "user-agent": CHROME}, "/", "prefetch"),
    ({"x-moz": "prefetch", "user-agent": CHROME}, "/", "prefetch"),
    ({"hx-request": "true", "sec-fetch-dest": "empty", "user-agent": CHROME}, "/", "htmx"),
    ({"accept": "text/event-stream", "user-agent": CHROME}, "/", "eventsource"),
    ({"upgrade": "websocket", "connection": "Upgrade", "user-agent": CHROME}, "/", "websocket"),
    ({"accept": HTML, "user-agent": CHROME}, "/", "navigation"),
    ({"accept": "*/*", "user-agent": CHROME}, "/", "navigation"),
    ({"user-agent": "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1)"}, "/", "navigation"),
    ({"accept": HTML, "user-agent": CHROME}, "/a.css", "download"),
    ({"accept": "*/*", "user-agent": CHROME}, "/a.css", "asset"),
    ({"accept": "image/webp,*/*", "user-agent": CHROME}, "/thumb", "asset"),
    ({"accept": "*/*", "user-agent": CHROME}, "/a.docx", "download"),
    ({"x-requested-with": "XMLHttpRequest", "accept": HTML, "user-agent": CHROME}, "/", "xhr"),
    ({"accept": "application/json", "user-agent": CHROME}, "/", "api"),
    ({"accept": "*/*", "content-type": "application/json", "user-agent": CHROME}, "/", "api"),
    ({"accept": HTML, "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "/", "bot"),
    ({"accept": "*/*", "user-agent": "facebookexternalhit/1.1"}, "/", "bot"),
    ({"accept": "*/*", "user-agent": "curl/8.5.0"}, "/", "cli"),
    ({"accept": "application/json", "user-agent": "curl/8.5.0"}, "/", "api"),
    ({"accept": HTML, "user-agent": "curl/8.5.0"}, "/", "navigation"),
    ({"accept": "*/*"}, "/", "cli"),
    ({}, "/", "cli"),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "path", "expected"), CLIENTS)
def test_a_request_has_one_class(headers: dict[str, str], path: str, expected: str) -> None:
    assert client_class("GET", path, headers, CRAWLERS) == expected


def test_a_program_that_sends_something_is_an_api() -> None:
    assert client_class("POST", "/", {"user-agent": "curl/8", "accept": "*/*"}, CRAWLERS) == "api"


def test_nothing_is_listed_where_the_lists_are_empty() -> None:
    assert client_class("GET", "/", {"user-agent": "curl/8", "accept": "*/*"}, Crawlers.listed([], [])) == "navigation"


@given(
    st.dictionaries(st.sampled_from(["accept", "user-agent", "sec-fetch-dest", "upgrade", "purpose"]), st.text()),
    st.text(),
)
def test_whatever_is_said_there_is_a_class(headers: dict[str, str], path: str) -> None:
    assert client_class("GET", path, headers, CRAWLERS) in ClientClass


def test_an_agent_is_the_same_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_MOST_KNOWN", 3)
    crawlers = Crawlers.listed(["goog"], ["curl"])
    for _ in range(3):
        for number in range(9):
            assert crawlers.is_bot(f"Googlebot/{number}")
            assert not crawlers.is_bot(f"curl/{number}")
        assert crawlers.is_bot("x" * 5_000 + "goog")
    assert len(crawlers._known) <= 3
