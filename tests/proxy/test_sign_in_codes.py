"""Every code that a citizen may read out has words: what happened, what they see, what the help desk says."""

import importlib.resources
import tomllib
from types import MappingProxyType
from typing import Any, Final

import pytest

from proxy.sign_in_codes import LANGUAGES, causes, meaning, meanings
from sso.refusals import CAUSES, UNKNOWN_CLIENT
from sso.upstreams import failures

WORDS: Final[dict[str, Any]] = tomllib.loads(
    (importlib.resources.files("templates") / "sign_in/codes.toml").read_text("utf-8")
)
ADVICE: Final = WORDS["advice"]


def test_every_cause_has_its_words_and_no_words_are_left_over() -> None:
    assert set(meanings()) == set(causes()) == WORDS.keys() - {"advice"}
    assert {*CAUSES, *failures.CAUSES} == set(causes())


def test_no_code_stands_for_two_causes() -> None:
    assert not CAUSES.keys() & failures.CAUSES.keys()


@pytest.mark.parametrize("code", sorted(causes()))
def test_a_code_is_explained_in_each_language(code: str) -> None:
    found = meanings()[code]
    assert found.code == code
    for told in (found.what, found.sees, found.say):
        assert set(told) == set(LANGUAGES)
        assert all(text.strip() == text and len(text) > 10 for text in told.values())
    assert all(text.endswith(".") for text in (*found.what.values(), *found.say.values()))


def test_every_advice_is_given_for_something() -> None:
    assert {own["advice"] for name, own in WORDS.items() if name != "advice"} == set(ADVICE)


@pytest.mark.parametrize("written", ["DN-101", "dn-101", " DN 101 ", "dn101", "D N - 1 0 1"])
def test_it_is_found_however_it_was_written_down(written: str) -> None:
    found = meaning(written)
    assert found is not None
    assert (found.code, found.error, found.status) == ("DN-101", "invalid_request", 400)
    assert found.description == UNKNOWN_CLIENT.description


@pytest.mark.parametrize("nothing", ["", "DN-", "DN-999", "134", "k7m2-9fxd-3hqp", "advice"])
def test_what_is_no_code_means_nothing(nothing: str) -> None:
    assert meaning(nothing) is None


# code → how the page begins that people have before them
PAGES: Final = MappingProxyType(
    {
        "DN-103": "«Trang đăng nhập này đã hết hạn»",
        "DN-143": "«Quá nhiều lượt đăng nhập từ mạng của quý vị»",
        "DN-189": "«Quý vị vẫn đang đăng nhập»",
        "DN-190": "«Dịch vụ đăng nhập đang tạm gián đoạn»",
        "DN-201": "«Việc đăng nhập bắt đầu ở trình duyệt khác»",
        "DN-210": "«Nơi cấp tài khoản đang tạm gián đoạn»",
    }
)


@pytest.mark.parametrize("code", PAGES)
def test_what_people_see_is_the_page_that_is_shown(code: str) -> None:
    assert meanings()[code].sees["vi"] == PAGES[code]
