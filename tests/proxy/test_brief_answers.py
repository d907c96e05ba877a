"""What is said about a closed page without a page."""

import json
from collections.abc import Callable

import pytest
from aiohttp.web import Response

from proxy import brief_answers
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import ClientClass
from redirect_rules.snapshot import Snapshot
from tests.conftest import AUTUMN
from tests.proxy.conftest import MODEL

KNOWN, UNKNOWN, PASSES = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193", "/khong/ai/biet", "/x.css"


def decided(snapshot: Snapshot, target: str, client: ClientClass = ClientClass.NAVIGATION) -> Decision:
    decision = decide(Visit(MODEL, target, client=client), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision


def test_one_line_says_where_a_page_went(snapshot: Snapshot) -> None:
    known, unknown = (brief_answers.gone_line(decided(snapshot, target)) for target in (KNOWN, UNKNOWN))
    assert known.startswith("This page is closed. It has moved to https://dichvucong.gov.vn/thu-tuc-hanh-chinh/")
    assert unknown == "No such page here any more. It has moved to https://dichvucong.gov.vn/"


# what is asked for     cacheable   with a body     what may be kept
BRIEFLY = [
    (True,  True,  "public, max-age=3600"),
    (False, False, "no-store"),
]  # fmt: skip


@pytest.mark.parametrize(("cacheable", "body", "cache"), BRIEFLY)
def test_410_is_kept_where_it_says_so(snapshot: Snapshot, *, cacheable: bool, body: bool, cache: str) -> None:
    answer = brief_answers.gone_briefly(decided(snapshot, KNOWN), {"X": "y"}, cacheable=cacheable, body=body)
    assert (answer.status, answer.headers["Cache-Control"], answer.headers["X"]) == (410, cache, "y")
    assert bool(answer.body) is body


def test_a_program_is_told_in_json(snapshot: Snapshot) -> None:
    decision = decided(snapshot, KNOWN)
    said = json.loads(brief_answers.problem(decision, 410, {}).body)  # type: ignore[arg-type]  # bytes
    assert said["title"] == "This interface is closed"
    assert decision.way is not None
    assert said["successor"] == decision.way.target
    assert said["sunset"] == "2025-07-01T00:00:00+07:00"


def test_htmx_is_steered_to_the_notice_or_to_the_target(snapshot: Snapshot) -> None:
    decision = decided(snapshot, KNOWN)
    assert brief_answers.steer(decision, {}, to_notice=True).headers["HX-Redirect"] == KNOWN
    assert brief_answers.steer(decision, {}, to_notice=False).headers["HX-Redirect"].startswith("https://")
    with pytest.raises(LookupError, match="leads nowhere"):
        brief_answers.steer(decided(snapshot, PASSES, ClientClass.ASSET), {}, to_notice=False)


def test_any_page_may_read_the_refusal() -> None:
    answer = brief_answers.preflight({})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")


MAKERS: list[tuple[Callable[[], Response], int]] = [
    (lambda: brief_answers.retire({}, manifest=False), 200),
    (lambda: brief_answers.retire({}, manifest=True), 404),
]


@pytest.mark.parametrize(("make", "status"), MAKERS)
def test_a_cached_shell_goes(make: Callable[[], Response], status: int) -> None:
    answer = make()
    assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")
    assert (answer.content_type == "text/javascript") == (status == 200)
