"""A page that is filled in is the page that its template makes, whatever is filled in."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.compression import Part, Segment, segment
from proxy.pages import Pages
from proxy.skeletons import NO_SKELETON, Form, Skeletons, form_of
from proxy.views import Gone, Notice, NotSent, Trouble, View
from tests.browser.samples import GONE, LANG_SON, NOTICES, SAMPLES, notice

PAGES = Pages()
FILLED = {
    name: view
    for name, view in SAMPLES.items()
    if isinstance(view, Notice | Gone | Trouble) and form_of(view) is not None and name != "notice-long"
}
WORDS = st.one_of(
    st.sampled_from(
        ['"', "'", "<", "&", "&amp;", "</script>", "{{x}}", "\\", "\u2028", "Đơn", "%", "+", "\ue000", "\x00"]
    ),
    st.text(max_size=12),
    st.text("aăâđơưÝỳ /?&=#\"'<>\\", max_size=300),
)


def exactly(view: View, language: str = "vi") -> None:
    """The page of a view is its template's, and its parts are the whole of it."""
    made = PAGES.render(view, language)
    assert made.html == PAGES.plain(view, language).html
    assert made.length == len(made.html)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_is_the_one_that_its_template_makes(name: str, language: str) -> None:
    for _ in range(2):  # made with its skeleton, and of it
        exactly(SAMPLES[name], language)


