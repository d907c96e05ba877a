"""Signing out, decided: over HTTP it is in tests/conformance/test_logout_*.py."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import logout
from sso.effects import PostForm, Redirect, ShowPage
from sso.keys import KeyRing, Signer, new_ring
from sso.logout import Wish
from sso.model import Client, LogoutDelivery, Participation
from sso.parameters import Parameters
from sso.refusals import Refusal
from tests.sso.specimens import DELIVERY, NOW, SESSION

ISSUER = "https://dangnhap.example"
OUT = "https://langson.example/out"
CLIENTS: Mapping[str, Client] = {
    "langson": Client(
        "langson",
        {"vi": "Lạng Sơn"},
        "ls",
        post_logout_redirect_uris=(OUT,),
        backchannel_logout_uri="https://ls.example/b",
    ),
    "hanoi": Client("hanoi", {"vi": "Hà Nội"}, "hn", frontchannel_logout_uri="https://hn.example/f?x=1"),
    "hue": Client("hue", {"vi": "Huế"}, "hue"),
}
PARTS = {name: Participation(name, f"sid-{name}", NOW) for name in ("langson", "hanoi", "hue", "of yesterday")}
BOTH = replace(SESSION, participations=PARTS)


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    numbers = itertools.count()
    return new_ring(NOW, lambda: f"{next(numbers):043}")


@pytest.fixture(scope="module")
def signer(ring: KeyRing) -> Signer:
    return Signer(ring)


def counted() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"id-{next(numbers)}"


def hint(signer: Signer, **changes: Any) -> str:
    return signer.sign({"iss": ISSUER, "aud": "langson", "sub": "s", "sid": "sid-langson", **changes}, typ="JWT")


def asked(signer: Signer, **parameters: str) -> Wish:
    return logout.asked(Parameters(parameters), BOTH, clients=CLIENTS, signer=signer, issuer=ISSUER)


@pytest.mark.parametrize(
    ("changes", "named", "proven"),
    [
        ({}, None, True),
        ({}, "langson", True),
        ({"sid": "sid-hanoi"}, None, False),  # the sid of another client's part
        ({"sid": None}, None, False),
        ({"aud": "hue", "sid": "sid-langson"}, None, False),
        ({"aud": "hue", "sid": "sid-hue"}, None, True),
    ],
)
def test_only_a_hint_of_this_very_session_saves_the_question(
    signer: Signer, changes: dict[str, Any], named: str | None, *, proven: bool
) -> None:
    parameters = {"id_token_hint": hint(signer, **changes)} | ({"client_id": named} if named else {})
    assert asked(signer, **parameters).proven is proven


@pytest.mark.parametrize(
    ("changes", "named", "code"),
    [
        ({"aud": ["langson", "hue"]}, None, "DN-186"),
        ({"aud": "of yesterday"}, None, "DN-186"),
        ({}, "hue", "DN-186"),
        ({"iss": "https://evil.example"}, None, "DN-185"),
    ],
)
def test_a_hint_that_fits_nobody_is_refused(
    signer: Signer, changes: dict[str, Any], named: str | None, code: str
) -> None:
    parameters = {"id_token_hint": hint(signer, **changes)} | ({"client_id": named} if named else {})
    with pytest.raises(Refusal) as caught:
        asked(signer, **parameters)
    assert caught.value.cause.speakable == code


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_nobody_is_sent_where_a_request_says(uri: str) -> None:
    for parameters in ({"client_id": "langson"}, {}):
        try:
            wish = asked(_SIGNER, **parameters, post_logout_redirect_uri=uri, state="s")
        except Refusal:
            continue
        assert wish.back_to in {"", f"{OUT}?state=s"}


_SIGNER = Signer(new_ring(NOW, lambda: "A" * 43))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.integers(0, NOW))
def test_nothing_but_our_own_page_answers(text: str, now: int) -> None:
    with pytest.raises(Refusal):
        logout.answered(Parameters({"wish": text, "answer": "yes"}), BOTH, signer=_SIGNER, now=now)
    assert logout.returned(text, signer=_SIGNER, now=now) == Wish()


def test_one_sealed_value_does_not_stand_in_for_another(signer: Signer) -> None:
    state = logout.return_state(Wish(back_to=OUT), signer=signer, now=NOW)
    with pytest.raises(Refusal):
        logout.answered(Parameters({"wish": state, "answer": "yes"}), BOTH, signer=signer, now=NOW)
    page = logout.question(Wish(), BOTH, name="", signer=signer, now=NOW)
    fields: Any = page.facts["fields"]
    assert logout.returned(dict(fields)["wish"], signer=signer, now=NOW) == Wish()


def test_a_question_keeps_what_was_asked_until_it_is_answered(signer: Signer) -> None:
    wish = Wish("langson", f"{OUT}?state=s")
    page = logout.question(wish, BOTH, name="Lạng Sơn", signer=signer, now=NOW)
    fields: Any = page.facts["fields"]
    yes = Parameters(dict(fields) | {"answer": "yes"})
    assert logout.answered(yes, BOTH, signer=signer, now=NOW + 900) == replace(wish, proven=True)
    assert logout.answered(Parameters(dict(fields)), BOTH, signer=signer, now=NOW) is None
    for late, session in ((901, BOTH), (0, replace(BOTH, id="another"))):
        with pytest.raises(Refusal):
            logout.answered(yes, session, signer=signer, now=NOW + late)
    assert OUT not in repr(page.facts)


def test_frames_tell_the_clients_that_want_it_and_the_way_goes_on_behind_them() -> None:
    effect = logout.done(Wish("langson", OUT), BOTH, clients=CLIENTS, issuer=ISSUER)
    assert isinstance(effect, ShowPage)
    frames: Any = effect.facts["frames"]
    assert len(frames) == 1
    assert dict(parse_qsl(urlsplit(frames[0]).query)) == {"x": "1", "iss": ISSUER, "sid": "sid-hanoi"}
    assert effect.facts["continue_to"] == OUT


@pytest.mark.parametrize("wish", [Wish(), Wish("langson", OUT)])
def test_the_cookie_goes_whatever_comes_next(wish: Wish) -> None:
    upstream = "https://home.example/end?a=b%20c"
    only = replace(SESSION, participations={})
    for session, address, token in itertools.product((BOTH, only), (None, upstream), (None, "e.y.J")):
        effect = logout.done(wish, session, clients=CLIENTS, issuer=ISSUER, upstream=address, id_token=token)
        assert [(cookie.name, cookie.value) for cookie in effect.cookies] == [("session", "")]
        if isinstance(effect, Redirect):
            assert "e.y.J" not in effect.uri
        if isinstance(effect, PostForm):
            assert effect.fields == (("a", "b c"), ("id_token_hint", "e.y.J"))


# Clients are told


def test_each_client_that_wants_to_hear_is_told_by_the_name_it_knows(ring: KeyRing) -> None:
    salts = {salt.version: salt for salt in ring.salts}
    (one,) = logout.deliveries_for(BOTH, CLIENTS, salts=salts, now=NOW, secrets=counted())
    assert (one.id, one.client, one.uri, one.sid) == ("id-0", "langson", "https://ls.example/b", "sid-langson")
    assert len(one.subject) == 43
    assert SESSION.identity.subject not in one.subject
    assert logout.deliveries_for(BOTH, CLIENTS, salts=salts, now=NOW, secrets=counted(), besides=["langson"]) == ()


def test_a_delivery_is_tried_later_and_later_for_a_day_and_no_longer() -> None:
    delivery, pauses = DELIVERY, list[int]()
    now = DELIVERY.created_at
    while delivery.state == "waiting":
        delivery = logout.tried(delivery, "timeout", now)
        pauses.append(delivery.next_at - now)
        now = delivery.next_at
    assert pauses[:6] == [2, 4, 8, 16, 32, 64]
    assert pauses == sorted(pauses)
    assert max(pauses) == logout.LONGEST_PAUSE_SECONDS
    assert delivery.state == "given-up"
    assert logout.GIVE_UP_SECONDS - 601 < now - DELIVERY.created_at <= logout.GIVE_UP_SECONDS + 601


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        LogoutDelivery,
        **dict.fromkeys(("id", "client", "uri", "sid", "subject"), st.just("x")),
        created_at=st.just(NOW),
        attempts=st.integers(0, 10_000),
    )
)
def test_a_delivery_that_arrived_is_done(delivery: LogoutDelivery) -> None:
    done = logout.tried(delivery, "", NOW)
    assert (done.state, done.last_error, done.attempts) == ("delivered", "", delivery.attempts + 1)


# An upstream's word

GOOD: dict[str, Any] = {"iat": NOW, "jti": "j", "sub": "acc", "sid": "up-1", "events": {logout.EVENT: {}}}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "exp", "nonce"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.just({}),
    )
)
def test_a_logout_token_is_judged_whatever_stands_in_it(changes: dict[str, Any]) -> None:
    try:
        meant = logout.judged(GOOD | changes, NOW)
    except Refusal:
        return  # and never another exception
    assert "nonce" not in changes
    assert meant.jti
    assert meant.subject or meant.sid


@pytest.mark.parametrize(
    ("subject", "sid", "concerned"),
    [("acc-7f3a", None, True), (None, "up-1", True), ("acc-7f3a", "up-1", True), ("somebody", "elsewhere", False)],
)
def test_a_session_is_meant_by_subject_or_sid(subject: str | None, sid: str | None, *, concerned: bool) -> None:
    assert logout.UpstreamLogout("j", subject, sid).concerns(SESSION) is concerned
