"""What officers look at is what citizens get, in a frame in which nothing runs."""

import re

import pytest

from proxy.console.citizen_pages import Studio, for_a_frame, pages_of
from proxy.packs import load_packs
from redirect_rules.canonical import BadHost
from redirect_rules.explaining import Question
from redirect_rules.model import ClientClass
from tests.conftest import AUTUMN, settings_with

HOST = "dichvucong.langson.gov.vn"


@pytest.fixture(scope="module")
def studio() -> Studio:
    settings = settings_with({})
    packs = load_packs(settings)
    return Studio(packs.snapshot, packs.crawlers, settings)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(AUTUMN), "đã ngừng hoạt động"),
        (Question(AUTUMN, method="POST"), "CHƯA"),
        (Question(AUTUMN, client=ClientClass.FRAME), "đã chuyển sang Cổng"),
        (Question(AUTUMN, client=ClientClass.DOWNLOAD), None),
        (Question(AUTUMN, client=ClientClass.BOT), None),
        (Question(AUTUMN, client=ClientClass.API), None),
    ],
)
def test_an_answer_that_is_a_page_is_that_page_and_nothing_else_is_one(
    studio: Studio, question: Question, said: str | None
) -> None:
    decision = studio.decided(f"https://{HOST}/vi/trangchu", question)
    assert decision is not None
    page = studio.page(decision, question, "vi")
    assert (page is None) is (said is None)
    if page is not None and said is not None:
        assert said in re.sub(r"<[^>]*>", "", page.html.decode())
        assert b"<script" not in page.html
        assert page.csp.endswith("; sandbox")
        assert "frame-ancestors 'self'" in page.csp


def test_sentences_that_are_only_typed_are_shown(studio: Studio) -> None:
    decision = studio.decided(f"https://{HOST}/", Question(AUTUMN))
    assert decision is not None
    page = studio.page(decision, Question(AUTUMN), "vi", {"vi": {"help.office": "hoặc đến số 1 <Hùng Vương>."}})
    assert page is not None
    assert "hoặc đến số 1 &lt;Hùng Vương&gt;." in page.html.decode()
    kept = studio.page(decision, Question(AUTUMN), "vi")
    assert kept is not None
    assert "Hùng Vương" not in kept.html.decode()


def test_nobodys_host_has_no_page_and_nonsense_is_told(studio: Studio) -> None:
    assert studio.decided("https://nobody.example/", Question(AUTUMN)) is None
    with pytest.raises(BadHost):
        studio.decided("ftp://x/", Question(AUTUMN))


@pytest.mark.parametrize("ancestors", ["'none'", "*"])
def test_a_policy_lets_only_ourselves_frame_the_page(ancestors: str) -> None:
    policy = f"default-src 'none'; frame-ancestors {ancestors}; base-uri 'none'"
    assert for_a_frame(policy) == "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; sandbox"


def test_pages_are_read_once() -> None:
    assert pages_of(None) is pages_of(None)
