"""What is read from a query or a body, and what is not."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.parameters import LONGEST, MOST_PARAMETERS, Parameters, query
from sso.refusals import DUPLICATE, TOO_LARGE, UNREADABLE, Refusal


def test_a_parameter_without_a_value_is_absent() -> None:
    assert Parameters.of("a=1&b=").values == {"a": "1"}


@pytest.mark.parametrize("texts", [("a=1&a=2",), ("a=1&a=1",), ("a=1", "a=2"), ("a=&a=2",)])
def test_a_name_that_is_there_twice_has_no_value(texts: tuple[str, ...]) -> None:
    parameters = Parameters.of(*texts)
    assert parameters.get("a") is None
    with pytest.raises(Refusal) as refused:
        parameters.single()
    assert refused.value.cause is DUPLICATE


# text → why it is not read
UNREAD = {
    "a=%ff": UNREADABLE,
    "a=%0d%0aX": UNREADABLE,
    "a=%00": UNREADABLE,
    "%0a=1": UNREADABLE,
    "a=%09": UNREADABLE,
    "a=" + "x" * LONGEST: TOO_LARGE,
    "&".join(f"a{number}=1" for number in range(MOST_PARAMETERS + 1)): UNREADABLE,
}


@pytest.mark.parametrize("text", UNREAD, ids=lambda text: text[:12])
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        Parameters.of(text)
    assert refused.value.cause is UNREAD[text]


def test_json_may_stand_on_several_lines() -> None:
    assert Parameters.of("claims=%7B%0A%7D").get("claims") == "{\n}"


def test_words_are_separated_by_blanks() -> None:
    assert Parameters.of("scope=openid++profile").words("scope") == ("openid", "profile")
    assert Parameters.of("").words("scope") == ()


PLAIN = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@given(st.dictionaries(PLAIN, PLAIN, max_size=8))
def test_what_was_written_is_read(pairs: dict[str, str]) -> None:
    assert Parameters.of(urlencode(pairs)).values == pairs


TEXTS = st.text(st.sampled_from("ab=&%+ 0dDfFé\t%26~._-/"), max_size=40)


@given(TEXTS)
def test_a_query_is_read_as_urllib_reads_it(text: str) -> None:
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        expected = [("", "\0")]
    if any(ord(letter) < 32 for pair in expected for letter in "".join(pair)):
        with pytest.raises(Refusal):
            Parameters.of(text)
        return
    names = [name for name, _ in expected]
    parameters = Parameters.of(text)
    assert parameters.values == {name: value for name, value in expected if value}
    assert parameters.repeated == {name for name in names if names.count(name) > 1}


@given(st.lists(st.tuples(st.text(), st.text())))
def test_a_query_is_written_as_urllib_writes_it(pairs: list[tuple[str, str]]) -> None:
    printable = [(name, value) for name, value in pairs if (name + value).isprintable()]
    assert query(printable) == urlencode(printable)
