"""Which language a visitor gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.languages import choose

OFFERED = ("vi", "en", "zh-Hans")

# Accept-Language                                   asked     language
TABLE = [
    ("",                                            None,     "vi"),
    ("vi",                                          None,     "vi"),
    ("en",                                          None,     "en"),
    ("en-US,en;q=0.9,vi;q=0.8",                     None,     "en"),
    ("vi-VN,vi;q=0.9,en;q=0.8",                     None,     "vi"),
    ("fr-FR,fr;q=0.9,en;q=0.5",                     None,     "en"),
    ("fr",                                          None,     "vi"),
    ("en;q=0.3, vi;q=0.7",                          None,     "vi"),
    ("en;q=0",                                      None,     "vi"),
    ("vi;q=0, en;q=0.1",                            None,     "en"),
    ("vi;q=0, *;q=0.5",                             None,     "en"),
    ("*",                                           None,     "vi"),
    ("en;q=0.5, *;q=0.1",                           None,     "en"),
    ("EN-gb ; Q=0.9",                               None,     "en"),
    ("zh",                                          None,     "zh-Hans"),
    ("zh-Hans-CN",                                  None,     "zh-Hans"),
    ("english",                                     None,     "vi"),
    ("en;q=7, vi;q=0.1",                            None,     "vi"),  # a weight that is none: skipped
    (";;;,,,=q",                                    None,     "vi"),
    ("vi",                                          "en",     "en"),
    ("vi",                                          "xx",     "vi"),
    ("en",                                          "",       "en"),
    ("x," * 10_000 + "en",                          None,     "vi"),  # longer than any browser's
]  # fmt: skip


@pytest.mark.parametrize(("header", "asked", "language"), TABLE)
def test_the_best_language_is_chosen(header: str, asked: str | None, language: str) -> None:
    assert choose(header, asked, OFFERED) == language


@given(st.text(), st.none() | st.text())
def test_whatever_is_sent_there_is_a_page(header: str, asked: str | None) -> None:
    assert choose(header, asked, OFFERED) in OFFERED
