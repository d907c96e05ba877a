"""How a client comes into force: the steps as a table, and that nobody takes two of them who must not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.enrolment import HARMLESS, Enrolment, agreed, asked, declined, differing, suspended
from redirect_rules.objects import Change
from redirect_rules.publications import FourEyes, WrongState
from tests.conftest import AUTUMN

FIRST = {"id": "a", "name": {"vi": "A"}, "redirect_uris": ["https://a.example/cb"], "level": 2}
MATTERS = {
    "redirect_uris": ["https://a.example/other"],
    "post_logout_redirect_uris": ["https://a.example/bye"],
    "attributes": ["name"],
    "level": 1,
    "jwks": {"keys": []},
    "secret_digests": ["0" * 64],
    "backchannel_logout_uri": "https://a.example/logout",
    "frontchannel_logout_uri": "https://a.example/logout",
    "sector": "b",
    "portals": ["langson"],
    "legal_basis": "another",
    "consent": "once",
}


def by(actor: str, minutes: int = 0) -> Change:
    return Change(actor, "because", AUTUMN + timedelta(minutes=minutes))


def in_force() -> Enrolment:
    return agreed(asked(Enrolment(), FIRST, by("an")), by("binh"))


def test_what_one_asks_for_serves_when_another_agrees() -> None:
    waiting = asked(Enrolment(), FIRST, by("an"))
    assert (waiting.serving, waiting.wanted, waiting.asked_by, waiting.did) == (None, FIRST, "an", "asked")
    assert agreed(waiting, by("binh")) == Enrolment(serving=FIRST, did="agreed")


@pytest.mark.parametrize("actor", ["an", "AN", " an "])
def test_nobody_agrees_with_themself(actor: str) -> None:
    with pytest.raises(FourEyes, match="somebody else"):
        agreed(asked(Enrolment(), FIRST, by("an")), by(actor))


@pytest.mark.parametrize("key", MATTERS)
def test_whatever_matters_waits_for_another(key: str) -> None:
    waiting = asked(in_force(), {**FIRST, key: MATTERS[key]}, by("an"))
    assert waiting.serving == FIRST
    assert waiting.wanted is not None
    assert key not in HARMLESS


def test_a_new_name_waits_for_nobody_but_goes_with_what_waits_already() -> None:
    renamed = {**FIRST, "name": {"vi": "B"}}
    assert asked(in_force(), renamed, by("an")).serving == renamed
    waiting = asked(in_force(), {**FIRST, "level": 1}, by("an"))
    assert asked(waiting, {**renamed, "level": 1}, by("an")).serving == FIRST
    assert asked(waiting, renamed, by("an")).serving == FIRST


def test_who_changes_a_wish_answers_for_it_and_the_first_may_agree() -> None:
    waiting = asked(asked(Enrolment(), FIRST, by("an")), {**FIRST, "level": 1}, by("binh"))
    with pytest.raises(FourEyes):
        agreed(waiting, by("binh"))
    assert agreed(waiting, by("an")).serving == {**FIRST, "level": 1}


def test_declined_is_as_before() -> None:
    assert declined(asked(in_force(), {**FIRST, "level": 1}, by("an"))) == replace(in_force(), did="declined")


def test_out_of_service_by_one_and_back_by_two() -> None:
    out = suspended(in_force())
    assert out.suspended
    waiting = asked(out, FIRST, by("an"))
    assert waiting.suspended, "asking is not enough"
    with pytest.raises(FourEyes):
        agreed(waiting, by("an"))
    assert agreed(waiting, by("binh")) == in_force()


def test_what_was_asked_for_before_brings_it_back_by_nobodys_oversight() -> None:
    out = suspended(asked(in_force(), {**FIRST, "level": 1}, by("an")))
    assert out.wanted is None
    with pytest.raises(WrongState):
        agreed(out, by("binh"))


def test_a_new_name_does_not_bring_it_back() -> None:
    out = asked(suspended(in_force()), {**FIRST, "name": {"vi": "B"}}, by("an"))
    assert out.suspended
    assert out.serving == FIRST


def test_one_that_only_a_file_knows_can_be_suspended() -> None:
    assert suspended(Enrolment(), FIRST) == Enrolment(serving=FIRST, suspended=True, did="suspended")


IMPOSSIBLE = {
    "agreeing where nothing waits": lambda: agreed(in_force(), by("binh")),
    "declining where nothing waits": lambda: declined(in_force()),
    "asking for what serves": lambda: asked(in_force(), dict(FIRST), by("an")),
    "suspending twice": lambda: suspended(suspended(in_force())),
    "suspending what never served": lambda: suspended(Enrolment()),
}


@pytest.mark.parametrize("step", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_makes_no_sense_is_refused(step: object) -> None:
    with pytest.raises(WrongState):
        step()  # type: ignore[operator]


def test_what_is_kept_comes_back() -> None:
    for one in (Enrolment(), in_force(), asked(in_force(), {**FIRST, "level": 1}, by("an")), suspended(in_force())):
        assert Enrolment.of(one.body) == one


def test_the_keys_that_differ() -> None:
    assert differing(FIRST, {**FIRST, "level": 1, "jwks": None}) == {"level"}
    assert differing(None, FIRST) == FIRST.keys()


STEPS = st.lists(st.tuples(st.sampled_from(["ask", "agree", "decline", "suspend"]), st.sampled_from(["an", "binh"])))


@given(STEPS)
def test_whatever_they_do_nothing_serves_that_one_person_alone_wanted(steps: list[tuple[str, str]]) -> None:
    enrolment, wished, levels = Enrolment(), dict[int, str](), iter(range(10_000))
    for step, actor in steps:
        before = enrolment
        try:
            match step:
                case "ask":
                    level = next(levels)
                    enrolment = asked(enrolment, {**FIRST, "level": level}, by(actor))
                    wished[level] = actor
                case "agree":
                    enrolment = agreed(enrolment, by(actor))
                case "decline":
                    enrolment = declined(enrolment)
                case _:
                    enrolment = suspended(enrolment)
        except (WrongState, FourEyes):
            continue
        came_to_serve = enrolment.serving is not None and enrolment.serving != before.serving
        came_back = before.suspended and not enrolment.suspended
        if came_to_serve or came_back:
            assert enrolment.serving is not None
            assert wished[enrolment.serving["level"]] != actor
