"""Messages: read whole, filled in safely."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from proxy import layouts, messages
from proxy.messages import Texts


def texts(**lines: str) -> Texts:
    return Texts("vi", {key: messages.parse(text) for key, text in lines.items()})


def test_places_are_filled_in() -> None:
    assert texts(closed="{portal} đóng {date}")("closed", portal="Cổng", date="1/7") == "Cổng đóng 1/7"


def test_braces_are_doubled() -> None:
    assert texts(m="{{{name}}}")("m", name="x") == "{x}"


@given(st.text())
def test_neither_text_nor_value_adds_an_element(value: str) -> None:
    filled = str(texts(m="<b>&{name}'\"")("m", name=value))
    assert filled.startswith("&lt;b&gt;&amp;")
    assert not set(filled) & set("<>'\"")


def test_markup_of_a_template_stays_markup() -> None:
    assert texts(m="call {link}")("m", link=Markup("<a>1</a>")) == "call <a>1</a>"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "{}: only a plain lower-case name"),
        ("{0}", "{0}: only a plain lower-case name"),
        ("{a.b}", "{a.b}: only"),
        ("{a[0]}", "{a[0]}: only"),
        ("{a!r}", "{a}: only"),
        ("{a:>10}", "{a}: only"),
        ("{A}", "{A}: only"),
        ("{a", "write {{ and }} for braces"),
        ("a}", "write {{ and }} for braces"),
    ],
)
def test_a_message_is_no_template(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"only a plain|braces") as caught:
        messages.parse(text)
    assert complaint in str(caught.value)


def test_a_missing_value_or_key_is_an_error() -> None:
    said = texts(m="{name}")
    with pytest.raises(KeyError):
        said("m")
    with pytest.raises(KeyError):
        said("n")


def test_a_file_tells_all_its_mistakes_with_their_keys() -> None:
    file = messages.read("vi.toml", '[a]\nb = 3\nc = "{x.y}"\nd = "good"\n')
    assert set(file.messages) == {"a.d"}
    assert file.problems == (
        "vi.toml: a.b: must be text in quotes, not int",
        "vi.toml: a.c: {x.y}: only a plain lower-case name may stand in braces",
    )


def test_a_file_that_is_no_toml_names_the_line() -> None:
    assert "line 2" in messages.read("vi.toml", 'a = "x"\nb = \n').problems[0]


def test_what_would_never_be_shown_is_told() -> None:
    reference = messages.read("vi.toml", '[closed]\ntitle = "{portal} đóng {date}"').messages
    file = messages.read("mine.toml", '[closed]\ntitel = "x"\ntitle = "{port}"')
    assert list(messages.problems_against(file, reference)) == [
        "mine.toml: closed.titel: no page asks for this key; did you mean closed.title?",
        "mine.toml: closed.title: {port} is not known here; this message has {date}, {portal}",
    ]


def test_json_for_scripts_keeps_its_places_and_cannot_leave_its_attribute() -> None:
    said = texts(a="{n} <giây>", b='it\'s "so"')
    assert said.json("a", "b") == r'{"a": "{n} \u003cgiây\u003e", "b": "it\u0027s \"so\""}'


def test_a_date_is_written_as_people_do() -> None:
    lines = {"date.full": "ngày {day}/{month}/{year}", "date.month.7": "7"}
    assert (
        Texts("vi", {key: messages.parse(text) for key, text in lines.items()}).date(date(2025, 7, 1))
        == "ngày 1/7/2025"
    )


def test_the_keys_a_template_asks_for() -> None:
    source = "{{ t('a.b') }}{{ t.raw('c', x=1) }}{{ t.json('d', 'e') }}{{ t('f.' ~ x ~ '.g') }}{{ t('h.i-' ~ x) }}{{ u('no') }}"
    assert messages.keys_asked(layouts.environment_for(), source) == {"a.b", "c", "d", "e", "f.", "h.i-."}


def test_a_key_nobody_can_know_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with a constant"):
        messages.keys_asked(layouts.environment_for(), "{{ t(x) }}")
