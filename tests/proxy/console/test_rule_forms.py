"""A rule as lines that an officer types: nothing is lost on the way there and back, and mistakes name their field."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.console.calls import Fields, Mistake
from proxy.console.rule_forms import RuleForm, lead_of, lead_text, toml_of
from redirect_rules.objects import Kind
from redirect_rules.packs import Packs
from redirect_rules.seeding import packs_of

HOSTS = {"dichvucong.langson.gov.vn"}
NAMED = {"home", "procedure", "procedure-list"}
GOOD = RuleForm(
    owner="langson",
    id="cu",
    addresses="https://dichvucong.langson.gov.vn/cu\n/xem?id=17",
    action="notice",
    leads="home",
    reason="asked for",
)


def body_from(form: RuleForm) -> dict[str, object]:
    return form.body(is_family=False, hosts=HOSTS, destinations=NAMED)


def test_every_shipped_rule_is_the_same_after_it_went_through_the_form(packs: Packs) -> None:
    names = packs.snapshot.destinations.by_name.keys()
    seen = 0
    for pack in packs_of(packs.sources):
        for ref, body in pack.objects.items():
            if ref.kind is not Kind.RULE:
                continue
            whose, _, owner = ref.scope.partition(":")
            form = replace(RuleForm.of(owner, body, version=1, off=False), reason="to see that nothing is lost")
            assert form.body(is_family=whose == "family", hosts=(), destinations=names) == body, ref
            seen += 1
    assert seen > 50


def test_addresses_are_taken_whole_or_as_paths() -> None:
    body = body_from(GOOD)
    assert body["exact"] == ["/cu", "/xem?id=17"]
    assert "paths" not in body


def test_one_hole_makes_all_of_them_templates() -> None:
    body = body_from(replace(GOOD, addresses="https://dichvucong.langson.gov.vn/cu\n\n  /tin/{id:number}  "))
    assert body["paths"] == ["/cu", "/tin/{id:number}"]
    assert "exact" not in body


def test_a_rule_of_templates_stays_one_when_its_last_hole_goes() -> None:
    """Otherwise correcting its note would let it win over rules that it used to yield to."""
    form = RuleForm.of("langson", {"id": "cu", "action": "notice", "paths": ["/cu"]}, version=1, off=False)
    assert body_from(replace(form, leads="home", reason="r"))["paths"] == ["/cu"]


MISTAKES = [
    ({"id": ""}, "id", "required"),
    ({"reason": ""}, "reason", "required"),
    ({"addresses": ""}, "addresses", "required"),
    ({"addresses": "https://evil.example/x"}, "addresses", "dichvucong.langson.gov.vn"),
    ({"addresses": "cu/xem"}, "addresses", "begin with /"),
    ({"addresses": "/tin/{id:nothing}"}, "addresses", "nothing"),
    ({"addresses": "/tin/{id:number}\n/xem?id=17"}, "addresses", "has no ?"),
    ({"leads": "nowhere"}, "leads", "nowhere"),
    ({"leads": "procedure code"}, "leads", "name=value"),
    ({"leads": "procedure code='1"}, "leads", "close the quotes"),
    ({"conditions": "when ="}, "conditions", "no TOML"),
    ({"conditions": "action = 'pass'"}, "conditions", "only query, when and regex"),
    ({"valid_from": "yesterday"}, "valid_from", "instant"),
    ({"valid_until": "32/13/2026"}, "valid_until", "instant"),
    ({"action": "explode"}, "action", "action"),
    ({"id": "Not An Id"}, "id", "id"),
]


@pytest.mark.parametrize(("typed", "field", "say"), MISTAKES, ids=[str(typed) for typed, _, _ in MISTAKES])
def test_a_mistake_names_the_field_and_what_is_wrong(typed: dict[str, str], field: str, say: str) -> None:
    body_from(GOOD)
    with pytest.raises(Mistake) as refusal:
        body_from(replace(GOOD, **typed))  # type: ignore[arg-type]
    assert {name for name, _ in refusal.value.wrong} == {field}
    assert any(say in text for _, text in refusal.value.wrong)


def test_several_mistakes_are_told_at_once() -> None:
    with pytest.raises(Mistake) as refusal:
        body_from(replace(GOOD, id="", reason="", addresses="x", valid_from="y"))
    assert [name for name, _ in refusal.value.wrong] == ["id", "reason", "addresses", "valid_from"]


def test_a_form_is_read_from_what_a_browser_sends() -> None:
    form = RuleForm.read(Fields([("owner", " langson "), ("id", "cu"), ("version", "7"), ("off", "on")]))
    assert (form.owner, form.id, form.version, form.off) == ("langson", "cu", 7, True)


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda name: name not in {"destination", "url"})


@given(NAMES, st.dictionaries(NAMES, VALUES, max_size=3))
def test_a_wish_is_the_same_after_it_was_written_and_read(destination: str, arguments: dict[str, str]) -> None:
    lead = {"destination": destination, **arguments} if arguments else destination
    assert lead_of(lead_text(lead)) == lead


def test_values_are_written_as_toml_reads_them() -> None:
    assert toml_of({"type": "text", "from": ["khóa", 'a"b']}) == '{ "type" = "text", "from" = ["khóa", "a\\"b"] }'
