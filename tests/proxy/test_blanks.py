"""A template that only says a value can be read with a blank in its place; one that looks at it any other way refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.blanks import UNSAID, CannotBeBlank, Sheet
from proxy.layouts import environment_for

ENVIRONMENT = environment_for()

VALUES = (
    "https://dichvucong.gov.vn/a/b?c=d&e",
    "https://dichvucong.gov.vn/",
    "/vi/thủ tục?x='\"<>&amp;\\",
    "</script>{{ 7 }}{% x %}\u2028\n\t'\"\\u003c",
    "Tỉnh Lạng Sơn",
)


def plain(source: str, value: str) -> str:
    return ENVIRONMENT.from_string(source).render(value=value, lang="vi")


def filled(source: str, value: str) -> str:
    """The same, of a template that was read with a blank."""
    sheet = Sheet()
    with sheet.in_hand():
        page = ENVIRONMENT.from_string(source).render(value=sheet.blank(0), lang="vi")
    texts, numbers, spots = sheet.cut(page)
    said = [wording(value) for _, wording in spots]
    if "" in said:
        raise CannotBeBlank("worded as nothing")
    first, *others = texts
    return first + "".join(said[number] + text for number, text in zip(numbers, others, strict=True))


SAYS = [
    "{{ value }}",
    "<a title=\"{{ value }}\" lang='{{ value }}'>{{ value|e }}</a>",
    "{{ value|inside('vi') }}, {{ value|inside('en') }}",
    "{{ value|breakable }}",
    "data='{{ {'a': value, 'b': [value, 1, none]}|tojson }}'",
    "{{ value|tojson }}",
    "{{ 'a<' ~ value ~ '>b' }}",
    "{% set captured %}<b>{{ value }}</b>{% endset %}{{ captured }}{{ captured }}{{ captured ~ 'x' }}",
    "{% macro say(what) %}[{{ what }}]{% endmacro %}{{ say(value) }}{{ say('&') }}",
    "{% if value %}{{ value }}{% else %}nothing{% endif %}",
    "{{ value or 'nothing' }}{{ value if value is not none else 'nothing' }}",
    "{% for a, b in [('1', value), ('2', 'x')] if a != '2' %}{{ a }}{{ b }}{% endfor %}",
    "{% if [value, value]|length > 1 %}{{ value }}{% endif %}",
    "{{ [value, 'x'][0] }}",
    "no value at all",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("source", SAYS)
def test_what_is_said_may_be_blank(source: str, value: str) -> None:
    assert filled(source, value) == plain(source, value)


@given(st.text(min_size=1, max_size=60))
def test_whatever_the_value_is_it_is_worded_as_the_template_would(value: str) -> None:
    for source in SAYS:
        try:
            made = filled(source, value)
        except CannotBeBlank:
            continue  # worded as nothing
        assert made == plain(source, value)


@pytest.mark.parametrize("value", VALUES[:2])
@pytest.mark.parametrize("source", ["{{ value|href }}", "{% for p in value|address %}({{ p }}){% endfor %}"])
def test_addresses_are_judged_and_taken_apart_when_they_are_filled_in(source: str, value: str) -> None:
    assert filled(source, value) == plain(source, value)


def test_an_address_that_must_not_become_a_link_does_not_become_one_later_either() -> None:
    for made in (plain, filled):
        with pytest.raises(ValueError, match="must not become a link"):
            made("{{ value|href }}", "javascript:alert(1)")


def test_a_code_is_drawn_of_the_value() -> None:
    source = "{% set code = qr(value) %}{% if code %}<img src='{{ code.image }}' width='{{ code.size }}'>{{ code.path }}{% endif %}"
    assert filled(source, VALUES[0]) == plain(source, VALUES[0])
    with pytest.raises(CannotBeBlank):
        filled(source, "https://dichvucong.gov.vn/" + "x" * 400)  # of which there is no code


LOOKS = [
    "{{ value == 'x' }}",
    "{{ 'x' in value }}",
    "{{ value in ('x', 'y') }}",
    "{{ value < 'x' }}",
    "{{ value|length }}",
    "{{ value|upper }}",
    "{{ value|e|upper }}",
    "{{ value|replace('a', 'b') }}",
    "{{ value|truncate(5) }}",
    "{{ value|urlencode }}",
    "{{ [value]|join(',') }}",
    "{{ [value]|map('upper')|list }}",
    "{{ 'x'|replace('x', value) }}",
    "{{ value[0] }}",
    "{{ value[1:3] }}",
    "{{ value.upper() }}",
    "{{ value + 'x' }}",
    "{{ 'x' * value }}",
    "{{ '%s' % value }}",
    "{{ value|string|length }}",
    "{{ value is string }}",
    "{{ value is eq 'x' }}",
    "{% for letter in value %}{{ letter }}{% endfor %}",
    "{% filter upper %}{{ value }}{% endfilter %}",
    "{% set x | upper %}{{ value }}{% endset %}{{ x }}",
    "{% set x %}{{ value }}{% endset %}{{ x == 'a' }}",
    "{% set x %}{{ value }}{% endset %}{{ x|length }}",
    "{% set x %}{{ value }}{% endset %}{{ x[:3] }}",
    "{% set x %}{{ value }}{% endset %}{{ x.upper() }}",
    "{% set x %}{{ value }}{% endset %}{{ x|tojson }}",
    "{% set x %}{{ value }}{% endset %}{{ x|address }}",
    "{% set x %}{{ value }}{% endset %}{{ qr(x) }}",
    "{% set x %}{{ value }}{% endset %}{% for letter in x %}{{ letter }}{% endfor %}",
    "{% macro m(x) %}{% if x == 'a' %}1{% endif %}{% endmacro %}{% set y %}{{ value }}{% endset %}{{ m(y) }}",
    "{% set a, b, c = value|address %}{% if c %}a path{% endif %}",
    "{{ {value: 1}|tojson }}",
    "{% for x in [1, 2] %}{{ loop.changed(value) }}{% endfor %}",
]


@pytest.mark.parametrize("source", LOOKS)
def test_what_is_looked_at_may_not_be_blank(source: str) -> None:
    with pytest.raises((CannotBeBlank, TypeError)):
        filled(source, VALUES[0])


def test_a_text_with_a_sign_of_ours_is_not_taken_for_a_blank() -> None:
    for text in ("\ue000", "\ue001", "\ue0007\ue001", "\ue000x\ue001"):
        sheet = Sheet()
        sheet.blank(0)
        with pytest.raises(CannotBeBlank):
            sheet.cut(f"a{text}b")


@pytest.mark.parametrize(
    "look", [bool, len, list, str, repr, hash, lambda unsaid: unsaid == (), lambda unsaid: () in unsaid]
)
def test_where_there_can_be_no_blank_nothing_may_be_looked_at(look: Any) -> None:
    with pytest.raises(CannotBeBlank):
        look(UNSAID)


def test_templates_without_blanks_are_as_free_as_ever() -> None:
    impossible = {"{{ 'x' * value }}", "{{ '%s' % value }}", "{{ [value]|map('upper')|list }}"}
    for source in (*SAYS, *LOOKS):
        if source not in impossible:
            assert plain(source, "https://a.vn/x") is not None
    assert plain("{{ value == 'a' }}{{ value|upper }}{{ value[:1] }}", "a") == "TrueAa"