@pytest.mark.parametrize("name", FILLED)
def test_what_is_shipped_says_its_values_and_looks_at_none(name: str) -> None:
    """Else each page of that form would take ten times as long."""
    assert any(isinstance(part, Segment) for part in PAGES.render(FILLED[name], "vi").parts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_said_the_page_is_the_templates(data: st.DataObject) -> None:
    view = data.draw(st.sampled_from(sorted(FILLED)).map(FILLED.__getitem__))
    word = WORDS.filter(lambda text: max(text, default="") < "\ud800" or min(text, default="") > "\udfff")
    if isinstance(view, Notice):
        place = view.locating.chosen
        chosen = place and replace(place, name=data.draw(word), province=data.draw(word), context=data.draw(word))
        asked = tuple(
            replace(one, name=data.draw(word), province=data.draw(word), link="/c" + data.draw(word))
            for one in view.locating.candidates
        )
        view = replace(
            view,
            target="https://dichvucong.gov.vn/" + data.draw(word),
            here="/" + data.draw(word).lstrip("/\\"),
            stay_link="/x" + data.draw(word),
            dossier_code=data.draw(word),
            procedure_code=data.draw(word),
            procedure_name=data.draw(word),
            language_links=tuple((tag, name, "/y" + data.draw(word)) for tag, name, _ in view.language_links),
            locating=replace(view.locating, chosen=chosen, candidates=asked, forget_link="/z" + data.draw(word)),
        )
    elif isinstance(view, Gone):
        view = replace(view, target="https://dichvucong.gov.vn/" + data.draw(word))
    else:
        view = replace(view, request_id=data.draw(word), sign_in_link=data.draw(st.sampled_from(["", "/a?b='&<"])))
    exactly(view, data.draw(st.sampled_from(["vi", "en"])))


# A change of the notice, and whether the page is made of the same skeleton
CHANGES: list[tuple[dict[str, Any], bool]] = [
    ({"target": "https://dichvucong.gov.vn/elsewhere"}, True),
    ({"here": "/elsewhere", "stay_link": "/elsewhere?_stay=1"}, True),
    ({"portal": replace(LANG_SON)}, True),
    ({"fragment_targets": dict(NOTICES["notice"].fragment_targets)}, True),
    ({"portal": replace(LANG_SON, hotline="1900 9095")}, False),
    ({"portal": replace(LANG_SON, names={"vi": "Cổng khác"})}, False),
    ({"portal": replace(LANG_SON, texts={"vi": {"timer.now": "Đi ngay"}})}, False),
    ({"dossier_code": "000.00.53.H48-220921-0099"}, False),
    ({"destination": "procedure"}, False),
    ({"mapped": False}, False),
    ({"seconds": None}, False),
    ({"choices": ""}, False),
    ({"language_links": ()}, False),
    ({"fragment_targets": {}}, False),
]


@pytest.mark.parametrize(("change", "same"), CHANGES)
def test_pages_of_one_form_differ_in_nothing_but_what_they_say(change: dict[str, Any], same: bool) -> None:  # noqa: FBT001 - a column
    forms = [form_of(view) for view in (notice("x"), replace(notice("x"), **change))]
    assert None not in forms
    first, second = (form for form in forms if form is not None)
    assert (first.key == second.key) is same
    exactly(replace(notice("x"), **change))


def test_pages_that_hold_what_was_typed_or_offer_a_choice_are_made_each_for_itself() -> None:
    for name in ("not-sent", "results"):
        assert form_of(SAMPLES[name]) is None
    assert isinstance(SAMPLES["not-sent"], NotSent)


def asking(*names: str) -> Notice:
    """A notice that asks which of these communes it is."""
    one = NOTICES["notice-ask"].locating.candidates[0]
    places = tuple(replace(one, code=f"new:{at:05}", name=name, link=f"/?{at}") for at, name in enumerate(names))
    return replace(NOTICES["notice-ask"], locating=replace(NOTICES["notice-ask"].locating, candidates=places))


def test_pages_that_ask_for_one_of_as_many_communes_are_of_one_form() -> None:
    first, second, third = (form_of(asking(*names)) for names in (("a", "b"), ("c", "d"), ("a", "b", "c")))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.key == second.key != third.key
    for names in (("a", "b"), ("<c>", "d & e"), ("a", "b", "c"), ("a",) * 8):
        exactly(asking(*names))
    assert form_of(asking(*"abcdefghi")) is None, "nothing was ever parted into nine"
    exactly(asking(*"abcdefghi"))


def test_a_commune_that_was_chosen_is_none_of_those_that_are_asked_for() -> None:
    view = asking("a", "b")
    chosen = replace(NOTICES["notice"], locating=replace(view.locating, chosen=view.locating.candidates[0]))
    exactly(chosen)
    form = form_of(chosen)
    assert form is not None
    made_again = form.made(form.said)
    assert isinstance(made_again, Notice)
    assert made_again.locating == chosen.locating


def made(source: str, view: Notice = NOTICES["notice"]) -> tuple[Any, Form]:
    """The skeleton of a notice, as one line of Python would make the page."""
    form = form_of(view)
    assert form is not None

    def render(blanked: View) -> str:
        assert isinstance(blanked, Notice)
        return source.replace("TARGET", f"{blanked.target!s}")

    return Skeletons().make(form, render), form


def test_small_texts_join_what_is_filled_in_and_large_ones_are_packed_once() -> None:
    text = "a" * 3_000
    skeleton, form = made(f"{text}<p>TARGET</p>{text}")
    first, said, last = skeleton.filled(form.said)
    assert first == segment(f"{text}<p>".encode())
    assert said == b"https://dichvucong.gov.vn/"
    assert last == segment(f"</p>{text}".encode())
    assert skeleton.spots == 1
    skeleton, form = made("<p>TARGET</p>")
    assert skeleton.filled(form.said) == (b"<p>https://dichvucong.gov.vn/</p>",), "no page is cut that is small"


def test_what_several_skeletons_have_in_common_is_one_thing() -> None:
    maker, form = Skeletons(), form_of(NOTICES["notice"])
    assert form is not None
    (one,), (other,) = (_parts(maker, form) for _ in range(2))
    assert one is other


def _parts(maker: Skeletons, form: Form) -> tuple[Part, ...]:
    skeleton = maker.make(form, lambda _: "a" * 3_000)
    parts = skeleton.filled(form.said) if skeleton is not None else None
    assert parts is not None
    return parts


def test_a_template_that_fails_has_no_skeleton_and_says_so_itself() -> None:
    form = form_of(GONE)
    assert form is not None

    def fails(_: View) -> str:
        raise KeyError("no such message")

    assert Skeletons().make(form, fails) is None
    assert NO_SKELETON.filled(form.said) is None
