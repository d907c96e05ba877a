"""What cannot be served: a page in the visitor's language, or a problem for programs, with when to try again."""

import json
from typing import NamedTuple, get_args

import pytest

from proxy.pages import Pages
from proxy.passing.failures import Reason
from proxy.presentation import Presenter
from proxy.troubles import OF_FAILURES, Troubles
from proxy.views import TroubleReason
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
