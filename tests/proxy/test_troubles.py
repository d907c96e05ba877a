"""What cannot be served: a page in the visitor's language, or a problem for programs, with when to try again."""

import asyncio
import gzip
import json
from collections.abc import Hashable
from typing import NamedTuple, get_args

import brotli
import pytest
from aiohttp.web import Response

from proxy.pages import Page, Pages
from proxy.passing.failures import Reason
from proxy.presentation import Presenter
from proxy.skeletons import Form
from proxy.troubles import OF_FAILURES, Troubles
from proxy.views import Trouble, TroubleReason, View
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import ClientClass
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN
from tests.proxy.conftest import MODEL

ID = "k7m2-9fxd-3hqp"


class Asker(NamedTuple):
    headers: dict[str, str]


PERSON = Asker({"Accept": "text/html", "Accept-Language": "en"})
PROGRAM = Asker({"Accept": "application/json"})


@pytest.fixture
def troubles(pages: Pages, snapshot: Snapshot) -> Troubles:
    return Troubles(pages, Presenter(snapshot, {"vi": "Tiếng Việt"}, 30), lambda: AUTUMN)


def decided(snapshot: Snapshot, client: ClientClass) -> Decision:
    decision = decide(Visit(MODEL, "/", client=client), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision


def test_every_failure_of_passing_on_has_words() -> None:
    assert set(OF_FAILURES) == set(get_args(Reason))
    assert set(OF_FAILURES.values()) <= set(get_args(TroubleReason))


def test_after_what_may_have_arrived_nobody_is_told_that_it_has_not(pages: Pages) -> None:
    """A payment that is made twice is worse than one that is looked for."""
    for reason in ("late", "bad-answer"):
        for language, said in (("vi", "kiểm tra"), ("en", "before you send it again")):
            text = str(pages._default.texts[language](f"trouble.{OF_FAILURES[reason]}.text"))
            assert said in text
            assert "NOT sent" not in text
            assert "CHƯA" not in text


@pytest.mark.parametrize(
    ("status", "reason", "given", "told"),
    [
        (503, "no-upstream", None, "300"),
        (503, "upstream-busy", 2, "2"),
        (429, "too-many-connections", None, "30"),
        (502, "upstream-down", None, None),
        (404, "not-found", None, None),
    ],
)
def test_it_says_when_to_try_again(
    troubles: Troubles, status: int, reason: TroubleReason, given: int | None, told: str | None
) -> None:
    answer = troubles.answer(PERSON, status, reason, ID, retry_seconds=given)
    assert (answer.status, answer.headers.get("Retry-After")) == (status, told)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"] == ID


def test_a_program_reads_json_and_a_person_a_page(troubles: Troubles, snapshot: Snapshot) -> None:
    page = troubles.answer(PERSON, 503, "overloaded", ID)
    assert page.headers["Content-Language"] == "en"
    assert ID.encode() in page.body  # type: ignore[operator]  # bytes
    for answer in (
        troubles.answer(PROGRAM, 503, "overloaded", ID),
        troubles.answer(PERSON, 503, "overloaded", ID, decision=decided(snapshot, ClientClass.XHR)),
    ):
        assert json.loads(answer.body)["title"] == "overloaded"  # type: ignore[arg-type]  # bytes
    shown = troubles.answer(PROGRAM, 503, "overloaded", ID, decision=decided(snapshot, ClientClass.NAVIGATION))
    assert shown.content_type == "text/html", "who opens a page gets a page, whatever it accepts"


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "bad-request"), (408, "request-slow"), (431, "headers-too-large")]
)
def test_a_connection_that_cannot_be_understood_ends(troubles: Troubles, status: int, reason: TroubleReason) -> None:
    assert troubles.answer(PERSON, status, reason, ID).keep_alive is False


def texts_of(answer: Response) -> tuple[object, ...]:
    """An answer with its page unpacked: what a person reads, whichever way it was packed."""
    body = bytes(answer.body)  # type: ignore[arg-type]  # bytes
    read = {"gzip": gzip.decompress, "br": brotli.decompress, "": bytes}[answer.headers.get("Content-Encoding", "")]
    return (
        answer.status,
        {name: value for name, value in answer.headers.items() if name != "Content-Length"},
        read(body),
    )


@pytest.mark.parametrize("coding", ["", "gzip", "br"])
@pytest.mark.parametrize("reason", get_args(TroubleReason))
async def test_the_first_page_that_says_so_is_the_one_that_all_others_are(
    snapshot: Snapshot, reason: TroubleReason, coding: str
) -> None:
    """The first is made by its template, those after it from what the first has left."""
    pages = Pages()
    troubles = Troubles(pages, Presenter(snapshot, {"vi": "Tiếng Việt"}, 30), lambda: AUTUMN)
    for language, about in (("vi", None), ("en", decided(snapshot, ClientClass.NAVIGATION))):
        asker = Asker({"Accept": "text/html", "Accept-Language": language, "Accept-Encoding": coding})
        answers = []
        for _ in range(3):
            answers.append(
                texts_of(troubles.answer(asker, 503, reason, ID, decision=about, sign_in="/_edge/sign-in?to=/"))
            )
            await asyncio.sleep(0)  # what is done when an answer is on its way
        assert answers == answers[:1] * 3
        portal = troubles.presenter.facts(about.portal) if about is not None else None
        retry = 30 if reason in {"too-many-connections", "overloaded"} else 300
        home = troubles.presenter.home(AUTUMN)
        view = Trouble(503, reason, ID, portal, home, retry, "/_edge/sign-in?to=/")
        assert pages.at_once(view, language) is not None, "the form is known now"
        assert answers[0][2] == pages.plain(view, language).html


class Watched(Pages):
    """Tells what it finds out."""

    def __init__(self) -> None:
        super().__init__()
        self.found_out: list[View] = []

    def _first(self, form: Form, key: Hashable, view: View, language: str) -> Page:
        self.found_out.append(view)
        return super()._first(form, key, view, language)


async def test_nobody_waits_until_it_is_known_how_others_are_made(snapshot: Snapshot) -> None:
    pages = Watched()
    troubles = Troubles(pages, Presenter(snapshot, {"vi": "Tiếng Việt"}, 30), lambda: AUTUMN)
    for _ in range(5):
        troubles.answer(PERSON, 421, "wrong-host", ID)
    assert not pages.found_out, "not before all of these are answered"
    await asyncio.sleep(0)
    assert len(pages.found_out) == 1, "and then once"
    troubles.answer(PERSON, 421, "wrong-host", ID)
    await asyncio.sleep(0)
    assert len(pages.found_out) == 1


def test_where_there_is_no_loop_it_is_found_out_at_once(snapshot: Snapshot) -> None:
    pages = Watched()
    Troubles(pages, Presenter(snapshot, {"vi": "Tiếng Việt"}, 30), lambda: AUTUMN).answer(PERSON, 421, "wrong-host", ID)
    assert len(pages.found_out) == 1
