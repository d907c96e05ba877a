"""What is hidden in paths, and that hiding is quick whatever is sent."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules import masking
from redirect_rules.canonical import canonical_key
from redirect_rules.masking import CUT, LONGEST_PATH, MASK, masked

# path                                              as it may be kept                     why
HIDDEN = [
    ("/tra-cuu/000.00.53.H48-220921-0099",          f"/tra-cuu/{MASK}",                   "a dossier"),
    ("/tra-cuu/H48.21-220921-0099/in",              f"/tra-cuu/{MASK}/in",                "an old one"),
    ("/tra-cuu/G22.99.3-241219795252",              f"/tra-cuu/{MASK}",                   "a new one"),
    ("/tra-cuu/H48-220921-0099",                    f"/tra-cuu/{MASK}",                   "without a unit"),
    ("/phieu-000.00.12.H06-240101-0001.pdf",        f"/phieu-{MASK}.pdf",                 "inside a name"),
    ("/ho-so/001199012345",                         f"/ho-so/{MASK}",                     "an identity card"),
    ("/lien-he/0912345678",                         f"/lien-he/{MASK}",                   "a telephone"),
    ("/a1234567b",                                  f"/a{MASK}b",                         "a number anywhere"),
    ("/dang-ky/lan.nguyen@example.vn/2",            f"/dang-ky/{MASK}/2",                 "a mail address"),
    ("/dat-lai/" + "a1B2" * 8,                      f"/dat-lai/{MASK}",                   "a token"),
]  # fmt: skip
KEPT = [
    "/",
    "/vi/thu-tuc-hanh-chinh/chi-tiet",
    "/thu-tuc/1.001193.000.00.00.h32",
    "/nop-ho-so/145156",
    "/tin-tuc/2024-01-15/thong-bao-so-123456.html",
    "/vi/procedure/detail/62ab9e4edb4a62b30f94ae11",
    "/@",
    "/a@/@b",
    "/tai-lieu/thong-tu-01-2018-tt-vpcp-huong-dan-thi-hanh-mot-so-quy-dinh-cua-nghi-dinh.html",
]


@pytest.mark.parametrize(("path", "kept", "why"), HIDDEN, ids=[why for *_, why in HIDDEN])
def test_what_identifies_people_is_hidden(path: str, kept: str, why: str) -> None:
    assert masked(path) == kept


@pytest.mark.parametrize("path", KEPT)
def test_what_names_a_page_is_kept(path: str) -> None:
    assert masked(path) == path


def test_what_stands_in_its_place_is_the_callers() -> None:
    assert masked("/a/0912345678/b@c", hide=lambda found: str(len(found))) == "/a/10/3"


@given(st.integers(min_value=0, max_value=600), st.text("ab1/", max_size=30))
def test_a_long_path_ends_after_a_whole_segment(length: int, rest: str) -> None:
    """So that no half of a number is left."""
    path = canonical_key("a.example", f"/{'x' * length}/0912345678/{rest}").path
    shown = masked(path)
    assert len(shown) <= LONGEST_PATH + 1
    assert "0912" not in shown
    assert shown.endswith(f"/{CUT}") == (len(path) > LONGEST_PATH)


def test_what_is_cut_is_what_does_not_fit() -> None:
    assert masked(f"/xx{'-y' * 245}/0912345678") == f"/xx{'-y' * 245}/{CUT}"
    assert masked(f"/{'-y' * 300}/a") == f"/{CUT}"


@given(st.from_regex(r"\A[0-9]{7,20}\Z") | st.from_regex(r"\A[a-z]{1,9}\.[a-z]{1,9}@[a-z]{2,9}\.vn\Z"), st.data())
def test_wherever_it_stands_it_is_hidden(secret: str, data: st.DataObject) -> None:
    segments = data.draw(st.lists(st.text("abc-.", max_size=9), max_size=4))
    at = data.draw(st.integers(0, len(segments)))
    path = canonical_key("a.example", "/" + "/".join([*segments[:at], secret, *segments[at:]])).path
    assert secret not in masked(path)


# what is repeated to the longest path there is: each once took a second
SLOW = ["00.", "a", "a@", "00.a.", "1", "%41", "H48-", "00.00-"]


@pytest.mark.parametrize("piece", SLOW)
def test_no_path_holds_a_worker(piece: str) -> None:
    path = canonical_key("a.example", "/" + piece * (8_000 // len(piece))).path
    started = time.thread_time()
    for _ in range(10):
        masked(path)
        masked(path[:LONGEST_PATH])
    assert (time.thread_time() - started) / 20 < 0.001  # seconds: a twentieth of it is usual


PIECES = ["0", "12", "1234567", "H48", "000.00.12.", "-", "_", ".", "/", "a", "b" * 31, "240101", "@", "%C3%A0"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_the_first_look_at_a_path_lets_nothing_through(path: str) -> None:
    shown = masked(f"/{path}")
    with pytest.MonkeyPatch.context() as without:
        without.setattr(masking, "_SUSPECT", re.compile(""))
        assert shown == masked(f"/{path}")
